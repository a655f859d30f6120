//! Answers in a tenth of the bytes, for whoever takes them so.

use std::io::Write as _;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Whether an answer may be compressed.
#[must_use]
pub fn is_accepted(headers: &HeaderMap) -> bool {
    let is_gzip = |encoding: &str| {
        let (name, weight) = encoding.split_once(';').unwrap_or((encoding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    };
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(is_gzip)
}

/// Compresses, sooner rather than as far as can be.
///
/// # Errors
/// None that writing into memory could have.
pub fn compress(plain: &[u8]) -> std::io::Result<Bytes> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(plain)?;
    Ok(gzip.finish()?.into())
}

/// A layer that compresses whole answers. Not for streams: it waits for their end.
pub async fn layer(request: Request, next: Next) -> Response {
    let is_accepted = is_accepted(request.headers());
    let (mut head, body) = next.run(request).await.into_parts();
    head.headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    if !is_accepted {
        return Response::from_parts(head, body);
    }
    let compressed = to_bytes(body, usize::MAX).await.map_err(axum::BoxError::from);
    match compressed.and_then(|plain| compress(&plain).map_err(axum::BoxError::from)) {
        Ok(gzip) => {
            head.headers.remove(CONTENT_LENGTH);
            head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Response::from_parts(head, Body::from(gzip))
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_whoever_names_it_and_does_not_refuse_it() {
        let is_accepted = |accepted: &'static str| {
            is_accepted(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accepted))]))
        };
        for accepted in ["gzip", "deflate, GZIP;q=0.5", "gzip; q=1, *;q=0"] {
            assert!(is_accepted(accepted), "{accepted}");
        }
        for refused in ["", "identity", "gzip;q=0", "br, gzip; q=0.0", "x-gzip-not", "gzip;q=much"] {
            assert!(!is_accepted(refused), "{refused}");
        }
    }
}

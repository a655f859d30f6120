//! The live page at `/`: a few files without a build step, shown by the browser from the API and its events.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Nothing but these files may be loaded, and nobody may frame them.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of the page.
#[derive(Clone, Copy, Debug)]
struct File {
    path: &'static str,
    content_type: &'static str,
    text: &'static str,
}

macro_rules! file {
    ($path:literal, $name:literal, $content_type:expr) => {
        File { path: $path, content_type: $content_type, text: include_str!(concat!("page/", $name)) }
    };
}

const FILES: [File; 18] = [
    file!("/", "index.html", HTML),
    file!("/page/page.css", "page.css", CSS),
    file!("/page/charts.css", "charts.css", CSS),
    file!("/page/icon.svg", "icon.svg", SVG),
    file!("/page/axis.js", "axis.js", JAVASCRIPT),
    file!("/page/page.js", "page.js", JAVASCRIPT),
    file!("/page/dom.js", "dom.js", JAVASCRIPT),
    file!("/page/delay.js", "delay.js", JAVASCRIPT),
    file!("/page/figures.js", "figures.js", JAVASCRIPT),
    file!("/page/flow.js", "flow.js", JAVASCRIPT),
    file!("/page/hues.js", "hues.js", JAVASCRIPT),
    file!("/page/layout.js", "layout.js", JAVASCRIPT),
    file!("/page/owners.js", "owners.js", JAVASCRIPT),
    file!("/page/partitions.js", "partitions.js", JAVASCRIPT),
    file!("/page/stream.js", "stream.js", JAVASCRIPT),
    file!("/page/timeline.js", "timeline.js", JAVASCRIPT),
    file!("/page/wording.js", "wording.js", JAVASCRIPT),
    file!("/page/world.js", "world.js", JAVASCRIPT),
];

/// The routes.
pub(crate) fn routes() -> Router {
    FILES.into_iter().fold(Router::new(), |router, file| {
        let tag = tag(file.text);
        router.route(file.path, get(async move |headers: HeaderMap| answer(file, &tag, &headers)))
    })
}

/// Changes with the text.
fn tag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

fn answer(file: File, tag: &str, headers: &HeaderMap) -> Response {
    // A browser asks each time whether its copy is still right: so a new monitor's page is never mixed with an old one's.
    let always = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, always).into_response();
    }
    (always, [(header::CONTENT_TYPE, file.content_type)], file.text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small() {
        let bytes: usize = FILES.iter().map(|file| file.text.len()).sum();
        assert!(bytes < 100 * 1024, "{bytes} bytes");
    }

    #[test]
    fn it_needs_nothing_from_elsewhere() {
        for File { path, text, .. } in FILES {
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for outside in ["http:", "https:", "\"//", "'//", "<style", " style=", " onclick="] {
                assert!(!text.contains(outside), "{path} has {outside}");
            }
        }
    }

    #[test]
    fn every_file_that_one_names_is_served() {
        for File { path, text, .. } in FILES {
            let names = text.split(['"', '\'']).filter(|name| name.starts_with("./") || name.starts_with("page/"));
            for name in names {
                let named = format!("/page/{}", name.trim_start_matches("./").trim_start_matches("page/"));
                assert!(FILES.iter().any(|file| file.path == named), "{path} names {name}");
            }
        }
    }

    #[test]
    fn a_copy_that_is_still_right_is_not_sent_again() {
        let ask = |tag: &str| {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag.parse().unwrap())]);
            answer(FILES[0], "\"1\"", &headers).status().as_u16()
        };
        assert_eq!((ask("\"1\""), ask("W/\"0\", W/\"1\""), ask("\"2\"")), (304, 304, 200));
    }
}

//! What a scrape costs.

use std::time::{Duration, Instant};

use axum::Router;
use tokio::net::TcpListener;

/// The most bytes one may take, compressed.
const LARGEST: usize = 100 * 1024;

/// The longest one may take.
const LONGEST: Duration = Duration::from_millis(5);

/// What Prometheus likes best, and what it takes too.
const PROMETHEUS_ACCEPT: &str = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3";

/// Who does not answer for so long never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many times it may be tried: a busy machine delays some.
const TRIES: usize = 100;

/// Asserts that a scrape of the router's `/metrics`, as Prometheus does it, is below 100 KiB and takes less than 5 ms,
/// and returns the page that whoever does not accept gzip gets.
///
/// # Panics
/// Where it is not.
pub async fn assert_scrape_is_cheap(router: Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        let begun = Instant::now();
        let asked = client.get(&url).header("accept-encoding", "gzip").header("accept", PROMETHEUS_ACCEPT);
        let answer = asked.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["content-encoding"]), (200, &"gzip".parse().unwrap()));
        let bytes = answer.bytes().await.unwrap();
        best = best.min(begun.elapsed());
        assert!(bytes.starts_with(&[0x1f, 0x8b]), "it is gzip");
        assert!(bytes.len() < LARGEST, "{} bytes", bytes.len());
        if best < LONGEST {
            break;
        }
    }
    assert!(best < LONGEST, "the quickest of {TRIES} took {best:?}");
    let plain = client.get(&url).send().await.unwrap();
    assert_eq!(plain.headers().get("content-encoding"), None);
    plain.text().await.unwrap()
}

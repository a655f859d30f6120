//! A client of the stream of events.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::Contract;

const PATH: &str = "/api/v1/events";

/// An open stream.
pub(crate) struct Events {
    response: reqwest::Response,
    unread: String,
}

impl Events {
    pub(crate) async fn open(address: SocketAddr, query: &str) -> Self {
        let response = reqwest::get(format!("http://{address}{PATH}{query}")).await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, unread: String::new() }
    }

    /// The next event's id and data; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<(u64, Value)> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.unread = rest;
                // What begins with a colon only shows that the stream lives.
                if !event.starts_with(':') {
                    return Some(parse(&event));
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await;
            let chunk = chunk.expect("the stream is silent").ok().flatten()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

fn parse(event: &str) -> (u64, Value) {
    let field = |name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("there is no {name} in {event:?}"))
    };
    assert_eq!(field("event"), "group");
    let data = serde_json::from_str(field("data")).unwrap();
    Contract::assert_event(PATH, &data);
    (field("id").parse().unwrap(), data)
}

//! Where each symbol goes, as the producer tells. Nobody else knows: the monitor reads offsets, and no records.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::commit_metadata::now_ms;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

/// The producer is not asked again before, however many look on.
const FRESH: Duration = Duration::from_secs(1);

/// How long the producer may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The one who knows, if there is one.
#[derive(Clone, Debug)]
pub(crate) struct Symbols {
    producer: Option<(reqwest::Client, Url)>,
    last: Arc<Mutex<Option<Told>>>,
}

/// What was told, and when.
type Told = (Instant, Arc<SymbolsView>);

/// Where each symbol went so far, or why that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SymbolsView {
    /// When the producer told it, in milliseconds since 1970.
    pub(crate) at_ms: Option<i64>,
    /// The topic it sends to.
    pub(crate) topic: Option<String>,
    /// By symbol, then partition.
    pub(crate) routes: Option<Vec<Route>>,
    /// Why it is not known, where it is not.
    pub(crate) reason: Option<String>,
}

/// Where a symbol's updates went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Route {
    /// The symbol.
    pub(crate) symbol: String,
    /// The partition.
    pub(crate) partition: i32,
    /// How many of its updates that has.
    pub(crate) updates: u64,
}

/// The producer's `GET /routing`.
#[derive(Deserialize)]
struct Routing {
    topic: String,
    routes: Vec<Route>,
}

impl Symbols {
    /// Those of the producer at an address such as `http://producer`, or of none.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub(crate) fn new(producer: Option<&Url>) -> Result<Self, reqwest::Error> {
        let client = || reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build();
        let producer = producer.map(|url| Ok((client()?, url.clone()))).transpose()?;
        Ok(Self { producer, last: Arc::default() })
    }

    /// What the producer tells now.
    pub(crate) async fn now(&self) -> Arc<SymbolsView> {
        // Who comes meanwhile waits and gets the same answer.
        let mut last = self.last.lock().await;
        if let Some((asked, view)) = &*last
            && asked.elapsed() < FRESH
        {
            return Arc::clone(view);
        }
        let view = Arc::new(self.ask().await);
        *last = Some((Instant::now(), Arc::clone(&view)));
        view
    }

    async fn ask(&self) -> SymbolsView {
        let unknown = |reason| SymbolsView { reason: Some(reason), ..SymbolsView::default() };
        let Some((client, producer)) = &self.producer else {
            return unknown("PRODUCER_URL names no producer to ask".to_owned());
        };
        let url = format!("{}/routing", producer.as_str().trim_end_matches('/'));
        let answer = async { client.get(&url).send().await?.error_for_status()?.json::<Routing>().await };
        match answer.await {
            Ok(Routing { topic, routes }) => {
                SymbolsView { at_ms: Some(now_ms()), topic: Some(topic), routes: Some(routes), reason: None }
            }
            Err(error) => unknown(format!("the producer does not tell: {error}")),
        }
    }
}

//! The numbers that autoscalers go by, as the external metrics API serves them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::external_metrics::{Series, Source};
use crate::groups::{Groups, Watched};
use crate::rounds::Shown;
use crate::view::{GroupView, TopicView, View};

const DESIRED: &str = "desired_consumers";
const LAG: &str = "consumer_lag";
const DELAY: &str = "consumer_delay_seconds";

/// What is shown, as numbers with labels.
pub(crate) struct Numbers {
    shown: Shown,
    groups: Groups,
}

impl Numbers {
    /// The numbers of these groups.
    pub(crate) fn new(shown: Shown, groups: Groups) -> Self {
        Self { shown, groups }
    }
}

impl Source for Numbers {
    fn metrics(&self) -> &'static [&'static str] {
        &[DESIRED, LAG, DELAY]
    }

    async fn series(&self, metric: &str) -> Vec<Series> {
        let view = self.shown.fresh().await;
        let watched = self.groups.iter();
        match metric {
            DESIRED => watched.map(|watched| desired(watched, &view)).collect(),
            LAG => {
                watched.flat_map(|watched| of_topics(watched, &view, |topic| topic.lag.map(|lag| lag as f64))).collect()
            }
            DELAY => watched.flat_map(|watched| of_topics(watched, &view, |topic| topic.delay_seconds)).collect(),
            _ => Vec::new(),
        }
    }
}

/// A group's members share all its topics, so there is one number for all of them.
fn desired(watched: &Watched, view: &Result<Arc<View>, String>) -> Series {
    let labels = match watched.topics.as_slice() {
        [topic] => labels(&watched.group, Some(topic)),
        _ => labels(&watched.group, None),
    };
    let (at_ms, group) = of(watched, view);
    let value = group.and_then(|group| group.desired().map(|desired| f64::from(desired.desired)));
    Series { labels, at_ms, value }
}

fn of_topics(
    watched: &Watched,
    view: &Result<Arc<View>, String>,
    number: fn(&TopicView) -> Option<f64>,
) -> Vec<Series> {
    let (at_ms, group) = of(watched, view);
    let series = |topic: &Arc<str>| {
        let unknown = |group: &GroupView| format!("group {}, topic {topic}: not known{}", group.group, group.because());
        let value = group.clone().and_then(|group| {
            let read = group.topics.iter().find(|read| *read.topic == **topic);
            read.and_then(number).ok_or_else(|| unknown(group))
        });
        Series { labels: labels(&watched.group, Some(topic)), at_ms, value }
    };
    watched.topics.iter().map(series).collect()
}

fn of<'a>(watched: &Watched, view: &'a Result<Arc<View>, String>) -> (u64, Result<&'a GroupView, String>) {
    match view {
        Err(reason) => (0, Err(reason.clone())),
        Ok(view) => {
            let missing = || format!("group {} was not read", watched.group);
            (view.at_ms, view.group(&watched.group).map(|group| &**group).ok_or_else(missing))
        }
    }
}

fn labels(group: &str, topic: Option<&str>) -> BTreeMap<String, String> {
    let group = ("group".to_owned(), group.to_owned());
    let topic = topic.map(|topic| ("topic".to_owned(), topic.to_owned()));
    std::iter::once(group).chain(topic).collect()
}

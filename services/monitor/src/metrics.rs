//! What `/metrics` tells: made once a round, for however many may ask. What is not known has no series.

use std::io::Write as _;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use planner::Reason;
use prometheus::core::Collector as _;
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};
use tokio::sync::watch;

use crate::partition::ConditionCode;
use crate::reading::ErrorKind;
use crate::view::{GroupView, PartitionView, TopicView, View};

/// What the monitor counts of its own work, and what it last told.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    round_seconds: Histogram,
    read_errors: IntCounterVec,
    told: watch::Sender<Exposition>,
}

/// The text, plain and compressed: a thousand partitions take a megabyte, or a tenth of it.
#[derive(Clone, Debug, Default)]
struct Exposition {
    plain: Bytes,
    gzip: Bytes,
}

impl Metrics {
    /// Counts from zero.
    ///
    /// # Errors
    /// Where a name is taken.
    pub(crate) fn new(groups: &[String]) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let round_seconds = Histogram::with_opts(
            HistogramOpts::new("monitor_round_seconds", "how long a round of reading took")
                .buckets(vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]),
        )?;
        let read_errors = IntCounterVec::new(
            Opts::new("monitor_read_errors_total", "what could not be read, by kind"),
            &["consumergroup", "kind"],
        )?;
        for group in groups {
            for kind in ErrorKind::ALL {
                read_errors.with_label_values(&[group.as_str(), kind.code()]);
            }
        }
        registry.register(Box::new(round_seconds.clone()))?;
        registry.register(Box::new(read_errors.clone()))?;
        let metrics = Self { registry, round_seconds, read_errors, told: watch::Sender::default() };
        metrics.tell(&View::default());
        Ok(metrics)
    }

    /// A round is over, and this is what it found.
    pub(crate) fn round_over(&self, took: Duration, view: &View) {
        self.round_seconds.observe(took.as_secs_f64());
        for group in &view.groups {
            for error in &group.errors {
                self.read_errors.with_label_values(&[group.group.as_str(), error.kind.code()]).inc();
            }
        }
        self.tell(view);
    }

    /// `/metrics`.
    pub(crate) fn route(&self) -> Router {
        let told = self.told.subscribe();
        Router::new().route("/metrics", get(async move |headers: HeaderMap| answer(&told.borrow(), &headers)))
    }

    fn tell(&self, view: &View) {
        // Names and labels are constants: nothing here can fail that has not failed in a test.
        if let Ok(exposition) = self.exposition(view) {
            self.told.send_replace(exposition);
        }
    }

    fn exposition(&self, view: &View) -> Result<Exposition, prometheus::Error> {
        let mut all = self.registry.gather();
        all.extend(families(view)?);
        let plain = TextEncoder::new().encode_to_string(&all)?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(plain.as_bytes())?;
        Ok(Exposition { gzip: gzip.finish()?.into(), plain: plain.into() })
    }
}

fn answer(told: &Exposition, headers: &HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let text = (header::CONTENT_TYPE, prometheus::TEXT_FORMAT);
    if accepted.is_some_and(|accepted| accepted.contains("gzip")) {
        ([text, (header::CONTENT_ENCODING, "gzip")], told.gzip.clone()).into_response()
    } else {
        ([text], told.plain.clone()).into_response()
    }
}

struct Families {
    families: Vec<MetricFamily>,
}

impl Families {
    fn add<const N: usize>(
        &mut self,
        (name, help): (&str, &str),
        labels: [&str; N],
        series: impl IntoIterator<Item = ([String; N], f64)>,
    ) -> Result<(), prometheus::Error> {
        let gauge = GaugeVec::new(Opts::new(name, help), &labels)?;
        for (values, value) in series {
            gauge.with_label_values(&values).set(value);
        }
        self.families.extend(gauge.collect());
        Ok(())
    }
}

fn families(view: &View) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let mut all = Families { families: Vec::new() };
    of_partitions(&mut all, view)?;
    of_topics(&mut all, view)?;
    of_groups(&mut all, view)?;
    of_plans(&mut all, view)?;
    all.families.retain(|family| !family.get_metric().is_empty());
    Ok(all.families)
}

const PARTITION: [&str; 3] = ["consumergroup", "topic", "partition"];

fn of_partitions(all: &mut Families, view: &View) -> Result<(), prometheus::Error> {
    let partitions = || {
        view.groups.iter().flat_map(|group| {
            group.topics.iter().flat_map(move |topic| {
                topic.partitions.iter().map(move |partition| (&group.group, &topic.topic, partition))
            })
        })
    };
    let series = |value: fn(&PartitionView) -> Option<f64>| {
        partitions().filter_map(move |(group, topic, partition)| {
            Some(([group.clone(), topic.clone(), partition.partition.to_string()], value(partition)?))
        })
    };
    let lag = ("kafka_consumergroup_lag", "records not committed");
    all.add(lag, PARTITION, series(|partition| partition.lag.map(|lag| lag as f64)))?;
    let offset = ("kafka_consumergroup_current_offset", "the committed offset");
    all.add(offset, PARTITION, series(|partition| partition.committed.map(|offset| offset as f64)))?;
    let delay = ("kafka_consumergroup_delay_seconds", "age of the oldest record not committed, 0 if there is none");
    all.add(delay, PARTITION, series(|partition| partition.delay_seconds))?;
    let arrivals = ("kafka_consumergroup_in_rate", "records per second that arrive, smoothed");
    all.add(arrivals, PARTITION, series(|partition| partition.in_rate))?;
    let work = ("kafka_consumergroup_out_rate", "records per second that are committed, smoothed");
    all.add(work, PARTITION, series(|partition| partition.out_rate))?;
    let owners = partitions().filter_map(|(group, topic, partition)| {
        let owner = partition.owner.clone()?;
        Some(([group.clone(), topic.clone(), partition.partition.to_string(), owner], 1.0))
    });
    let owner = ("kafka_consumergroup_owner", "1 for the member that has the partition");
    all.add(owner, ["consumergroup", "topic", "partition", "member"], owners)?;
    let is_told = |(_, _, partition): &(_, _, &PartitionView)| partition.condition != ConditionCode::Ok;
    let conditions = partitions().filter(is_told).map(|(group, topic, partition)| {
        let labels =
            [group.clone(), topic.clone(), partition.partition.to_string(), partition.condition.as_str().into()];
        (labels, 1.0)
    });
    let condition = ("kafka_consumergroup_condition", "1 for what is not as it should be with the partition");
    all.add(condition, ["consumergroup", "topic", "partition", "condition"], conditions)
}

fn of_topics(all: &mut Families, view: &View) -> Result<(), prometheus::Error> {
    // Two groups may read the same topic: its own series are there once.
    let topics = || view.groups.iter().flat_map(|group| &group.topics);
    let series = |value: fn(&PartitionView) -> Option<u64>| {
        topics().flat_map(move |topic| {
            topic.partitions.iter().filter_map(move |partition| {
                Some(([topic.topic.clone(), partition.partition.to_string()], value(partition)? as f64))
            })
        })
    };
    let end = ("kafka_topic_partition_current_offset", "the offset the next record will have");
    all.add(end, ["topic", "partition"], series(|partition| partition.end))?;
    let start = ("kafka_topic_partition_oldest_offset", "the oldest record's offset");
    all.add(start, ["topic", "partition"], series(|partition| partition.start))?;
    let counts = topics()
        .filter(|topic| !topic.partitions.is_empty())
        .map(|topic| ([topic.topic.clone()], topic.partitions.len() as f64));
    all.add(("kafka_topic_partitions", "partitions of the topic"), ["topic"], counts)?;
    let lags = view.groups.iter().flat_map(|group| {
        let lag = |topic: &TopicView| Some(([group.group.clone(), topic.topic.clone()], topic.lag? as f64));
        group.topics.iter().filter_map(lag).collect::<Vec<_>>()
    });
    let lag = ("kafka_consumergroup_lag_sum", "records of all partitions not committed");
    all.add(lag, ["consumergroup", "topic"], lags)
}

fn of_groups(all: &mut Families, view: &View) -> Result<(), prometheus::Error> {
    let series = |value: fn(&GroupView) -> Option<f64>| {
        view.groups.iter().filter_map(move |group| Some(([group.group.clone()], value(group)?)))
    };
    let group = ["consumergroup"];
    let members = ("kafka_consumergroup_members", "members of the group");
    let count = |group: &GroupView| {
        (group.members_described || !group.members.is_empty()).then_some(group.members.len() as f64)
    };
    all.add(members, group, series(count))?;
    let up = ("monitor_up", "1 if all of the group could be read in the last round, else 0");
    all.add(up, group, series(|group| Some(f64::from(u8::from(group.up)))))?;
    let at = ("monitor_last_round_timestamp_seconds", "when the last round read the group");
    all.add(at, group, series(|group| Some(group.at_ms as f64 / 1000.0)))
}

fn of_plans(all: &mut Families, view: &View) -> Result<(), prometheus::Error> {
    let series = |value: fn(&GroupView) -> Option<f64>| {
        view.groups.iter().filter_map(move |group| Some(([group.group.clone()], value(group)?)))
    };
    let group = ["consumergroup"];
    let desired = ("planner_desired_consumers", "how many consumers the group needs");
    all.add(desired, group, series(|group| group.plan.replicas.map(f64::from)))?;
    let needed = ("planner_needed_consumers", "what the load alone asks for, before pauses and limits are weighed");
    all.add(needed, group, series(|group| group.plan.needed.map(f64::from)))?;
    let capacity = ("planner_consumer_capacity", "records per second one consumer can do, learned or set");
    all.add(capacity, group, series(|group| group.capacity))?;
    let pause = ("planner_rebalance_pause_seconds", "what a rebalance costs a partition that moves, as measured");
    all.add(pause, group, series(|group| group.rebalance_pause_seconds))?;
    let target = ("planner_target_delay_seconds", "no update shall wait longer");
    all.add(target, group, series(|group| Some(group.target_delay_seconds)))?;
    let hot =
        ("planner_hot_partition_share", "part of all arrivals of a partition that is more than one consumer can do");
    let shares = view.groups.iter().filter_map(|group| {
        let hot = group.plan.hot.as_ref()?;
        Some(([group.group.clone(), hot.partition.clone()], hot.share))
    });
    all.add(hot, ["consumergroup", "partition"], shares)?;
    let reasons = view.groups.iter().flat_map(|group| {
        Reason::ALL.map(|reason| {
            let holds = f64::from(u8::from(group.plan.reason == reason));
            ([group.group.clone(), reason.code().to_owned()], holds)
        })
    });
    let reason = ("planner_reason", "1 for why the plan is as it is, 0 for every other reason");
    all.add(reason, ["consumergroup", "reason"], reasons)
}

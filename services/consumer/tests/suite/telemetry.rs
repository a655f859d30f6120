//! What the consumer shows of itself: traces and metrics.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use common::service::Service as _;
use common::telemetry;
use consumer::handler::{Handler, HandlerError, Receipt};
use consumer::record::{Update, sequence_header};
use producer::{Producer, ProducerConfig};
use rdkafka::message::Header;
use testing::{Collector, Span, SpanKind, StatusCode, assert_metrics_are_documented, attributes, hex};
use tokio_util::sync::CancellationToken;

use testing::eventually;

use crate::harness::{Feed, Member, MemberProcess, Venue};

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NOT_SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203332-00";

#[tokio::test(flavor = "multi_thread")]
async fn a_sampled_update_s_work_is_a_span_linked_to_its_sender_s_and_an_exemplar_of_its_age() {
    let venue = Venue::open("traced", 1).await;
    let mut feed = Feed::new(&venue);
    for (sequence, traceparent) in [(1, SAMPLED), (2, NOT_SAMPLED)] {
        let headers = sequence_header(sequence).insert(Header { key: "traceparent", value: Some(traceparent) });
        feed.raw_with(Some(b"AAPL"), Some(b"AAPL: $1.00"), headers).await;
    }
    let collector = Collector::start().await;
    let mut member = MemberProcess::join(
        &venue,
        "member",
        &[("WORK", "5ms"), ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())],
    )
    .await;
    venue.drained().await;
    let (content_type, open_metrics) = member.metrics_as("application/openmetrics-text;version=1.0.0").await;
    let plain = member.metrics_as("text/plain").await;
    member.signal("TERM");
    assert_eq!(member.exit_code().await.0, Some(0), "{}", member.log());
    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "only the sampled one: {spans:?}");
    let span = &spans[0];

    assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open_metrics.contains("# TYPE consumer_records counter\nconsumer_records_total 2.0\n"), "{open_metrics}");
    assert!(open_metrics.ends_with("\n# EOF\n"), "{open_metrics}");
    let exemplars: Vec<_> = open_metrics.lines().filter_map(|line| line.split_once(" # ")).collect();
    let [(bucket, exemplar)] = exemplars[..] else { panic!("one exemplar: {open_metrics}") };
    assert!(bucket.starts_with("consumer_record_age_seconds_bucket{le="), "{bucket}");
    assert!(exemplar.starts_with(&format!("{{trace_id=\"{}\"}} ", hex(&span.trace_id))), "{exemplar}");
    assert_eq!(plain.0, "text/plain; version=0.0.4");
    assert!(plain.1.contains("# TYPE consumer_records_total counter\nconsumer_records_total 2\n"), "{}", plain.1);
    assert!(!plain.1.contains(" # "), "{}", plain.1);

    assert_eq!((span.name.as_str(), span.kind()), (&*format!("process {}", venue.topic), SpanKind::Consumer));
    let link = &span.links[0];
    assert_eq!(format!("00-{}-{}-01", hex(&link.trace_id), hex(&link.span_id)), SAMPLED);
    let attributes = attributes(span);
    for (name, value) in [
        ("messaging.system.name", "kafka"),
        ("messaging.operation.name", "process"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", &*venue.topic),
        ("messaging.destination.partition.id", "0"),
        ("kafka.offset", "0"),
        ("kafka.message.key", "AAPL"),
        ("messaging.consumer.group.name", &*venue.group),
        ("messaging.client.id", "member"),
        ("lagless.retries", "0"),
    ] {
        assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name}: {attributes:?}");
    }
    assert!(span.end_time_unix_nano - span.start_time_unix_nano >= 5_000_000, "it is as long as the work");
}

/// Fails twice at each update, and finds that it never can do those whose symbol begins with an X.
#[derive(Default)]
struct Unsteady {
    attempts: Mutex<HashMap<i64, u32>>,
}

impl Handler for Unsteady {
    async fn handle(&self, update: &Update) -> Result<Receipt, HandlerError> {
        let attempts = *self.attempts.lock().unwrap().entry(update.offset).and_modify(|n| *n += 1).or_insert(1);
        match (attempts, update.quote.symbol.as_str()) {
            (1 | 2, _) => Err(HandlerError::Transient("not yet".into())),
            (_, symbol) if symbol.starts_with('X') => Err(HandlerError::Poison("never".into())),
            _ => Ok(Receipt::Done),
        }
    }
}

/// The spans of a kind that are named so, by their ids.
fn by_id<'a>(spans: &'a [Span], kind: SpanKind, name: &str) -> BTreeMap<(String, String), &'a Span> {
    let named = spans.iter().filter(|span| span.kind() == kind && span.name == name);
    named.map(|span| ((hex(&span.trace_id), hex(&span.span_id)), span)).collect()
}

/// Sends updates of 120 symbols, half of which are poison, to a member in this process.
async fn work_unsteadily(venue: &Venue) {
    let mut feed = Feed::new(venue);
    for number in 0..120 {
        let symbol = format!("{}{number}", if number % 2 == 0 { 'X' } else { 'Y' });
        let headers = sequence_header(1).insert(Header { key: "traceparent", value: Some(SAMPLED) });
        feed.raw_with(Some(symbol.as_bytes()), Some(format!("{symbol}: $1.00").as_bytes()), headers).await;
    }
    let member = Member::join_with(venue, "unsteady", &[("LANES", "256")], Unsteady::default()).await;
    venue.drained().await;
    member.leave().await;
}

/// In this process a span of work is sampled like any other: of 120 some 36 are there.
fn assert_retries_are_told(spans: &BTreeMap<(String, String), &Span>) {
    let mut rejected = 0;
    for span in spans.values() {
        let attributes = attributes(span);
        assert_eq!(attributes["lagless.retries"], "2");
        let is_rejected = attributes["kafka.message.key"].starts_with('X');
        let status = span.status.as_ref().map(|status| (status.code(), status.message.as_str()));
        let expected = if is_rejected { Some((StatusCode::Error, "never")) } else { Some((StatusCode::Unset, "")) };
        assert_eq!(status.or(Some((StatusCode::Unset, ""))), expected, "{span:?}");
        assert_eq!(attributes.get("error.type").map(String::as_str), is_rejected.then_some("rejected"));
        rejected += usize::from(is_rejected);
    }
    assert!(rejected > 0 && rejected < spans.len(), "{rejected} of {}", spans.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_is_sampled_and_no_other_is_followed_from_its_sending_to_its_processing() {
    let venue = Venue::open("followed", 3).await;
    let collector = Collector::start().await;
    let otlp = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())];
    let config: ProducerConfig = common::config::load(
        [
            ("KAFKA_BOOTSTRAP_SERVERS", venue.bootstrap_servers.as_str()),
            ("TOPIC", &venue.topic),
            ("HTTP_ADDR", "127.0.0.1:0"),
            ("UPDATES", "300"),
            ("RATE", "0"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.3"),
            ("RUST_LOG", "off"),
        ]
        .into_iter()
        .chain(otlp)
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    )
    .unwrap();
    let settings = Producer::telemetry(&config).clone();
    // The exporter's client must neither be made nor end on the runtime's own threads.
    let start = move || telemetry::start(Producer::NAME, &settings, Producer::SAMPLING).unwrap();
    let exporting = tokio::task::spawn_blocking(start).await.unwrap();
    producer::run(config, CancellationToken::new()).await.unwrap();
    let unsteady = Venue::open("unsteady", 1).await;
    work_unsteadily(&unsteady).await;
    tokio::task::spawn_blocking(move || exporting.stop()).await.unwrap();

    let mut member = MemberProcess::join(&venue, "member", &otlp).await;
    venue.drained().await;
    member.signal("TERM");
    assert_eq!(member.exit_code().await.0, Some(0), "{}", member.log());

    let spans = collector.spans();
    let retried = by_id(&spans, SpanKind::Consumer, &format!("process {}", unsteady.topic));
    assert_retries_are_told(&retried);
    let sent = by_id(&spans, SpanKind::Producer, &format!("send {}", venue.topic));
    let processed = by_id(&spans, SpanKind::Consumer, &format!("process {}", venue.topic));
    assert_eq!(spans.len(), sent.len() + processed.len() + retried.len());
    // 30 %, give or take five standard deviations.
    assert!((50..=130).contains(&sent.len()), "{}", sent.len());
    let mut followed: Vec<_> = Vec::new();
    for ((trace_id, _), span) in &processed {
        let [link] = &span.links[..] else { panic!("one link: {:?}", span.links) };
        let id = (hex(&link.trace_id), hex(&link.span_id));
        let sender = sent.get(&id).expect("it links to a span that was sent");
        assert!(*trace_id != id.0 && span.parent_span_id.is_empty(), "its trace is its own: {span:?}");
        let (sender, own) = (attributes(sender), attributes(span));
        for name in [
            "messaging.system.name",
            "messaging.destination.name",
            "messaging.destination.partition.id",
            "kafka.offset",
            "kafka.message.key",
        ] {
            assert!(own.contains_key(name) && own.get(name) == sender.get(name), "{name}: {own:?}, sent: {sender:?}");
        }
        assert_eq!((&*sender["messaging.operation.name"], &*own["messaging.operation.name"]), ("send", "process"));
        assert_eq!((&own["messaging.consumer.group.name"], &*own["messaging.client.id"]), (&venue.group, "member"));
        let number = |name: &str| own[name].parse::<f64>().unwrap();
        assert!(number("lagless.delay_ms") >= 0.0 && number("lagless.lane_wait_ms") >= 0.0, "{own:?}");
        followed.push(id);
    }
    followed.sort();
    assert_eq!(followed, sent.keys().cloned().collect::<Vec<_>>(), "each that was sampled, and once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_docs_name_every_metric_and_no_other() {
    let venue = Venue::open("metrics", 1).await;
    Feed::new(&venue).send(10, 1).await;
    let member = MemberProcess::join(&venue, "member", &[]).await;
    member.has_partitions(1).await;
    let (_, text) = eventually("the metrics", async || member.get("/metrics").await).await;
    let docs = include_str!("../../../../docs/metrics.md");
    assert_metrics_are_documented(&text, docs, "consumer_", &["consumer_partition_pause_seconds"]);
}

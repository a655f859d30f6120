//! What the consumer shows of itself: traces and metrics.

use consumer::record::sequence_header;
use rdkafka::message::Header;
use testing::{Collector, SpanKind, assert_metrics_are_documented, attributes, hex};

use crate::harness::{Feed, MemberProcess, Venue, eventually};

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NOT_SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203332-00";

#[tokio::test(flavor = "multi_thread")]
async fn a_sampled_update_s_work_is_a_span_linked_to_its_sender_s() {
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
    member.signal("TERM");
    assert_eq!(member.exit_code().await.0, Some(0), "{}", member.log());
    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "only the sampled one: {spans:?}");
    let span = &spans[0];
    assert_eq!((span.name.as_str(), span.kind()), (&*format!("process {}", venue.topic), SpanKind::Consumer));
    let link = &span.links[0];
    assert_eq!(format!("00-{}-{}-01", hex(&link.trace_id), hex(&link.span_id)), SAMPLED);
    let attributes = attributes(span);
    for (name, value) in [
        ("messaging.system", "kafka"),
        ("messaging.operation.name", "process"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", &*venue.topic),
        ("messaging.destination.partition.id", "0"),
        ("messaging.kafka.offset", "0"),
        ("messaging.kafka.message.key", "AAPL"),
        ("messaging.consumer.group.name", &*venue.group),
        ("messaging.client.id", "member"),
        ("lagless.retries", "0"),
    ] {
        assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name}: {attributes:?}");
    }
    assert!(span.end_time_unix_nano - span.start_time_unix_nano >= 5_000_000, "it is as long as the work");
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

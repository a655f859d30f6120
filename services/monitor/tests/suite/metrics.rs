//! The page of metrics against its documentation.

use testing::assert_metrics_are_documented;

use crate::harness::{Feed, Member, Venue, Watch};

const DOCS: &str = include_str!("../../../../docs/metrics.md");

#[tokio::test(flavor = "multi_thread")]
async fn the_docs_name_every_metric_and_no_other() {
    let venue = Venue::open("metrics");
    let topic = venue.create_topic("stocks", 1).await;
    let group = venue.name("readers");
    Feed::new(&venue, &topic).send(0, 10).await;
    let member = Member::join(&venue, &group, &topic, "member", &[]).await;
    let settings = [("CONSUMER_CAPACITY", "1000")];
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &settings).await;
    watch.wants(&group, 1).await;
    watch
        .sees("all of it", &group, |view| {
            view["members"].as_array().unwrap().len() == 1
                && view["lag"] == 0
                && view["topics"][0]["partitions"][0]["out_rate"].is_f64()
        })
        .await;
    let page = watch.metrics().await;
    // Here all is as it should be.
    assert_metrics_are_documented(&page, DOCS, "kafka_", &["kafka_consumergroup_condition"]);
    assert_metrics_are_documented(&page, DOCS, "monitor_", &[]);
    // A member must have measured a rebalance, a partition must be too much for one consumer.
    let sometimes = ["planner_rebalance_pause_seconds", "planner_hot_partition_share"];
    assert_metrics_are_documented(&page, DOCS, "planner_", &sometimes);
    member.leave().await;
}

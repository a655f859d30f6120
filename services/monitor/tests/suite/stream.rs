//! The stream of events.

use crate::harness::{Feed, Stranger, Venue, Watch, now_ms};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_with_what_is_shown_and_has_each_round_once() {
    let venue = Venue::open("stream");
    let topic = venue.create_topic("stocks", 1).await;
    let stranger = Stranger::new(&venue, "readers");
    stranger.commit(&topic, 0, 0).await;
    let watch = Watch::start(&venue, &format!("{}:{topic}", stranger.group), &[("INTERVAL", "300ms")]).await;
    let shown = watch.next_round(&stranger.group).await;
    let (mut first, mut second) = (watch.events("").await, watch.events("").await);
    let (id, data) = first.next().await.unwrap();
    assert!(id <= shown["at_ms"].as_u64().unwrap() + 600, "not a later one");
    assert!(id < now_ms(), "it was read before it was asked for");
    assert_eq!(second.next().await.unwrap().0, id, "two clients see the same");
    assert_eq!((&data["group"], &data["at_ms"]), (&stranger.group.as_str().into(), &id.into()));
    let mut last = id;
    for _ in 0..5 {
        let (id, data) = first.next().await.unwrap();
        assert_eq!(second.next().await.unwrap(), (id, data));
        assert!(id > last, "a later round");
        last = id;
    }
    // One of them may come late and the next in time.
    let took_ms = last - id;
    assert!(took_ms > 1_000, "{took_ms} ms for five rounds, 300 ms each");
    Feed::new(&venue, &topic).send(0, 7).await;
    while second.next().await.unwrap().1["lag"] != 7 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_event_does_not_wait_for_the_next_round() {
    let venue = Venue::embedded("at-once");
    let topic = venue.create_topic("stocks", 1).await;
    let watch = Watch::start(&venue, &format!("readers:{topic}"), &[("INTERVAL", "1m")]).await;
    let shown = watch.sees("the first round", "readers", |_| true).await;
    let (_, data) = watch.events("").await.next().await.unwrap();
    assert_eq!(data, shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_the_groups_that_were_asked_for() {
    let venue = Venue::embedded("filter");
    let topic = venue.create_topic("stocks", 1).await;
    let watch = Watch::start(&venue, &format!("one:{topic},two:{topic}"), &[]).await;
    watch.next_round("one").await;
    let (mut all, mut one) = (watch.events("").await, watch.events("?group=two").await);
    let mut ids = Vec::new();
    for expected in ["one", "two", "one", "two"] {
        let (id, data) = all.next().await.unwrap();
        assert_eq!(data["group"], expected);
        ids.push(id);
    }
    assert!(ids[0] == ids[1] && ids[1] < ids[2] && ids[2] == ids[3], "each round once: {ids:?}");
    for _ in 0..3 {
        assert_eq!(one.next().await.unwrap().1["group"], "two");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_the_monitor_does() {
    let venue = Venue::embedded("ends");
    let topic = venue.create_topic("stocks", 1).await;
    let watch = Watch::start(&venue, &format!("readers:{topic}"), &[("INTERVAL", "1m")]).await;
    watch.sees("the first round", "readers", |_| true).await;
    let (mut first, mut second) = (watch.events("").await, watch.events("?group=readers").await);
    first.next().await.unwrap();
    second.next().await.unwrap();
    watch.stop().await.unwrap();
    assert!(first.next().await.is_none() && second.next().await.is_none());
}

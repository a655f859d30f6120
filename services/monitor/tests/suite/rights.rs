//! What a real broker does not let the monitor see.

use testing::{ControlledKafka, eventually};

use crate::harness::{Feed, MonitorProcess, Stranger, Venue, Watch};

/// What a monitor needs to log in as `looker`.
fn login<'a>(servers: &'a str, password: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("KAFKA_BOOTSTRAP_SERVERS", servers),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
        ("KAFKA_SASL_USERNAME", "looker"),
        ("KAFKA_SASL_PASSWORD", password),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_needs_a_login_and_the_right_to_describe_and_says_what_is_missing() {
    let Some(kafka) = ControlledKafka::start("monitor-rights", &["--scram", "looker:secret"]) else { return };
    let venue = Venue::at(&kafka.bootstrap_servers(), "rights");
    let topic = venue.create_topic("stocks", 1).await;
    let stranger = Stranger::new(&venue, "readers");
    let group = stranger.group.as_str();
    stranger.commit(&topic, 0, 0).await;
    Feed::new(&venue, &topic).send(0, 10).await;
    let (servers, groups) = (kafka.scram_servers(), format!("{group}:{topic}"));

    let wrong = MonitorProcess::start(&servers, &groups, &login(&servers, "not-it")).await;
    eventually("the refusal to be said", async || wrong.log().contains("invalid credentials").then_some(())).await;
    let (_, view) = eventually("the group", async || {
        Some(wrong.get(&format!("/api/v1/groups/{group}")).await).filter(|(status, _)| *status == 200)
    })
    .await;
    assert!(view.contains(r#""up":false"#) && view.contains(r#""lag":null"#), "{view}");
    assert!(!wrong.log().contains("not-it") && !view.contains("not-it"), "a password is never shown");
    assert_eq!(wrong.terminate().await.0, Some(0));

    let watch = Watch::start(&venue, &groups, &login(&servers, "secret")).await;
    let refused = |view: &serde_json::Value| view["errors"][0]["kind"] == "not_authorized" && view["lag"].is_null();
    let view = watch.sees("the topic to be refused", group, refused).await;
    assert_eq!(view["errors"][0]["of"], topic, "{view:#}");
    let describe = ["--add", "--allow-principal", "User:looker", "--operation", "Describe"];
    kafka.acl(&[&describe[..], &["--topic", &topic]].concat());
    let of_offsets = |view: &serde_json::Value| view["errors"][0]["of"] == "offsets";
    let view = watch.sees("only the group to be refused", group, of_offsets).await;
    assert_eq!((&view["errors"][0]["kind"], view["lag"].is_null()), (&"not_authorized".into(), true), "{view:#}");
    kafka.acl(&[&describe[..], &["--group", group]].concat());
    let view = watch.sees("everything", group, |view| view["up"] == true && view["lag"] == 10).await;
    assert_eq!(view["members_described"], true, "{view:#}");
}

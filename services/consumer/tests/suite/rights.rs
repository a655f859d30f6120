//! Brokers that ask for a password, and for rights.

use std::time::{Duration, Instant};

use testing::{ControlledKafka, eventually};

use crate::harness::{Feed, Member, MemberProcess, Venue};

/// Gives the user `reader` every right on the venue.
fn allow_reader(kafka: &ControlledKafka, venue: &Venue) {
    for (kind, name) in [
        ("--topic", &venue.topic),
        ("--topic", &venue.output),
        ("--topic", &venue.dead_letters),
        ("--group", &venue.group),
    ] {
        change(kafka, GIVE, "All", kind, name);
    }
}

/// Gives the user `reader` a right on a topic or a group, or takes it, over the listener without login.
fn change(kafka: &ControlledKafka, change: &[&str], operation: &str, kind: &str, name: &str) {
    let rule = ["--allow-principal", "User:reader", "--operation", operation, kind, name];
    kafka.acl(&[change, &rule].concat());
}

const GIVE: &[&str] = &["--add"];
const TAKE: &[&str] = &["--remove", "--force"];

/// Waits until a member is not ready for a reason that has these words in it.
async fn is_not_ready(member: &MemberProcess, reason: &str) {
    eventually(&format!("readiness to fail: {reason}"), async || {
        member.get("/readyz").await.filter(|(code, body)| *code == 503 && body.contains(reason))
    })
    .await;
}

async fn is_ready(member: &MemberProcess) {
    eventually("readiness", async || member.get("/readyz").await.filter(|(code, _)| *code == 200)).await;
}

/// Asserts that a sentence was said when it became true and every half minute since the member began, not at each attempt.
fn is_said_seldom(member: &MemberProcess, sentence: &str, begun: Instant) {
    let said = member.log().matches(sentence).count();
    let most = 1 + usize::try_from(begun.elapsed().as_secs() / 30).unwrap();
    assert!((1..=most).contains(&said), "{said} times instead of at most {most}:\n{}", member.log());
}

/// What a member needs to log in as `reader`.
fn login<'a>(servers: &'a str, password: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("KAFKA_BOOTSTRAP_SERVERS", servers),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
        ("KAFKA_SASL_USERNAME", "reader"),
        ("KAFKA_SASL_PASSWORD", password),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_logs_in_with_scram_and_says_when_it_may_not() {
    let Some(kafka) = ControlledKafka::start("scram", &["--scram", "reader:secret"]) else { return };
    let venue = Venue::real(&kafka.bootstrap_servers(), "scram", 1).await;
    Feed::new(&venue).send(100, 10).await;
    allow_reader(&kafka, &venue);
    let servers = kafka.scram_servers();
    let wrong = MemberProcess::join(&venue, "wrong", &login(&servers, "not-it")).await;
    eventually("the refusal to be said", async || wrong.log().contains("invalid credentials").then_some(())).await;
    is_not_ready(&wrong, "Kafka refuses the login").await;
    is_not_ready(&wrong, "invalid credentials").await;
    assert!(!wrong.log().contains("not-it"), "a password is never shown");
    let member = Member::join(&venue, "member", &login(&servers, "secret")).await;
    venue.drained().await;
    member.leave().await;
    venue.assert_perfect(100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_for_a_while_costs_no_update() {
    let Some(kafka) = ControlledKafka::start("rights", &["--scram", "reader:secret"]) else { return };
    let venue = Venue::real(&kafka.bootstrap_servers(), "rights", 2).await;
    allow_reader(&kafka, &venue);
    let servers = kafka.scram_servers();
    let feed = Feed::start(&venue, 500, 20);
    let first = MemberProcess::join(&venue, "first", &login(&servers, "secret")).await;
    first.reaches("consumer_records_total", 200.0).await;
    change(&kafka, TAKE, "All", "--topic", &venue.topic);
    is_not_ready(&first, &format!("Read on topic {}", venue.topic)).await;
    change(&kafka, GIVE, "All", "--topic", &venue.topic);
    // Another member comes right then: a rebalance while errors stand in the records' places.
    let second = MemberProcess::join(&venue, "second", &login(&servers, "secret")).await;
    second.reaches("consumer_records_total", 200.0).await;
    is_ready(&first).await;
    let sent = feed.stop().await;
    venue.drained().await;
    venue.nothing_lost(sent, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_comes_back_is_noticed_on_partitions_without_traffic() {
    let Some(kafka) = ControlledKafka::start("idle-rights", &["--scram", "reader:secret"]) else { return };
    let venue = Venue::real(&kafka.bootstrap_servers(), "idle-rights", 2).await;
    allow_reader(&kafka, &venue);
    let mut feed = Feed::new(&venue);
    // Of one symbol, so one partition stays empty.
    feed.send(100, 1).await;
    let member = MemberProcess::join(&venue, "member", &login(&kafka.scram_servers(), "secret")).await;
    venue.drained().await;
    is_ready(&member).await;
    change(&kafka, TAKE, "All", "--topic", &venue.topic);
    let reason = format!("Read on topic {}", venue.topic);
    is_not_ready(&member, &reason).await;
    // Now the broker tells of the topic, and still lets nobody read it.
    change(&kafka, GIVE, "Describe", "--topic", &venue.topic);
    let begun = Instant::now();
    eventually("time to pass", async || {
        assert!(member.get("/readyz").await.is_some_and(|(code, _)| code == 503), "{}", member.log());
        (begun.elapsed() > Duration::from_secs(12)).then_some(())
    })
    .await;
    change(&kafka, GIVE, "Read", "--topic", &venue.topic);
    is_ready(&member).await;
    feed.send(100, 20).await;
    venue.drained().await;
    venue.assert_perfect(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_commits_are_refused_is_not_ready_until_one_is_taken() {
    let venue = Venue::embedded("refused-commits", 2);
    let feed = Feed::start(&venue, 200, 20);
    let member = MemberProcess::join(&venue, "member", &[("COMMIT_INTERVAL", "500ms")]).await;
    member.reaches("consumer_commits_total", 1.0).await;
    is_ready(&member).await;
    venue.embedded_kafka().unwrap().refuse_commits(8).unwrap();
    is_not_ready(&member, &format!("Read on topic {}", venue.topic)).await;
    is_ready(&member).await;
    member.reaches("consumer_commit_failures_total", 8.0).await;
    // All the while the broker tells of the topic and lets it be read, which shows nothing of commits.
    assert_eq!(member.log().matches("be read again").count(), 1, "{}", member.log());
    let sent = feed.stop().await;
    venue.drained().await;
    venue.assert_perfect(sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_rights_names_each_and_begins_by_itself_when_it_has_it() {
    let Some(kafka) = ControlledKafka::start("no-rights", &["--scram", "reader:secret"]) else { return };
    let venue = Venue::real(&kafka.bootstrap_servers(), "no-rights", 2).await;
    Feed::new(&venue).send(100, 10).await;
    let servers = kafka.scram_servers();
    let settings = [&login(&servers, "secret")[..], &[("OUTPUT_TOPIC", "")]].concat();
    let begun = Instant::now();
    let member = MemberProcess::join(&venue, "member", &settings).await;
    for (kind, resource, name) in [("--group", "group", &venue.group), ("--topic", "topic", &venue.topic)] {
        let sentence = format!("{resource} authorization failed: the consumer's user needs the right Read on");
        is_not_ready(&member, &format!("{sentence} {resource} {name}")).await;
        is_said_seldom(&member, &sentence, begun);
        change(&kafka, GIVE, "Read", kind, name);
    }
    venue.drained().await;
    let sentence = "the consumer's user needs the right Write on the topics it sends to";
    is_not_ready(&member, sentence).await;
    change(&kafka, GIVE, "Write", "--topic", &venue.dead_letters);
    is_ready(&member).await;
    is_said_seldom(&member, sentence, begun);
    assert_eq!(member.metric("consumer_records_total").await, 100.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_must_leave_its_group_says_why_and_the_next_waits_for_the_right() {
    let Some(kafka) = ControlledKafka::start("no-group", &["--scram", "reader:secret"]) else { return };
    let venue = Venue::real(&kafka.bootstrap_servers(), "no-group", 1).await;
    let mut feed = Feed::new(&venue);
    feed.send(100, 10).await;
    allow_reader(&kafka, &venue);
    let servers = kafka.scram_servers();
    let mut member = MemberProcess::join(&venue, "member", &login(&servers, "secret")).await;
    venue.drained().await;
    change(&kafka, TAKE, "All", "--group", &venue.group);
    let (code, _) = member.exit_code().await;
    assert_eq!(code, Some(3), "{}", member.log());
    let reason = format!("Read on group {}", venue.group);
    assert!(member.log().contains(&reason), "{}", member.log());
    let next = MemberProcess::join(&venue, "next", &login(&servers, "secret")).await;
    is_not_ready(&next, &reason).await;
    feed.send(100, 10).await;
    change(&kafka, GIVE, "Read", "--group", &venue.group);
    venue.drained().await;
    is_ready(&next).await;
    venue.assert_perfect(200).await;
}

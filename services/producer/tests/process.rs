//! The real program: settings, signals, exit codes, log lines.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod stage;

use std::process::{Output, Stdio};
use std::time::Duration;

use rdkafka::bindings::rd_kafka_resp_err_t;
use rdkafka::types::RDKafkaApiKey;
use stage::Stage;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

fn program(stage: &Stage, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_producer"));
    command.env_clear().envs(stage.variables(variables));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn output(mut command: Command) -> Output {
    tokio::time::timeout(Duration::from_secs(30), command.output()).await.expect("it ends").unwrap()
}

fn lines(output: &[u8]) -> Vec<serde_json::Value> {
    String::from_utf8_lossy(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn message(line: &serde_json::Value) -> &str {
    line["message"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_arrives_ends_with_0_and_says_how_many_and_where() {
    let stage = Stage::new(3).await;
    let output = output(program(&stage, &[("UPDATES", "1200"), ("RATE", "0")])).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let lines = lines(&output.stdout);
    assert_eq!(message(&lines[0]), "listening");
    assert!(lines[0]["address"].as_str().unwrap().starts_with("127.0.0.1:"));
    let summary = lines.iter().find(|line| line["acknowledged"] == 1_200).unwrap();
    assert!(message(summary).starts_with("1,200 updates acknowledged in "), "{summary}");
    assert_eq!(summary["failed"], 0);
    let partitions: Vec<_> = lines.iter().filter(|line| line["partition"].is_u64()).collect();
    assert_eq!(partitions.len(), 3);
    assert_eq!(partitions.iter().map(|line| line["updates"].as_u64().unwrap()).sum::<u64>(), 1_200);
    assert!(partitions[0]["symbols"].as_str().unwrap().starts_with("AAPL="), "{}", partitions[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_ends_with_2_and_names_itself() {
    let stage = Stage::embedded();
    let output = output(program(&stage, &[("RATE", "fast")])).await;
    assert_eq!(output.status.code(), Some(2));
    let expected = "producer: RATE=\"fast\": expected a whole number up to 10000000, 0 for as fast as it can \
                    (invalid digit found in string)\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    assert!(output.stdout.is_empty(), "nothing was bound");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_not_there_ends_with_2() {
    let stage = Stage::new(1).await;
    let output = output(program(&stage, &[("PARTITION_MAP", "AAPL:1")])).await;
    assert_eq!(output.status.code(), Some(2));
    let lines = lines(&output.stdout);
    assert!(message(lines.last().unwrap()).starts_with("PARTITION_MAP sends AAPL to partition 1"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_can_never_work_again_ends_with_3() {
    let stage = Stage::embedded_topic().await;
    let refused = rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    stage.mock().request_errors(RDKafkaApiKey::InitProducerId, &[refused; 10]);
    let output = output(program(&stage, &[])).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let lines = lines(&output.stdout);
    let last = message(lines.last().unwrap());
    assert!(last.starts_with("the Kafka client cannot go on, start it anew: "), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_midway_a_finite_run_ends_with_1_and_the_numbers() {
    let stage = Stage::new(3).await;
    let (code, last) = terminated(&stage, &[("UPDATES", "100000"), ("RATE", "1000")]).await;
    assert_eq!(code, Some(1));
    let arrived = stage.records().len();
    assert!(arrived < 100_000);
    assert!(last.starts_with("not every update arrived: 100,000 asked for, "), "{last}");
    assert!(last.ends_with(" acknowledged, 0 failed, 0 without an answer"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_an_endless_run_ends_with_0() {
    let stage = Stage::new(3).await;
    let (code, last) = terminated(&stage, &[("UPDATES", "0"), ("RATE", "1000")]).await;
    assert_eq!(code, Some(0), "{last}");
    stage::assert_whole(&stage.records());
}

/// Starts the program, ends it by SIGTERM in the midst of its work, and returns its exit code and last line.
async fn terminated(stage: &Stage, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut child: Child = program(stage, variables).spawn().unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut address, mut last) = (None, String::new());
    while let Some(line) = log.next_line().await.unwrap() {
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        last = message(&line).to_owned();
        if let Some(found) = line["address"].as_str() {
            address = Some(found.parse().unwrap());
        }
        if last.starts_with("sending ") {
            let address = address.unwrap();
            stage::until("some are acknowledged", async || {
                let (_, load) = stage::request(address, reqwest::Method::GET, "/load", "").await;
                let load: serde_json::Value = serde_json::from_str(&load).unwrap();
                load["acknowledged"].as_u64().unwrap() >= 100
            })
            .await;
            let pid = libc::pid_t::try_from(child.id().unwrap()).unwrap();
            #[allow(unsafe_code, reason = "the standard library sends no SIGTERM")]
            // SAFETY: a signal to a child that has not been waited for.
            let sent = unsafe { libc::kill(pid, libc::SIGTERM) };
            assert_eq!(sent, 0);
        }
    }
    let status = tokio::time::timeout(Duration::from_secs(30), child.wait()).await.expect("it ends").unwrap();
    (status.code(), last)
}

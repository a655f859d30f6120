//! Settings, through the real program.

use std::process::{Command, Output};

use common::config::Config as _;
use consumer::Config;
use testing::processes::output;

fn run(variables: &[(&str, &str)]) -> Output {
    output(Command::new(env!("CARGO_BIN_EXE_consumer")).env_clear().envs(variables.iter().copied())).unwrap()
}

#[test]
fn a_wrong_setting_ends_the_process_before_anything_binds_and_is_named() {
    // The address is taken: whoever binds first would complain of that.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let right = [("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"), ("HTTP_ADDR", address.as_str())];
    for (name, value, expected) in [
        ("LANES", "0", "a whole number from 1 to 256"),
        ("LANES", "many", "a whole number from 1 to 256"),
        ("WORKERS", "0", "a whole number from 1 to 100000"),
        ("WORK", "5 parsecs", "a time such as 5ms, up to 1h"),
        ("FETCH_BUFFER", "3 bananas", "a size such as 32MiB, from 1MiB to 1GiB"),
        ("GROUP_PROTOCOL", "eager", "consumer (KIP-848) or classic"),
        ("OUTPUT_TOPIC", "stocks", "a topic's name, not TOPIC"),
        ("CLIENT_ID", "a b", "1 to 200 letters, digits, dots, dashes and underscores"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", "http://HOST:PORT"),
    ] {
        let output = run(&[&right[..], &[(name, value)]].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(&format!("{name}={value:?}")) && error.contains(expected), "{error}");
    }
    let output = run(&right);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stdout).unwrap().contains("it cannot be bound"));
}

#[test]
fn every_default_is_what_the_table_says() {
    let required = ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092");
    let bare = format!("{:?}", Config::from_pairs(&[required]).unwrap());
    for variable in Config::VARIABLES.iter().copied().flatten() {
        let Some(default) = variable.default.filter(|default| !default.contains("PID")) else {
            continue;
        };
        let set = Config::from_pairs(&[required, (variable.name, default)]);
        assert_eq!(format!("{:?}", set.unwrap()), bare, "{}", variable.name);
    }
}

#[test]
fn the_docs_have_every_setting_as_it_is() {
    let docs = include_str!("../../../../docs/configuration.md");
    assert!(common::config::is_documented::<Config>("Consumer", docs), "`make docs` writes them");
}

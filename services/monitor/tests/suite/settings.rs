//! Settings, through the real program.

use common::config::{Config as _, load};
use monitor::Config;

use crate::harness::MonitorProcess;

#[test]
fn a_wrong_setting_ends_the_process_before_anything_binds_and_is_named() {
    // The address is taken: whoever binds first would complain of that.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let right = [("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"), ("HTTP_ADDR", address.as_str())];
    for (name, value, expected) in [
        ("GROUPS", "stock-readers", "GROUP:TOPIC, several with commas between"),
        ("GROUPS", "a:x,a:x", "'a:x' is there twice"),
        ("INTERVAL", "10ms", "a time such as 2s, from 100ms to 1m"),
        ("READ_TIMEOUT", "2 parsecs", "a time such as 2s, from 100ms to 1m"),
        ("HOLD", "2h", "a time such as 10s, up to 1h"),
        ("TARGET_DELAY", "0s", "a time such as 10s, up to 1h"),
        ("UTILISATION", "80", "a number above 0, at most 1"),
        ("MIN_CONSUMERS", "0", "a whole number from 1"),
        ("LAG_PER_CONSUMER", "-5", "a whole number from 1"),
        ("CONSUMER_CAPACITY", "fast", "a number above 0"),
        ("METRICS_API_KEY_FILE", "/no/such/key.pem", "a readable PEM file"),
        ("HTTP_ADDR", "localhost", "ADDRESS:PORT"),
    ] {
        let others = right.into_iter().filter(|(other, _)| *other != name);
        let output = MonitorProcess::run_to_end(&others.chain([(name, value)]).collect::<Vec<_>>());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(&format!("{name}={value:?}")) && error.contains(expected), "{error}");
    }
    let output = MonitorProcess::run_to_end(&[("HTTP_ADDR", &address)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("KAFKA_BOOTSTRAP_SERVERS"));
    let output = MonitorProcess::run_to_end(&right);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stdout).unwrap().contains("it cannot be bound"));
}

#[test]
fn every_default_is_what_the_table_says() {
    let required = ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092");
    let config = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        format!("{:?}", load::<Config>(pairs).unwrap())
    };
    let bare = config(&[required]);
    for variable in Config::VARIABLES.iter().copied().flatten() {
        let Some(default) = variable.default else { continue };
        assert_eq!(config(&[required, (variable.name, default)]), bare, "{}", variable.name);
    }
}

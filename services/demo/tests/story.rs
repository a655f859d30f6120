//! The whole demo as its user runs it: the real programs, an embedded Kafka, and the report.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what helps a test may fail like one")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use serde_json::Value;

const DEMO: &str = env!("CARGO_BIN_EXE_demo");

/// How long processes may take to answer, and to be gone.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The demo, beside a producer and a monitor that are built.
fn demo(arguments: &[&str]) -> Command {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let directory = Path::new(DEMO).parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        // As the tests of the whole workspace are built, so that after those nothing is built again: ring would be, and
        // all that builds on it, by these variables alone, and once more when they are gone.
        let of_this_test = ["CARGO_MANIFEST_", "CARGO_PKG_"];
        let is_of_this_test = |name: &str| of_this_test.iter().any(|prefix| name.starts_with(prefix));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_this_test)) {
            build.env_remove(name);
        }
        build.args(["test", "--no-run", "--locked", "--workspace", "--target-dir"]);
        build.arg(directory.parent().unwrap());
        if directory.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the services cannot be built");
    });
    let mut demo = Command::new(DEMO);
    demo.args(arguments).stdin(Stdio::null());
    demo
}

fn events(output: &Output) -> Vec<Value> {
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn named<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

/// Whether a process is there and not only waits for its end to be noticed.
fn lives(pid: u64) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|state| !state.is_empty() && !state.starts_with('Z'))
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < TIMEOUT, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

/// A demo that has just begun to send, the processes it has started, and where its live page is.
fn begun() -> (Child, Vec<u64>, String) {
    let mut child = demo(&["--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let (mut pids, mut page) = (Vec::new(), None);
    for line in lines {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        pids.extend(event["pid"].as_u64());
        if event["event"] == "watching" {
            page = event["page"].as_str().map(str::to_owned);
            break;
        }
    }
    assert_eq!(pids.len(), 3, "the monitor, a consumer and the producer");
    assert!(pids.iter().all(|pid| lives(*pid)));
    (child, pids, page.unwrap())
}

/// What a service answers.
fn get(url: &str, path: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect_timeout(&address.parse().unwrap(), TIMEOUT).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_group_that_grows_is_struck_scales_and_shrinks_loses_nothing_and_keeps_the_order() {
    let output = demo(&["--json", "--updates", "3000", "--rate", "500"]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}{}", String::from_utf8_lossy(&output.stdout));

    let events = events(&output);
    assert_eq!(events[0]["event"], "begins");
    assert_eq!(named(&events, "joins").len(), 6, "two of them as it scales");
    assert_eq!(named(&events, "left").len(), 4);
    let scales = named(&events, "scales");
    let ends = |event: Option<&&Value>| event.map(|event| (event["from"].as_u64(), event["to"].as_u64()));
    assert!(ends(scales.first()).is_some_and(|(from, _)| from == Some(1)), "{scales:?}");
    assert!(scales.iter().any(|event| event["to"] == 3), "{scales:?}");
    assert!(ends(scales.last()).is_some_and(|(_, to)| to == Some(1)), "{scales:?}");
    assert!(named(&events, "decided").len() >= 2, "each decision is told");
    let killed = named(&events, "killed")[0];
    assert_eq!((&killed["symbol"], &killed["partition"]), (&Value::from("GOOGL"), &Value::from(1)));

    let report = events.last().unwrap();
    assert_eq!((&report["event"], &report["passed"]), (&Value::from("report"), &Value::from(true)), "{report}");
    let audit = &report["audit"];
    let all = 3_000 + named(&events, "burst")[0]["updates"].as_u64().unwrap();
    for (name, expected) in [("sent", all), ("processed", all), ("lost", 0), ("order_violations", 0)] {
        assert_eq!(audit[name], expected, "{name} in {audit}");
    }
    assert_eq!(audit["twice"], audit["twice_explained"], "only the kill may make work be done twice: {audit}");
    let routes = report["routing"].as_array().unwrap();
    assert_eq!(routes.iter().filter_map(|route| route["updates"].as_u64()).sum::<u64>(), all);
    let looks = report["scaling"]["looks"].as_array().unwrap();
    assert!(looks.iter().any(|look| look["desired"] == 3 && look["consumers"] == 3), "{looks:?}");
    assert_eq!((&looks[0]["consumers"], &looks[looks.len() - 1]["consumers"]), (&Value::from(1), &Value::from(1)));
    let changes = report["rebalances"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["cause"] == "killed" && change["member"] == killed["member"]));
    // The replacement may have come by the time the session is over: then its coming is what moved the partition.
    let mut moves = changes.iter().flat_map(|change| change["moves"].as_array().unwrap());
    let is_heritage = |moved: &&Value| moved["partition"] == 1 && moved["from"] == killed["member"];
    let moved = moves.find(is_heritage).unwrap_or_else(|| panic!("nobody took over: {changes:?}"));
    assert!(moved["pause_ms"].as_u64().unwrap() > 1_000, "nobody takes over before the session is over: {moved}");

    let pids: Vec<_> = events.iter().filter_map(|event| event["pid"].as_u64()).collect();
    assert!(pids.iter().all(|pid| !lives(*pid)), "{pids:?}");
}

#[test]
fn a_script_of_one_s_own_is_played() {
    let script = "kill@20%,join@30%,join@40%,leave@50%";
    let options = ["--updates", "600", "--rate", "0", "--partitions", "2", "--script", script, "--no-scaling"];
    let output = demo(&["--json"]).args(options).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let events = events(&output);
    let cast: Vec<_> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    let acts: Vec<_> = cast.into_iter().filter(|name| ["joins", "killed", "leaves"].contains(name)).collect();
    assert_eq!(acts, ["joins", "killed", "joins", "joins", "leaves"]);
    let report = events.last().unwrap();
    assert_eq!((&report["audit"]["lost"], &report["scaling"]), (&Value::from(0), &Value::Null));
    assert!(named(&events, "watching").is_empty(), "nobody asks the monitor");
}

#[test]
fn a_wrong_option_is_explained() {
    for (option, value, reason) in [
        ("--script", "leave@10%", "nobody is left at the end to finish the work"),
        ("--partitions", "1", "--partitions 1: a partition is never shared; expected 2 or more, or --no-scaling"),
    ] {
        let output = Command::new(DEMO).args([option, value]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason));
    }
}

#[test]
fn its_live_page_is_there_and_knows_where_symbols_go() {
    let (mut child, _, page) = begun();
    assert!(get(&page, "/").contains("<title>Lagless</title>"));
    until("no symbols on the page", || get(&page, "/api/v1/symbols").contains("AAPL"));
    signal("-INT", child.id());
    drop(child.stdout.take());
    child.wait().unwrap();
}

#[test]
fn control_c_leaves_no_process_behind() {
    let (mut child, pids, _) = begun();
    signal("-INT", child.id());
    // What it still tells is not read here; it must not wait for that.
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(pids.iter().all(|pid| !lives(*pid)), "{pids:?}");
}

#[test]
fn a_demo_that_is_killed_leaves_no_process_behind() {
    let (mut child, pids, _) = begun();
    signal("-KILL", child.id());
    child.wait().unwrap();
    until("the processes outlive the demo", || pids.iter().all(|pid| !lives(*pid)));
}

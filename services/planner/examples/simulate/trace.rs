//! The load traces.

/// What happens to a group over time. Times are seconds from the trace's begin.
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) seconds: u32,
    /// Arrivals of all partitions together, per second.
    pub(crate) rate: fn(f64) -> f64,
    /// Arrivals per second that come to [`HOT`] on top.
    pub(crate) hot: fn(f64) -> f64,
    /// When a consumer dies.
    pub(crate) deaths: &'static [u32],
    /// What a rebalance costs a moved partition, in seconds.
    pub(crate) pause: f64,
}

/// Partitions of the topic.
pub(crate) const PARTITIONS: usize = 12;
/// The partition of the hot key.
pub(crate) const HOT: usize = 7;
/// Records per second one consumer can do.
pub(crate) const CAPACITY: f64 = 500.0;
/// What a rebalance costs where the trace says nothing else.
const PAUSE: f64 = 2.0;

fn no_hot_key(_: f64) -> f64 {
    0.0
}

/// From `low` to `high` between `from` and `to`.
fn between(at: f64, from: f64, to: f64, low: f64, high: f64) -> f64 {
    low + (high - low) * ((at - from) / (to - from)).clamp(0.0, 1.0)
}

/// All traces, in the order they are shown.
pub(crate) const TRACES: &[Trace] = &[
    Trace {
        name: "steady",
        about: "1,000/s",
        seconds: 3600,
        rate: |_| 1000.0,
        hot: no_hot_key,
        deaths: &[],
        pause: PAUSE,
    },
    Trace {
        name: "step",
        about: "500/s, from 10 min on 2,000/s",
        seconds: 3600,
        rate: |at| if at < 600.0 { 500.0 } else { 2000.0 },
        hot: no_hot_key,
        deaths: &[],
        pause: PAUSE,
    },
    Trace {
        name: "ramp",
        about: "500/s rising to 3,500/s within 40 min",
        seconds: 3600,
        rate: |at| between(at, 600.0, 3000.0, 500.0, 3500.0),
        hot: no_hot_key,
        deaths: &[],
        pause: PAUSE,
    },
    Trace {
        name: "burst",
        about: "700/s, three times 3,000/s for 90 s",
        seconds: 3600,
        rate: |at| {
            if [600.0, 1500.0, 2700.0].iter().any(|from| (*from..from + 90.0).contains(&at)) { 3000.0 } else { 700.0 }
        },
        hot: no_hot_key,
        deaths: &[],
        pause: PAUSE,
    },
    Trace {
        name: "diurnal",
        about: "two days of 400/s to 2,200/s, each in one hour",
        seconds: 7200,
        rate: |at| 1300.0 - 900.0 * (at / 3600.0 * std::f64::consts::TAU).cos(),
        hot: no_hot_key,
        deaths: &[],
        pause: PAUSE,
    },
    Trace {
        name: "hot key",
        about: "1,200/s; from 10 to 30 min 700/s more to one partition",
        seconds: 3600,
        rate: |_| 1200.0,
        hot: |at| if (600.0..1800.0).contains(&at) { 700.0 } else { 0.0 },
        deaths: &[],
        pause: PAUSE,
    },
    Trace {
        name: "failure",
        about: "1,500/s; a consumer dies at 15 min and at 35 min",
        seconds: 3600,
        rate: |_| 1500.0,
        hot: no_hot_key,
        deaths: &[900, 2100],
        pause: PAUSE,
    },
    Trace {
        name: "slow rebalance",
        about: "as the ramp, and a rebalance costs 8 s",
        seconds: 3600,
        rate: |at| between(at, 600.0, 3000.0, 500.0, 3500.0),
        hot: no_hot_key,
        deaths: &[],
        pause: 8.0,
    },
];

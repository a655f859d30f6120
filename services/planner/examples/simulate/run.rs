//! One trace played against one scaler.

use crate::delays::Delays;
use crate::group::{Group, STEP};
use crate::hpa;
use crate::monitor::{self, Monitor};
use crate::scaler::Scaler;
use crate::trace::{HOT, PARTITIONS, Trace};

/// Before a trace begins its first rate goes on for so long. It starts with three times as much for two minutes, from
/// which whoever learns can learn. Nothing of this is counted.
const BEFORE: f64 = 1200.0;
const OVERLOAD: f64 = 120.0;
/// `TARGET_DELAY`, in seconds.
pub(crate) const TARGET: f64 = 10.0;
/// Arrivals differ by so much from second to second, and from partition to partition.
const NOISE: f64 = 0.1;

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Seconds.
    pub(crate) worst: f64,
    /// Seconds.
    pub(crate) p99: f64,
    /// The part of all records that took longer than [`TARGET`], 0 to 1.
    pub(crate) late: f64,
    pub(crate) replica_seconds: f64,
    pub(crate) rebalances: u32,
}

/// Plays `trace`. `seed` sets the noise, `phase` where in the HPA's period it begins, 0 to 1.
pub(crate) fn play(trace: &Trace, mut scaler: Scaler, seed: u64, phase: f64) -> Outcome {
    let mut rng = fastrand::Rng::with_seed(seed);
    let weights = even(&mut rng);
    let (mut next_sync, mut next_reading) = (phase * hpa::SYNC, rng.f64() * monitor::INTERVAL);
    let mut group = Group::new(trace.pause, rng.u64(..));
    let mut monitor = Monitor::default();
    let mut hpa = scaler.hpa();
    group.scale(0.0, hpa.replicas);
    let mut noise = [1.0; PARTITIONS];
    let mut pending = None;
    let (mut replica_seconds, mut rebalances_before) = (0.0, 0);
    let end = BEFORE + f64::from(trace.seconds);
    for step in 0..(end / STEP) as u32 {
        let now = f64::from(step) * STEP;
        let (at, counts) = ((now - BEFORE).max(0.0), now >= BEFORE);
        if (now - BEFORE).abs() < STEP / 2.0 {
            group.delays = Delays::default();
            rebalances_before = group.rebalances;
        }
        if step % (1.0 / STEP) as u32 == 0 {
            noise.iter_mut().for_each(|noise| *noise = 1.0 + NOISE * (2.0 * rng.f64() - 1.0));
            if counts && trace.deaths.contains(&(at as u32)) {
                group.kill_one(now);
            }
        }
        let overload = if now < OVERLOAD { 3.0 } else { 1.0 };
        let rate = (trace.rate)(at) * overload;
        let mut arrivals = [0.0; PARTITIONS];
        for index in 0..PARTITIONS {
            arrivals[index] = rate * weights[index] * noise[index] * STEP;
        }
        arrivals[HOT] += (trace.hot)(at) * noise[HOT] * STEP;
        group.step(now, &arrivals);
        if now >= next_reading && scaler.reads() {
            pending = Some((now + monitor::LATENCY, monitor.read(now, &group)));
            next_reading += monitor::INTERVAL;
        }
        if let Some((_, snapshot)) = pending.take_if(|(at, _)| now >= *at) {
            scaler.read(&snapshot);
        }
        if now >= next_sync {
            if scaler.reads() && monitor.age(now) >= monitor::FRESH {
                // Whoever asks for the metric gets a reading of that moment, as the service does it.
                scaler.read(&monitor.read(now, &group));
                (pending, next_reading) = (None, now + monitor::INTERVAL);
            }
            let lags: Vec<Option<u64>> = group.partitions.iter().map(|partition| Some(partition.lag())).collect();
            let (metric, target) = scaler.metric(&lags);
            group.scale(now, hpa.sync(now, metric, target));
            next_sync += hpa::SYNC;
        }
        if counts {
            replica_seconds += f64::from(hpa.replicas) * STEP;
        }
    }
    for partition in &group.partitions {
        partition.leave(end, &mut group.delays);
    }
    Outcome {
        worst: group.delays.worst(),
        p99: group.delays.p99(),
        late: group.delays.later_than(TARGET),
        replica_seconds,
        rebalances: group.rebalances - rebalances_before,
    }
}

/// Each partition's part of the arrivals: nearly the same, as with many keys.
fn even(rng: &mut fastrand::Rng) -> Vec<f64> {
    let weights: Vec<f64> = (0..PARTITIONS).map(|_| 1.0 + NOISE * (2.0 * rng.f64() - 1.0)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

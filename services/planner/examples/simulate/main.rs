//! Plays load traces against the planner and against KEDA's published formula, under the HPA's own algorithm, and
//! prints what came of it: `cargo run --release -p planner --example simulate`.

mod contest;
#[cfg(test)]
mod defects;
mod delays;
mod goals;
mod group;
mod hpa;
mod keda;
mod monitor;
mod partition;
mod run;
mod scaler;
mod trace;

use contest::Contest;
use std::thread;

fn main() {
    for contest in contests() {
        println!("**{}**: {}\n", contest.trace.name, contest.trace.about);
        println!("| | worst delay | p99 delay | late | replica-seconds | rebalances |");
        println!("|---|---:|---:|---:|---:|---:|");
        let scores = [&contest.all, &contest.reflex, &contest.planner, &contest.chart, &contest.keda_best];
        for score in scores.into_iter().chain(&contest.keda_keeping).chain([&contest.keda_default]) {
            println!(
                "| {} | {:.1} s | {:.1} s | {:.1} % | {:.0} | {:.1} |",
                score.name,
                score.worst,
                score.p99,
                score.late.abs() * 100.0,
                score.replica_seconds,
                score.rebalances
            );
        }
        println!();
        for (goal, reached) in goals::GOALS {
            if !reached(&contest) {
                println!("Missed: {goal}.\n");
            }
        }
    }
}

/// Every trace played by every scaler, two traces at a time.
fn contests() -> Vec<Contest> {
    let mut contests = Vec::new();
    for pair in trace::TRACES.chunks(2) {
        thread::scope(|scope| {
            let playing: Vec<_> = pair.iter().map(|trace| scope.spawn(|| Contest::new(trace))).collect();
            contests.extend(playing.into_iter().filter_map(|contest| contest.join().ok()));
        });
    }
    contests
}

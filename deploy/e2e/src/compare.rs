//! The same burst under each way to scale, one after the other on one cluster.

mod burst;
mod figures;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum as _};

use self::burst::{learn, measure};
use self::figures::{Figures, table};
use self::source::{Server, Source};
use crate::cleanup;
use crate::cluster::Cluster;
use crate::command;
use crate::error::Error;
use crate::evidence;
use crate::interruption::Interruption;
use crate::options::Place;
use crate::patience::seconds;
use crate::release::Value;
use crate::world::World;

/// How long bringing KEDA or prometheus-adapter may take.
const SERVER_PATIENCE: Duration = seconds(1800);

/// Consumers with a limit: one update after the other, 20 ms each.
const CONSUMERS: [Value<'static>; 4] =
    [("consumer.work", "20ms"), ("consumer.workers", "1"), ("producer.updates", "100"), ("producer.symbols", "48")];

/// How often an HPA looks. Where within that a burst begins decides a good part of what comes of it: a scaler's bursts
/// begin at evenly spread places of it, and each scaler's at the same ones.
const HPA_PERIOD: Duration = seconds(15);

/// Nothing scales.
const NONE: Value<'static> = ("autoscaling.source", "none");

/// Plays the same burst under each way to scale that the chart knows, and prints what came of it side by side.
#[derive(Clone, Debug, Parser)]
#[command(
    version,
    after_help = "It needs what the end-to-end test needs, and the Prometheus Operator. Whoever serves external metrics \
    is brought and removed by a command of yours or deploy/external-metrics."
)]
pub(crate) struct CompareOptions {
    #[command(flatten)]
    place: Place,
    /// Only these, with commas between
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    sources: Vec<Source>,
    /// How many bursts under each
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    bursts: u32,
    /// Brings the server of external metrics that it is told (none, keda, prometheus-adapter) and removes the others; it
    /// is told the release's namespace and the cluster's context, too
    #[arg(long, value_name = "COMMAND", env = "EXTERNAL_METRICS", default_value = "deploy/external-metrics")]
    external_metrics: PathBuf,
    /// Puts the table into this file, between its marks
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Runs the comparison as the whole process.
pub(crate) fn main() -> ExitCode {
    crate::run_to_end(run(CompareOptions::parse()))
}

async fn run(options: CompareOptions) -> Result<(), Error> {
    let mut interruption = Interruption::new()?;
    let cluster = Cluster::current(&options.place.namespace).await?;
    println!("Lagless, ways to scale: context {}, namespace {}", cluster.context, cluster.namespace);
    // Before anything is removed.
    interruption.or(cleanup::check(&cluster, &options.place)).await?;
    interruption.or(clear(&options, &cluster)).await?;
    interruption.or(cleanup::prepare(&cluster, &options.place)).await?;
    let mut world = World::new(options.place.clone(), cluster);
    let result = interruption.or(play(&options, &mut world)).await;
    if result.is_err() && !matches!(result, Err(Error::Interrupted)) {
        evidence::show(&world.cluster).await;
    }
    let cleaned = if options.place.keep {
        Ok(())
    } else {
        let cleared = clear(&options, &world.cluster).await;
        let removed = cleanup::remove(&world.cluster).await;
        cleared.and(removed)
    };
    let text = table(&cleanup::after(result, cleaned)?);
    println!("\n{text}");
    match &options.write {
        Some(path) => write(path, &text),
        None => Ok(()),
    }
}

async fn play(options: &CompareOptions, world: &mut World) -> Result<Vec<(Source, Vec<Figures>)>, Error> {
    world.stage.scene("install", "consumers that do 50 updates/s each");
    world.release.settle(&world.cluster, &with(&[NONE])).await?;
    world.cluster.apply(&[crate::pods::policy()]).await?;
    world.audit(crate::world::AUDITOR, "stocks").await?;
    let mut results = Vec::new();
    for &source in Source::value_variants() {
        if !options.sources.is_empty() && !options.sources.contains(&source) {
            continue;
        }
        world.stage.scene(source.told(), "the same burst");
        choose(options, world, source).await?;
        if source.asks_the_monitor() {
            learn(world).await?;
        }
        let mut bursts = Vec::new();
        for number in 0..options.bursts {
            let phase = HPA_PERIOD * (2 * number + 1) / (2 * options.bursts);
            bursts.push(measure(world, phase).await?);
        }
        results.push((source, bursts));
    }
    Ok(results)
}

/// Brings one way to scale, after removing the one before.
async fn choose(options: &CompareOptions, world: &mut World, source: Source) -> Result<(), Error> {
    world.release.settle(&world.cluster, &with(&[NONE])).await?;
    world.cluster.kubectl(&["scale", "deploy/consumer", "--replicas=1"]).await?;
    // The adapter's rules come with the release, KEDA's kinds have to be there before it.
    if source.server() == Server::PrometheusAdapter {
        serve(options, &world.cluster, Server::Monitor).await?;
        world.release.settle(&world.cluster, &with(source.values())).await?;
        serve(options, &world.cluster, Server::PrometheusAdapter).await?;
    } else {
        serve(options, &world.cluster, source.server()).await?;
        world.release.settle(&world.cluster, &with(source.values())).await?;
    }
    world.stage.step("it is in charge");
    Ok(())
}

fn with<'a>(values: &[Value<'a>]) -> Vec<Value<'a>> {
    [&CONSUMERS, values].concat()
}

/// Sees to it that this one serves external metrics, and no other.
async fn serve(options: &CompareOptions, cluster: &Cluster, server: Server) -> Result<(), Error> {
    let program = options.external_metrics.to_string_lossy();
    command::run(&program, &[server.name(), &cluster.namespace, &cluster.context], "", SERVER_PATIENCE).await.map(drop)
}

/// Removes the release, and after it whoever else serves external metrics: a release may have what only KEDA's operator
/// removes.
async fn clear(options: &CompareOptions, cluster: &Cluster) -> Result<(), Error> {
    let uninstalled = cleanup::uninstall(cluster).await;
    let served = serve(options, cluster, Server::Monitor).await;
    uninstalled.and(served)
}

const BEGIN: &str = "<!-- written by make compare -->\n";
const END: &str = "<!-- end of what make compare writes -->";

/// Replaces what stands between the marks.
fn write(path: &std::path::Path, table: &str) -> Result<(), Error> {
    let refused = |how: &str| Error::Refused(format!("{}: {how}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refused(&error.to_string()))?;
    let written = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some(format!("{before}{BEGIN}\n{table}\n{END}{}", rest.split_once(END)?.1)))
        .ok_or_else(|| refused("it has no marks to write between"))?;
    std::fs::write(path, written).map_err(|error| refused(&error.to_string()))
}

//! The end-to-end test: installs the chart in a real Kubernetes and proves what it promises, scene by scene.
//!
//! Everything goes through the API server, also what is asked of pods and services: nothing depends on the network
//! between here and the cluster.

mod cleanup;
mod cluster;
mod command;
mod error;
mod evidence;
mod objects;
mod options;
mod patience;
mod pods;
mod proxy;
mod release;
mod scenes;
mod services;
mod stage;
mod timeline;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser as _, ValueEnum as _};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cluster::Cluster;
use crate::error::Error;
use crate::options::Options;
use crate::scenes::Scene;
use crate::world::World;

/// Runs the test as the whole process.
#[must_use]
pub fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nFAILED: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(options: Options) -> Result<(), Error> {
    let began = Instant::now();
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let [Ok(interrupt), Ok(terminate)] = signals else {
        return Err(Error::Refused("signals cannot be watched".to_owned()));
    };
    let mut interruption = Interruption { interrupt, terminate };
    let keep = options.keep;
    let cluster = Cluster::current(&options.namespace).await?;
    println!("Lagless end to end: context {}, namespace {}", cluster.context, cluster.namespace);
    interruption.or(cleanup::prepare(&cluster)).await?;
    let scenes = chosen(&options.scenes);
    let mut world = World::new(options, cluster);
    let result = interruption.or(play(&mut world, &scenes)).await;
    if let Err(Error::Scene { .. }) = &result {
        println!("\nFAILED: {}", told(&result));
        // A second Ctrl-C cuts this short, and goes on to clean up.
        let shown = async {
            evidence::show(&world.cluster).await;
            Ok(())
        };
        let _ = interruption.or(shown).await;
    }
    if keep {
        println!("\nEverything is left as it is in namespace {}; the next run removes it.", world.cluster.namespace);
    } else {
        world.stage.scene("cleanup", "release, namespace, and what belongs to the whole cluster");
        cleanup::remove(&world.cluster).await?;
        world.stage.step("nothing is left");
    }
    let times = result?;
    println!();
    for (scene, time) in &times {
        println!("  ✓ {:<12} {:>6.1} s", scene.to_string(), time.as_secs_f64());
    }
    println!("All of it holds. Took {:.0} s.", began.elapsed().as_secs_f64());
    Ok(())
}

fn told(result: &Result<Vec<(Scene, Duration)>, Error>) -> String {
    result.as_ref().err().map(ToString::to_string).unwrap_or_default()
}

/// Those asked for, or all, in the order of the story; nothing goes without the first.
fn chosen(asked: &[Scene]) -> Vec<Scene> {
    let is_chosen = |scene: &Scene| asked.is_empty() || *scene == Scene::Install || asked.contains(scene);
    Scene::value_variants().iter().copied().filter(is_chosen).collect()
}

async fn play(world: &mut World, scenes: &[Scene]) -> Result<Vec<(Scene, Duration)>, Error> {
    let mut times = Vec::new();
    for &scene in scenes {
        world.stage.scene(scene, scene.about());
        scene.play(world).await.map_err(|source| Error::Scene { scene, source: Box::new(source) })?;
        times.push((scene, world.stage.elapsed()));
    }
    Ok(times)
}

/// Ctrl-C, or being told to end.
struct Interruption {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruption {
    /// Works until it is done or somebody interrupts it.
    async fn or<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            result = work => result,
            _ = self.interrupt.recv() => Err(Error::Interrupted),
            _ = self.terminate.recv() => Err(Error::Interrupted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_keep_their_order_and_begin_with_the_installation() {
        assert_eq!(chosen(&[Scene::Failure, Scene::Scaling]), [Scene::Install, Scene::Scaling, Scene::Failure]);
        assert_eq!(chosen(&[]).len(), Scene::value_variants().len());
    }
}

//! The end-to-end test: installs the chart in a real Kubernetes and proves what it promises, scene by scene.
//!
//! Everything goes through the API server, also what is asked of pods and services: nothing depends on the network
//! between here and the cluster.

mod cleanup;
mod cluster;
mod command;
mod compare;
mod error;
mod evidence;
mod interruption;
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

use crate::cluster::Cluster;
use crate::error::Error;
use crate::interruption::Interruption;
use crate::options::Options;
use crate::scenes::Scene;
use crate::world::World;

/// Runs the test as the whole process.
#[must_use]
pub fn main() -> ExitCode {
    run_to_end(run(Options::parse()))
}

/// Runs the comparison of ways to scale as the whole process.
#[must_use]
pub fn compare() -> ExitCode {
    compare::main()
}

fn run_to_end(work: impl Future<Output = Result<(), Error>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nFAILED: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(options: Options) -> Result<(), Error> {
    let began = Instant::now();
    let mut interruption = Interruption::new()?;
    let keep = options.place.keep;
    let cluster = Cluster::current(&options.place.namespace).await?;
    println!("Lagless end to end: context {}, namespace {}", cluster.context, cluster.namespace);
    interruption.or(cleanup::prepare(&cluster, &options.place)).await?;
    let scenes = chosen(&options.scenes);
    let mut world = World::new(options.place, cluster);
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
    let cleaned = if keep {
        println!("\nEverything is left as it is in namespace {}; the next run removes it.", world.cluster.namespace);
        Ok(())
    } else {
        world.stage.scene("cleanup", "release, namespace, and what belongs to the whole cluster");
        cleanup::remove(&world.cluster).await.inspect(|()| world.stage.step("nothing is left"))
    };
    let times = cleanup::after(result, cleaned)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_keep_their_order_and_begin_with_the_installation() {
        assert_eq!(chosen(&[Scene::Failure, Scene::Scaling]), [Scene::Install, Scene::Scaling, Scene::Failure]);
        assert_eq!(chosen(&[]).len(), Scene::value_variants().len());
    }
}

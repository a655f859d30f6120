//! The scenes, in their order.

mod autoscaling;
mod blindness;
mod dashboards;
mod failure;
mod install;
mod partitions;
mod processing;
mod rights;
mod scaling;
mod uninstall;
mod upgrade;

use std::fmt;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::error::Error;
use crate::world::World;

/// A scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scene {
    /// From nothing to every pod ready
    Install,
    /// 10,000 updates, each in its partition, each processed once
    Processing,
    /// To 3 consumers and back to 1 under load
    Scaling,
    /// A consumer ends in the middle of its work
    Failure,
    /// A burst, and the autoscaler follows the monitor
    Autoscaling,
    /// Every query of every dashboard has an answer after the burst
    Dashboards,
    /// The monitor is away, cannot read, the broker dies
    Blindness,
    /// Who may not do what
    Rights,
    /// Other settings and back, under load
    Upgrade,
    /// Autoscaling over 12 partitions
    Partitions,
    /// Nothing is left
    Uninstall,
}

impl Scene {
    /// What it is about, in one line.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Install => "from nothing to every pod ready, in one go",
            Self::Processing => "10,000 updates, each in the partition its key says, each processed once, in order",
            Self::Scaling => "kubectl scale to 3 consumers and back to 1, under load",
            Self::Failure => "GOOGL's consumer is deleted by force under load, then another in the middle of long work",
            Self::Autoscaling => "a burst that one consumer cannot take, and the autoscaler follows the monitor",
            Self::Dashboards => "what the burst looked like to Prometheus: each panel's queries, the rules",
            Self::Blindness => "the monitor is away, or may not read, or the broker dies: replicas stay, all recovers",
            Self::Rights => "who has no right to something gets nothing",
            Self::Upgrade => "helm upgrade to other settings and helm rollback, under load",
            Self::Partitions => "a topic of 12 partitions: consumers by the menu, never more than partitions",
            Self::Uninstall => "everything goes, but for the broker's volume",
        }
    }

    /// Plays it.
    ///
    /// # Errors
    /// What did not hold.
    pub(crate) async fn play(self, world: &mut World) -> Result<(), Error> {
        match self {
            Self::Install => install::play(world).await,
            Self::Processing => processing::play(world).await,
            Self::Scaling => scaling::play(world).await,
            Self::Failure => failure::play(world).await,
            Self::Autoscaling => autoscaling::play(world).await,
            Self::Dashboards => dashboards::play(world).await,
            Self::Blindness => blindness::play(world).await,
            Self::Rights => rights::play(world).await,
            Self::Upgrade => upgrade::play(world).await,
            Self::Partitions => partitions::play(world).await,
            Self::Uninstall => uninstall::play(world).await,
        }
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", PossibleValue::get_name))
    }
}

//! The command line.

use clap::Parser;

use crate::scenes::Scene;

/// Installs the chart in a namespace of its own in the cluster of the current kube context and proves, scene by scene,
/// that it does what it promises. Removes everything again.
#[derive(Clone, Debug, Parser)]
#[command(
    version,
    after_help = "It needs kubectl and helm, Strimzi's operator and the images in the cluster: `make e2e` builds and \
    loads them. Exit code: 0 if all held, 1 if anything did not, 2 if it cannot be run here, 130 if it was interrupted."
)]
pub(crate) struct Options {
    /// The namespace, which must not exist yet
    #[arg(long, value_name = "NAME", default_value = "lagless-e2e")]
    pub(crate) namespace: String,
    /// Leaves everything as it is in the end, to be looked at; the next run removes it
    #[arg(long)]
    pub(crate) keep: bool,
    /// Only these scenes, with commas between; install comes first in any case
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) scenes: Vec<Scene>,
    /// Registry and folder of the images
    #[arg(long, value_name = "FOLDER", default_value = "lagless")]
    pub(crate) images: String,
    /// The images' tag
    #[arg(long, value_name = "TAG", default_value = env!("CARGO_PKG_VERSION"))]
    pub(crate) image_tag: String,
}

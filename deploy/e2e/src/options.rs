//! The command line.

use clap::{Args, Parser};

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
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only these scenes, with commas between; install comes first in any case
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) scenes: Vec<Scene>,
}

/// Where it is played, and with which images.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The namespace, which must not exist yet
    #[arg(long, value_name = "NAME", default_value = "lagless-e2e")]
    pub(crate) namespace: String,
    /// Leaves everything as it is in the end, to be looked at; the next run removes it
    #[arg(long)]
    pub(crate) keep: bool,
    /// Registry and folder of the images
    #[arg(long, value_name = "FOLDER", default_value = "lagless")]
    pub(crate) images: String,
    /// The images' tag
    #[arg(long, value_name = "TAG", default_value = env!("CARGO_PKG_VERSION"))]
    pub(crate) image_tag: String,
    /// The tag of the images that the end-to-end test upgrades to, which are in the cluster too
    #[arg(long, value_name = "TAG", default_value = "next")]
    pub(crate) next_image_tag: String,
    /// The Prometheus that the Prometheus Operator runs
    #[arg(long, value_name = "NAMESPACE/SERVICE:PORT", default_value = "monitoring/prometheus-operated:9090")]
    prometheus: String,
    /// Leaves out what needs the Prometheus Operator
    #[arg(long)]
    no_prometheus: bool,
}

impl Place {
    /// The path to Prometheus behind the API server, unless it is left out.
    pub(crate) fn prometheus(&self) -> Option<String> {
        let (namespace, service) = self.prometheus.split_once('/').unwrap_or(("monitoring", &self.prometheus));
        (!self.no_prometheus).then(|| format!("/api/v1/namespaces/{namespace}/services/{service}/proxy"))
    }
}

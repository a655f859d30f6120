//! What may scale the consumers, and what it needs in the cluster.

use clap::ValueEnum;

use crate::release::Value;

/// A way to scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// An HPA on the monitor's external metric: the chart's default
    Monitor,
    /// KEDA, which asks the monitor over HTTP
    KedaMonitor,
    /// KEDA's own trigger, by lag, one consumer for each 100 updates: what one does in 2 s
    KedaKafka,
    /// KEDA's own trigger with its default threshold, 10
    KedaKafkaDefault,
    /// An HPA on the monitor's number as Prometheus has it, by prometheus-adapter
    Prometheus,
}

/// Who serves the cluster's external metrics for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// The release's own monitor.
    Monitor,
    /// KEDA.
    Keda,
    /// prometheus-adapter, with the rules that the release has for it.
    PrometheusAdapter,
}

impl Source {
    /// It in a table.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Monitor => "`monitor` (default)",
            Self::KedaMonitor => "`keda`, trigger `monitor`",
            Self::KedaKafka => "`keda`, trigger `kafka`, lagThreshold 100",
            Self::KedaKafkaDefault => "`keda`, trigger `kafka`, lagThreshold 10",
            Self::Prometheus => "`prometheus`",
        }
    }

    /// Whether it goes by the monitor's number. A change from one way to another may start the monitor anew, and it
    /// begins without knowing what one consumer can do.
    pub(crate) fn asks_the_monitor(self) -> bool {
        match self {
            Self::Monitor | Self::KedaMonitor | Self::Prometheus => true,
            Self::KedaKafka | Self::KedaKafkaDefault => false,
        }
    }

    pub(crate) fn server(self) -> Server {
        match self {
            Self::Monitor => Server::Monitor,
            Self::KedaMonitor | Self::KedaKafka | Self::KedaKafkaDefault => Server::Keda,
            Self::Prometheus => Server::PrometheusAdapter,
        }
    }

    /// The chart's values that choose it.
    pub(crate) fn values(self) -> &'static [Value<'static>] {
        match self {
            Self::Monitor => &[("autoscaling.source", "monitor")],
            Self::KedaMonitor => &[("autoscaling.source", "keda"), ("autoscaling.keda.trigger", "monitor")],
            Self::KedaKafka => &[
                ("autoscaling.source", "keda"),
                ("autoscaling.keda.trigger", "kafka"),
                ("autoscaling.keda.lagThreshold", "100"),
            ],
            Self::KedaKafkaDefault => &[
                ("autoscaling.source", "keda"),
                ("autoscaling.keda.trigger", "kafka"),
                ("autoscaling.keda.lagThreshold", "10"),
            ],
            Self::Prometheus => &[("autoscaling.source", "prometheus"), ("podMonitors.enabled", "true")],
        }
    }
}

impl Server {
    /// Its name, as the command that brings it understands it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Monitor => "none",
            Self::Keda => "keda",
            Self::PrometheusAdapter => "prometheus-adapter",
        }
    }
}

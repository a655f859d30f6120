//! The parts of Kubernetes' objects that the test looks at.

use serde::Deserialize;

/// A list of anything.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
}

/// What every object has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) generation: i64,
    pub(crate) deletion_timestamp: Option<String>,
}

/// Any object, by its name alone.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) metadata: Metadata,
}

/// A volume of the cluster.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Volume {
    pub(crate) metadata: Metadata,
    pub(crate) spec: VolumeSpec,
}

/// Whose it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VolumeSpec {
    pub(crate) claim_ref: Option<Claim>,
}

/// The claim that has a volume.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Claim {
    pub(crate) namespace: String,
}

/// Something that is so or not, and why.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// Any object with conditions.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Conditioned {
    status: Conditions,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Conditions {
    conditions: Vec<Condition>,
}

impl Conditioned {
    /// The condition of this type.
    pub(crate) fn condition(&self, kind: &str) -> Condition {
        self.status.conditions.iter().find(|condition| condition.kind == kind).cloned().unwrap_or_default()
    }
}

/// A pod.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Pod {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: String,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    ready: bool,
    restart_count: u32,
}

impl Pod {
    /// Whether it is there to stay, with all its containers ready.
    pub(crate) fn is_ready(&self) -> bool {
        let containers = &self.status.container_statuses;
        !self.is_going() && !containers.is_empty() && containers.iter().all(|container| container.ready)
    }

    /// Whether it was told to end, or has ended.
    pub(crate) fn is_going(&self) -> bool {
        self.metadata.deletion_timestamp.is_some() || matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// How often a container of it was started again.
    pub(crate) fn restarts(&self) -> u32 {
        self.status.container_statuses.iter().map(|container| container.restart_count).sum()
    }

    /// It in few words.
    pub(crate) fn told(&self) -> String {
        let state = if self.is_going() {
            "going"
        } else if self.is_ready() {
            "ready"
        } else {
            &self.status.phase
        };
        format!("{} {state}", self.metadata.name)
    }
}

/// A deployment.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) metadata: Metadata,
    pub(crate) spec: Scale,
    #[serde(default)]
    pub(crate) status: DeploymentStatus,
}

/// How many replicas there are to be.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Scale {
    pub(crate) replicas: u32,
}

/// How many there are.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeploymentStatus {
    observed_generation: i64,
    replicas: u32,
    updated_replicas: u32,
    pub(crate) ready_replicas: u32,
}

impl Deployment {
    /// Whether all it is to have is there, of its latest template, and nothing else.
    pub(crate) fn is_rolled_out(&self) -> bool {
        let (wanted, status) = (self.spec.replicas, &self.status);
        status.observed_generation >= self.metadata.generation
            && [status.replicas, status.updated_replicas, status.ready_replicas] == [wanted; 3]
    }

    /// It in few words.
    pub(crate) fn told(&self) -> String {
        let DeploymentStatus { replicas, updated_replicas, ready_replicas, .. } = self.status;
        format!(
            "{}: {ready_replicas} of {} ready, {updated_replicas} updated, {replicas} in all",
            self.metadata.name, self.spec.replicas
        )
    }
}

/// Something that happened to an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Event {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) count: u32,
    /// RFC 3339, to the second.
    pub(crate) last_timestamp: Option<String>,
}

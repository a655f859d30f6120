//! The cluster of one kube context, as seen from one namespace.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::command;
use crate::error::Error;
use crate::objects::{Deployment, Event, List, Pod};
use crate::patience::{Seen, seconds, seen, until};
use crate::proxy::Proxy;

/// How long a command of kubectl may take.
const KUBECTL_TIMEOUT: Duration = seconds(120);

/// A cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) context: String,
    pub(crate) namespace: String,
    pub(crate) proxy: Proxy,
}

impl Cluster {
    /// The cluster of the current context.
    ///
    /// # Errors
    /// Where there is none, or it does not answer.
    pub(crate) async fn current(namespace: &str) -> Result<Self, Error> {
        let context = command::run("kubectl", &["config", "current-context"], "", KUBECTL_TIMEOUT).await?;
        let proxy = Proxy::start(&context).await?;
        Ok(Self { context, namespace: namespace.to_owned(), proxy })
    }

    /// Runs kubectl in the namespace.
    ///
    /// # Errors
    /// Where it fails or takes too long.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Result<String, Error> {
        self.kubectl_with("", arguments).await
    }

    /// Makes the cluster have these objects.
    ///
    /// # Errors
    /// Where it refuses them.
    pub(crate) async fn apply(&self, objects: &[serde_json::Value]) -> Result<(), Error> {
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.kubectl_with(&list.to_string(), &["apply", "--filename", "-"]).await.map(drop)
    }

    async fn kubectl_with(&self, input: &str, arguments: &[&str]) -> Result<String, Error> {
        let place = ["--context", self.context.as_str(), "--namespace", self.namespace.as_str()];
        command::run("kubectl", &[&place, arguments].concat(), input, KUBECTL_TIMEOUT).await
    }

    /// Runs helm in the namespace.
    ///
    /// # Errors
    /// Where it fails or takes longer than `patience`.
    pub(crate) async fn helm(&self, arguments: &[&str], patience: Duration) -> Result<String, Error> {
        let place = ["--kube-context", self.context.as_str(), "--namespace", self.namespace.as_str()];
        command::run("helm", &[&place, arguments].concat(), "", patience).await
    }

    /// An object of the namespace: `apis/apps/v1` and `deployments/consumer`.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) async fn object<T: DeserializeOwned>(&self, api: &str, name: &str) -> Result<T, Error> {
        self.proxy.get(&format!("/{api}/namespaces/{}/{name}", self.namespace)).await
    }

    /// Whether there is something at a path of the API server.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn exists(&self, path: &str) -> Result<bool, Error> {
        match self.proxy.text(path).await {
            Ok(_) => Ok(true),
            Err(Error::Answer { status: Some(404), .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All pods with a label, such as `app.kubernetes.io/name=consumer`; all of the namespace without one.
    ///
    /// # Errors
    /// Where the API server does not answer.
    pub(crate) async fn pods(&self, label: &str) -> Result<Vec<Pod>, Error> {
        let list: List<Pod> = self.object("api/v1", &format!("pods?labelSelector={label}")).await?;
        Ok(list.items)
    }

    /// The pods of a component of the chart that are there to stay.
    ///
    /// # Errors
    /// Where the API server does not answer.
    pub(crate) async fn component(&self, name: &str) -> Result<Vec<Pod>, Error> {
        let mut pods = self.pods(&format!("app.kubernetes.io/name={name}")).await?;
        pods.retain(|pod| !pod.is_going());
        Ok(pods)
    }

    /// A deployment.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) async fn deployment(&self, name: &str) -> Result<Deployment, Error> {
        self.object("apis/apps/v1", &format!("deployments/{name}")).await
    }

    /// Waits until a deployment has all it is to have.
    ///
    /// # Errors
    /// Where it does not come to that within 3 minutes.
    pub(crate) async fn rolled_out(&self, name: &str) -> Result<(), Error> {
        until(&format!("deploy/{name} complete"), seconds(180), async || {
            let deployment = self.deployment(name).await?;
            seen(deployment.is_rolled_out(), deployment.told())
        })
        .await
    }

    /// What happened to an object of this kind and name.
    ///
    /// # Errors
    /// Where the API server does not answer.
    pub(crate) async fn events(&self, kind: &str, name: &str) -> Result<Vec<Event>, Error> {
        let fields = format!("involvedObject.kind={kind},involvedObject.name={name}");
        let list: List<Event> = self.object("api/v1", &format!("events?fieldSelector={fields}")).await?;
        Ok(list.items)
    }

    /// Waits until a pod is ready.
    ///
    /// # Errors
    /// Where it is not within a minute.
    pub(crate) async fn pod_ready(&self, name: &str) -> Result<(), Error> {
        until(&format!("pod {name} ready"), seconds(60), async || {
            let pod: Pod = self.object("api/v1", &format!("pods/{name}")).await?;
            seen(pod.is_ready(), pod.told())
        })
        .await
    }

    /// Waits until a pod's log has a line that a test of it likes, and returns that line.
    ///
    /// # Errors
    /// Where there is none in time.
    pub(crate) async fn logged(
        &self,
        pod: &str,
        awaited: &str,
        patience: Duration,
        is_it: impl Fn(&str) -> bool,
    ) -> Result<String, Error> {
        until(awaited, patience, async || {
            let path = format!("/api/v1/namespaces/{}/pods/{pod}/log?tailLines=200", self.namespace);
            let log = self.proxy.text(&path).await?;
            let found = log.lines().find(|line| is_it(line));
            let last = || log.lines().last().unwrap_or("an empty log").to_owned();
            Ok(found.map_or_else(|| Seen::NotYet(last()), |line| Seen::Yes(line.to_owned())))
        })
        .await
    }

    /// How often each pod was started again, of those that were.
    ///
    /// # Errors
    /// Where the API server does not answer.
    pub(crate) async fn restarts(&self) -> Result<BTreeMap<String, u32>, Error> {
        let restarts = self.pods("").await?.into_iter().map(|pod| (pod.metadata.name.clone(), pod.restarts()));
        Ok(restarts.filter(|(_, restarts)| *restarts > 0).collect())
    }
}

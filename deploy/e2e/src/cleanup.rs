//! Leaves the cluster as it was.

use crate::cluster::Cluster;
use crate::error::Error;
use crate::objects::{List, Named, Volume};
use crate::options::Place;
use crate::patience::{seconds, seen, until};
use crate::release::RELEASE;

/// The label of a namespace that is this test's.
const MARK: &str = "app.kubernetes.io/managed-by=lagless-e2e";

/// The one server of external metrics that a cluster has.
const METRICS_API: &str = "v1beta1.external.metrics.k8s.io";

/// Kinds that a release makes, or something makes for it.
const KINDS: &str = "deployments,pods,services,serviceaccounts,secrets,configmaps,persistentvolumeclaims,\
    networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,kafkas,kafkanodepools,kafkatopics,kafkausers,roles,\
    rolebindings";

/// Looks whether the test may run here, and changes nothing.
///
/// # Errors
/// Where the namespace is somebody else's, or the cluster lacks something.
pub(crate) async fn check(cluster: &Cluster, place: &Place) -> Result<(), Error> {
    let namespace = &cluster.namespace;
    if cluster.exists(&path(namespace)).await? {
        let mine = cluster.kubectl(&["get", "namespace", "--selector", MARK, "--output", "name"]).await?;
        if !mine.lines().any(|name| name == format!("namespace/{namespace}")) {
            return Err(Error::Refused(format!(
                "namespace {namespace} exists and is not this test's: use --namespace"
            )));
        }
    }
    if place.prometheus().is_some() && !cluster.exists("/apis/monitoring.coreos.com/v1").await? {
        return Err(Error::Refused(
            "this cluster has no Prometheus Operator: `make operators WITH=prometheus`, or leave out what needs it \
            with --no-prometheus"
                .to_owned(),
        ));
    }
    // Version 3 compares custom resources with what it installed, not with what is there: it takes nothing back.
    let version = cluster.helm(&["version", "--template", "{{.Version}}"], seconds(30)).await?;
    if version.starts_with("v3.") {
        return Err(Error::Refused(format!("this is helm {version}, and the test needs version 4")));
    }
    Ok(())
}

/// Makes the namespace, after removing what an earlier run left of it.
///
/// # Errors
/// Where the test may not run here, or somebody else serves the cluster's external metrics.
pub(crate) async fn prepare(cluster: &Cluster, place: &Place) -> Result<(), Error> {
    check(cluster, place).await?;
    let namespace = &cluster.namespace;
    if cluster.exists(&path(namespace)).await? {
        remove(cluster).await?;
    }
    if let Some(owner) = metrics_api_owner(cluster).await? {
        return Err(Error::Refused(format!(
            "this cluster's external metrics API is served by {owner}, and only one can: remove that first"
        )));
    }
    cluster.kubectl(&["create", "namespace", namespace]).await?;
    cluster
        .kubectl(&["label", "namespace", namespace, MARK, "pod-security.kubernetes.io/enforce=restricted"])
        .await
        .map(drop)
}

/// What the work came to, or why it left something behind. Its own error is the one to look at first.
///
/// # Errors
/// The work's, else the cleanup's.
pub(crate) fn after<T>(work: Result<T, Error>, cleaned: Result<(), Error>) -> Result<T, Error> {
    match (work, cleaned) {
        (Err(error), Err(left)) => {
            println!("\nNot everything is removed: {left}");
            Err(error)
        }
        (work, cleaned) => cleaned.and(work),
    }
}

/// Where the API server has a namespace.
fn path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}")
}

/// Uninstalls the release, if there is one.
///
/// # Errors
/// Where helm fails.
pub(crate) async fn uninstall(cluster: &Cluster) -> Result<(), Error> {
    let arguments = ["uninstall", RELEASE, "--ignore-not-found", "--wait", "--timeout", "3m"];
    cluster.helm(&arguments, seconds(200)).await.map(drop)
}

/// Removes the release, the namespace, and what of the release belongs to the whole cluster. Each of them is tried, whatever
/// became of those before.
///
/// # Errors
/// The first, where something of it remains.
pub(crate) async fn remove(cluster: &Cluster) -> Result<(), Error> {
    let binding = format!("{}-{RELEASE}-monitor", cluster.namespace);
    let unbind = ["delete", "rolebinding", &binding, "--namespace", "kube-system", "--ignore-not-found"];
    let steps = [
        uninstall(cluster).await,
        // It has to go before the namespace does: with nobody to serve it no namespace can be removed.
        remove_metrics_api(cluster).await,
        cluster.kubectl(&unbind).await.map(drop),
        remove_namespace(cluster).await,
        remove_volumes(cluster).await,
    ];
    steps.into_iter().collect()
}

async fn remove_metrics_api(cluster: &Cluster) -> Result<(), Error> {
    if metrics_api_owner(cluster).await?.is_some_and(|owner| owner == format!("{}/monitor", cluster.namespace)) {
        cluster.kubectl(&["delete", "apiservice", METRICS_API]).await?;
    }
    Ok(())
}

async fn remove_namespace(cluster: &Cluster) -> Result<(), Error> {
    let namespace = &cluster.namespace;
    cluster.kubectl(&["delete", "namespace", namespace, "--ignore-not-found", "--wait=false"]).await?;
    until("the namespace gone", seconds(180), async || {
        seen(!cluster.exists(&path(namespace)).await?, "it is there still")
    })
    .await
}

/// Removes the volumes that the namespace claimed: some classes retain them.
async fn remove_volumes(cluster: &Cluster) -> Result<(), Error> {
    let volumes: List<Volume> = cluster.proxy.get("/api/v1/persistentvolumes").await?;
    let claimed =
        |volume: &Volume| volume.spec.claim_ref.as_ref().is_some_and(|claim| claim.namespace == cluster.namespace);
    for volume in volumes.items.iter().filter(|volume| claimed(volume)) {
        let name = &volume.metadata.name;
        cluster.kubectl(&["delete", "persistentvolume", name, "--ignore-not-found", "--timeout=60s"]).await?;
    }
    Ok(())
}

/// What there is in the namespace that Kubernetes did not put there: `kind/name`.
///
/// # Errors
/// Where that cannot be read.
pub(crate) async fn leftovers(cluster: &Cluster) -> Result<Vec<String>, Error> {
    let names = cluster.kubectl(&["get", KINDS, "--output", "name"]).await?;
    let own = ["configmap/kube-root-ca.crt", "serviceaccount/default"];
    let mut left: Vec<_> = names.lines().filter(|name| !own.contains(name)).map(str::to_owned).collect();
    if metrics_api_owner(cluster).await?.is_some() {
        left.push(format!("apiservice/{METRICS_API}"));
    }
    let bindings: List<Named> =
        cluster.proxy.get("/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings").await?;
    let ours = format!("{}-{RELEASE}-", cluster.namespace);
    let bindings = bindings.items.into_iter().filter(|binding| binding.metadata.name.starts_with(&ours));
    left.extend(bindings.map(|binding| format!("rolebinding/{} in kube-system", binding.metadata.name)));
    Ok(left)
}

/// Who serves external metrics, as `namespace/service`.
async fn metrics_api_owner(cluster: &Cluster) -> Result<Option<String>, Error> {
    let path = format!("/apis/apiregistration.k8s.io/v1/apiservices/{METRICS_API}");
    let api: serde_json::Value = match cluster.proxy.get(&path).await {
        Ok(api) => api,
        Err(Error::Answer { status: Some(404), .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let part = |name: &str| api["spec"]["service"][name].as_str().unwrap_or("?").to_owned();
    Ok(Some(format!("{}/{}", part("namespace"), part("name"))))
}

//! What there was when a scene failed.

use crate::cluster::Cluster;

/// So many of each pod's last log lines are shown.
const LOG_LINES: &str = "--tail=25";

/// Shows pods, events, the autoscaler, the monitor's plans and everybody's log.
pub(crate) async fn show(cluster: &Cluster) {
    section(cluster, "pods", &["get", "pods", "--output", "wide"]).await;
    section(cluster, "events", &["get", "events", "--sort-by", ".lastTimestamp"]).await;
    section(cluster, "autoscaler", &["describe", "horizontalpodautoscaler", "consumer"]).await;
    println!("\n--- the monitor's plans");
    match cluster.decisions().await {
        Ok(decisions) => {
            for decision in decisions.iter().rev().take(15).rev() {
                println!("{}  {:?}  {}", decision.at_ms, decision.replicas, decision.sentence);
            }
        }
        Err(error) => println!("{error}"),
    }
    section(cluster, "Kafka's resources", &["get", "kafkas,kafkatopics,kafkausers"]).await;
    let pods = match cluster.pods("").await {
        Ok(pods) => pods,
        Err(error) => return println!("{error}"),
    };
    for pod in pods {
        let name = &pod.metadata.name;
        section(cluster, &format!("log of {name}"), &["logs", name, "--all-containers", LOG_LINES]).await;
        if pod.restarts() > 0 {
            let what = format!("log of {name} before it was started again");
            section(cluster, &what, &["logs", name, "--all-containers", "--previous", LOG_LINES]).await;
        }
    }
}

async fn section(cluster: &Cluster, what: &str, arguments: &[&str]) {
    println!("\n--- {what}");
    match cluster.kubectl(arguments).await {
        Ok(text) => println!("{text}"),
        Err(error) => println!("{error}"),
    }
}

//! Pods of the test's own: each runs an image of the project beside the chart's pods.

use serde_json::{Value, json};

use crate::release::RELEASE;

/// The label of pods that the test's own policy lets through to Kafka.
const LET_THROUGH: &str = "lagless-e2e/kafka";

/// Who a pod says it is to Kafka.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Identity<'a> {
    /// The KafkaUser of this name, with its password.
    User(&'a str),
    /// Somebody with a password that is not theirs.
    Impostor(&'a str),
    /// Nobody.
    Nobody,
}

/// A pod that runs a service's image over the release's Kafka.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestPod<'a> {
    pub(crate) name: &'a str,
    pub(crate) image: &'a str,
    pub(crate) identity: Identity<'a>,
    /// Whether network policies let it through to Kafka.
    pub(crate) is_let_through: bool,
    pub(crate) env: &'a [(&'a str, &'a str)],
}

impl TestPod<'_> {
    /// The pod, by the restricted Pod Security Standard.
    pub(crate) fn manifest(&self, namespace: &str) -> Value {
        let mut env = vec![
            variable("KAFKA_BOOTSTRAP_SERVERS", &format!("{RELEASE}-kafka-bootstrap.{namespace}.svc:9093")),
            variable("KAFKA_SSL_CA_FILE", "/etc/lagless/kafka-ca/ca.crt"),
        ];
        let sasl = |user: &str| {
            let protocol = variable("KAFKA_SECURITY_PROTOCOL", "SASL_SSL");
            [protocol, variable("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"), variable("KAFKA_SASL_USERNAME", user)]
        };
        match self.identity {
            Identity::User(user) => {
                env.extend(sasl(user));
                let secret = json!({"secretKeyRef": {"name": user, "key": "password"}});
                env.push(json!({"name": "KAFKA_SASL_PASSWORD", "valueFrom": secret}));
            }
            Identity::Impostor(user) => {
                env.extend(sasl(user));
                env.push(variable("KAFKA_SASL_PASSWORD", "guessed"));
            }
            Identity::Nobody => env.push(variable("KAFKA_SECURITY_PROTOCOL", "SSL")),
        }
        env.extend(self.env.iter().map(|(name, value)| variable(name, value)));
        let labels = if self.is_let_through { json!({LET_THROUGH: "yes"}) } else { json!({}) };
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self.name, "labels": labels},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "terminationGracePeriodSeconds": 5,
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": 65532, "fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [{
                    "name": "main",
                    "image": self.image,
                    "imagePullPolicy": "IfNotPresent",
                    "env": env,
                    "ports": [{"name": "http", "containerPort": 8080}],
                    "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1},
                    "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": "kafka-ca", "mountPath": "/etc/lagless/kafka-ca", "readOnly": true}],
                }],
                "volumes": [{"name": "kafka-ca", "secret": {"secretName": format!("{RELEASE}-cluster-ca-cert")}}],
            },
        })
    }
}

fn variable(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

/// Lets the test's pods through to Kafka: policies add up.
pub(crate) fn policy() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "e2e"},
        "spec": {
            "podSelector": {"matchLabels": {
                "strimzi.io/cluster": RELEASE, "strimzi.io/name": format!("{RELEASE}-kafka"),
            }},
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [{"podSelector": {"matchLabels": {LET_THROUGH: "yes"}}}],
                "ports": [{"protocol": "TCP", "port": 9093}],
            }],
        },
    })
}

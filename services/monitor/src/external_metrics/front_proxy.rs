//! Keeps up with who the cluster's front proxy is.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use common::backoff;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use rustls::pki_types::{CertificateDer, UnixTime};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::trust::{Distrust, Trust};

const NAMESPACE: &str = "kube-system";
const CONFIG_MAP: &str = "extension-apiserver-authentication";

/// Between readings while all is well; up to a half more, so that monitors do not ask in step.
const REREAD: Duration = Duration::from_secs(20);

/// Between readings that refused certificates ask for.
const REREAD_AT_LEAST_AFTER: Duration = Duration::from_secs(2);

/// A reading that takes longer has failed.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(10);

/// Tells the front proxy from everyone else, by what the cluster published last.
pub(super) struct FrontProxy {
    /// Or why nothing could be read yet.
    trust: watch::Sender<Result<Arc<Trust>, String>>,
    doubted: Notify,
}

/// Why a client is not taken for the front proxy.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("only the cluster's front proxy may ask, and the client shows no certificate")]
    NoCertificate,
    #[error("only the cluster's front proxy may ask: {0}")]
    Distrusted(#[from] Distrust),
    #[error("who the cluster's front proxy is could not be read yet: {0}")]
    NotKnownYet(String),
}

impl FrontProxy {
    pub(super) fn new() -> Self {
        let trust = watch::Sender::new(Err(format!("{NAMESPACE}/{CONFIG_MAP} is still being read")));
        Self { trust, doubted: Notify::new() }
    }

    /// Whether it is known who the front proxy is; where not, why.
    pub(super) fn known(&self) -> Result<(), String> {
        self.trust.borrow().as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// Checks a client's certificate, its own first. Asked anew for every request, for a connection may outlive its
    /// certificate.
    pub(super) fn admit(&self, chain: &[CertificateDer<'_>]) -> Result<(), Refusal> {
        if chain.is_empty() {
            return Err(Refusal::NoCertificate);
        }
        let trust = self.trust.borrow().clone().map_err(Refusal::NotKnownYet)?;
        trust.verify(chain, UnixTime::now()).map_err(|distrust| {
            // The cluster may have changed its authority just now.
            self.doubted.notify_one();
            Refusal::Distrusted(distrust)
        })
    }

    /// Reads what the cluster publishes again and again, until `shutdown`. What was read last stays while it cannot be
    /// read.
    pub(super) async fn keep_current(&self, cluster: Client, shutdown: CancellationToken) {
        let config_maps = Api::namespaced(cluster, NAMESPACE);
        let mut complaint = None;
        let mut retries = backoff::exponential(FIRST_RETRY, LAST_RETRY);
        let reading = async {
            loop {
                match read(&config_maps).await {
                    Ok(trust) => {
                        self.learn(trust, complaint.take().is_some());
                        retries = backoff::exponential(FIRST_RETRY, LAST_RETRY);
                        sleep(REREAD_AT_LEAST_AFTER).await;
                        let _ = timeout(REREAD.mul_f64(1.0 + fastrand::f64() / 2.0), self.doubted.notified()).await;
                    }
                    Err(reason) => {
                        if complaint.as_ref() != Some(&reason) {
                            tracing::error!("who the cluster's front proxy is cannot be read: {reason}");
                        }
                        self.cannot_learn(&reason);
                        complaint = Some(reason);
                        sleep(retries.next().unwrap_or(LAST_RETRY)).await;
                    }
                }
            }
        };
        shutdown.run_until_cancelled(reading).await;
    }

    fn learn(&self, trust: Trust, recovered: bool) {
        self.trust.send_modify(|known| {
            if recovered || !known.as_ref().is_ok_and(|known| known.is(&trust)) {
                tracing::info!("the cluster's front proxy: {}", trust.summary());
            }
            *known = Ok(Arc::new(trust));
        });
    }

    fn cannot_learn(&self, reason: &str) {
        self.trust.send_modify(|known| {
            if let Err(told) = known {
                reason.clone_into(told);
            }
        });
    }
}

async fn read(config_maps: &Api<ConfigMap>) -> Result<Trust, String> {
    let what = format!("ConfigMap {NAMESPACE}/{CONFIG_MAP}");
    match timeout(READ_TIMEOUT, config_maps.get(CONFIG_MAP)).await {
        Ok(Ok(config_map)) => Trust::published_in(config_map).map_err(|error| format!("{what}: {error}")),
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => Err(format!(
            "{what}: {}; bind the Role {NAMESPACE}/{CONFIG_MAP}-reader to this service account, by a RoleBinding in \
             {NAMESPACE}",
            status.message
        )),
        Ok(Err(kube::Error::Api(status))) => Err(format!("{what}: {} ({})", status.message, status.code)),
        Ok(Err(error)) => Err(format!("{what}: {}", with_sources(&error))),
        Err(_) => Err(format!("{what}: no answer within {READ_TIMEOUT:?}")),
    }
}

/// An error with what it came from: by itself the client's says little.
fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let source_text = source.to_string();
        if !text.contains(&source_text) {
            text = format!("{text}: {source_text}");
        }
        next = source.source();
    }
    text
}

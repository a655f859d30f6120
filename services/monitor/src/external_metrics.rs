//! The Kubernetes external metrics API, `external.metrics.k8s.io/v1beta1`, over TLS.
//!
//! The API server hands requests on to it as its front proxy, which shows a certificate; nobody else may ask. A number
//! that is not known is an error and never 0: an autoscaler then leaves everything as it is.

mod connections;
mod discovery;
mod front_proxy;
mod handshake;
mod quantity;
mod refusals;
mod routes;
mod selector;
mod serving_certificate;
mod status;
mod trust;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use connections::Server;
use front_proxy::FrontProxy;
pub use serving_certificate::CertificateError;
use serving_certificate::{Files, ServingCertificate};

/// What can be asked for.
pub trait Source: Send + Sync + 'static {
    /// Every metric's name.
    fn metrics(&self) -> &'static [&'static str];

    /// The series of one of them as they are now. May take a moment to read anew.
    fn series(&self, metric: &str) -> impl Future<Output = Vec<Series>> + Send;
}

/// One number of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it is a number of.
    pub labels: BTreeMap<String, String>,
    /// When it was so, in milliseconds since 1970.
    pub at_ms: u64,
    /// The number, or why it is not known.
    pub value: Result<f64, String>,
}

/// Where to serve, and by which certificate.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to bind; with port 0 the system chooses one.
    pub address: SocketAddr,
    /// The certificate chain, PEM.
    pub certificate_file: PathBuf,
    /// Its private key, PEM.
    pub key_file: PathBuf,
}

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No way to the cluster: not in a pod with a service account, and no KUBECONFIG that can be used.
    #[error("the external metrics API needs a cluster: {0}")]
    Cluster(#[source] Box<kube::Error>),
    /// The serving certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// TLS cannot be set up.
    #[error("the external metrics API cannot speak TLS: {0}")]
    Tls(#[source] rustls::Error),
    /// The address cannot be had.
    #[error("the external metrics API cannot listen at {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// The cluster this process belongs to: the one of its pod's service account, or of KUBECONFIG.
///
/// # Errors
/// Where there is neither.
pub async fn cluster() -> Result<kube::Client, Error> {
    let cluster = |error| Error::Cluster(Box::new(error));
    // The client takes the process's; without one it guesses from what was compiled in. Where one is set, that is well.
    let _ = ring::default_provider().install_default();
    let mut config = kube::Config::infer().await.map_err(|error| cluster(kube::Error::InferConfig(error)))?;
    config.connect_timeout = Some(Duration::from_secs(3));
    kube::Client::try_from(config).map_err(cluster)
}

/// The API, bound and not served yet.
pub struct ExternalMetrics<S> {
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    certificate: Arc<ServingCertificate>,
    cluster: kube::Client,
    source: Arc<S>,
}

impl<S: Source> ExternalMetrics<S> {
    /// Reads the serving certificate and binds the address. `cluster` tells who its front proxy is.
    ///
    /// # Errors
    /// Where the certificate cannot be used, or the address cannot be had.
    pub async fn bind(settings: Settings, cluster: kube::Client, source: Arc<S>) -> Result<Self, Error> {
        let Settings { address, certificate_file, key_file } = settings;
        let provider = Arc::new(ring::default_provider());
        let files = Files { certificate: certificate_file, key: key_file };
        let certificate = Arc::new(ServingCertificate::load(files, provider.clone())?);
        let tls = handshake::config(certificate.clone(), provider).map_err(Error::Tls)?;
        let bind = |source| Error::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        tracing::info!(%address, "listening for the Kubernetes API server");
        Ok(Self { listener, address, tls: Arc::new(tls).into(), certificate, cluster, source })
    }

    /// The address that was bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`, then gives requests under way a moment.
    pub async fn run(self, shutdown: CancellationToken) {
        let front_proxy = Arc::new(FrontProxy::new());
        let server = Server {
            tls: self.tls,
            front_proxy: front_proxy.clone(),
            router: routes::router(self.source, front_proxy.clone()),
        };
        tokio::join!(
            front_proxy.keep_current(self.cluster, shutdown.clone()),
            self.certificate.keep_current(shutdown.clone()),
            server.serve(self.listener, shutdown),
        );
    }
}

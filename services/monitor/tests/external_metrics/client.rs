//! Clients of every kind.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::api::BASE;
use crate::certificates::Identity;

/// A client that stays connected.
pub(crate) struct Client {
    address: SocketAddr,
    tls: TlsConnector,
    connection: Mutex<Option<SendRequest<Body>>>,
}

/// An answer's code and JSON; what is no JSON is given as a text.
pub(crate) type Answered = (StatusCode, Value);

impl Client {
    pub(crate) fn new(
        address: SocketAddr,
        trusted: CertificateDer<'static>,
        identity: Option<&Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(trusted).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            Some(identity) => {
                // Whether the key is the certificate's own is not looked at here.
                let key = provider.key_provider.load_private_key(identity.private_key()).unwrap();
                let pair = CertifiedKey::new(identity.chain.clone(), key);
                config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair)))
            }
            None => config.with_no_client_auth(),
        };
        Self { address, tls: Arc::new(config).into(), connection: Mutex::default() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.request("GET", path).await
    }

    pub(crate) async fn metric(&self, metric: &str, selector: &str) -> Answered {
        let selector: String = selector.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.get(&format!("{BASE}/namespaces/any/{metric}?labelSelector={selector}")).await
    }

    pub(crate) async fn request(&self, method: &str, path: &str) -> Answered {
        self.try_request(method, path).await.unwrap()
    }

    pub(crate) async fn try_request(&self, method: &str, path: &str) -> Result<Answered, Box<dyn Error + Send + Sync>> {
        timeout(Duration::from_secs(20), self.ask(method, path)).await?
    }

    async fn ask(&self, method: &str, path: &str) -> Result<Answered, Box<dyn Error + Send + Sync>> {
        let mut connection = self.connection.lock().await;
        let mut sender = match connection.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => self.open().await?,
        };
        sender.ready().await?;
        let request = Request::builder().method(method).uri(path).header("host", "metrics").body(Body::empty())?;
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await?;
        *connection = Some(sender);
        let text = String::from_utf8(body.to_vec())?;
        Ok((parts.status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    async fn open(&self) -> Result<SendRequest<Body>, Box<dyn Error + Send + Sync>> {
        let (sender, connection) = handshake(TokioIo::new(self.connect().await?)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// A connection on which nothing was asked yet.
    pub(crate) async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        self.tls.connect(self.address.ip().into(), stream).await
    }
}

//! The certificate by which the API shows itself, from files that change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at. Kubernetes changes a mounted Secret by exchanging links, which no file tells.
const LOOK: Duration = Duration::from_secs(2);

/// A certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{file}: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no certificate, or none that can be read.
    #[error("{file}: expected certificates as PEM: {reason}")]
    Certificate {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file holds no private key, or none that can be read.
    #[error("{file}: expected a private key as PEM: {reason}")]
    Key {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// They do not belong together, or are of a kind that is not supported.
    #[error("{certificate_file} and {key_file} cannot be used together: {source}")]
    Pair {
        /// The certificate's file.
        certificate_file: PathBuf,
        /// The key's file.
        key_file: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// Where a certificate chain and its key lie, as PEM.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// What they hold.
#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// The certificate in use.
#[derive(Debug)]
pub(super) struct ServingCertificate {
    files: Files,
    provider: Arc<CryptoProvider>,
    current: watch::Sender<Arc<CertifiedKey>>,
}

impl ServingCertificate {
    /// Reads the files.
    pub(super) fn load(files: Files, provider: Arc<CryptoProvider>) -> Result<Self, CertificateError> {
        let pair = files.pair(&files.contents()?, &provider)?;
        Ok(Self { files, provider, current: watch::Sender::new(Arc::new(pair)) })
    }

    /// Takes up what the files hold anew, until `shutdown`. What cannot be used is told once, and the old stays.
    pub(super) async fn keep_current(&self, shutdown: CancellationToken) {
        let mut last = None;
        while shutdown.run_until_cancelled(sleep(LOOK)).await.is_some() {
            // Mounted Secrets lie in memory: reading them does not block.
            let contents = self.files.contents().map_err(|error| error.to_string());
            if last.as_ref() == Some(&contents) {
                continue;
            }
            match &contents {
                Ok(contents) => match self.files.pair(contents, &self.provider) {
                    Ok(pair) => self.take(pair),
                    Err(error) => complain(&error.to_string()),
                },
                Err(reason) => complain(reason),
            }
            last = Some(contents);
        }
    }

    fn take(&self, pair: CertifiedKey) {
        self.current.send_modify(|current| {
            if current.cert != pair.cert {
                tracing::info!("a new serving certificate from {}", self.files.certificate.display());
            }
            *current = Arc::new(pair);
        });
    }
}

fn complain(reason: &str) {
    tracing::error!("the serving certificate stays as it was: {reason}");
}

impl ResolvesServerCert for ServingCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.borrow().clone())
    }
}

impl Files {
    fn contents(&self) -> Result<Contents, CertificateError> {
        let read = |file: &PathBuf| {
            std::fs::read(file).map_err(|source| CertificateError::Read { file: file.clone(), source })
        };
        Ok(Contents { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    fn pair(&self, contents: &Contents, provider: &CryptoProvider) -> Result<CertifiedKey, CertificateError> {
        let bad = |reason: String| CertificateError::Certificate { file: self.certificate.clone(), reason };
        let chain = CertificateDer::pem_slice_iter(&contents.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| bad(error.to_string()))?;
        if chain.is_empty() {
            return Err(bad("there is none".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&contents.key)
            .map_err(|error| CertificateError::Key { file: self.key.clone(), reason: error.to_string() })?;
        CertifiedKey::from_der(chain, key, provider).map_err(|source| CertificateError::Pair {
            certificate_file: self.certificate.clone(),
            key_file: self.key.clone(),
            source,
        })
    }
}

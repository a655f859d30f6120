//! Who the cluster's front proxy is.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::Certificate;
use x509_cert::der::Decode;

const CERTIFICATES: &str = "requestheader-client-ca-file";
const NAMES: &str = "requestheader-allowed-names";

/// The certificates and names by which the API server shows that it is itself, as the cluster publishes them.
#[derive(Debug)]
pub(super) struct Trust {
    authorities: Vec<Authority>,
    /// Common names; where there are none, every name will do.
    names: Vec<String>,
    published: Published,
}

/// As it stood in the ConfigMap.
#[derive(Debug, PartialEq, Eq)]
struct Published {
    certificates: String,
    names: String,
}

#[derive(Debug)]
struct Authority {
    anchor: TrustAnchor<'static>,
    /// Since 1970.
    until: Duration,
}

/// What the cluster publishes cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrustError {
    #[error("it has no {CERTIFICATES}: the API server has no front proxy (--requestheader-client-ca-file)")]
    NoCertificates,
    #[error("its {CERTIFICATES} holds what is no certificate: {0}")]
    BadCertificate(String),
    #[error("its {NAMES} is '{value}', expected a JSON list of names: {source}")]
    BadNames { value: String, source: serde_json::Error },
}

/// Why a certificate is not the front proxy's.
#[derive(Debug, thiserror::Error)]
pub(super) enum Distrust {
    #[error("the client's certificate is not one of the cluster's front proxy: {0}")]
    NotVerified(webpki::Error),
    #[error("the client's certificate cannot be read")]
    Unreadable,
    #[error("the client's certificate is for {0:?}, which is no name of the cluster's front proxy")]
    OtherName(String),
}

impl Trust {
    /// Reads kube-system/extension-apiserver-authentication.
    pub(super) fn published_in(config_map: ConfigMap) -> Result<Self, TrustError> {
        let mut data = config_map.data.unwrap_or_default();
        let published = Published {
            certificates: data.remove(CERTIFICATES).unwrap_or_default(),
            names: data.remove(NAMES).unwrap_or_else(|| "[]".to_owned()),
        };
        let authorities = CertificateDer::pem_slice_iter(published.certificates.as_bytes())
            .map(|der| Authority::new(&der.map_err(|error| TrustError::BadCertificate(error.to_string()))?))
            .collect::<Result<Vec<_>, _>>()?;
        if authorities.is_empty() {
            return Err(TrustError::NoCertificates);
        }
        let names = serde_json::from_str(&published.names)
            .map_err(|source| TrustError::BadNames { value: published.names.clone(), source })?;
        Ok(Self { authorities, names, published })
    }

    /// Whether the same was published.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.published == other.published
    }

    /// For the log.
    pub(super) fn summary(&self) -> String {
        let certificates = self.authorities.len();
        match self.names.as_slice() {
            [] => format!("any name, {certificates} CA certificate(s)"),
            names => format!("{}, {certificates} CA certificate(s)", names.join(", ")),
        }
    }

    /// Checks that `chain`, the client's own certificate first, is the front proxy's, `now`.
    pub(super) fn verify(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Distrust> {
        let Some((own, intermediates)) = chain.split_first() else {
            return Err(Distrust::Unreadable);
        };
        // The verifier looks at the dates of every certificate but the anchor's.
        let valid = self.authorities.iter().filter(|authority| now.as_secs() <= authority.until.as_secs());
        let anchors: Vec<_> = valid.map(|authority| authority.anchor.clone()).collect();
        EndEntityCert::try_from(own)
            .and_then(|certificate| {
                certificate
                    .verify_for_usage(
                        ALL_VERIFICATION_ALGS,
                        &anchors,
                        intermediates,
                        now,
                        KeyUsage::client_auth(),
                        None,
                        None,
                    )
                    .map(drop)
            })
            .map_err(Distrust::NotVerified)?;
        let name = common_name(own).ok_or(Distrust::Unreadable)?;
        if self.names.is_empty() || self.names.contains(&name) { Ok(()) } else { Err(Distrust::OtherName(name)) }
    }
}

impl Authority {
    fn new(der: &CertificateDer<'_>) -> Result<Self, TrustError> {
        let anchor = anchor_from_trusted_cert(der).map_err(|error| TrustError::BadCertificate(error.to_string()))?;
        let certificate = Certificate::from_der(der).map_err(|error| TrustError::BadCertificate(error.to_string()))?;
        let until = certificate.tbs_certificate().validity().not_after.to_unix_duration();
        Ok(Self { anchor: anchor.to_owned(), until })
    }
}

/// The common name, empty where there is none.
fn common_name(der: &CertificateDer<'_>) -> Option<String> {
    let certificate = Certificate::from_der(der).ok()?;
    let name = certificate.tbs_certificate().subject().common_name().ok()?;
    Some(name.map(|name| name.value().into_owned()).unwrap_or_default())
}

//! The settings that all Kafka clients share.

use std::fmt;

use rdkafka::ClientConfig;
use serde::Deserialize;

use crate::config::{Secret, Variable};

/// The variables of [`KafkaConfig`].
pub const KAFKA_VARIABLES: &[Variable] = &[
    Variable {
        name: "KAFKA_BOOTSTRAP_SERVERS",
        default: None,
        expected: "HOST:PORT, several with commas between",
        about: "brokers to ask first",
    },
    Variable {
        name: "KAFKA_SECURITY_PROTOCOL",
        default: Some("PLAINTEXT"),
        expected: "one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
        about: "how to talk to them",
    },
    Variable {
        name: "KAFKA_SASL_MECHANISM",
        default: Some("SCRAM-SHA-512"),
        expected: "one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
        about: "how to log in, with a SASL protocol",
    },
    Variable {
        name: "KAFKA_SASL_USERNAME",
        default: Some(""),
        expected: "a user's name, with a SASL protocol",
        about: "who logs in",
    },
    Variable {
        name: "KAFKA_SASL_PASSWORD",
        default: Some(""),
        expected: "the user's password, with a SASL protocol",
        about: "and with what",
    },
    Variable {
        name: "KAFKA_SSL_CA_FILE",
        default: Some(""),
        expected: "a readable PEM file (without it: the system's authorities)",
        about: "who vouches for the brokers, with an SSL protocol",
    },
    Variable {
        name: "KAFKA_SSL_CERTIFICATE_FILE",
        default: Some(""),
        expected: "a readable PEM file, together with KAFKA_SSL_KEY_FILE",
        about: "the client's own certificate",
    },
    Variable {
        name: "KAFKA_SSL_KEY_FILE",
        default: Some(""),
        expected: "a readable PEM file, together with KAFKA_SSL_CERTIFICATE_FILE",
        about: "and its key",
    },
];

/// The `KAFKA_…` variables. Made to be flattened into a service's own struct.
#[derive(Clone, Debug, Deserialize)]
pub struct KafkaConfig {
    kafka_bootstrap_servers: String,
    #[serde(default)]
    kafka_security_protocol: SecurityProtocol,
    #[serde(default)]
    kafka_sasl_mechanism: SaslMechanism,
    kafka_sasl_username: Option<String>,
    kafka_sasl_password: Option<Secret>,
    kafka_ssl_ca_file: Option<String>,
    kafka_ssl_certificate_file: Option<String>,
    kafka_ssl_key_file: Option<String>,
}

/// `security.protocol` of a Kafka client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SecurityProtocol {
    /// Neither encrypted nor authenticated.
    #[default]
    Plaintext,
    /// TLS, with a client certificate or without.
    Ssl,
    /// A password over an open line.
    SaslPlaintext,
    /// A password over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    fn is_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    fn is_ssl(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }
}

impl fmt::Display for SecurityProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        })
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum SaslMechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[default]
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl KafkaConfig {
    /// Plaintext to these brokers, as tests and the demo use it.
    #[must_use]
    pub fn plaintext(bootstrap_servers: &str) -> Self {
        Self {
            kafka_bootstrap_servers: bootstrap_servers.to_owned(),
            kafka_security_protocol: SecurityProtocol::Plaintext,
            kafka_sasl_mechanism: SaslMechanism::default(),
            kafka_sasl_username: None,
            kafka_sasl_password: None,
            kafka_ssl_ca_file: None,
            kafka_ssl_certificate_file: None,
            kafka_ssl_key_file: None,
        }
    }

    /// Brokers to ask first, with commas between.
    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        &self.kafka_bootstrap_servers
    }

    /// Looks for values that contradict each other, and for files that cannot be read.
    ///
    /// # Errors
    /// The variable and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for server in self.kafka_bootstrap_servers.split(',') {
            let port = server.trim().rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
            if port.and_then(|port| port.parse::<u16>().ok()).is_none_or(|port| port == 0) {
                return Err(("KAFKA_BOOTSTRAP_SERVERS", format!("'{}' is not HOST:PORT", server.trim())));
            }
        }
        if self.kafka_security_protocol.is_sasl() {
            if self.kafka_sasl_username.is_none() {
                return Err(("KAFKA_SASL_USERNAME", "it is not set".to_owned()));
            }
            if self.kafka_sasl_password.is_none() {
                return Err(("KAFKA_SASL_PASSWORD", "it is not set".to_owned()));
            }
        }
        if self.kafka_ssl_certificate_file.is_some() != self.kafka_ssl_key_file.is_some() {
            let name =
                if self.kafka_ssl_key_file.is_none() { "KAFKA_SSL_KEY_FILE" } else { "KAFKA_SSL_CERTIFICATE_FILE" };
            return Err((name, "it is not set, but the other one is".to_owned()));
        }
        for (name, file) in [
            ("KAFKA_SSL_CA_FILE", &self.kafka_ssl_ca_file),
            ("KAFKA_SSL_CERTIFICATE_FILE", &self.kafka_ssl_certificate_file),
            ("KAFKA_SSL_KEY_FILE", &self.kafka_ssl_key_file),
        ] {
            if let Some(file) = file {
                std::fs::File::open(file).map_err(|error| (name, error.to_string()))?;
            }
        }
        Ok(())
    }

    /// The settings of a client that calls itself `client_id`.
    #[must_use]
    pub fn client(&self, client_id: &str) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.kafka_bootstrap_servers)
            .set("client.id", client_id)
            .set("security.protocol", self.kafka_security_protocol.to_string())
            // A broker that comes back is found within two seconds, even after a long absence.
            .set("reconnect.backoff.max.ms", "2000")
            // `Connection` learns from the statistics which brokers answer.
            .set("statistics.interval.ms", "1000")
            // Partitions that are added to a topic are seen within this time.
            .set("topic.metadata.refresh.interval.ms", "10000");
        if self.kafka_security_protocol.is_ssl() {
            client.set("ssl.ca.location", self.kafka_ssl_ca_file.as_deref().unwrap_or("probe"));
            if let (Some(certificate), Some(key)) = (&self.kafka_ssl_certificate_file, &self.kafka_ssl_key_file) {
                client.set("ssl.certificate.location", certificate).set("ssl.key.location", key);
            }
        }
        if self.kafka_security_protocol.is_sasl() {
            client.set(
                "sasl.mechanism",
                match self.kafka_sasl_mechanism {
                    SaslMechanism::Plain => "PLAIN",
                    SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
                    SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
                },
            );
            if let (Some(username), Some(password)) = (&self.kafka_sasl_username, &self.kafka_sasl_password) {
                client.set("sasl.username", username).set("sasl.password", password.reveal());
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, load};

    #[derive(Debug, Deserialize)]
    struct Service {
        #[serde(flatten)]
        kafka: KafkaConfig,
    }

    impl Config for Service {
        const VARIABLES: &'static [&'static [Variable]] = &[KAFKA_VARIABLES];

        fn check(&self) -> Result<(), (&'static str, String)> {
            self.kafka.check()
        }
    }

    fn client(variables: &[(&str, &str)]) -> Result<ClientConfig, String> {
        let variables = variables.iter().map(|(name, value)| (format!("KAFKA_{name}"), (*value).to_owned()));
        load::<Service>(variables).map(|service| service.kafka.client("me")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_login_reaches_the_client() {
        let login = [
            ("BOOTSTRAP_SERVERS", "a:9092,b:9092"),
            ("SECURITY_PROTOCOL", "SASL_SSL"),
            ("SASL_USERNAME", "me"),
            ("SASL_PASSWORD", "secret"),
        ];
        let client = client(&login).unwrap();
        for (name, value) in [
            ("bootstrap.servers", "a:9092,b:9092"),
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", "me"),
            ("sasl.password", "secret"),
            ("ssl.ca.location", "probe"),
        ] {
            assert_eq!(client.get(name), Some(value));
        }
    }

    #[test]
    fn contradictions_are_named() {
        for (variables, error) in [
            (vec![], "KAFKA_BOOTSTRAP_SERVERS is not set: expected HOST:PORT, several with commas between"),
            (
                vec![("BOOTSTRAP_SERVERS", "a:9092,b")],
                r#"KAFKA_BOOTSTRAP_SERVERS="a:9092,b": expected HOST:PORT, several with commas between ('b' is not HOST:PORT)"#,
            ),
            (
                vec![("BOOTSTRAP_SERVERS", "a:1"), ("SECURITY_PROTOCOL", "SASL_SSL")],
                r#"KAFKA_SASL_USERNAME="": expected a user's name, with a SASL protocol (it is not set)"#,
            ),
            (
                vec![("BOOTSTRAP_SERVERS", "a:1"), ("SSL_KEY_FILE", "/dev/null")],
                r#"KAFKA_SSL_CERTIFICATE_FILE="": expected a readable PEM file, together with KAFKA_SSL_KEY_FILE (it is not set, but the other one is)"#,
            ),
            (
                vec![("BOOTSTRAP_SERVERS", "a:1"), ("SSL_CA_FILE", "/nowhere")],
                r#"KAFKA_SSL_CA_FILE="/nowhere": expected a readable PEM file (without it: the system's authorities) (No such file or directory (os error 2))"#,
            ),
        ] {
            assert_eq!(client(&variables).unwrap_err(), error);
        }
        let error = client(&[("BOOTSTRAP_SERVERS", "a:1"), ("SECURITY_PROTOCOL", "TLS")]).unwrap_err();
        assert!(error.starts_with(r#"KAFKA_SECURITY_PROTOCOL="TLS": expected one of PLAINTEXT, SSL"#), "{error}");
    }
}

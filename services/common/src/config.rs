//! Settings from environment variables: one flat struct per service, read once by `envy`, wrong values named.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

/// One environment variable, for error messages and for the table in the docs.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name: `RATE`.
    pub name: &'static str,
    /// What it is taken for where it is not set; `None` if it must be.
    pub default: Option<&'static str>,
    /// What a value looks like, to end the phrase "expected …".
    pub expected: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// A service's settings.
pub trait Config: DeserializeOwned {
    /// Every variable the service reads, in the order of the docs.
    const VARIABLES: &'static [&'static [Variable]];

    /// Looks at what no single value shows: two that contradict each other.
    ///
    /// # Errors
    /// A variable's name and what is wrong with it.
    fn check(&self) -> Result<(), (&'static str, String)>;
}

/// A wrong or missing setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable that has no default is not set.
    #[error("{name} is not set: expected {expected}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What a value looks like.
        expected: &'static str,
    },
    /// A variable's value is not what it should be.
    #[error("{name}={value:?}: expected {expected}{}", because(.reason))]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Its value, or stars where that is a secret.
        value: String,
        /// What a value looks like.
        expected: &'static str,
        /// What is wrong, where that adds to what was expected.
        reason: String,
    },
    /// Neither is to blame alone; nothing a declared variable explains.
    #[error("the environment cannot be read: {0}")]
    Unreadable(String),
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

/// Reads a service's settings from variables such as [`std::env::vars`]. An empty value counts as not set.
///
/// # Errors
/// The first wrong variable, with its value and what was expected.
pub fn load<C: Config>(variables: impl IntoIterator<Item = (String, String)>) -> Result<C, ConfigError> {
    let set: BTreeMap<String, String> = variables
        .into_iter()
        .filter(|(name, value)| !value.trim().is_empty() && find::<C>(name).is_some())
        .map(|(name, value)| (name, value.trim().to_owned()))
        .collect();
    let config: C = match envy::from_iter(set.clone()) {
        Ok(config) => config,
        Err(error) => return Err(explain::<C>(&set, &error)),
    };
    config.check().map_err(|(name, reason)| invalid::<C>(&set, name, reason))?;
    Ok(config)
}

fn find<C: Config>(name: &str) -> Option<&'static Variable> {
    C::VARIABLES.iter().copied().flatten().find(|variable| variable.name == name)
}

fn invalid<C: Config>(set: &BTreeMap<String, String>, name: &str, reason: String) -> ConfigError {
    let Some(variable) = find::<C>(name) else {
        return ConfigError::Unreadable(reason);
    };
    let value = match set.get(name) {
        Some(_) if name.contains("PASSWORD") => "***".to_owned(),
        Some(value) => value.clone(),
        None => variable.default.unwrap_or_default().to_owned(),
    };
    ConfigError::Invalid { name: variable.name, value, expected: variable.expected, reason }
}

/// Finds whose fault a deserialiser's error is: `envy` itself does not always say.
fn explain<C: Config>(set: &BTreeMap<String, String>, error: &envy::Error) -> ConfigError {
    match error {
        envy::Error::MissingValue(field) => match find::<C>(&field.to_uppercase()) {
            Some(variable) => ConfigError::Missing { name: variable.name, expected: variable.expected },
            None => ConfigError::Unreadable(error.to_string()),
        },
        envy::Error::Custom(message) => {
            // The culprit is the one without which the message is another one, or gone.
            let culprit = set.keys().find(|name| {
                let others = set.iter().filter(|(other, _)| other != name).map(|(k, v)| (k.clone(), v.clone()));
                envy::from_iter::<_, C>(others).err().is_none_or(|other| other != *error)
            });
            match culprit {
                // What `envy` says of a number only repeats the value.
                Some(name) => {
                    let reason = message.split(" while parsing value ").next().unwrap_or_default();
                    invalid::<C>(set, name, reason.to_owned())
                }
                None => ConfigError::Unreadable(message.clone()),
            }
        }
    }
}

/// The table of a service's variables, in Markdown, as the docs hold it.
#[must_use]
pub fn markdown_table<C: Config>() -> String {
    let mut table = String::from("| variable | default | value | what it does |\n|---|---|---|---|\n");
    for variable in C::VARIABLES.iter().copied().flatten() {
        let default = match variable.default {
            None => "*required*".to_owned(),
            Some("") => String::new(),
            Some(default) => format!("`{default}`"),
        };
        table += &format!("| `{}` | {default} | {} | {} |\n", variable.name, variable.expected, variable.about);
    }
    table
}

/// Whether a service's part of the docs is what its table says now.
#[must_use]
pub fn is_documented<C: Config>(service: &str, docs: &str) -> bool {
    let section = format!("{service}\n\n{}", markdown_table::<C>());
    docs.split("\n## ").any(|documented| documented.trim_end() == section.trim_end())
}

/// The table for a terminal.
#[must_use]
pub fn plain_table<C: Config>() -> String {
    let mut table = String::new();
    for variable in C::VARIABLES.iter().copied().flatten() {
        let default = match variable.default {
            None => "  (required)".to_owned(),
            Some("") => String::new(),
            Some(default) => format!("  (default {default})"),
        };
        table += &format!("  {}{default}\n      {}: {}\n", variable.name, variable.about, variable.expected);
    }
    table
}

/// Deserialises a setting by its own `FromStr`.
///
/// # Errors
/// What `FromStr` says.
pub fn from_str<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// Deserialises a length of time such as `5ms`, `1s` or `2m 30s`.
///
/// # Errors
/// What is wrong with the text.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(&text).map_err(D::Error::custom)
}

/// Deserialises a number of bytes such as `64MiB`.
///
/// # Errors
/// What is wrong with the text.
pub fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    from_str::<D, bytesize::ByteSize>(deserializer).map(|size| size.as_u64())
}

/// A setting that must not be shown. Its value goes nowhere but to its user.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        rate: u32,
        #[serde(default, deserialize_with = "duration")]
        work: Duration,
        #[serde(default)]
        names: Vec<String>,
        password: Option<Secret>,
    }

    impl Config for Sample {
        const VARIABLES: &'static [&'static [Variable]] = &[&[
            Variable { name: "RATE", default: None, expected: "a whole number", about: "updates per second" },
            Variable { name: "WORK", default: Some("0"), expected: "a time such as 5ms", about: "work per update" },
            Variable { name: "NAMES", default: Some(""), expected: "names with commas between", about: "who" },
            Variable { name: "PASSWORD", default: Some(""), expected: "three letters or more", about: "secret" },
        ]];

        fn check(&self) -> Result<(), (&'static str, String)> {
            match &self.password {
                Some(secret) if secret.reveal().len() < 3 => Err(("PASSWORD", "too short".into())),
                _ => Ok(()),
            }
        }
    }

    fn sample(variables: &[(&str, &str)]) -> Result<Sample, String> {
        load(variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))).map_err(|e| e.to_string())
    }

    #[test]
    fn right_values_are_read_and_empty_ones_count_as_not_set() {
        let config = sample(&[("RATE", " 7 "), ("WORK", "5ms"), ("NAMES", "a,b"), ("PASSWORD", "")]).unwrap();
        assert_eq!((config.rate, config.work, config.names.len()), (7, Duration::from_millis(5), 2));
        assert!(config.password.is_none());
    }

    #[test]
    fn a_wrong_value_is_named_with_what_was_expected() {
        assert_eq!(sample(&[]).unwrap_err(), "RATE is not set: expected a whole number");
        assert_eq!(
            sample(&[("RATE", "fast"), ("WORK", "5ms")]).unwrap_err(),
            r#"RATE="fast": expected a whole number (invalid digit found in string)"#
        );
        let error = sample(&[("NAMES", "x"), ("RATE", "7"), ("WORK", "5 parsecs")]).unwrap_err();
        assert!(error.starts_with(r#"WORK="5 parsecs": expected a time such as 5ms ("#), "{error}");
    }

    #[test]
    fn a_secret_is_never_shown() {
        let error = sample(&[("RATE", "7"), ("PASSWORD", "xy")]).unwrap_err();
        assert_eq!(error, r#"PASSWORD="***": expected three letters or more (too short)"#);
        let config = sample(&[("RATE", "7"), ("PASSWORD", "hunter2")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

//! Which groups are watched, and which topics they read.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The groups to watch, as `GROUPS` names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups(Vec<Watched>);

/// One group and the topics it reads, each once, in the order they were named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The group's name.
    pub group: String,
    /// Its topics' names.
    pub topics: Vec<Arc<str>>,
}

impl Groups {
    /// Every group, each once, in the order they were named.
    pub fn iter(&self) -> impl Iterator<Item = &Watched> {
        self.0.iter()
    }

    /// Every topic, each once.
    #[must_use]
    pub fn topics(&self) -> Vec<Arc<str>> {
        let mut topics: Vec<_> = self.0.iter().flat_map(|watched| watched.topics.iter().cloned()).collect();
        topics.sort();
        topics.dedup();
        topics
    }
}

impl Default for Groups {
    fn default() -> Self {
        Self(vec![Watched { group: "stock-readers".to_owned(), topics: vec!["stocks".into()] }])
    }
}

impl FromStr for Groups {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut groups: Vec<Watched> = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            // A topic's name has no colon; a group's may have.
            let (group, topic) = pair.rsplit_once(':').ok_or_else(|| format!("'{pair}' is not GROUP:TOPIC"))?;
            if group.is_empty() || !is_topic(topic) {
                return Err(format!("'{pair}' is not GROUP:TOPIC"));
            }
            let topic: Arc<str> = topic.into();
            match groups.iter_mut().find(|watched| watched.group == group) {
                Some(watched) if watched.topics.contains(&topic) => return Err(format!("'{pair}' is there twice")),
                Some(watched) => watched.topics.push(topic),
                None => groups.push(Watched { group: group.to_owned(), topics: vec![topic] }),
            }
        }
        if groups.is_empty() { Err("it names no group".to_owned()) } else { Ok(Self(groups)) }
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.group, self.topics.join(", "))
    }
}

/// Kafka's own rule for a topic's name.
fn is_topic(name: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() <= 249 && name != "." && name != ".." && name.chars().all(is_legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<Vec<String>, String> {
        text.parse::<Groups>().map(|groups| groups.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_group_may_read_several_topics() {
        assert_eq!(shown("a:x, b:y,a:z,").unwrap(), ["a (x, z)", "b (y)"]);
        assert_eq!(shown("team:a:x").unwrap(), ["team:a (x)"]);
        assert_eq!("b:y,a:x,a:y".parse::<Groups>().unwrap().topics(), ["x".into(), "y".into()]);
    }

    #[test]
    fn what_is_no_pair_is_named() {
        assert_eq!(shown("a").unwrap_err(), "'a' is not GROUP:TOPIC");
        assert_eq!(shown("a:x,:y").unwrap_err(), "':y' is not GROUP:TOPIC");
        assert_eq!(shown("a:x y").unwrap_err(), "'a:x y' is not GROUP:TOPIC");
        assert_eq!(shown("a:x,a:x").unwrap_err(), "'a:x' is there twice");
        assert_eq!(shown(" , ").unwrap_err(), "it names no group");
    }
}

//! Rights on the group and the topic, as far as the broker says that they are missing.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::reminder::Reminder;
use rdkafka::types::RDKafkaErrorCode;

/// While a right is missing, it is said again this often.
const REMINDER: Duration = Duration::from_secs(30);

/// What a member reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The consumer group.
    Group,
    /// The topic.
    Topic,
}

impl Resource {
    /// What an error says must not be read, if it says so.
    #[must_use]
    pub fn refused_by(code: RDKafkaErrorCode) -> Option<Self> {
        if code == RDKafkaErrorCode::GroupAuthorizationFailed {
            Some(Self::Group)
        } else if code == RDKafkaErrorCode::TopicAuthorizationFailed {
            Some(Self::Topic)
        } else {
            None
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Group => "group",
            Self::Topic => "topic",
        })
    }
}

/// The rights a member needs to read.
#[derive(Debug)]
pub struct Rights {
    group: Right,
    topic: Right,
}

#[derive(Debug)]
struct Right {
    resource: Resource,
    name: String,
    missing: Mutex<Option<Missing>>,
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    /// When the broker refused it last.
    refused: Instant,
    reminder: Reminder,
}

impl Rights {
    /// Rights on a group and on a topic, which are not known to be missing.
    #[must_use]
    pub fn new(group: &str, topic: &str) -> Self {
        let right = |resource, name: &str| Right { resource, name: name.to_owned(), missing: Mutex::new(None) };
        Self { group: right(Resource::Group, group), topic: right(Resource::Topic, topic) }
    }

    fn of(&self, resource: Resource) -> &Right {
        match resource {
            Resource::Group => &self.group,
            Resource::Topic => &self.topic,
        }
    }

    /// The broker refused it. Said when it is new, and every half minute.
    pub fn refused(&self, resource: Resource) {
        let (right, refused) = (self.of(resource), Instant::now());
        let mut missing = right.lock();
        let mut reminder = missing.map_or(Reminder::every(REMINDER), |missing| missing.reminder);
        if reminder.is_due() {
            tracing::warn!("{right}; trying on");
        }
        *missing = Some(Missing { refused, reminder });
    }

    /// The broker lets it be read.
    pub fn granted(&self, resource: Resource) {
        let right = self.of(resource);
        if right.lock().take().is_some() {
            tracing::info!("Kafka lets {resource} {} be read again", right.name);
        }
    }

    /// How long ago the broker refused it last, if it is missing.
    #[must_use]
    pub fn refused_for(&self, resource: Resource) -> Option<Duration> {
        self.of(resource).lock().map(|missing| missing.refused.elapsed())
    }

    /// Says again what is missing, when it is time.
    pub fn remind(&self) {
        for right in [&self.group, &self.topic] {
            if let Some(missing) = &mut *right.lock()
                && missing.reminder.is_due()
            {
                tracing::warn!("{right}; trying on");
            }
        }
    }

    /// What is missing.
    ///
    /// # Errors
    /// The right, and on what.
    pub fn check(&self) -> Result<(), String> {
        match [&self.group, &self.topic].into_iter().find(|right| right.lock().is_some()) {
            Some(right) => Err(right.to_string()),
            None => Ok(()),
        }
    }
}

impl Right {
    fn lock(&self) -> MutexGuard<'_, Option<Missing>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, name, .. } = self;
        write!(f, "{resource} authorization failed: the consumer's user needs the right Read on {resource} {name}")
    }
}

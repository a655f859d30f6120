//! The programs that are measured, and how each is run.

mod java;
mod librdkafka;
mod ours;
pub(crate) mod settings;

use std::time::Duration;

use crate::Error;
use crate::broker::Broker;
use crate::record::Format;
use crate::service::Binaries;

use java::ROUND_ROBIN;

pub(crate) use java::Java;
pub(crate) use librdkafka::Librdkafka;

/// A program that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Our own.
    Ours,
    /// Kafka's `ConsumerPerformance`, or its `ProducerPerformance` with records spread over all partitions.
    Java,
    /// Kafka's `ProducerPerformance` as it comes: it fills a batch of one partition before it turns to the next.
    JavaBare,
    /// librdkafka's `rdkafka_performance` at the same work: the same records, a member of a group.
    C,
    /// The same program at the least work: values without key or header, partitions without a group.
    CBare,
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Ours => "ours",
            Self::Java => "Java",
            Self::JavaBare => "Java (bare)",
            Self::C => "C",
            Self::CBare => "C (bare)",
        })
    }
}

impl Program {
    /// Those that send.
    pub(crate) const PRODUCERS: &[Self] = &[Self::Ours, Self::Java, Self::JavaBare, Self::C, Self::CBare];

    /// Those that read.
    pub(crate) const CONSUMERS: &[Self] = &[Self::Ours, Self::Java, Self::C, Self::CBare];
}

/// What came out of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Records per second.
    pub(crate) rate: f64,
    /// The most that was in memory, in bytes, where it is one of ours.
    pub(crate) peak: Option<u64>,
}

/// All programs.
#[derive(Debug)]
pub(crate) struct Tools {
    /// Ours.
    pub(crate) ours: Binaries,
    /// Kafka's.
    pub(crate) java: Java,
    /// librdkafka's, or why it is not there.
    pub(crate) c: Result<Librdkafka, String>,
}

impl Tools {
    /// Finds them, and builds the one in C.
    ///
    /// # Errors
    /// Where one is missing that has to be there: all but the one in C.
    pub(crate) async fn find() -> Result<Self, Error> {
        let (ours, java) = (Binaries::beside_this_program()?, Java::find().await?);
        Ok(Self { ours, java, c: Librdkafka::build().await })
    }

    /// Sends so many records to a topic; `None` if the program is not there.
    ///
    /// # Errors
    /// Where the program fails.
    pub(crate) async fn produce(
        &self,
        program: Program,
        broker: &Broker,
        topic: &str,
        format: Format,
        records: u64,
    ) -> Result<Option<Run>, Error> {
        Ok(match (program, &self.c) {
            (Program::Ours, _) => Some(ours::produce(&self.ours, broker, topic, format, records).await?),
            (Program::Java, _) => Some(self.java.produce(broker, topic, format, records, ROUND_ROBIN).await?),
            (Program::JavaBare, _) => Some(self.java.produce(broker, topic, format, records, &[]).await?),
            (Program::C, Ok(c)) => Some(c.produce(broker, topic, format, records).await?),
            (Program::CBare, Ok(c)) => Some(c.produce_bare(broker, topic, format, records).await?),
            (Program::C | Program::CBare, Err(_)) => None,
        })
    }

    /// Reads all so many records of a topic; `None` if the program is not there.
    ///
    /// # Errors
    /// Where the program fails.
    pub(crate) async fn consume(
        &self,
        program: Program,
        broker: &Broker,
        topic: &str,
        records: u64,
    ) -> Result<Option<Run>, Error> {
        Ok(match (program, &self.c) {
            (Program::Ours, _) => Some(ours::consume(&self.ours, broker, topic, records).await?),
            (Program::Java | Program::JavaBare, _) => Some(self.java.consume(broker, topic, records).await?),
            (Program::C, Ok(c)) => Some(c.consume(broker, topic, records).await?),
            (Program::CBare, Ok(c)) => Some(c.consume_bare(broker, topic, records).await?),
            (Program::C | Program::CBare, Err(_)) => None,
        })
    }
}

/// How long a run may take: a program that does not reach 20,000 records a second hangs.
fn patience(records: u64) -> Duration {
    Duration::from_secs(60 + records / 20_000)
}

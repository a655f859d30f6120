//! A record of the topic, read once: an update that can be worked on, or one that never can.

use std::time::Instant;

use common::murmur2::murmur2;
use common::quote::{Malformed, Quote, SEQUENCE_HEADER};
use common::telemetry;
use rdkafka::message::{Header, Headers as _, OwnedHeaders};

use crate::fetch::Message;
use crate::trace::Trace;

/// A stock price update.
#[derive(Clone, Debug)]
pub struct Update {
    /// Whose price, and the price.
    pub quote: Quote,
    /// Its number within its symbol, from 1, where the sender gave one.
    pub sequence: Option<u64>,
    /// Where it stands.
    pub partition: i32,
    /// And at which offset.
    pub offset: i64,
    /// When it was sent, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The size of its key and value.
    pub bytes: usize,
    /// The trace of a sampled sender, while spans are exported.
    pub trace: Option<Box<Trace>>,
}

/// A record that no retry can mend, with all that its dead letter shall carry.
#[derive(Clone, Debug)]
pub struct Poison {
    /// What is wrong: a short stable name, and a sentence.
    pub reason: Reason,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: OwnedHeaders,
    /// Where it stands.
    pub partition: i32,
    /// And at which offset.
    pub offset: i64,
    /// When it was sent, in milliseconds since 1970.
    pub timestamp_ms: i64,
}

/// Why a record is poison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is not a quote.
    Malformed(Malformed),
    /// The handler says that it never can be worked on, and why.
    Rejected(String),
}

impl Reason {
    /// The code of [`Reason::Rejected`].
    pub const REJECTED: &'static str = "rejected";

    /// A short stable name, for metric labels and headers.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(malformed) => malformed.code(),
            Self::Rejected(_) => Self::REJECTED,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::Rejected(why) => f.write_str(why),
        }
    }
}

/// What goes to a lane.
#[derive(Clone, Debug)]
pub enum Record {
    /// To be worked on.
    Update(Update),
    /// To be put aside.
    Poison(Box<Poison>),
}

impl Record {
    /// Reads a record as the client hands it out.
    #[must_use]
    pub fn read(message: Message<'_>) -> Self {
        let (partition, offset, timestamp_ms) = (message.partition(), message.offset(), message.timestamp_ms());
        let (key, value) = (message.key(), message.value());
        match Quote::parse(key, value) {
            Ok(quote) => {
                let sequence = message.header(c"seq").and_then(read_sequence);
                let trace = telemetry::is_tracing().then(|| read_trace(message)).flatten();
                let bytes = [key, value].into_iter().flatten().map(<[u8]>::len).sum();
                Self::Update(Update { quote, sequence, partition, offset, timestamp_ms, bytes, trace })
            }
            Err(malformed) => Self::Poison(Box::new(Poison {
                reason: Reason::Malformed(malformed),
                key: key.map(<[u8]>::to_vec),
                value: value.map(<[u8]>::to_vec),
                headers: message.headers(),
                partition,
                offset,
                timestamp_ms,
            })),
        }
    }

    /// Its offset.
    #[must_use]
    pub fn offset(&self) -> i64 {
        match self {
            Self::Update(update) => update.offset,
            Self::Poison(poison) => poison.offset,
        }
    }

    /// When it was sent, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp_ms(&self) -> i64 {
        match self {
            Self::Update(update) => update.timestamp_ms,
            Self::Poison(poison) => poison.timestamp_ms,
        }
    }

    /// Bytes on the heap, which only poison has in number.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Update(_) => 0,
            Self::Poison(poison) => {
                let texts = [&poison.key, &poison.value].into_iter().flatten().map(Vec::len).sum::<usize>();
                let size = |header: Header<'_, &[u8]>| header.key.len() + header.value.map_or(0, <[u8]>::len);
                texts + poison.headers.iter().map(size).sum::<usize>()
            }
        }
    }
}

impl Update {
    /// The poison that this update turns out to be.
    #[must_use]
    pub fn reject(&self, why: &str) -> Poison {
        Poison {
            reason: Reason::Rejected(why.to_owned()),
            key: Some(self.quote.symbol.as_bytes().to_vec()),
            value: Some(self.quote.to_string().into_bytes()),
            headers: self.sequence.map(sequence_header).unwrap_or_default(),
            partition: self.partition,
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
        }
    }
}

/// Headers with a sequence number in them.
#[must_use]
pub fn sequence_header(sequence: u64) -> OwnedHeaders {
    OwnedHeaders::new().insert(Header { key: SEQUENCE_HEADER, value: Some(&sequence.to_string()) })
}

/// The lane of a key: the same key always has the same one.
#[must_use]
pub fn lane_of(key: &[u8], lanes: u32) -> u32 {
    // All keys of a partition agree in their hash modulo the number of partitions; `MurmurHash3`'s
    // finaliser mixes that away, or else some lanes would stay empty.
    let mut hash = murmur2(key);
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    (hash ^ (hash >> 16)) % lanes.max(1)
}

fn read_sequence(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn read_trace(message: Message<'_>) -> Option<Box<Trace>> {
    let text = std::str::from_utf8(message.header(c"traceparent")?).ok()?;
    let trace = || Box::new(Trace { traceparent: text.to_owned(), id: None, handed_out: Instant::now() });
    telemetry::is_sampled(text).then(trace)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_of_one_partition_use_every_lane_evenly() {
        let keys: Vec<String> = (0..40_000).map(|i| format!("K{i}")).collect();
        let mut counts = [0_usize; 8];
        for key in keys.iter().filter(|key| common::murmur2::partition_of(key.as_bytes(), 12) == 4) {
            counts[lane_of(key.as_bytes(), 8) as usize] += 1;
        }
        let total: usize = counts.iter().sum();
        assert!(total > 3_000);
        assert!(counts.iter().all(|&count| count > total / 12 && count < total / 6), "{counts:?}");
    }

    proptest! {
        #[test]
        fn no_sequence_header_makes_it_panic(text: Vec<u8>) {
            let _ = read_sequence(&text);
        }

        #[test]
        fn a_lane_is_one_of_the_lanes(key: Vec<u8>, lanes in 1..64_u32) {
            prop_assert!(lane_of(&key, lanes) < lanes);
        }
    }
}

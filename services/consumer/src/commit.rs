//! Commits whose answer comes, and is not waited for for ever.
#![allow(
    unsafe_code,
    reason = "of the safe commits, the one in sync mode has no timeout, and of the one in async mode no answer ever comes"
)]

use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{IsError as _, KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;

/// A commit on its way. To be dropped before its client is.
#[derive(Debug)]
pub struct Commit {
    answers: NonNull<bindings::rd_kafka_queue_t>,
}

// SAFETY: librdkafka's queues may be used from any thread.
unsafe impl Send for Commit {}

impl Commit {
    /// Sends offsets with their metadata.
    ///
    /// # Errors
    /// Where the client does not take them.
    pub fn send<C: ConsumerContext>(consumer: &BaseConsumer<C>, offsets: &TopicPartitionList) -> KafkaResult<Self> {
        let client = consumer.client().native_ptr();
        // SAFETY: the client is alive; a new queue is owned here alone.
        let queue = unsafe { bindings::rd_kafka_queue_new(client) };
        let commit = Self { answers: NonNull::new(queue).ok_or(KafkaError::Canceled)? };
        // SAFETY: both are alive; the client copies the list and takes a reference of its own to the queue.
        let error = unsafe {
            bindings::rd_kafka_commit_queue(client, offsets.ptr(), commit.answers.as_ptr(), None, ptr::null_mut())
        };
        if error.is_error() {
            return Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::from(error)));
        }
        Ok(commit)
    }

    /// The broker's answer, if it comes in time.
    #[must_use]
    pub fn answer(&self, timeout: Duration) -> Option<KafkaResult<()>> {
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive; an event that it gives is owned here and destroyed once.
        let error = unsafe {
            let event = NonNull::new(bindings::rd_kafka_queue_poll(self.answers.as_ptr(), timeout_ms))?;
            let error = bindings::rd_kafka_event_error(event.as_ptr());
            bindings::rd_kafka_event_destroy(event.as_ptr());
            error
        };
        if error.is_error() {
            return Some(Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::from(error))));
        }
        Some(Ok(()))
    }
}

impl Drop for Commit {
    fn drop(&mut self) {
        // SAFETY: owned here alone. An answer that comes later is dropped by the client.
        unsafe { bindings::rd_kafka_queue_destroy(self.answers.as_ptr()) }
    }
}

/// Commits offsets with their metadata and waits for the answer.
///
/// # Errors
/// What the broker answers, or [`RDKafkaErrorCode::OperationTimedOut`] if it does not in time.
pub fn commit_within<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    offsets: &TopicPartitionList,
    timeout: Duration,
) -> KafkaResult<()> {
    let timed_out = Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::OperationTimedOut));
    Commit::send(consumer, offsets)?.answer(timeout).unwrap_or(timed_out)
}

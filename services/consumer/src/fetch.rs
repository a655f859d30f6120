//! Fetched records, taken many at a time.
//!
//! The safe client hands out one event per record, which costs more than all that is done with it. Here the queues
//! of the partitions are joined in one of our own, which holds records alone: rebalances, errors and statistics
//! still come by polling the client.
#![allow(unsafe_code, reason = "the safe bindings take records one by one, and cannot read a header by its name")]

use std::ffi::{CStr, CString};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{IsError as _, KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use rdkafka::types::RDKafkaErrorCode;

const OK: bindings::rd_kafka_resp_err_t = bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

/// The records of all partitions of a member. To be dropped before its client is: what it holds keeps that from ending.
#[derive(Debug)]
pub struct Fetch {
    queue: NonNull<bindings::rd_kafka_queue_t>,
    topic: CString,
}

// SAFETY: librdkafka's queues may be used from any thread.
unsafe impl Send for Fetch {}
// SAFETY: as above.
unsafe impl Sync for Fetch {}

impl Fetch {
    /// A queue without partitions, for this topic's.
    ///
    /// # Errors
    /// Where the client has no memory for it, or the name is not one.
    pub fn new<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str) -> KafkaResult<Self> {
        let topic = CString::new(topic)?;
        // SAFETY: the client is alive; the queue is owned here alone.
        let queue = unsafe { bindings::rd_kafka_queue_new(consumer.client().native_ptr()) };
        Ok(Self { queue: NonNull::new(queue).ok_or(KafkaError::Canceled)?, topic })
    }

    /// Joins partitions' records in. To be called before they are assigned, or else some may come by the client's poll.
    pub fn join<C: ConsumerContext>(&self, consumer: &BaseConsumer<C>, partitions: &[i32]) {
        let client = consumer.client().native_ptr();
        for &partition in partitions {
            // SAFETY: client, topic and queue are alive; the handle of the partition's queue is destroyed once, the
            // queue itself is the client's.
            unsafe {
                let queue = bindings::rd_kafka_queue_get_partition(client, self.topic.as_ptr(), partition);
                if !queue.is_null() {
                    bindings::rd_kafka_queue_forward(queue, self.queue.as_ptr());
                    bindings::rd_kafka_queue_destroy(queue);
                }
            }
        }
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        // SAFETY: owned here alone; what the client still puts in is dropped by it.
        unsafe { bindings::rd_kafka_queue_destroy(self.queue.as_ptr()) }
    }
}

/// Records that were taken together, in the order of each partition. To be dropped before their client is.
#[derive(Debug)]
pub struct Batch {
    messages: Vec<*mut bindings::rd_kafka_message_t>,
    capacity: usize,
}

impl Batch {
    /// An empty one for so many records.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { messages: Vec::with_capacity(capacity), capacity }
    }

    /// Drops what it holds and takes what is there, at most as many as it has room for.
    pub fn take(&mut self, fetch: &Fetch) {
        self.fill(fetch, Duration::ZERO, self.capacity);
    }

    /// Drops what it holds and waits for the next record.
    pub fn wait(&mut self, fetch: &Fetch, timeout: Duration) {
        // With room for more, the client would wait for more.
        self.fill(fetch, timeout, self.capacity.min(1));
    }

    fn fill(&mut self, fetch: &Fetch, timeout: Duration, most: usize) {
        self.clear();
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: there is room for `most`; so many as the client says are set and owned by us then.
        unsafe {
            let count = bindings::rd_kafka_consume_batch_queue(
                fetch.queue.as_ptr(),
                timeout_ms,
                self.messages.as_mut_ptr(),
                most,
            );
            self.messages.set_len(usize::try_from(count).unwrap_or(0).min(most));
        }
    }

    /// Drops what it holds.
    pub fn clear(&mut self) {
        for message in self.messages.drain(..) {
            // SAFETY: owned here, and destroyed once.
            unsafe { bindings::rd_kafka_message_destroy(message) }
        }
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// What it holds.
    pub fn iter(&self) -> impl Iterator<Item = Message<'_>> {
        self.messages.iter().filter_map(|message| Some(Message { raw: NonNull::new(*message)?, owner: PhantomData }))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A record as the client holds it, or an error in its place.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    raw: NonNull<bindings::rd_kafka_message_t>,
    owner: PhantomData<&'a ()>,
}

impl<'a> Message<'a> {
    /// A record that came by the client's own poll.
    #[must_use]
    pub fn polled(message: &'a BorrowedMessage<'_>) -> Option<Self> {
        Some(Self { raw: NonNull::new(message.ptr())?, owner: PhantomData })
    }

    fn get(&self) -> &'a bindings::rd_kafka_message_t {
        // SAFETY: the owner keeps it alive for 'a, and nobody changes it but `header`, which touches no field read here.
        unsafe { self.raw.as_ref() }
    }

    /// What went wrong, if it is not a record.
    #[must_use]
    pub fn error(&self) -> Option<(KafkaError, String)> {
        // SAFETY: alive; the text is static or the message's own.
        let text = || unsafe {
            let text = bindings::rd_kafka_message_errstr(self.raw.as_ptr());
            if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
        };
        let error = self.get().err;
        error.is_error().then(|| (KafkaError::MessageConsumption(RDKafkaErrorCode::from(error)), text()))
    }

    /// The partition.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.get().partition
    }

    /// The offset.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.get().offset
    }

    /// The timestamp in milliseconds since 1970, 0 if it has none.
    #[must_use]
    pub fn timestamp_ms(&self) -> i64 {
        // SAFETY: alive; no kind of timestamp is asked for.
        unsafe { bindings::rd_kafka_message_timestamp(self.raw.as_ptr(), ptr::null_mut()) }.max(0)
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Option<&'a [u8]> {
        let message = self.get();
        // SAFETY: a key that is not null has that many bytes, as long as the message lives.
        unsafe { slice(message.key.cast(), message.key_len) }
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> Option<&'a [u8]> {
        let message = self.get();
        // SAFETY: a payload that is not null has that many bytes, as long as the message lives.
        unsafe { slice(message.payload.cast(), message.len) }
    }

    /// The last header of this name; `None` if there is none or it is null.
    #[must_use]
    pub fn header(&self, name: &CStr) -> Option<&'a [u8]> {
        let (mut value, mut size) = (ptr::null(), 0);
        // SAFETY: headers live as long as their message; the pointers are set where the call says so.
        unsafe {
            let headers = self.raw_headers()?;
            let error = bindings::rd_kafka_header_get_last(headers, name.as_ptr(), &raw mut value, &raw mut size);
            if error == OK { slice(value.cast(), size) } else { None }
        }
    }

    /// A copy of all headers. Names that are not UTF-8 lose what is not.
    #[must_use]
    pub fn headers(&self) -> OwnedHeaders {
        let mut copy = OwnedHeaders::new();
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: as in `header`; names are C strings.
        unsafe {
            let Some(headers) = self.raw_headers() else {
                return copy;
            };
            for index in 0.. {
                let error =
                    bindings::rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut size);
                if error != OK {
                    break;
                }
                let key = CStr::from_ptr(name).to_string_lossy();
                copy = copy.insert(Header { key: &key, value: slice(value.cast(), size) });
            }
        }
        copy
    }

    fn raw_headers(&self) -> Option<*mut bindings::rd_kafka_headers_t> {
        let mut headers = ptr::null_mut();
        // SAFETY: alive; the client reads them from the record's bytes at the first call and keeps them with it.
        let error = unsafe { bindings::rd_kafka_message_headers(self.raw.as_ptr(), &raw mut headers) };
        (error == OK).then_some(headers)
    }
}

/// # Safety
/// `bytes` is null or points to `size` bytes that live for `'a`.
unsafe fn slice<'a>(bytes: *const u8, size: usize) -> Option<&'a [u8]> {
    // SAFETY: as above.
    (!bytes.is_null()).then(|| unsafe { std::slice::from_raw_parts(bytes, size) })
}

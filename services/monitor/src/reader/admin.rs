//! What the broker tells of groups to who does not join: their offsets with metadata, and their members.
#![allow(unsafe_code, reason = "the safe client can neither list the offsets of a group nor describe one")]

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::bindings as rd;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::reading::{Committed, Member, PartitionId, ReadError};

const OK: rd::rd_kafka_resp_err_t = rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

/// A group's offsets, where it has committed any.
pub(super) type Offsets = HashMap<PartitionId, Result<Option<Committed>, ReadError>>;

/// Far longer than anybody waits. librdkafka 2.12 aborts the process where a question has timed out by itself and the
/// group's coordinator comes back later; one that still waits, or ends with its client, is harmless.
const NEVER_MS: i32 = 3_600_000;

/// Questions on their way, and their answers. To be dropped before its client is.
pub(super) struct Admin {
    client: *mut rd::rd_kafka_t,
    answers: NonNull<rd::rd_kafka_queue_t>,
    timeout: Duration,
    is_unanswered: Cell<bool>,
}

impl Admin {
    /// A place to ask from. `client` must outlive it.
    ///
    /// # Errors
    /// Where the client has no memory for it.
    pub(super) fn new(client: *mut rd::rd_kafka_t, timeout: Duration) -> Result<Self, KafkaError> {
        // SAFETY: the caller's client is alive; the new queue is owned here alone.
        let queue = unsafe { rd::rd_kafka_queue_new(client) };
        Ok(Self {
            client,
            answers: NonNull::new(queue).ok_or(KafkaError::Canceled)?,
            timeout,
            is_unanswered: Cell::new(false),
        })
    }

    /// Whether a question got no answer in time. It still waits: its client has to go, or such questions gather.
    pub(super) fn is_unanswered(&self) -> bool {
        self.is_unanswered.get()
    }

    /// The offsets each group has committed for its partitions. All groups are asked at once; one that does not answer
    /// in time has an error.
    pub(super) fn offsets(&self, asked: &[(&str, TopicPartitionList)]) -> Vec<Result<Offsets, ReadError>> {
        let mut answers: Vec<_> = asked.iter().map(|_| Err(timed_out())).collect();
        let mut waiting = 0;
        for (index, (group, partitions)) in asked.iter().enumerate() {
            match self.ask_for_offsets(group, partitions, index) {
                Ok(()) => waiting += 1,
                Err(error) => answers[index] = Err(error),
            }
        }
        let until = Instant::now() + self.timeout;
        while waiting > 0 {
            let Some(event) = self.next(until) else { break };
            waiting -= 1;
            if let Some(answer) = answers.get_mut(event.index()) {
                *answer = event.offsets();
            }
        }
        answers
    }

    /// The members of each group, as far as the broker can tell; groups about which it says nothing are missing.
    pub(super) fn members(&self, groups: &[&str]) -> HashMap<String, Result<Vec<Member>, ReadError>> {
        let names: Vec<CString> = groups.iter().filter_map(|group| CString::new(*group).ok()).collect();
        let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let Some(options) = self.options(rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, 0) else {
            return HashMap::new();
        };
        // SAFETY: everything passed is alive, and copied by the client before it returns.
        unsafe {
            rd::rd_kafka_DescribeConsumerGroups(
                self.client,
                pointers.as_mut_ptr(),
                pointers.len(),
                options.0.as_ptr(),
                self.answers.as_ptr(),
            );
        }
        self.next(Instant::now() + self.timeout).map(|event| event.members()).unwrap_or_default()
    }

    fn ask_for_offsets(&self, group: &str, partitions: &TopicPartitionList, index: usize) -> Result<(), ReadError> {
        let name = CString::new(group).map_err(|_| ReadError::refused("its name has a null byte"))?;
        let operation = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;
        let options = self.options(operation, index).ok_or_else(timed_out)?;
        // SAFETY: everything passed is alive and copied by the client; what is made here is destroyed here.
        unsafe {
            let mut question = rd::rd_kafka_ListConsumerGroupOffsets_new(name.as_ptr(), partitions.ptr());
            let answers = self.answers.as_ptr();
            rd::rd_kafka_ListConsumerGroupOffsets(self.client, &raw mut question, 1, options.0.as_ptr(), answers);
            rd::rd_kafka_ListConsumerGroupOffsets_destroy(question);
        }
        Ok(())
    }

    fn options(&self, operation: rd::rd_kafka_admin_op_t, index: usize) -> Option<Options> {
        // SAFETY: the options are owned by their wrapper; the opaque is a number and never followed.
        unsafe {
            let options = Options(NonNull::new(rd::rd_kafka_AdminOptions_new(self.client, operation))?);
            rd::rd_kafka_AdminOptions_set_request_timeout(options.0.as_ptr(), NEVER_MS, ptr::null_mut(), 0);
            rd::rd_kafka_AdminOptions_set_opaque(options.0.as_ptr(), ptr::without_provenance_mut(index));
            Some(options)
        }
    }

    fn next(&self, until: Instant) -> Option<Event> {
        let left = until.saturating_duration_since(Instant::now());
        let wait_ms = i32::try_from(left.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive; an event it gives is owned by its wrapper.
        let event = unsafe { NonNull::new(rd::rd_kafka_queue_poll(self.answers.as_ptr(), wait_ms)).map(Event) };
        self.is_unanswered.set(self.is_unanswered.get() || event.is_none());
        event
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        // SAFETY: owned here alone. Answers that come later are dropped by the client.
        unsafe { rd::rd_kafka_queue_destroy(self.answers.as_ptr()) }
    }
}

struct Options(NonNull<rd::rd_kafka_AdminOptions_t>);

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: owned here alone.
        unsafe { rd::rd_kafka_AdminOptions_destroy(self.0.as_ptr()) }
    }
}

/// An answer.
struct Event(NonNull<rd::rd_kafka_event_t>);

impl Event {
    /// Which question it answers.
    fn index(&self) -> usize {
        // SAFETY: the event is alive; its opaque is the number it was asked with.
        unsafe { rd::rd_kafka_event_opaque(self.0.as_ptr()) }.addr()
    }

    fn error(&self) -> Option<ReadError> {
        // SAFETY: the event is alive as long as its text is read.
        unsafe {
            let code = rd::rd_kafka_event_error(self.0.as_ptr());
            (code != OK).then(|| read_error(code, &text(rd::rd_kafka_event_error_string(self.0.as_ptr()))))
        }
    }

    fn offsets(&self) -> Result<Offsets, ReadError> {
        if let Some(error) = self.error() {
            return Err(error);
        }
        let mut count = 0;
        // SAFETY: result, groups and lists belong to the event, which is alive; each pointer is checked before it is
        // followed, and metadata is read within its length.
        unsafe {
            let result = rd::rd_kafka_event_ListConsumerGroupOffsets_result(self.0.as_ptr());
            if result.is_null() {
                return Err(ReadError::refused("the broker's answer is not one"));
            }
            let groups = rd::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
            let Some(group) = slice(groups, count).first() else {
                return Err(ReadError::refused("the broker's answer is empty"));
            };
            if let Some(error) = error_of(rd::rd_kafka_group_result_error(*group)) {
                return Err(error);
            }
            Ok(elements(rd::rd_kafka_group_result_partitions(*group)).iter().map(offset).collect())
        }
    }

    fn members(&self) -> HashMap<String, Result<Vec<Member>, ReadError>> {
        let mut count = 0;
        // SAFETY: result, groups and members belong to the event, which is alive; each pointer is checked before it is
        // followed, and indices are below the counts.
        unsafe {
            let result = rd::rd_kafka_event_DescribeConsumerGroups_result(self.0.as_ptr());
            if result.is_null() {
                return HashMap::new();
            }
            let groups = rd::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
            let members = |group: *const rd::rd_kafka_ConsumerGroupDescription_t| {
                if let Some(error) = error_of(rd::rd_kafka_ConsumerGroupDescription_error(group)) {
                    return Err(error);
                }
                let count = rd::rd_kafka_ConsumerGroupDescription_member_count(group);
                Ok((0..count).map(|i| member(rd::rd_kafka_ConsumerGroupDescription_member(group, i))).collect())
            };
            let name = |group| text(rd::rd_kafka_ConsumerGroupDescription_group_id(group));
            slice(groups, count).iter().map(|group| (name(*group), members(*group))).collect()
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: owned here alone.
        unsafe { rd::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}

/// # Safety
/// `member` must be alive.
unsafe fn member(member: *const rd::rd_kafka_MemberDescription_t) -> Member {
    // SAFETY: what is asked for belongs to the member.
    unsafe {
        let assignment = rd::rd_kafka_MemberDescription_assignment(member);
        let partitions = match assignment.is_null() {
            true => &[],
            false => elements(rd::rd_kafka_MemberAssignment_partitions(assignment)),
        };
        Member {
            name: text(rd::rd_kafka_MemberDescription_client_id(member)),
            id: text(rd::rd_kafka_MemberDescription_consumer_id(member)),
            host: text(rd::rd_kafka_MemberDescription_host(member)),
            partitions: partitions.iter().map(id).collect(),
        }
    }
}

fn id(element: &rd::rd_kafka_topic_partition_t) -> PartitionId {
    // SAFETY: an element's topic lives as long as it does.
    PartitionId { topic: unsafe { text(element.topic) }.into(), partition: element.partition }
}

fn offset(element: &rd::rd_kafka_topic_partition_t) -> (PartitionId, Result<Option<Committed>, ReadError>) {
    if element.err != OK {
        return (id(element), Err(ReadError::from_code(RDKafkaErrorCode::from(element.err))));
    }
    // SAFETY: metadata is as long as its size says.
    let metadata = unsafe { slice(element.metadata.cast::<u8>(), element.metadata_size) };
    let committed = u64::try_from(element.offset).ok().map(|offset| Committed::new(offset, metadata));
    (id(element), Ok(committed))
}

/// # Safety
/// `list` must be null or alive for `'a`.
unsafe fn elements<'a>(list: *const rd::rd_kafka_topic_partition_list_t) -> &'a [rd::rd_kafka_topic_partition_t] {
    if list.is_null() {
        return &[];
    }
    // SAFETY: it has as many elements as it says.
    unsafe { slice((*list).elems, usize::try_from((*list).cnt).unwrap_or(0)) }
}

/// # Safety
/// `first` must be null or the first of `count` that are alive for `'a`.
unsafe fn slice<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(first, count) }
}

/// # Safety
/// `text` must be null or end with a null byte.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// # Safety
/// `error` must be null or alive.
unsafe fn error_of(error: *const rd::rd_kafka_error_t) -> Option<ReadError> {
    if error.is_null() {
        return None;
    }
    // SAFETY: it is alive.
    let (code, reason) = unsafe { (rd::rd_kafka_error_code(error), text(rd::rd_kafka_error_string(error))) };
    (code != OK).then(|| read_error(code, &reason))
}

fn read_error(code: rd::rd_kafka_resp_err_t, reason: &str) -> ReadError {
    ReadError::new(RDKafkaErrorCode::from(code), reason)
}

fn timed_out() -> ReadError {
    ReadError::new(RDKafkaErrorCode::OperationTimedOut, "the broker did not answer in time")
}

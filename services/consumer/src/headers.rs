//! A record's headers, read by name and by nobody's rules about their names.
#![allow(unsafe_code, reason = "the safe reader panics on a header name that is not UTF-8, which anybody may send")]

use std::ffi::CStr;
use std::ptr;

use rdkafka::bindings;
use rdkafka::message::BorrowedMessage;

/// The last header of this name, as bytes; `None` if the record has none or it is null.
#[must_use]
pub(crate) fn header<'a>(message: &'a BorrowedMessage<'_>, name: &CStr) -> Option<&'a [u8]> {
    let mut headers = ptr::null_mut();
    let mut value = ptr::null();
    let mut size = 0;
    // SAFETY: the message is alive for 'a and owns its headers and their values; both calls only read
    // through valid pointers and say in their result whether they set what they were to set.
    unsafe {
        if bindings::rd_kafka_message_headers(message.ptr(), &raw mut headers)
            != bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
            || bindings::rd_kafka_header_get_last(headers, name.as_ptr(), &raw mut value, &raw mut size)
                != bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
            || value.is_null()
        {
            return None;
        }
        Some(std::slice::from_raw_parts(value.cast(), size))
    }
}

//! What an update looks like as a record: value and headers.

use common::decimal;
use common::quote::{SEQUENCE_HEADER, TRACEPARENT_HEADER};
use rdkafka::message::{Header, OwnedHeaders};

use crate::market::Update;

/// The header that fills a record up to `RECORD_BYTES`.
const PADDING_HEADER: &str = "padding";

/// Writes one record after the other into the same memory.
#[derive(Debug)]
pub(crate) struct Writer {
    record_bytes: usize,
    value: Vec<u8>,
    sequence: Vec<u8>,
    padding: Vec<u8>,
}

impl Writer {
    /// A writer that fills records up to `record_bytes` of key, value and headers; 0 for no filling.
    pub(crate) fn new(record_bytes: usize) -> Self {
        // Printable and not all the same, so that compression neither fails nor works wonders.
        let padding = (b'a'..=b'z').cycle().take(record_bytes).collect();
        Self { record_bytes, value: Vec::new(), sequence: Vec::new(), padding }
    }

    /// Writes an update's value and headers. The value is valid until the next one.
    pub(crate) fn write(&mut self, update: &Update, traceparent: Option<&str>) -> (&[u8], OwnedHeaders) {
        update.quote.write(&mut self.value);
        self.sequence.clear();
        decimal::append(update.sequence, &mut self.sequence);
        // Room for every header this record can have: to grow costs more than a header.
        let most = 1 + usize::from(traceparent.is_some()) + usize::from(self.record_bytes > 0);
        let sequence = Header { key: SEQUENCE_HEADER, value: Some(&self.sequence) };
        let mut headers = OwnedHeaders::new_with_capacity(most).insert(sequence);
        let mut size =
            update.quote.symbol.as_bytes().len() + self.value.len() + SEQUENCE_HEADER.len() + self.sequence.len();
        if let Some(traceparent) = traceparent {
            headers = headers.insert(Header { key: TRACEPARENT_HEADER, value: Some(traceparent) });
            size += TRACEPARENT_HEADER.len() + traceparent.len();
        }
        let missing = self.record_bytes.saturating_sub(size + PADDING_HEADER.len());
        if let Some(padding) = self.padding.get(..missing).filter(|padding| !padding.is_empty()) {
            headers = headers.insert(Header { key: PADDING_HEADER, value: Some(padding) });
        }
        (&self.value, headers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rdkafka::message::Headers as _;

    use super::*;
    use crate::market::{Distribution, Market};
    use crate::universe::Universe;

    fn update() -> Update {
        Market::new(&Universe::best_known(1), Distribution::Uniform, 1).next().unwrap()
    }

    fn headers(headers: &OwnedHeaders) -> Vec<(&str, String)> {
        let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
        headers.iter().map(|header| (header.key, text(header.value))).collect()
    }

    #[test]
    fn a_record_is_the_quote_s_text_and_its_number() {
        let mut writer = Writer::new(0);
        let update = Update { sequence: 1_234, ..update() };
        let (value, written) = writer.write(&update, None);
        assert_eq!(value, update.quote.to_string().as_bytes());
        assert_eq!(headers(&written), [("seq", "1234".to_owned())]);
        let (_, written) = writer.write(&update, Some("00-1-2-01"));
        assert_eq!(headers(&written), [("seq", "1234".to_owned()), ("traceparent", "00-1-2-01".to_owned())]);
    }

    proptest! {
        #[test]
        fn a_padded_record_has_exactly_its_size(bytes in 40_usize..2_000, sequence in 1_u64..) {
            let mut writer = Writer::new(bytes);
            let update = Update { sequence, ..update() };
            let (value, written) = writer.write(&update, None);
            let size = update.quote.symbol.as_bytes().len() + value.len();
            let size: usize = size + headers(&written).iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
            // Below this, the padding's own name does not fit.
            prop_assert!(size == bytes || (size < 60 && written.count() == 1), "{}", size);
        }
    }
}

//! The stock price update as it stands on the wire: `AAPL: $189.45`, keyed by its symbol.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::decimal;

/// The record header that carries an update's sequence number within its symbol, in decimal, from 1.
pub const SEQUENCE_HEADER: &str = "seq";

/// The record header that carries the W3C trace context of the span that sent the update.
pub const TRACEPARENT_HEADER: &str = "traceparent";

/// The longest value a quote can have: a symbol, `: $`, eight digits of dollars, a point, two of cents.
pub const MAX_QUOTE_BYTES: usize = Symbol::MAX_BYTES + 3 + 8 + 3;

/// A ticker symbol: 1 to 12 of `A`-`Z`, `0`-`9`, `.` and `-`, beginning with a letter (`AAPL`, `BRK.B`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    // Padded with zeroes, which no symbol contains: the derived order is that of the text.
    bytes: [u8; Self::MAX_BYTES],
}

impl Symbol {
    /// The longest symbol, in bytes.
    pub const MAX_BYTES: usize = 12;

    /// Reads a symbol from a record's key or the front of its value; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (first, rest) = text.split_first()?;
        let valid = text.len() <= Self::MAX_BYTES
            && first.is_ascii_uppercase()
            && rest.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        if !valid {
            return None;
        }
        let mut bytes = [0; Self::MAX_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self { bytes })
    }

    /// The symbol's text, which is also its records' key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let length = self.bytes.iter().position(|&b| b == 0).unwrap_or(Self::MAX_BYTES);
        self.bytes.get(..length).unwrap_or_default()
    }

    /// The symbol's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in: see `parse`.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

// As two numbers instead of twelve bytes and their count: symbols are looked up for every update.
impl Hash for Symbol {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, rest @ ..] = self.bytes;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
        state.write_u32(u32::from_ne_bytes(rest));
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Symbol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text.as_bytes()).ok_or_else(|| {
            format!("'{text}' is not a symbol: 1 to {} of A-Z, 0-9, '.' and '-', a letter first", Self::MAX_BYTES)
        })
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A price in whole cents: from one cent to ten million dollars. Money is never a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    cents: u64,
}

impl Price {
    /// One cent.
    pub const MIN: Self = Self { cents: 1 };

    /// Ten million dollars, an order of magnitude above the dearest share ever traded.
    pub const MAX: Self = Self { cents: 1_000_000_000 };

    /// A price of so many cents; `None` outside [`Price::MIN`]..=[`Price::MAX`].
    #[must_use]
    pub fn from_cents(cents: u64) -> Option<Self> {
        let price = Self { cents };
        (Self::MIN..=Self::MAX).contains(&price).then_some(price)
    }

    /// The price in cents.
    #[must_use]
    pub fn cents(self) -> u64 {
        self.cents
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}.{:02}", self.cents / 100, self.cents % 100)
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a symbol costs at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Whose price it is.
    pub symbol: Symbol,
    /// The price.
    pub price: Price,
}

/// Why a record's key and value are not a quote. No retry can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformed {
    /// There is no value, or one of no bytes.
    #[error("the value is empty, expected text like 'AAPL: $189.45'")]
    Empty,
    /// The value is longer than any quote.
    #[error("the value is longer than the {MAX_QUOTE_BYTES} bytes a quote can have")]
    TooLong,
    /// The value is not UTF-8.
    #[error("the value is not UTF-8")]
    NotUtf8,
    /// The value does not read as a symbol and a price.
    #[error("the value has no symbol and price, expected text like 'AAPL: $189.45'")]
    NoPrice,
    /// The price is negative, zero or above [`Price::MAX`].
    #[error("the price is outside $0.01 to $10000000.00")]
    AbsurdPrice,
    /// The key is missing or is not the value's symbol.
    #[error("the key is not the value's symbol")]
    KeyMismatch,
}

impl Malformed {
    /// Every reason, for metrics that shall exist before the first one occurs.
    pub const ALL: [Self; 6] =
        [Self::Empty, Self::TooLong, Self::NotUtf8, Self::NoPrice, Self::AbsurdPrice, Self::KeyMismatch];

    /// A short stable name, for metric labels and headers.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::NotUtf8 => "not_utf8",
            Self::NoPrice => "no_price",
            Self::AbsurdPrice => "absurd_price",
            Self::KeyMismatch => "key_mismatch",
        }
    }
}

impl Quote {
    /// Reads a record. Only the one spelling that [`Quote::write`] gives is accepted, so what is
    /// forwarded is byte for byte what came in.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Self, Malformed> {
        let value = value.filter(|v| !v.is_empty()).ok_or(Malformed::Empty)?;
        if value.len() > MAX_QUOTE_BYTES {
            return Err(Malformed::TooLong);
        }
        let separator = value.iter().position(|&b| b == b':');
        let parts = separator.and_then(|at| value.split_at_checked(at));
        let quote = parts.and_then(|(symbol, rest)| Some((Symbol::parse(symbol)?, rest.strip_prefix(b": ")?)));
        let Some((symbol, amount)) = quote else {
            return Err(if std::str::from_utf8(value).is_err() { Malformed::NotUtf8 } else { Malformed::NoPrice });
        };
        let price = parse_amount(amount)?;
        if key != Some(symbol.as_bytes()) {
            return Err(Malformed::KeyMismatch);
        }
        Ok(Self { symbol, price })
    }

    /// Writes the value's text over what `buffer` holds, which spares an allocation per record.
    pub fn write(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.extend_from_slice(self.symbol.as_bytes());
        buffer.extend_from_slice(b": $");
        decimal::append(self.price.cents / 100, buffer);
        buffer.push(b'.');
        if self.price.cents % 100 < 10 {
            buffer.push(b'0');
        }
        decimal::append(self.price.cents % 100, buffer);
    }
}

/// Reads `$189.45`.
fn parse_amount(text: &[u8]) -> Result<Price, Malformed> {
    let (negative, digits) = match text {
        [b'$', b'-', digits @ ..] | [b'-', b'$', digits @ ..] => (true, digits),
        [b'$', digits @ ..] => (false, digits),
        _ => return Err(Malformed::NoPrice),
    };
    let [dollars @ .., b'.', tens, ones] = digits else {
        return Err(Malformed::NoPrice);
    };
    let canonical = matches!(dollars, [b'0'] | [b'1'..=b'9', ..]);
    if !canonical || !dollars.iter().chain([tens, ones]).all(u8::is_ascii_digit) {
        return Err(Malformed::NoPrice);
    }
    if negative {
        return Err(Malformed::AbsurdPrice);
    }
    let cents = dollars.iter().chain([tens, ones]).fold(0, |sum, &digit| sum * 10 + u64::from(digit - b'0'));
    Price::from_cents(cents).ok_or(Malformed::AbsurdPrice)
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.symbol.as_str(), self.price)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(key: &str, value: &str) -> Result<Quote, Malformed> {
        Quote::parse(Some(key.as_bytes()), Some(value.as_bytes()))
    }

    #[test]
    fn the_mission_s_own_examples_are_read_and_written() {
        for (key, value, cents) in [("AAPL", "AAPL: $189.45", 18_945), ("GOOGL", "GOOGL: $2725.20", 272_520)] {
            let quote = parse(key, value).unwrap();
            assert_eq!((quote.symbol.as_str(), quote.price.cents()), (key, cents));
            assert_eq!(quote.to_string(), value);
        }
    }

    #[test]
    fn what_is_wrong_with_a_record_is_told_apart() {
        for (key, value, reason) in [
            ("AAPL", "", Malformed::Empty),
            ("AAPL", "AAPL", Malformed::NoPrice),
            ("AAPL", "AAPL: 189.45", Malformed::NoPrice),
            ("AAPL", "AAPL: $189.4", Malformed::NoPrice),
            ("AAPL", "AAPL: $0189.45", Malformed::NoPrice),
            ("AAPL", "AAPL: $.45", Malformed::NoPrice),
            ("AAPL", "aapl: $1.00", Malformed::NoPrice),
            ("AAPL", "AAPL: $-189.45", Malformed::AbsurdPrice),
            ("AAPL", "AAPL: -$189.45", Malformed::AbsurdPrice),
            ("AAPL", "AAPL: $0.00", Malformed::AbsurdPrice),
            ("AAPL", "AAPL: $10000000.01", Malformed::AbsurdPrice),
            ("AAPL", "GOOGL: $2725.20", Malformed::KeyMismatch),
            ("", "GOOGL: $2725.20", Malformed::KeyMismatch),
        ] {
            assert_eq!(parse(key, value), Err(reason), "{key} / {value}");
        }
        assert_eq!(Quote::parse(None, Some(b"AAPL: $1.00")), Err(Malformed::KeyMismatch));
        assert_eq!(Quote::parse(Some(b"AAPL"), None), Err(Malformed::Empty));
        assert_eq!(Quote::parse(Some(b"AAPL"), Some(b"AAPL\xff\xfe")), Err(Malformed::NotUtf8));
        assert_eq!(Quote::parse(Some(b"AAPL"), Some(&vec![b'x'; 1 << 20])), Err(Malformed::TooLong));
    }

    #[test]
    fn the_longest_quote_is_not_too_long() {
        let quote = Quote { symbol: Symbol::parse(b"ABCDEFGHIJKL").unwrap(), price: Price::MAX };
        let value = quote.to_string();
        assert_eq!(value.len(), MAX_QUOTE_BYTES);
        assert_eq!(parse("ABCDEFGHIJKL", &value), Ok(quote));
    }

    proptest! {
        #[test]
        fn every_quote_survives_the_wire(symbol in "[A-Z][A-Z0-9.-]{0,11}", cents in 1..=1_000_000_000_u64) {
            let quote = Quote { symbol: symbol.parse().unwrap(), price: Price::from_cents(cents).unwrap() };
            let mut value = Vec::new();
            quote.write(&mut value);
            prop_assert_eq!(String::from_utf8_lossy(&value), quote.to_string());
            prop_assert_eq!(Quote::parse(Some(symbol.as_bytes()), Some(&value)), Ok(quote));
        }

        #[test]
        fn no_bytes_make_the_parser_panic(key: Option<Vec<u8>>, value: Option<Vec<u8>>) {
            let _ = Quote::parse(key.as_deref(), value.as_deref());
        }

        #[test]
        fn what_nearly_is_a_quote_is_read_only_if_it_writes_the_same(value in "[A-Z]{0,3}:? ?[-$]{0,2}[0-9]{0,12}[.]?[0-9]{0,3}") {
            let key = value.split(':').next().unwrap_or_default();
            if let Ok(quote) = parse(key, &value) {
                prop_assert_eq!(quote.to_string(), value);
            }
        }
    }
}

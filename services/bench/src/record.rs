//! What the records look like that are sent and read.

use std::io::Write as _;

use common::quote::{Price, Quote, Symbol};

use crate::Error;

/// The key, value and `seq` header that stand for all records where a program can send but one.
pub(crate) const KEY: &str = "AAPL";
pub(crate) const VALUE: &str = "AAPL: $189.45";
pub(crate) const SEQUENCE: &str = "seq=123456";

/// A header's name that fills a record up.
const PADDING: &str = "padding";

/// How many different records the Java tool may choose from.
const CHOICE: u32 = 1000;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// 100 bytes of key, value and headers.
    Hundred,
    /// A quote as the producer sends it by default: some 26 bytes of key, value and header.
    Quote,
}

impl Format {
    /// In the order of the tables.
    pub(crate) const ALL: [Self; 2] = [Self::Hundred, Self::Quote];

    /// What the tables call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Hundred => "100-byte records",
            Self::Quote => "quotes",
        }
    }

    /// Our producer's `RECORD_BYTES`.
    pub(crate) fn record_bytes(self) -> usize {
        match self {
            Self::Hundred => 100,
            Self::Quote => 0,
        }
    }

    /// Key, value and headers together, in bytes; of quotes an upper mean.
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::Hundred => 100,
            Self::Quote => 26,
        }
    }

    /// What a record of our producer takes on the wire, in bytes, in batches of some hundreds that lz4 has compressed:
    /// a little less than was measured.
    pub(crate) fn compressed_bytes(self) -> u64 {
        match self {
            Self::Hundred => 15,
            Self::Quote => 11,
        }
    }

    /// The header, as `NAME=VALUE`, that fills a record of [`KEY`], [`VALUE`] and [`SEQUENCE`] up.
    pub(crate) fn padding(self) -> Option<String> {
        // The `=` is not part of the record.
        let rest = KEY.len() + VALUE.len() + SEQUENCE.len() - 1 + PADDING.len();
        let missing = self.record_bytes().checked_sub(rest)?;
        Some(format!("{PADDING}={}", alphabet(missing)))
    }

    /// A file of values, one per line, for a tool that knows neither keys nor headers.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn file(self) -> Result<tempfile::NamedTempFile, Error> {
        let doing = "writing a file of records";
        let mut file = tempfile::NamedTempFile::new().map_err(Error::io(doing))?;
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..CHOICE {
            let mut line = quote(&mut random);
            line += &alphabet(self.record_bytes().saturating_sub(line.len()));
            writeln!(file, "{line}").map_err(Error::io(doing))?;
        }
        Ok(file)
    }
}

fn quote(random: &mut fastrand::Rng) -> String {
    let letters: String = (0..4).map(|_| random.char('A'..='Z')).collect();
    let quote = Symbol::parse(letters.as_bytes()).zip(Price::from_cents(random.u64(1_000..100_000)));
    quote.map_or_else(|| VALUE.to_owned(), |(symbol, price)| Quote { symbol, price }.to_string())
}

/// The filling that our producer uses too.
fn alphabet(length: usize) -> String {
    ('a'..='z').cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padded_record_has_a_hundred_bytes() {
        let padding = Format::Hundred.padding().unwrap();
        let bytes = KEY.len() + VALUE.len() + SEQUENCE.len() + padding.len() - 2;
        assert_eq!(bytes, 100);
        assert_eq!(Format::Quote.padding(), None);
    }

    #[test]
    fn a_file_has_values_of_the_right_size() {
        let lines = |format: Format| std::fs::read_to_string(format.file().unwrap().path()).unwrap();
        assert!(lines(Format::Hundred).lines().all(|line| line.len() == 100));
        assert!(lines(Format::Quote).lines().all(|line| (12..=13).contains(&line.len())));
        assert_eq!(lines(Format::Quote).lines().count(), 1000);
    }
}

//! Traces that show what a histogram counts.

use std::sync::{Arc, Mutex, PoisonError};

/// The most characters that the labels of an exemplar may have, names and values together.
const MOST_CHARACTERS: usize = 128;

/// An observation that was traced.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// The trace's id, in hexadecimal.
    pub trace_id: String,
    /// What was observed.
    pub value: f64,
    /// When, in milliseconds since 1970.
    pub timestamp_ms: i64,
}

/// The last traced observation of each bucket of a histogram without labels. Clones share them.
#[derive(Clone, Debug)]
pub struct Exemplars {
    name: &'static str,
    bounds: &'static [f64],
    last: Arc<Mutex<Vec<Option<Exemplar>>>>,
}

impl Exemplars {
    /// None yet, for the histogram of this name with these bounds, in rising order.
    #[must_use]
    pub fn new(name: &'static str, bounds: &'static [f64]) -> Self {
        Self { name, bounds, last: Arc::new(Mutex::new(vec![None; bounds.len() + 1])) }
    }

    /// The histogram's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Keeps a traced observation. An id that is none of hexadecimal digits, or too long to be shown, is left out.
    pub fn observe(&self, value: f64, trace_id: &str, timestamp_ms: i64) {
        let fits = "trace_id".len() + trace_id.len() <= MOST_CHARACTERS;
        if !fits || !trace_id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return;
        }
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.get_mut(bucket) {
            *last = Some(Exemplar { trace_id: trace_id.to_owned(), value, timestamp_ms });
        }
    }

    /// Those of each bucket, that without a bound last.
    #[must_use]
    pub fn last(&self) -> Vec<Option<Exemplar>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_has_its_last_and_a_bound_is_within_its_bucket() {
        let exemplars = Exemplars::new("age", &[0.1, 1.0]);
        for (value, trace_id) in [(0.05, "a1"), (0.1, "a2"), (0.11, "b1"), (5.0, "c1"), (f64::INFINITY, "c2")] {
            exemplars.observe(value, trace_id, 7);
        }
        let ids: Vec<_> = exemplars.last().into_iter().map(|last| last.unwrap().trace_id).collect();
        assert_eq!(ids, ["a2", "b1", "c2"]);
    }

    #[test]
    fn what_cannot_be_shown_is_left_out() {
        let exemplars = Exemplars::new("age", &[]);
        exemplars.observe(1.0, &"a".repeat(121), 7);
        exemplars.observe(1.0, "\"}", 7);
        assert_eq!(exemplars.last(), [None]);
        exemplars.observe(1.0, &"a".repeat(120), 7);
        assert!(exemplars.last()[0].is_some());
    }
}

//! What the scaling act has shown.

use serde::Serialize;

/// One look of the autoscaler.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Look {
    /// When, in milliseconds since the story began.
    pub(crate) at_ms: u64,
    /// Updates not committed, as the monitor reads it; `None` where that was not known.
    pub(crate) lag: Option<u64>,
    /// Age of the oldest of them, in seconds.
    pub(crate) delay_seconds: Option<f64>,
    /// How many consumers the monitor asks for.
    pub(crate) desired: Option<u32>,
    /// How many there were.
    pub(crate) consumers: u32,
    /// The monitor's last decision.
    pub(crate) sentence: String,
}

/// The act, look by look.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Scaling {
    /// So many consumers the burst was for.
    pub(crate) most: u32,
    /// Updates of the burst.
    pub(crate) updates: u64,
    /// The longest delay the monitor told, in seconds.
    pub(crate) worst_delay_seconds: f64,
    /// Every look.
    pub(crate) looks: Vec<Look>,
}

impl Scaling {
    /// Notes a look.
    pub(crate) fn note(&mut self, look: Look) {
        self.worst_delay_seconds = look.delay_seconds.unwrap_or(0.0).max(self.worst_delay_seconds);
        self.looks.push(look);
    }

    /// The looks that saw another decision or another number of consumers than the one before.
    pub(crate) fn changes(&self) -> Vec<&Look> {
        let mut changes = Vec::<&Look>::new();
        for look in &self.looks {
            let what = |look: &Look| (look.desired, look.consumers, look.sentence.clone());
            if changes.last().is_none_or(|last| what(last) != what(look)) {
                changes.push(look);
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_one_change_and_the_longest_delay_is_kept() {
        let look = |at_ms, delay_seconds, consumers| Look {
            at_ms,
            lag: None,
            delay_seconds,
            desired: Some(3),
            consumers,
            sentence: String::new(),
        };
        let mut scaling = Scaling::default();
        [look(1, Some(1.0), 1), look(2, Some(2.5), 1), look(3, None, 3), look(4, Some(0.1), 3)]
            .into_iter()
            .for_each(|look| scaling.note(look));
        let changes: Vec<_> = scaling.changes().into_iter().map(|look| look.at_ms).collect();
        assert_eq!((changes, scaling.worst_delay_seconds), (vec![1, 3], 2.5));
    }
}

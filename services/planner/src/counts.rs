//! The consumer counts worth choosing.

use crate::Settings;

/// The counts a plan may choose, in rising order.
///
/// An assignor that spreads partitions evenly by count gives the busiest consumer `ceil(partitions / consumers)` of
/// them. Only counts that make this number smaller help: of 12 partitions 1, 2, 3, 4, 6 and 12; a seventh to eleventh
/// consumer would leave some other with two partitions still. The minimum is always a choice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counts {
    partitions: u32,
    choices: Vec<u32>,
}

impl Counts {
    /// The choices within the settings' bounds; `None` without partitions.
    pub(crate) fn new(partitions: u32, settings: &Settings) -> Option<Self> {
        if partitions == 0 {
            return None;
        }
        let min = settings.min_consumers.clamp(1, partitions);
        let max = settings.max_consumers.unwrap_or(partitions).clamp(min, partitions);
        let mut choices = vec![min];
        let mut last = min;
        while let Some(next) = next_smaller_share(partitions, last).filter(|next| *next <= max) {
            choices.push(next);
            last = next;
        }
        Some(Self { partitions, choices })
    }

    /// Each choice, the smallest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.choices.iter().copied()
    }

    pub(crate) fn largest(&self) -> u32 {
        self.choices.last().copied().unwrap_or(1)
    }

    /// The choice just below `count`.
    pub(crate) fn below(&self, count: u32) -> Option<u32> {
        self.iter().rev().find(|choice| *choice < count)
    }

    /// The smallest choice that is at least `count`, or else the largest of all.
    pub(crate) fn at_least(&self, count: u32) -> u32 {
        self.iter().find(|choice| *choice >= count).unwrap_or_else(|| self.largest())
    }

    /// The smallest choice whose busiest consumer has no more partitions than with `count`.
    pub(crate) fn no_worse_than(&self, count: u32) -> u32 {
        let share = self.largest_share(count);
        self.iter().find(|choice| self.largest_share(*choice) <= share).unwrap_or_else(|| self.largest())
    }

    /// How many partitions the busiest of `count` consumers has.
    pub(crate) fn largest_share(&self, count: u32) -> usize {
        self.partitions.div_ceil(count.max(1)) as usize
    }
}

/// The smallest count above `count` whose busiest consumer has fewer partitions.
fn next_smaller_share(partitions: u32, count: u32) -> Option<u32> {
    let share = partitions.div_ceil(count);
    (share > 1).then(|| partitions.div_ceil(share - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(partitions: u32, min: u32, max: Option<u32>) -> Vec<u32> {
        let settings = Settings { min_consumers: min, max_consumers: max, ..Settings::default() };
        Counts::new(partitions, &settings).map(|counts| counts.choices).unwrap_or_default()
    }

    #[test]
    fn only_counts_that_make_the_largest_share_smaller_are_choices() {
        assert_eq!(choices(12, 1, None), [1, 2, 3, 4, 6, 12]);
        assert_eq!(choices(5, 1, None), [1, 2, 3, 5]);
        assert_eq!(choices(24, 1, None), [1, 2, 3, 4, 5, 6, 8, 12, 24]);
        assert_eq!(choices(7, 1, None), [1, 2, 3, 4, 7]);
        assert_eq!(choices(1, 1, None), [1]);
    }

    #[test]
    fn bounds_hold_and_the_minimum_is_a_choice_though_it_may_not_divide_well() {
        assert_eq!(choices(12, 5, None), [5, 6, 12]);
        assert_eq!(choices(12, 1, Some(10)), [1, 2, 3, 4, 6]);
        assert_eq!(choices(12, 5, Some(5)), [5]);
        assert_eq!(choices(3, 8, Some(20)), [3]);
        assert_eq!(choices(0, 1, None), [0; 0]);
    }

    #[test]
    fn a_count_that_is_no_better_is_taken_back_to_the_cheapest_as_good() {
        let counts = Counts::new(12, &Settings::default()).unwrap();
        assert_eq!(counts.no_worse_than(11), 6);
        assert_eq!(counts.no_worse_than(5), 4);
        assert_eq!(counts.no_worse_than(40), 12);
        assert_eq!(counts.no_worse_than(0), 1);
    }
}

//! How numbers, times and lists are written.

use std::fmt::Display;

/// `10,000`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `480 ms`, `3.41 s` or `45.2 s`, from milliseconds.
pub(crate) fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..10_000 => format!("{}.{:02} s", milliseconds / 1_000, milliseconds % 1_000 / 10),
        10_000.. => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
    }
}

/// `6.4 s`, from milliseconds: for times that stand in a column.
pub(crate) fn clock(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100)
}

/// `0, 1 and 2`.
pub(crate) fn and(things: &[impl Display]) -> String {
    match things {
        [] => "nothing".to_owned(),
        [one] => one.to_string(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(ToString::to_string).collect();
            format!("{} and {last}", first.join(", "))
        }
    }
}

/// `1 update`, `2 updates`.
pub(crate) fn updates(number: u64) -> String {
    format!("{} update{}", count(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_lists_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([7, 999, 3_419, 45_260].map(duration), ["7 ms", "999 ms", "3.41 s", "45.2 s"]);
        assert_eq!(clock(6_419), "6.4 s");
        assert_eq!([and(&[0; 0]), and(&[1]), and(&[0, 1, 2])], ["nothing", "1", "0, 1 and 2"]);
        assert_eq!([updates(1), updates(2_000)], ["1 update", "2,000 updates"]);
    }
}

//! Numbers as text, without the machinery of formatting: it is done for every record.

/// Appends a number's decimal digits.
pub fn append(mut number: u64, text: &mut Vec<u8>) {
    let begin = text.len();
    loop {
        // A digit fits.
        text.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if let Some(digits) = text.get_mut(begin..) {
        digits.reverse();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decimals_are_those_that_formatting_gives(number: u64) {
            let mut text = b"before ".to_vec();
            append(number, &mut text);
            prop_assert_eq!(text, format!("before {number}").into_bytes());
        }
    }
}

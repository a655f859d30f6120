//! Numbers as Kubernetes writes them.

/// The largest number that the autoscaler can count in thousandths, as it does: it reads a larger quantity as 0.
const LARGEST: i64 = i64::MAX / 1000;

/// `value` as a Kubernetes quantity: a whole number as it is, others in thousandths (`1500m`). What is larger than
/// Kubernetes can count is given as the largest that it can.
///
/// # Errors
/// A sentence where `value` is no number: infinite, or NaN.
pub(super) fn quantity(value: f64) -> Result<String, String> {
    if !value.is_finite() {
        return Err(format!("{value} is not a number"));
    }
    if value.fract() == 0.0 {
        // `as` saturates.
        return Ok((value as i64).clamp(-LARGEST, LARGEST).to_string());
    }
    // A fraction means less than 2^53, so that a thousand times that still fits.
    let thousandths = (value * 1000.0).round() as i64;
    Ok(if thousandths % 1000 == 0 { (thousandths / 1000).to_string() } else { format!("{thousandths}m") })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(quantity: &str) -> f64 {
        match quantity.strip_suffix('m') {
            Some(thousandths) => thousandths.parse::<i64>().unwrap() as f64 / 1000.0,
            None => quantity.parse::<i64>().unwrap() as f64,
        }
    }

    #[test]
    fn whole_numbers_stay_and_fractions_are_thousandths() {
        for (value, written) in [
            (0.0, "0"),
            (-0.0, "0"),
            (3.0, "3"),
            (-12.0, "-12"),
            (1.5, "1500m"),
            (-0.25, "-250m"),
            (0.001, "1m"),
            (0.000_4, "0"),
            (2.999_9, "3"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e15, "1000000000000000"),
        ] {
            assert_eq!(quantity(value).as_deref(), Ok(written), "{value}");
        }
    }

    #[test]
    fn what_kubernetes_cannot_count_is_the_largest_it_can() {
        for value in [9_223_372_036_854_776.0, 1e16, 1e19, 1e300, f64::MAX] {
            assert_eq!(quantity(value).as_deref(), Ok("9223372036854775"), "{value}");
            assert_eq!(quantity(-value).as_deref(), Ok("-9223372036854775"), "{value}");
        }
    }

    #[test]
    fn what_is_no_number_is_said_to_be_none() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(quantity(value).is_err());
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_come_back_as_they_were(value in -LARGEST..LARGEST) {
            let value = value as f64;
            prop_assume!(value.abs() < LARGEST as f64);
            prop_assert_eq!(parsed(&quantity(value).unwrap()), value);
        }

        #[test]
        fn thousandths_come_back_as_they_were(thousandths in -1_000_000_000_000_i64..1_000_000_000_000) {
            let value = thousandths as f64 / 1000.0;
            prop_assert_eq!(parsed(&quantity(value).unwrap()), value);
        }

        #[test]
        fn other_numbers_come_back_to_half_a_thousandth(value in -1e12..1e12_f64) {
            let back = parsed(&quantity(value).unwrap());
            prop_assert!((back - value).abs() <= 0.000_7, "{} is given as {}", value, back);
        }
    }
}

//! Numbers in the form that both text formats require.

use std::fmt::Write;
use std::time::Duration;

use crate::domain::Timestamp;

/// The value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    /// A count, a boolean or a Unix timestamp.
    Whole(i64),
    /// Anything else, such as a duration in seconds.
    Real(f64),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Whole(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Whole(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Whole(i64::from(truth))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Whole(time.seconds())
    }
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        Self::Real(duration.as_secs_f64())
    }
}

impl Value {
    /// Appends the end of a series: the closing of its labels, the number and a line feed.
    #[inline]
    pub(super) fn write_end(self, text: &mut Vec<u8>, close: Close) {
        match self {
            Self::Whole(number) => push_whole(text, close, number),
            Self::Real(number) => {
                text.extend_from_slice(close.0);
                text.extend_from_slice(real(number).as_bytes());
                text.push(b'\n');
            }
        }
    }
}

/// The text between the last label value, or the name of a family without labels, and the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Close(&'static [u8]);

impl Close {
    pub(super) const LABELS: Self = Self(b"\"} ");
    pub(super) const NAME: Self = Self(b" ");
}

/// Copies the end of the line at once. `write!` takes three times as long, which matters with a million series.
#[inline]
fn push_whole(text: &mut Vec<u8>, close: Close, number: i64) {
    // At most three bytes of closing, a sign, 19 digits and the line feed.
    let mut end = [b'\n'; 24];
    let mut start = end.len() - 1;
    let mut rest = number.unsigned_abs();
    loop {
        start -= 1;
        // A remainder of a division by ten fits into a byte.
        end[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        start -= 1;
        end[start] = b'-';
    }
    for byte in close.0.iter().rev() {
        start -= 1;
        end[start] = *byte;
    }
    text.extend_from_slice(&end[start..]);
}

/// A sample's value as text.
pub(super) fn real(number: f64) -> String {
    if number == f64::INFINITY {
        "+Inf".to_owned()
    } else if number == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        // Rust writes `NaN` as the formats do, and never uses an exponent.
        number.to_string()
    }
}

/// A bucket's bound in the canonical form of OpenMetrics: like Go's `%g`, but always with a decimal point.
///
/// Source: OpenMetrics 1.0.0, "Considerations: Canonical Numbers".
pub(super) fn canonical(bound: f64) -> String {
    if !bound.is_finite() {
        return real(bound);
    }
    let scientific = format!("{bound:e}");
    match scientific.split_once('e') {
        Some((mantissa, exponent)) => match exponent.parse::<i32>() {
            Ok(exponent) if !(-4..6).contains(&exponent) => {
                let mut text = format!("{mantissa}e{}", if exponent < 0 { '-' } else { '+' });
                // Writing to a String cannot fail.
                let _ = write!(text, "{:02}", exponent.unsigned_abs());
                text
            }
            _ => format!("{bound:?}"),
        },
        None => scientific,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: impl Into<Value>) -> String {
        let mut text = Vec::new();
        value.into().write_end(&mut text, Close::LABELS);
        let text = String::from_utf8(text).expect("digits");
        text.strip_prefix("\"} ").and_then(|text| text.strip_suffix('\n')).expect("the end of a line").to_owned()
    }

    #[test]
    fn values_are_numbers_that_a_scraper_reads() {
        assert_eq!(written(0_i64), "0");
        assert_eq!(written(i64::MIN), "-9223372036854775808");
        assert_eq!(written(u64::MAX), "9223372036854775807", "a larger count is capped");
        assert_eq!(written(true), "1");
        assert_eq!(written(Timestamp::from_seconds(-1)), "-1");
        assert_eq!(written(Duration::from_millis(250)), "0.25");
        assert_eq!(written(Duration::from_mins(5)), "300");
        assert_eq!(real(f64::NAN), "NaN");
        assert_eq!(real(f64::INFINITY), "+Inf");
        assert_eq!(real(f64::NEG_INFINITY), "-Inf");
    }

    #[test]
    fn bucket_bounds_are_canonical() {
        for (bound, expected) in [
            (0.0, "0.0"),
            (0.00001, "1e-05"),
            (0.0001, "0.0001"),
            (0.005, "0.005"),
            (1.0, "1.0"),
            (2.5, "2.5"),
            (100_000.0, "100000.0"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e100, "1e+100"),
            (-0.5, "-0.5"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(canonical(bound), expected);
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_are_written_as_std_does(number: i64) {
            prop_assert_eq!(written(number), number.to_string());
        }
    }
}

//! Parses durations such as `300ms`, `30s`, `5m`, `24h`, `1h30m` and `7d`.
//!
//! Not which durations a setting allows (`scalar`). jiff's friendly parser is not used, because it rejects days.

use std::time::Duration;

use super::error::quoted;

/// Units and their milliseconds. A duration uses each unit at most once, larger units first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

const EXAMPLES: &str = "use for example 30s, 5m or 24h";

/// Parses whole numbers that each have a unit, without spaces.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{} has no unit; {EXAMPLES}", quoted(text)));
    }
    millis(text).map(Duration::from_millis).ok_or_else(|| format!("{} is not a duration; {EXAMPLES}", quoted(text)))
}

fn millis(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() || total == 0 && rest.len() == text.len() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = number.parse::<u64>().ok()?.checked_mul(*factor)?.checked_add(total)?;
        rest = tail;
    }
    Some(total)
}

/// The shortest text that [`parse`] reads back as the same duration, in whole milliseconds.
pub(crate) fn show(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (unit, factor) in UNITS {
        let count = rest / u128::from(factor);
        rest %= u128::from(factor);
        if count > 0 {
            text.push_str(&count.to_string());
            text.push_str(unit);
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn valid_durations_are_parsed() {
        for (text, millis) in [
            ("0s", 0),
            ("300ms", 300),
            ("30s", 30_000),
            ("5m", 300_000),
            ("90m", 5_400_000),
            ("24h", 86_400_000),
            ("1h30m", 5_400_000),
            ("1m5ms", 60_005),
            ("7d", 604_800_000),
            ("007s", 7000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn an_invalid_duration_is_rejected_with_an_example() {
        for text in [
            "",
            " ",
            "s",
            "5 m",
            "5 minutes",
            "5M",
            "1.5h",
            "-5m",
            "+5m",
            "5m1h",
            "5m5m",
            "5mm",
            "1h30",
            "1w",
            "inf",
            "1e3s",
            "٣s",
            "99999999999999999999s",
            "300000000000d",
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains("is not a duration; use for example 30s"), "{text}: {error}");
        }
        assert_eq!(parse("300"), Err("\"300\" has no unit; use for example 30s, 5m or 24h".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(millis in 0_u64..=u64::from(u32::MAX) * 1000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&show(duration)), Ok(duration));
        }

        #[test]
        fn no_text_panics_and_a_parsed_duration_is_read_back(text in "[0-9dhms. ]{0,24}|.{0,12}") {
            if let Ok(duration) = parse(&text) {
                prop_assert_eq!(parse(&show(duration)), Ok(duration));
            }
        }
    }
}

//! Single values of a policy file: durations, shares, numbers, moments.
//!
//! Each function takes the TOML value and tells what is wrong with it; where it stands is the caller's business.

use toml::de::DeValue;

use crate::domain::Timestamp;

const DAY: u64 = 86_400;
/// A hundred years: more is a mistake.
const LONGEST_DAYS: u64 = 36_500;

/// What a value is, for messages.
pub(super) fn sort(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A text that is not blank.
pub(super) fn text<'a>(value: &'a DeValue<'_>) -> Result<&'a str, String> {
    let text = value.as_str().ok_or_else(|| format!("expected a text, found {}", sort(value)))?;
    if text.trim().is_empty() { Err("must not be empty".to_owned()) } else { Ok(text) }
}

/// A duration such as `24h` or `1d12h`, or a whole number of seconds.
pub(super) fn seconds(value: &DeValue<'_>) -> Result<u32, String> {
    let wrong = || "expected a duration such as \"24h\", or a whole number of seconds".to_owned();
    let seconds = match value {
        DeValue::String(text) => duration(text),
        DeValue::Integer(_) => integer(value),
        _ => None,
    };
    seconds.filter(|seconds| *seconds > 0).and_then(|seconds| u32::try_from(seconds).ok()).ok_or_else(wrong)
}

/// A duration of whole days such as `90d`.
pub(super) fn days(value: &DeValue<'_>) -> Result<u32, String> {
    let wrong = || "expected a duration of whole days such as \"90d\"".to_owned();
    let seconds = value.as_str().and_then(duration).filter(|seconds| seconds % DAY == 0).ok_or_else(wrong)?;
    let days = Some(seconds / DAY).filter(|days| (1..=LONGEST_DAYS).contains(days));
    days.and_then(|days| u32::try_from(days).ok()).ok_or_else(wrong)
}

/// More than 0 and at most 1, as whole percent.
pub(super) fn percent(value: &DeValue<'_>) -> Result<u32, String> {
    let number = match value {
        DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
        DeValue::Integer(_) => integer(value).filter(|number| *number == 1).map(|_| 1.0),
        _ => None,
    };
    // Compared with each whole percent, so that no number has to be cut.
    let percent =
        (1..=100_u32).find(|percent| number.is_some_and(|number| (number * 100.0 - f64::from(*percent)).abs() < 1e-6));
    percent.ok_or_else(|| "expected a share from 0.01 to 1 in whole hundredths, such as 0.8".to_owned())
}

/// A whole number from 1.
pub(super) fn count(value: &DeValue<'_>) -> Result<usize, String> {
    let count = integer(value).filter(|count| *count > 0).and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| "expected a whole number from 1".to_owned())
}

/// A date, which is the end of that day in UTC, or an RFC 3339 moment; as TOML has them, or as a text.
pub(super) fn moment(value: &DeValue<'_>) -> Result<Timestamp, String> {
    let wrong = || {
        "expected a date such as 2027-03-31, which is the end of that day in UTC, or a moment with its offset such as \
         2027-03-31T18:00:00Z"
            .to_owned()
    };
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        _ => return Err(wrong()),
    };
    let is_date = text.len() == "2027-03-31".len();
    let moment = if is_date {
        let date = text.parse::<jiff::civil::Date>().and_then(jiff::civil::Date::tomorrow);
        date.and_then(|next| jiff::tz::TimeZone::UTC.to_timestamp(next.at(0, 0, 0, 0)))
    } else {
        text.parse::<jiff::Timestamp>()
    };
    moment.map(|moment| Timestamp::from_seconds(moment.as_second())).map_err(|_| wrong())
}

fn integer(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Whole numbers with a unit each, the largest first, in seconds.
fn duration(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut units = [('d', DAY), ('h', 3600), ('m', 60), ('s', 1)].into_iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let mut tail = tail.chars();
        let unit = tail.next()?;
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = number.parse::<u64>().ok()?.checked_mul(factor)?.checked_add(total)?;
        rest = tail.as_str();
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> DeValue<'_> {
        DeValue::parse(text).expect(text).into_inner()
    }

    #[test]
    fn durations_as_people_write_them() {
        for (text, expected) in [
            ("\"24h\"", Some(86_400)),
            ("\"1d12h\"", Some(129_600)),
            ("\"90m\"", Some(5400)),
            ("3600", Some(3600)),
            ("0", None),
            ("-5", None),
            ("\"\"", None),
            ("\"5\"", None),
            ("\"h\"", None),
            ("\"1h1d\"", None),
            ("\"1w\"", None),
            ("\"99999999999999999999d\"", None),
            ("4294967296", None),
            ("1.5", None),
            ("true", None),
        ] {
            assert_eq!(seconds(&value(text)).ok(), expected, "{text}");
        }
        for (text, expected) in [
            ("\"90d\"", Some(90)),
            ("\"48h\"", Some(2)),
            ("\"36h\"", None),
            ("90", None),
            ("\"0d\"", None),
            ("\"99999d\"", None),
        ] {
            assert_eq!(days(&value(text)).ok(), expected, "{text}");
        }
    }

    #[test]
    fn shares_and_numbers() {
        for (text, expected) in [
            ("0.8", Some(80)),
            ("1", Some(100)),
            ("1.0", Some(100)),
            ("0.29", Some(29)),
            ("0.805", None),
            ("0", None),
            ("80", None),
            ("nan", None),
            ("inf", None),
            ("1.2", None),
        ] {
            assert_eq!(percent(&value(text)).ok(), expected, "{text}");
        }
        assert_eq!((count(&value("0x10")), count(&value("0")).is_err()), (Ok(16), true));
    }

    #[test]
    fn a_date_lasts_to_its_end_and_a_moment_needs_its_offset() {
        let end = Timestamp::from_seconds(1_790_812_800);
        for text in ["2026-09-30", "\"2026-09-30\"", "2026-10-01T00:00:00Z", "\"2026-10-01T02:00:00+02:00\""] {
            assert_eq!(moment(&value(text)), Ok(end), "{text}");
        }
        for text in ["2026-09-30T10:00:00", "10:00:00", "\"soon\"", "\"2026-02-30\"", "20260930", "9999-12-31"] {
            assert!(moment(&value(text)).is_err(), "{text}");
        }
    }
}

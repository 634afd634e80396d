//! Single values of a policy file: strings, durations, ratios, numbers and times.
//!
//! Each function reads a TOML value or says what is wrong with it. The caller adds the position in the file.

use toml::de::DeValue;

use crate::domain::Timestamp;

const DAY: u64 = 86_400;
/// A hundred years; a longer duration is a mistake.
const LONGEST_DAYS: u64 = 36_500;

/// The type of a value, for error messages.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A string that is not blank.
pub(super) fn text<'a>(value: &'a DeValue<'_>) -> Result<&'a str, String> {
    let text = value.as_str().ok_or_else(|| format!("expected a string, found {}", type_name(value)))?;
    if text.trim().is_empty() { Err("must not be empty".to_owned()) } else { Ok(text) }
}

/// A duration such as `24h` or `1d12h`, or an integer number of seconds. In seconds, at least 1.
pub(super) fn seconds(value: &DeValue<'_>) -> Result<u32, String> {
    let wrong = || "expected a duration such as \"24h\", or an integer number of seconds".to_owned();
    let seconds = match value {
        DeValue::String(text) => duration(text),
        DeValue::Integer(_) => integer(value),
        _ => None,
    };
    seconds.filter(|seconds| *seconds > 0).and_then(|seconds| u32::try_from(seconds).ok()).ok_or_else(wrong)
}

/// A duration of full days such as `90d`, from one day to a hundred years.
pub(super) fn days(value: &DeValue<'_>) -> Result<u32, String> {
    let wrong = || "expected a duration of full days, such as \"90d\"".to_owned();
    let seconds = value.as_str().and_then(duration).filter(|seconds| seconds % DAY == 0).ok_or_else(wrong)?;
    let days = Some(seconds / DAY).filter(|days| (1..=LONGEST_DAYS).contains(days));
    days.and_then(|days| u32::try_from(days).ok()).ok_or_else(wrong)
}

/// A ratio from 0.01 to 1, as an integer percentage.
pub(super) fn percent(value: &DeValue<'_>) -> Result<u32, String> {
    let number = match value {
        DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
        DeValue::Integer(_) => integer(value).filter(|number| *number == 1).map(|_| 1.0),
        _ => None,
    };
    // Compared with each percentage, because converting a float to an integer would cut it silently.
    let percent =
        (1..=100_u32).find(|percent| number.is_some_and(|number| (number * 100.0 - f64::from(*percent)).abs() < 1e-6));
    percent.ok_or_else(|| "expected a ratio from 0.01 to 1 with at most two decimals, such as 0.8".to_owned())
}

/// An integer that is at least 1.
pub(super) fn count(value: &DeValue<'_>) -> Result<usize, String> {
    let count = integer(value).filter(|count| *count > 0).and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| "expected an integer that is at least 1".to_owned())
}

/// A date, which means the end of that day in UTC, or an RFC 3339 timestamp; either as a TOML value or as a string.
pub(super) fn moment(value: &DeValue<'_>) -> Result<Timestamp, String> {
    let wrong = || {
        "expected a date such as 2027-03-31, which means the end of that day in UTC, or a timestamp with an offset such as \
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

/// A duration in seconds: integers with a unit each, the largest unit first.
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
    fn durations() {
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
    fn ratios_and_numbers() {
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
    fn a_date_means_the_end_of_its_day_and_a_timestamp_needs_an_offset() {
        let end = Timestamp::from_seconds(1_790_812_800);
        for text in ["2026-09-30", "\"2026-09-30\"", "2026-10-01T00:00:00Z", "\"2026-10-01T02:00:00+02:00\""] {
            assert_eq!(moment(&value(text)), Ok(end), "{text}");
        }
        for text in ["2026-09-30T10:00:00", "10:00:00", "\"soon\"", "\"2026-02-30\"", "20260930", "9999-12-31"] {
            assert!(moment(&value(text)).is_err(), "{text}");
        }
    }
}

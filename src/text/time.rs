//! Timestamps as text, always in UTC.
//!
//! Relative times are in the status page: they need the current time.

use crate::domain::Timestamp;

/// RFC 3339: `2026-11-21T00:27:41Z`. A time outside the years -9999 to 9999, which jiff supports, is written in seconds.
pub fn rfc3339(time: Timestamp) -> String {
    formatted(time, "%Y-%m-%dT%H:%M:%SZ")
}

/// For people: `2026-11-21 00:27 UTC`.
pub fn utc(time: Timestamp) -> String {
    formatted(time, "%Y-%m-%d %H:%M UTC")
}

fn formatted(time: Timestamp, format: &str) -> String {
    jiff::Timestamp::from_second(time.seconds())
        .map_or_else(|_| format!("{} s after 1970", time.seconds()), |time| time.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_and_absurd_ones_in_seconds() {
        for (seconds, for_programs, for_people) in [
            (0, "1970-01-01T00:00:00Z", "1970-01-01 00:00 UTC"),
            (1_795_220_861, "2026-11-21T00:27:41Z", "2026-11-21 00:27 UTC"),
            (i64::MAX, "9223372036854775807 s after 1970", "9223372036854775807 s after 1970"),
        ] {
            let time = Timestamp::from_seconds(seconds);
            assert_eq!((rfc3339(time).as_str(), utc(time).as_str()), (for_programs, for_people));
        }
    }
}

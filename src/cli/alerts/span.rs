//! The times in the rules: how far back they look, as `PromQL` and in sentences.

use std::time::Duration;

use crate::text::counted;

/// How long an organisation can be without data before it is forgotten, beyond `--refresh.stale-after`. The ledger exports a grant that
/// is gone as 0 for the default of that setting plus this time.
const MARGIN: Duration = Duration::from_hours(2);
/// The least window for the share of requests that were answered with 429.
const RATE: Duration = Duration::from_mins(15);
/// The least window for attempts to get a token.
const TOKEN: Duration = Duration::from_mins(30);
/// A window has at least this many refreshes: one may fail, and two are needed to see a difference.
const REFRESHES: u32 = 3;

/// A time in an expression or a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(Duration);

impl Span {
    pub(super) const fn of(duration: Duration) -> Self {
        Self(duration)
    }

    /// For how long an alert keeps its state without data.
    pub(super) fn memory(stale_after: Duration) -> Self {
        Self(stale_after.saturating_add(MARGIN))
    }

    pub(super) fn rate_window(interval: Duration) -> Self {
        Self(RATE.max(interval.saturating_mul(REFRESHES)))
    }

    pub(super) fn token_window(interval: Duration) -> Self {
        Self(TOKEN.max(interval.saturating_mul(REFRESHES)))
    }

    /// The number of the largest unit that divides the time, and that unit's sign and name.
    fn parts(self) -> (u128, &'static str, &'static str) {
        let millis = self.0.as_millis();
        for (factor, sign, name) in [(3_600_000, "h", "hour"), (60_000, "m", "minute"), (1000, "s", "second")] {
            if millis.is_multiple_of(factor) && millis > 0 {
                return (millis / factor, sign, name);
            }
        }
        (millis, "ms", "millisecond")
    }

    /// The time in an expression.
    pub(super) fn promql(self) -> String {
        let (number, sign, _) = self.parts();
        format!("{number}{sign}")
    }

    /// The time in a sentence.
    pub(super) fn words(self) -> String {
        let (number, _, name) = self.parts();
        counted(number, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn the_memory_is_the_age_at_which_data_is_withdrawn_and_two_hours() {
        for (stale_after, expected, words) in [
            (DAY, "26h", "26 hours"),
            (Duration::from_secs(1), "7201s", "7201 seconds"),
            (Duration::from_millis(1500), "7201500ms", "7201500 milliseconds"),
            (Duration::from_mins(90), "210m", "210 minutes"),
            (365 * DAY, "8762h", "8762 hours"),
        ] {
            assert_eq!(Span::memory(stale_after).promql(), expected);
            assert_eq!(Span::memory(stale_after).words(), words);
        }
    }

    #[test]
    fn a_window_has_three_refreshes_and_never_less_than_its_least_time() {
        for (interval, rate, token) in [
            (Duration::from_secs(1), "15m", "30m"),
            (Duration::from_mins(5), "15m", "30m"),
            (Duration::from_mins(6), "18m", "30m"),
            (Duration::from_mins(10), "30m", "30m"),
            (Duration::from_mins(11), "33m", "33m"),
            (DAY, "72h", "72h"),
        ] {
            assert_eq!(Span::rate_window(interval).promql(), rate);
            assert_eq!(Span::token_window(interval).promql(), token);
        }
    }

    /// The relation that `ledger` documents for its constant.
    #[test]
    fn with_the_defaults_the_memory_is_the_time_for_which_the_exporter_exports_0() {
        assert_eq!(Span::memory(DAY), Span::of(crate::ledger::GONE_FOR));
    }
}

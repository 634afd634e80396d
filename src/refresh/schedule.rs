//! Calculates when the next refresh starts. Pure.

use std::time::Duration;

/// The shortest pause between two refreshes, even if a refresh takes longer than the interval.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// The pause after a refresh that took `took`: the rest of the interval, or the wait that the platform asked for if that is longer.
pub(super) fn pause(interval: Duration, took: Duration, asked: Option<Duration>) -> Duration {
    interval.saturating_sub(took).max(LEAST_PAUSE).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_interval_includes_the_refresh_and_a_longer_request_to_wait_extends_it() {
        let seconds = Duration::from_secs;
        for (interval, took, asked, expected) in [
            (300, 2, None, 298),
            (300, 2, Some(10), 298),
            (300, 2, Some(3600), 3600),
            (300, 300, Some(0), 0),
            (1, 90, Some(5), 5),
        ] {
            let expected = seconds(expected).max(LEAST_PAUSE);
            assert_eq!(pause(seconds(interval), seconds(took), asked.map(seconds)), expected);
        }
    }

    proptest! {
        #[test]
        fn the_pause_is_never_zero_and_never_longer_than_its_longest_reason(interval: u32, took: u32, asked: Option<u32>) {
            let seconds = |s: u32| Duration::from_secs(s.into());
            let pause = pause(seconds(interval), seconds(took), asked.map(seconds));
            prop_assert!(pause >= LEAST_PAUSE);
            prop_assert!(pause <= seconds(interval).max(asked.map_or(Duration::ZERO, seconds)).max(LEAST_PAUSE));
        }
    }
}

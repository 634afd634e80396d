//! When the next refresh starts: pure arithmetic.

use std::time::Duration;

/// A refresh that takes longer than its interval still leaves the platform this long alone.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// The pause after a refresh that took `took`: what is left of the interval, or the wait that the platform asked for.
pub(super) fn pause(interval: Duration, took: Duration, asked: Option<Duration>) -> Duration {
    interval.saturating_sub(took).max(LEAST_PAUSE).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_failure_does_not_stretch_the_interval_but_a_request_to_wait_does() {
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
        fn the_pause_is_never_nothing_nor_longer_than_the_longest_reason(interval: u32, took: u32, asked: Option<u32>) {
            let seconds = |s: u32| Duration::from_secs(s.into());
            let pause = pause(seconds(interval), seconds(took), asked.map(seconds));
            prop_assert!(pause >= LEAST_PAUSE);
            prop_assert!(pause <= seconds(interval).max(asked.map_or(Duration::ZERO, seconds)).max(LEAST_PAUSE));
        }
    }
}

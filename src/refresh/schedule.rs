//! Calculates when the next refresh starts. Pure.

use std::time::Duration;

use super::config::Config;

/// The shortest pause between two refreshes, even if a refresh takes longer than the interval.
const LEAST_PAUSE: Duration = Duration::from_millis(100);
/// The longest wait that the platform can ask for. Its honest waits are seconds to minutes.
const LONGEST_ASKED: Duration = Duration::from_hours(1);
/// The part of `stale_after` that the platform can ask for. So there are several attempts before the data is withdrawn, and a
/// platform that has recovered is noticed in time.
const ASKED_PART: u32 = 4;

/// The pause after a refresh that took `took`: the rest of the interval, or the wait that the platform asked for if that is longer.
pub(super) fn pause(config: &Config, took: Duration, asked: Option<Duration>) -> Duration {
    let longest = LONGEST_ASKED.min(config.stale_after / ASKED_PART);
    config.interval.saturating_sub(took).max(LEAST_PAUSE).max(asked.unwrap_or_default().min(longest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(interval: u64, stale_after: u64) -> Config {
        Config {
            interval: Duration::from_secs(interval),
            stale_after: Duration::from_secs(stale_after),
            deadline: Duration::from_mins(2),
            trust_total: true,
            require_self: true,
        }
    }

    #[test]
    fn the_interval_includes_the_refresh_and_a_longer_request_to_wait_extends_it() {
        let seconds = Duration::from_secs;
        for (interval, stale_after, took, asked, expected) in [
            (300, 86_400, 2, None, 298),
            (300, 86_400, 2, Some(10), 298),
            (300, 86_400, 2, Some(3600), 3600),
            (300, 86_400, 2, Some(31_536_000), 3600),
            (300, 86_400, 2, Some(u64::MAX), 3600),
            (300, 900, 2, Some(3600), 298),
            (60, 900, 2, Some(3600), 225),
            (300, 86_400, 300, Some(0), 0),
            (1, 86_400, 90, Some(5), 5),
        ] {
            let expected = seconds(expected).max(LEAST_PAUSE);
            let pause = pause(&config(interval, stale_after), seconds(took), asked.map(seconds));
            assert_eq!(pause, expected, "{interval} {stale_after} {asked:?}");
        }
    }

    proptest! {
        #[test]
        fn the_pause_is_never_zero_and_never_longer_than_its_longest_reason(interval: u32, took: u32, asked: Option<u32>) {
            let seconds = |s: u32| Duration::from_secs(s.into());
            let pause = pause(&config(interval.into(), 1 << 40), seconds(took), asked.map(seconds));
            prop_assert!(pause >= LEAST_PAUSE);
            prop_assert!(pause <= seconds(interval).max(asked.map_or(Duration::ZERO, seconds)).max(LEAST_PAUSE));
        }

        #[test]
        fn whatever_the_platform_asks_there_are_several_attempts_before_the_data_is_withdrawn(
            stale_after in 4_u64..100_000_000,
            asked in prop::collection::vec(any::<u64>(), 3),
        ) {
            let config = config(stale_after / 8, stale_after);
            let total: Duration =
                asked.into_iter().map(|asked| pause(&config, Duration::ZERO, Some(Duration::from_secs(asked)))).sum();
            prop_assert!(total < config.stale_after, "{total:?}");
        }
    }
}

//! Decides whether to try again and how long to wait, from status, headers and attempt. Pure.
//!
//! `transport` does the retries.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};

use super::config::RetryConfig;

/// Why a request is retried. The value of the label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reason {
    RateLimited,
    ServerError,
    Timeout,
    Network,
    Unauthorized,
}

impl Reason {
    pub(super) const ALL: [Self; 5] =
        [Self::RateLimited, Self::ServerError, Self::Timeout, Self::Network, Self::Unauthorized];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::Unauthorized => "unauthorized",
        }
    }
}

/// The reason to retry a request that was answered with this status; `None` if a retry would not help.
///
/// 501 is permanent, as in the vendor's Go SDK. The token endpoint's own limit is HTTP 400 with
/// `rate limit exceeded` (Terraform provider, `provider.go`).
pub(super) fn reason(status: u16, token_rate_limit: bool) -> Option<Reason> {
    match status {
        429 => Some(Reason::RateLimited),
        400 if token_rate_limit => Some(Reason::RateLimited),
        501 => None,
        500..=599 => Some(Reason::ServerError),
        _ => None,
    }
}

/// Parses `Retry-After`: seconds, or a date, which is compared with the `Date` of the same answer.
pub(super) fn retry_after(value: &str, answered_at: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit()) {
        // A number that does not fit is longer than any wait.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(answered_at).unwrap_or(Duration::ZERO))
}

/// The waits between the attempts, one fewer than attempts. They double from `base`, and jitter can double each of them.
pub(super) fn backoff(config: &RetryConfig, seed: u64) -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_factor(2.0)
        .with_min_delay(config.base)
        .with_max_delay(config.max_retry_after)
        .with_max_times(config.attempts.saturating_sub(1) as usize)
        .with_jitter()
        .with_jitter_seed(seed)
        .build()
}

/// What to do after an attempt that may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Wait that long, then try again.
    Wait(Duration),
    /// Give up. If the platform asked for a wait, no call may be made before it ends.
    GiveUp(Option<Duration>),
}

/// Decides about the next attempt. `asked` is the wait that the platform asks for; `backoff` is the exporter's own wait, `None`
/// after the last attempt.
pub(super) fn next(asked: Option<Duration>, backoff: Option<Duration>, longest: Duration) -> Next {
    match (asked, backoff) {
        (Some(asked), _) if asked > longest => Next::GiveUp(Some(asked)),
        (asked, None) => Next::GiveUp(asked),
        // The platform counts in whole seconds. The random back-off on top keeps replicas from trying at the same time.
        (Some(asked), Some(backoff)) => Next::Wait(asked.saturating_add(backoff)),
        (None, Some(backoff)) => Next::Wait(backoff),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(attempts: u32, base: Duration) -> RetryConfig {
        RetryConfig { attempts, base, max_retry_after: Duration::from_mins(3) }
    }

    #[test]
    fn each_status_has_its_reason_to_retry() {
        for (status, token_limit, expected) in [
            (200, false, None),
            (400, false, None),
            (400, true, Some(Reason::RateLimited)),
            (401, false, None),
            (403, false, None),
            (404, false, None),
            (429, false, Some(Reason::RateLimited)),
            (500, false, Some(Reason::ServerError)),
            (501, false, None),
            (503, false, Some(Reason::ServerError)),
            (504, false, Some(Reason::ServerError)),
        ] {
            assert_eq!(reason(status, token_limit), expected, "{status}");
        }
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let now = httpdate::parse_http_date("Fri, 20 Nov 2026 10:00:00 GMT").expect("a date");
        for (value, expected) in [
            ("42", Some(42)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("Fri, 20 Nov 2026 10:00:30 GMT", Some(30)),
            ("Fri, 20 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
            ("99999999999999999999999", Some(u64::MAX)),
        ] {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn a_wait_that_is_too_long_is_not_waited_for_but_returned() {
        let (long, short, longest) = (Duration::from_secs(181), Duration::from_secs(2), Duration::from_mins(3));
        assert_eq!(next(Some(long), Some(short), longest), Next::GiveUp(Some(long)));
        assert_eq!(next(Some(longest), Some(short), longest), Next::Wait(longest + short));
        assert_eq!(next(Some(short), None, longest), Next::GiveUp(Some(short)));
        assert_eq!(next(None, None, longest), Next::GiveUp(None));
        assert_eq!(next(None, Some(short), longest), Next::Wait(short));
    }

    proptest! {
        #[test]
        fn the_waits_double_and_jitter_at_most_doubles_each(attempts in 1_u32..10, base_ms in 1_u64..2_000, seed: u64) {
            let base = Duration::from_millis(base_ms);
            let waits: Vec<Duration> = backoff(&config(attempts, base), seed).collect();
            prop_assert_eq!(waits.len(), attempts as usize - 1);
            for (n, wait) in waits.iter().enumerate() {
                let plain = (base * 2_u32.pow(u32::try_from(n).expect("few"))).min(Duration::from_mins(3));
                prop_assert!(*wait >= plain && *wait <= plain * 2 + base, "{n}: {wait:?} for {plain:?}");
            }
        }

        #[test]
        fn any_retry_after_text_is_parsed_or_refused(value in ".{0,40}") {
            let _ = retry_after(&value, SystemTime::UNIX_EPOCH);
        }
    }
}

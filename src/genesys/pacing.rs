//! Limits how fast requests follow each other: a token bucket below the platform's limit, lowered if the platform allows less.
//!
//! `retry` decides what to do after a 429.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

use super::config::PacingConfig;

/// The platform's limit on requests per minute with one client-credentials token
/// (`client.credentials.token.rate.per.minute`, the platform's limits page).
const PLATFORM_PER_MINUTE: u32 = 300;

/// The values of the `inin-ratelimit-*` headers of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// The requests that the platform has counted in the current window.
    pub(super) used: u32,
    /// The requests that it allows in the current window.
    pub(super) allowed: u32,
    /// The time until the window ends. The header contains the remaining seconds, not a Unix timestamp.
    pub(super) reset: Duration,
}

/// The pacing of all calls of one client.
#[derive(Debug)]
pub(super) struct Pacer {
    config: PacingConfig,
    longest_pause: Duration,
    /// Never held across an await.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    per_minute: u32,
    limiter: Arc<DefaultDirectRateLimiter>,
    paused_until: Option<Instant>,
}

impl Pacer {
    pub(super) fn new(config: PacingConfig, longest_pause: Duration) -> Self {
        let per_minute = config.per_minute;
        let state = State { per_minute, limiter: Arc::new(limiter(per_minute, config.burst)), paused_until: None };
        Self { config, longest_pause, state: Mutex::new(state) }
    }

    /// Waits until the next request may be sent.
    pub(super) async fn ready(&self) {
        let (limiter, paused_until) = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (Arc::clone(&state.limiter), state.paused_until)
        };
        if let Some(until) = paused_until {
            tokio::time::sleep_until(until).await;
        }
        limiter.until_ready().await;
    }

    /// Adapts the pace to the limit in the headers of an answer.
    pub(super) fn learn(&self, budget: Budget, now: Instant) {
        let per_minute = share(self.config.per_minute, budget.allowed);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Only lowered, never raised: endpoints report different limits, and a bucket that each answer replaced would limit
        // nothing.
        if per_minute < state.per_minute {
            state.per_minute = per_minute;
            state.limiter = Arc::new(limiter(per_minute, self.config.burst.min(per_minute)));
        }
        let used_up = budget.used >= budget.allowed;
        state.paused_until = used_up.then(|| now + budget.reset.min(self.longest_pause));
    }
}

/// The exporter's share of `allowed`: the same fraction as `configured` is of the platform's usual limit, at least 1 and at most
/// `configured`.
fn share(configured: u32, allowed: u32) -> u32 {
    let part = u64::from(configured) * u64::from(allowed) / u64::from(PLATFORM_PER_MINUTE);
    u32::try_from(part).unwrap_or(u32::MAX).clamp(1, configured.max(1))
}

fn limiter(per_minute: u32, burst: u32) -> DefaultDirectRateLimiter {
    let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    RateLimiter::direct(Quota::per_minute(at_least_one(per_minute)).allow_burst(at_least_one(burst)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_share_follows_the_platforms_own_limit() {
        for (configured, allowed, expected) in
            [(180, 300, 180), (180, 180, 108), (180, 3000, 180), (180, 0, 1), (1, 300, 1), (3000, 300, 3000)]
        {
            assert_eq!(share(configured, allowed), expected, "{configured} of {allowed}");
        }
    }

    proptest! {
        #[test]
        fn the_share_is_at_least_one_and_at_most_configured(configured in 1_u32.., allowed: u32) {
            let share = share(configured, allowed);
            prop_assert!(share >= 1 && share <= configured);
        }
    }

    #[test]
    fn the_pace_is_lowered_once_and_an_answer_with_the_same_limit_keeps_the_bucket() {
        let pacer = Pacer::new(PacingConfig { per_minute: 180, burst: 60 }, Duration::from_mins(3));
        let learn = |allowed| pacer.learn(Budget { used: 0, allowed, reset: Duration::ZERO }, Instant::now());
        let limiter = |pacer: &Pacer| Arc::clone(&pacer.state.lock().expect("not poisoned").limiter);
        learn(300);
        let first = limiter(&pacer);
        learn(180);
        let lowered = limiter(&pacer);
        assert!(!Arc::ptr_eq(&first, &lowered));
        learn(300);
        learn(180);
        assert!(Arc::ptr_eq(&lowered, &limiter(&pacer)));
    }

    #[test]
    fn a_used_up_budget_pauses_until_its_reset_but_not_longer_than_the_longest_pause() {
        let pacer = Pacer::new(PacingConfig { per_minute: 180, burst: 60 }, Duration::from_mins(3));
        let now = Instant::now();
        let paused = |pacer: &Pacer| pacer.state.lock().expect("not poisoned").paused_until;
        pacer.learn(Budget { used: 10, allowed: 300, reset: Duration::from_secs(30) }, now);
        assert_eq!(paused(&pacer), None);
        pacer.learn(Budget { used: 300, allowed: 300, reset: Duration::from_secs(30) }, now);
        assert_eq!(paused(&pacer), Some(now + Duration::from_secs(30)));
        pacer.learn(Budget { used: 300, allowed: 300, reset: Duration::from_hours(9) }, now);
        assert_eq!(paused(&pacer), Some(now + Duration::from_mins(3)));
    }
}

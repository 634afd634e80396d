//! Limits how fast requests follow each other: one token bucket for all calls, and a slower one for an endpoint whose answers report
//! a lower limit.
//!
//! `retry` decides what to do after a 429. It is the safety net: so a header that cannot be true is ignored here, and what a header
//! says ends with its window.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::config::PacingConfig;
use super::endpoint::Endpoint;

/// The platform's limit on requests per minute with one client-credentials token
/// (`client.credentials.token.rate.per.minute`, the platform's limits page).
const PLATFORM_PER_MINUTE: u32 = 300;
/// The lowest limit that is believed, in requests per minute. The lowest that was ever observed is 180, and a limit of a few requests
/// would make a refresh take hours.
const LEAST_ALLOWED: u32 = 30;
/// The longest time for which a header counts. The platform's window is one minute, and 61 s were observed.
const LONGEST_WINDOW: Duration = Duration::from_secs(61);
/// The longest pause for a budget that is used up. There is at most one in [`LONGEST_WINDOW`], so that pauses never take more than
/// half of the time, whatever the headers say.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

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
    /// Never held across an await.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shared: Bucket,
    /// The endpoints that report a lower limit than the configured pace, or a used-up budget.
    slowed: HashMap<Endpoint, Slowed>,
    /// When the last pause began.
    last_pause: Option<Instant>,
}

/// What the answers of one endpoint said. It ends with the window of the last of them.
#[derive(Debug)]
struct Slowed {
    bucket: Bucket,
    until: Instant,
    paused_until: Option<Instant>,
}

impl Pacer {
    pub(super) fn new(config: PacingConfig) -> Self {
        let shared = Bucket::new(config.per_minute, config.burst);
        Self { config, state: Mutex::new(State { shared, slowed: HashMap::new(), last_pause: None }) }
    }

    /// Waits until the next request of the endpoint may be sent.
    pub(super) async fn ready(&self, endpoint: Endpoint) {
        let at = self.reserve(endpoint, Instant::now());
        tokio::time::sleep_until(at).await;
    }

    /// Reserves the next request of the endpoint, and returns when it may be sent.
    fn reserve(&self, endpoint: Endpoint, now: Instant) -> Instant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = state.shared.reserve(now);
        state.slowed.retain(|_, slowed| now < slowed.until);
        let Some(slowed) = state.slowed.get_mut(&endpoint) else { return shared };
        // With the window, the limit ends as well.
        let own = slowed.bucket.reserve(now).max(slowed.paused_until.unwrap_or(now)).min(slowed.until);
        shared.max(own)
    }

    /// Adapts the pace of the endpoint to the limit in the headers of an answer.
    pub(super) fn learn(&self, endpoint: Endpoint, budget: Budget, now: Instant) {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let until = now + budget.reset.min(LONGEST_WINDOW);
        let per_minute = share(self.config.per_minute, budget.allowed);
        let used_up = budget.used >= budget.allowed;
        if budget.allowed < LEAST_ALLOWED || until <= now || (per_minute >= self.config.per_minute && !used_up) {
            state.slowed.remove(&endpoint);
            return;
        }
        let may_pause = state.last_pause.is_none_or(|last| now >= last + LONGEST_WINDOW);
        let paused_until = (used_up && may_pause).then(|| until.min(now + LONGEST_PAUSE));
        if paused_until.is_some() {
            state.last_pause = Some(now);
        }
        match state.slowed.get_mut(&endpoint) {
            Some(slowed) if slowed.bucket.per_minute == per_minute => {
                slowed.until = until;
                slowed.paused_until = paused_until.or(slowed.paused_until);
            }
            _ => {
                let bucket = Bucket::new(per_minute, self.config.burst.min(per_minute));
                state.slowed.insert(endpoint, Slowed { bucket, until, paused_until });
            }
        }
    }
}

/// The exporter's share of `allowed`: the same fraction as `configured` is of the platform's usual limit, at least 1 and at most
/// `configured`.
fn share(configured: u32, allowed: u32) -> u32 {
    let part = u64::from(configured) * u64::from(allowed) / u64::from(PLATFORM_PER_MINUTE);
    u32::try_from(part).unwrap_or(u32::MAX).clamp(1, configured.max(1))
}

/// A token bucket: `burst` requests at once, then one every `interval`.
#[derive(Debug)]
struct Bucket {
    per_minute: u32,
    interval: Duration,
    burst: u32,
    /// When the bucket is full again; in the past, it is full.
    full_at: Option<Instant>,
}

impl Bucket {
    fn new(per_minute: u32, burst: u32) -> Self {
        let interval = Duration::from_mins(1) / per_minute.max(1);
        Self { per_minute, interval, burst: burst.max(1), full_at: None }
    }

    /// Takes one token, and returns when it is there.
    fn reserve(&mut self, now: Instant) -> Instant {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now));
        self.full_at = Some(full_at + self.interval);
        let others = self.interval * (self.burst - 1);
        full_at.checked_sub(others).unwrap_or(now).max(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONFIG: PacingConfig = PacingConfig { per_minute: 180, burst: 60 };

    fn budget(used: u32, allowed: u32, reset: u64) -> Budget {
        Budget { used, allowed, reset: Duration::from_secs(reset) }
    }

    /// The times at which so many requests in a row may be sent, each as soon as it may be.
    fn sent(pacer: &Pacer, endpoint: Endpoint, from: Instant, count: usize) -> Vec<Duration> {
        let mut now = from;
        let mut times = Vec::new();
        for _ in 0..count {
            now = pacer.reserve(endpoint, now);
            times.push(now - from);
        }
        times
    }

    #[test]
    fn the_share_follows_the_platforms_own_limit() {
        for (configured, allowed, expected) in
            [(180, 300, 180), (180, 180, 108), (180, 3000, 180), (180, 0, 1), (1, 300, 1), (3000, 300, 3000)]
        {
            assert_eq!(share(configured, allowed), expected, "{configured} of {allowed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_burst_requests_follow_at_the_configured_pace() {
        let pacer = Pacer::new(CONFIG);
        let start = Instant::now();
        for _ in 0..60 {
            pacer.ready(Endpoint::Clients).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..180 {
            pacer.ready(Endpoint::Roles).await;
        }
        let range = Duration::from_secs(59)..=Duration::from_mins(1);
        assert!(range.contains(&start.elapsed()), "{:?}", start.elapsed());
    }

    #[test]
    fn a_lower_limit_slows_only_its_endpoint_and_only_for_its_window() {
        let now = Instant::now();
        let pacer = Pacer::new(CONFIG);
        pacer.learn(Endpoint::Roles, budget(1, 30, 60), now);
        let slow = sent(&pacer, Endpoint::Roles, now, 20);
        assert_eq!(slow[17], Duration::ZERO, "a share of 18 at once");
        assert!(slow[19] > Duration::from_secs(6), "{slow:?}");
        assert_eq!(sent(&pacer, Endpoint::Clients, now, 20)[19], Duration::ZERO);
        let later = now + Duration::from_mins(1);
        assert_eq!(sent(&pacer, Endpoint::Roles, later, 60)[59], Duration::ZERO);
    }

    #[test]
    fn a_used_up_budget_pauses_its_endpoint_once_in_a_window_and_never_long() {
        let now = Instant::now();
        let seconds = Duration::from_secs;
        for (reset, expected) in [(10, 10), (30, 30), (45, 30), (u64::from(u32::MAX), 30), (0, 0)] {
            let pacer = Pacer::new(CONFIG);
            pacer.learn(Endpoint::Roles, budget(300, 300, reset), now);
            assert_eq!(sent(&pacer, Endpoint::Roles, now, 1), [seconds(expected)], "{reset}");
            assert_eq!(sent(&pacer, Endpoint::Clients, now, 1), [Duration::ZERO], "{reset}");
            // The platform answers, so that its budget is not used up, whatever it says.
            let after = now + seconds(expected);
            pacer.learn(Endpoint::Roles, budget(300, 300, reset), after);
            assert_eq!(sent(&pacer, Endpoint::Roles, after, 1), [Duration::ZERO], "{reset}");
        }
    }

    #[test]
    fn a_limit_that_cannot_be_true_is_ignored() {
        let now = Instant::now();
        for (used, allowed, reset) in [(0, 0, 60), (0, 1, 60), (1, 1, u64::MAX), (5, 29, 60), (0, u32::MAX, 60)] {
            let pacer = Pacer::new(CONFIG);
            pacer.learn(Endpoint::Roles, budget(used, allowed, reset), now);
            assert_eq!(sent(&pacer, Endpoint::Roles, now, 60)[59], Duration::ZERO, "{used} {allowed} {reset}");
        }
    }

    fn any_header() -> impl Strategy<Value = (u64, Budget)> {
        let number = || prop_oneof![Just(0), Just(1), 0_u32..400, any::<u32>(), Just(u32::MAX)];
        let seconds = prop_oneof![Just(0), 0_u64..70, any::<u64>()];
        (0_u64..30, number(), number(), seconds)
            .prop_map(|(gap, used, allowed, reset)| (gap, budget(used, allowed, reset)))
    }

    proptest! {
        #[test]
        fn the_share_is_at_least_one_and_at_most_configured(configured in 1_u32.., allowed: u32) {
            let share = share(configured, allowed);
            prop_assert!(share >= 1 && share <= configured);
        }

        #[test]
        fn after_the_window_of_the_last_header_the_pace_is_the_configured_one(
            headers in prop::collection::vec(any_header(), 0..40),
        ) {
            let pacer = Pacer::new(CONFIG);
            let mut now = Instant::now();
            for (gap, header) in headers {
                now += Duration::from_secs(gap);
                pacer.learn(Endpoint::Roles, header, now);
            }
            let times = sent(&pacer, Endpoint::Roles, now + LONGEST_WINDOW, 70);
            let fresh = sent(&Pacer::new(CONFIG), Endpoint::Roles, now, 70);
            prop_assert_eq!(times, fresh);
        }

        #[test]
        fn no_headers_keep_a_refresh_of_the_default_settings_from_its_deadline(
            headers in prop::collection::vec(any_header(), 40),
        ) {
            // Forty calls in a row, about five times as many as a refresh makes, each with another absurd answer.
            let pacer = Pacer::new(CONFIG);
            let start = Instant::now();
            let mut now = start;
            for (call, (_, header)) in headers.into_iter().enumerate() {
                let endpoint = Endpoint::ALL[1 + call / 5];
                now = pacer.reserve(endpoint, now);
                pacer.learn(endpoint, header, now);
            }
            prop_assert!(now - start < Duration::from_mins(2), "{:?}", now - start);
        }
    }
}

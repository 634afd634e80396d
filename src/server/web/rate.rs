//! Limits the rate of requests with a token bucket, as the key `rate_limit` of the format does.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The setting: one request for each interval, after the first `burst` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) interval: Duration,
    pub(super) burst: u32,
}

/// A bucket that is full at first.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    /// When the bucket would be full again if no request came.
    full_at: Mutex<Instant>,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, full_at: Mutex::new(Instant::now()) }
    }

    /// Takes a token for a request. The error is the time until there is one.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_after_this = (*full_at).max(now) + self.rate.interval;
        let allowed = now + self.rate.interval.saturating_mul(self.rate.burst);
        if full_after_this > allowed {
            return Err(full_after_this - allowed);
        }
        *full_at = full_after_this;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_allowed_and_then_one_request_in_each_interval() {
        let second = Duration::from_secs(1);
        let bucket = Bucket::new(Rate { interval: second, burst: 3 });
        for _ in 0..2 {
            for _ in 0..3 {
                assert_eq!(bucket.take(), Ok(()));
            }
            assert_eq!(bucket.take(), Err(second));
            tokio::time::advance(second / 2).await;
            assert_eq!(bucket.take(), Err(second / 2));
            tokio::time::advance(second / 2).await;
            assert_eq!(bucket.take(), Ok(()));
            assert_eq!(bucket.take(), Err(second), "a refused request takes nothing");
            // Full again, and not fuller than that.
            tokio::time::advance(100 * second).await;
        }
    }
}

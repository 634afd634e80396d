//! A point in time in whole seconds, the unit of every `_timestamp_seconds` metric.
//!
//! Not a clock: `now` is always an argument.

use std::time::Duration;

/// Seconds since 1970-01-01T00:00:00Z. Zero means "no time" only in metrics whose HELP text says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A time from whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Whole seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// The time since `earlier`; zero if `earlier` is in the future, because the clock can be set back.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        let after = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(after.as_secs()).unwrap_or(i64::MAX))
    }
}

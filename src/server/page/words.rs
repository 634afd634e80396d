//! Times, durations and enums as text.
//!
//! A relative time is always shown with the absolute time, because a page can stay open for hours.

use std::time::Duration;

use crate::domain::{ClientState, GrantType, Severity, Timestamp};
use crate::text::{counted, rfc3339, utc};

/// A point in time in three forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// `3 hours ago`.
    pub(super) ago: String,
    /// `2026-11-21 00:27 UTC`.
    pub(super) utc: String,
    /// `2026-11-21T00:27:41Z`.
    pub(super) rfc3339: String,
}

impl Moment {
    pub(super) fn new(time: Timestamp, now: Timestamp) -> Self {
        let ago = match now.since(time) {
            Duration::ZERO => "just now".to_owned(),
            span => format!("{} ago", spoken(span)),
        };
        Self { ago, utc: utc(time), rfc3339: rfc3339(time) }
    }
}

/// `2 minutes`: one unit, rounded down.
pub(super) fn spoken(span: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match span.as_secs() {
        seconds if seconds < MINUTE => counted(seconds, "second"),
        seconds if seconds < HOUR => counted(seconds / MINUTE, "minute"),
        seconds if seconds < 2 * DAY => counted(seconds / HOUR, "hour"),
        seconds => counted(seconds / DAY, "day"),
    }
}

/// The usual name of a grant type.
pub(super) const fn grant_words(grant: GrantType) -> &'static str {
    match grant {
        GrantType::ClientCredentials => "Client credentials",
        GrantType::Code => "Authorization code",
        GrantType::Implicit => "Implicit",
        GrantType::Password => "Password",
        GrantType::Saml2Bearer => "SAML 2 bearer",
        GrantType::Other => "Other grant",
    }
}

/// The usual name of a state.
pub(super) const fn state_word(state: ClientState) -> &'static str {
    match state {
        ClientState::Active => "Active",
        ClientState::Inactive => "Inactive",
        ClientState::Disabled => "Disabled",
        ClientState::Other => "Other state",
    }
}

/// A severity with a capital letter.
pub(super) const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_in_one_unit_rounded_down() {
        for (seconds, expected) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (3_599, "59 minutes"),
            (3_600, "1 hour"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(spoken(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_time_in_the_future_is_just_now() {
        let (now, later) = (Timestamp::from_seconds(100), Timestamp::from_seconds(160));
        assert_eq!(Moment::new(later, now).ago, "just now");
        assert_eq!(Moment::new(now, later).ago, "1 minute ago");
    }
}

//! The banner that says how fresh an organisation's data is.
//!
//! It is for people; readiness is decided in `health`.

use std::time::Duration;

use super::words::{Moment, spoken};
use crate::domain::{Freshness, Timestamp};
use crate::exposition::ReloadStatus;
use crate::text::{counted, visible};

/// A refresh is overdue this long after its scheduled time. A refresh has a deadline of two minutes and retries.
const GRACE: Duration = Duration::from_mins(5);

/// What most sentences begin with.
const LAST: &str = "Last complete refresh ";

/// The banner of one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FreshnessView {
    /// The CSS class for the colour: `good`, `wait` or `bad`.
    pub(super) tone: &'static str,
    /// The state in one word, for readers who do not see the colour.
    pub(super) word: &'static str,
    /// The sentence up to `moment`.
    pub(super) before: &'static str,
    /// The time in the middle of the sentence.
    pub(super) moment: Option<Moment>,
    /// The sentence after `moment`.
    pub(super) after: String,
    /// Why the last refresh failed.
    pub(super) reason: Option<String>,
}

impl FreshnessView {
    pub(super) fn new(freshness: &Freshness, has_data: bool, now: Timestamp) -> Self {
        let moment = |time: Option<Timestamp>| time.map(|time| Moment::new(time, now));
        let (attempt, success) = (moment(freshness.last_attempt), moment(freshness.last_success));
        let failed = counted(freshness.consecutive_failures, "attempt");
        let next = next(freshness, now);
        let view = |tone, word, before, moment, after| Self {
            tone,
            word,
            before,
            moment,
            after,
            reason: freshness.failure.as_deref().map(|failure| visible(failure).into_owned()),
        };
        if freshness.withdrawn && !has_data {
            let after = format!(", so its data is no longer shown; {failed} failed since then. {next}");
            view("bad", "Withdrawn", LAST, success, after)
        } else if !has_data && attempt.is_none() {
            view("wait", "Starting", "The first refresh is running.", None, String::new())
        } else if !has_data {
            let before = "No refresh has completed yet. Last attempt ";
            view("bad", "No data", before, attempt, format!("; {failed} failed. {next}"))
        } else if attempt.is_none() {
            let after = ", restored from the state file; the first refresh of this process is running.".to_owned();
            view("wait", "Restored", LAST, success, after)
        } else if !freshness.last_successful {
            view("bad", "Stale", LAST, success, format!("; {failed} failed since then. {next}"))
        } else if is_overdue(freshness, now) {
            view("bad", "Stale", LAST, success, "; the next refresh is overdue.".to_owned())
        } else {
            view("good", "Fresh", LAST, success, format!(". {next}"))
        }
    }
}

impl FreshnessView {
    /// Whether the data is what the last refresh found, and the next one is not overdue.
    pub(super) fn is_current(&self) -> bool {
        self.tone == "good"
    }

    /// The banner as one sentence.
    pub(super) fn sentence(&self) -> String {
        let moment = self.moment.as_ref().map_or(String::new(), |moment| format!("{} ({})", moment.ago, moment.utc));
        format!("{}. {}{moment}{}", self.word, self.before, self.after)
    }
}

/// When the policies and baselines in force were read; `None` if their last load succeeded.
pub(super) fn files_in_force(reload: ReloadStatus, now: Timestamp) -> Option<Moment> {
    (!reload.last_successful).then(|| Moment::new(reload.last_success, now))
}

fn next(freshness: &Freshness, now: Timestamp) -> String {
    match until_next(freshness, now) {
        Some(left) => format!("Next refresh in {}.", spoken(left)),
        None => "The next refresh is due.".to_owned(),
    }
}

/// The time until the next refresh; `None` if it is due.
pub(super) fn until_next(freshness: &Freshness, now: Timestamp) -> Option<Duration> {
    let since = freshness.last_attempt.map(|attempt| now.since(attempt));
    since.and_then(|since| freshness.interval.checked_sub(since)).filter(|left| !left.is_zero())
}

fn is_overdue(freshness: &Freshness, now: Timestamp) -> bool {
    freshness.last_attempt.is_some_and(|attempt| now.since(attempt) > freshness.interval + GRACE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample::{NOW, freshness};

    fn ago(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW.seconds() - seconds)
    }

    fn said(freshness: &Freshness, has_data: bool) -> String {
        let view = FreshnessView::new(freshness, has_data, NOW);
        let moment = view.moment.map_or(String::new(), |moment| moment.ago);
        let reason = view.reason.map_or(String::new(), |reason| format!(" Reason: {reason}"));
        format!("{} {}: {}{moment}{}{reason}", view.tone, view.word, view.before, view.after)
    }

    #[test]
    fn every_state_has_its_sentence() {
        let failing = Freshness {
            last_attempt: Some(ago(240)),
            last_success: Some(ago(3 * 3_600)),
            last_successful: false,
            consecutive_failures: 36,
            failure: Some("the platform answers 503".to_owned()),
            ..freshness()
        };
        for (freshness, has_data, expected) in [
            (freshness(), true, "good Fresh: Last complete refresh 2 minutes ago. Next refresh in 3 minutes."),
            (Freshness::default(), false, "wait Starting: The first refresh is running."),
            (
                Freshness { last_attempt: None, last_success: Some(ago(600)), ..freshness() },
                true,
                "wait Restored: Last complete refresh 10 minutes ago, restored from the state file; the first refresh of this process is running.",
            ),
            (
                failing.clone(),
                true,
                "bad Stale: Last complete refresh 3 hours ago; 36 attempts failed since then. Next refresh in 1 minute. Reason: the platform answers 503",
            ),
            (
                Freshness { last_attempt: Some(ago(700)), last_success: Some(ago(700)), ..freshness() },
                true,
                "bad Stale: Last complete refresh 11 minutes ago; the next refresh is overdue.",
            ),
            (
                Freshness { last_success: None, consecutive_failures: 1, ..failing.clone() },
                false,
                "bad No data: No refresh has completed yet. Last attempt 4 minutes ago; 1 attempt failed. Next refresh in 1 minute. Reason: the platform answers 503",
            ),
            (
                Freshness { withdrawn: true, last_attempt: Some(ago(400)), ..failing },
                false,
                "bad Withdrawn: Last complete refresh 3 hours ago, so its data is no longer shown; 36 attempts failed since then. The next refresh is due. Reason: the platform answers 503",
            ),
        ] {
            assert_eq!(said(&freshness, has_data), expected);
        }
    }
}

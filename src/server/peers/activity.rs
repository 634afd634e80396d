//! What one connection is doing, and until when it may.
//!
//! Pure: `now` is an argument. Who gives way at the limit is decided in `choice`.

use std::time::Duration;

use tokio::time::Instant;

use crate::server::Limits;
use crate::server::metrics::Closed;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    /// It was accepted, and nobody has looked for its request yet, which may already be here.
    Arrived { since: Instant },
    /// It has no complete request. `head` is the time from which a head is due: for the first request, the arrival; later, the
    /// first byte. `None` on a connection that is kept for the next request.
    Waiting { since: Instant, head: Option<Instant> },
    /// Its request waits for a turn.
    Queued { since: Instant },
    /// Its request is being answered.
    Answering,
    /// Its response is being sent.
    Sending(Sending),
}

/// The progress of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sending {
    /// Whether the whole response was handed to the connection. It is sent once the connection has flushed it.
    complete: bool,
    /// Since when the peer has taken no byte that is ready for it.
    blocked_since: Option<Instant>,
    /// The time in which the peer took nothing, before `blocked_since`.
    blocked: Duration,
}

impl Activity {
    /// Whether the connection has no complete request.
    pub(super) fn is_waiting(self) -> bool {
        matches!(self, Self::Arrived { .. } | Self::Waiting { .. })
    }

    /// The time in which the peer took nothing of the response, over all pauses, so that a byte from time to time hides none of them.
    /// `None` if there is no response.
    pub(super) fn blocked_in_total(self, now: Instant) -> Option<Duration> {
        let Self::Sending(Sending { blocked_since, blocked, .. }) = self else { return None };
        Some(blocked + blocked_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since)))
    }

    /// Whether the peer takes no byte of a response that is ready for it.
    pub(super) fn is_blocked(self) -> bool {
        matches!(self, Self::Sending(Sending { blocked_since: Some(_), .. }))
    }

    /// A read from the peer brought this number of bytes; 0 if there was nothing to read.
    pub(super) fn read(&mut self, bytes: usize, now: Instant) {
        match *self {
            Self::Arrived { since } => *self = Self::Waiting { since, head: Some(since) },
            Self::Waiting { since, head: None } if bytes > 0 => *self = Self::Waiting { since, head: Some(now) },
            _ => {}
        }
    }

    /// The peer took some bytes of the response.
    pub(super) fn wrote(&mut self, now: Instant) {
        if let Self::Sending(sending) = self
            && let Some(since) = sending.blocked_since.take()
        {
            sending.blocked += now.saturating_duration_since(since);
        }
    }

    /// The peer takes no more bytes for now.
    pub(super) fn blocked(&mut self, now: Instant) {
        if let Self::Sending(sending) = self {
            sending.blocked_since.get_or_insert(now);
        }
    }

    /// The whole response was handed to the connection.
    pub(super) fn complete(&mut self) {
        if let Self::Sending(sending) = self {
            sending.complete = true;
        }
    }

    /// Everything that was handed to the connection is sent. Returns whether this ends the response.
    pub(super) fn flushed(&mut self, now: Instant) -> bool {
        let ends = matches!(self, Self::Sending(Sending { complete: true, .. }));
        if ends {
            *self = Self::Waiting { since: now, head: None };
        }
        ends
    }

    /// When the connection must be closed if nothing changes, and why.
    pub(super) fn due(self, limits: &Limits) -> Option<(Instant, Closed)> {
        match self {
            Self::Arrived { since } => Some((since + limits.head, Closed::SlowHead)),
            Self::Waiting { head: Some(head), .. } => Some((head + limits.head, Closed::SlowHead)),
            Self::Waiting { since, head: None } => Some((since + limits.idle, Closed::Idle)),
            // The handlers have limits of their own.
            Self::Queued { .. } | Self::Answering => None,
            Self::Sending(Sending { blocked_since, blocked, .. }) => {
                let left = limits.blocked_in_total.saturating_sub(blocked).min(limits.blocked);
                blocked_since.map(|since| (since + left, Closed::SlowReader))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_head_that_trickles_in_has_no_more_time_than_a_silent_peer() {
        let (start, limits) = (Instant::now(), Limits::new(1));
        let due = Some((start + limits.head, Closed::SlowHead));
        let mut activity = Activity::Arrived { since: start };
        assert_eq!(activity.due(&limits), due);
        activity.read(0, start);
        assert_eq!(activity.due(&limits), due);
        for second in 1..5 {
            activity.read(1, start + seconds(second));
            assert_eq!(activity.due(&limits), due, "after {second} s");
        }
    }

    #[test]
    fn between_two_requests_the_idle_time_holds_until_the_next_head_begins() {
        let (start, limits) = (Instant::now(), Limits::new(1));
        let mut activity = Activity::Sending(Sending::default());
        activity.complete();
        assert!(activity.flushed(start));
        assert_eq!(activity.due(&limits), Some((start + limits.idle, Closed::Idle)));
        activity.read(0, start + seconds(1));
        assert_eq!(activity.due(&limits), Some((start + limits.idle, Closed::Idle)), "nothing was read");
        activity.read(1, start + seconds(30));
        activity.read(1, start + seconds(31));
        assert_eq!(activity.due(&limits), Some((start + seconds(30) + limits.head, Closed::SlowHead)));
    }

    #[test]
    fn a_reader_is_slow_after_a_pause_or_after_many_short_ones() {
        let (start, limits) = (Instant::now(), Limits::new(1));
        let mut activity = Activity::Sending(Sending::default());
        assert_eq!(activity.due(&limits), None, "nothing is ready to be sent");
        activity.blocked(start);
        activity.blocked(start + seconds(1));
        assert_eq!(activity.due(&limits), Some((start + limits.blocked, Closed::SlowReader)));
        // One byte every four seconds never pauses for long.
        let (mut now, mut pauses) = (start, 0);
        while activity.due(&limits).is_some_and(|(due, _)| due > now + seconds(4)) {
            now += seconds(4);
            activity.wrote(now);
            assert_eq!(activity.due(&limits), None, "progress");
            assert_eq!(activity.blocked_in_total(now), Some(now - start), "which hides no pause");
            activity.blocked(now);
            pauses += 1;
        }
        assert_eq!(pauses, limits.blocked_in_total.as_secs() / 4);
    }

    #[test]
    fn a_response_ends_when_all_of_it_is_sent() {
        let now = Instant::now();
        let mut activity = Activity::Sending(Sending::default());
        assert!(!activity.flushed(now), "more is to come");
        activity.blocked(now);
        activity.complete();
        assert!(activity.flushed(now));
        assert!(activity.is_waiting() && activity.blocked_in_total(now).is_none());
    }
}

//! What the ledger remembers about one grant, and what happens to it if a snapshot does not show the grant.
//!
//! `sighting` says which grants a snapshot shows.

use std::time::Duration;

use crate::audit::Report;
use crate::domain::Timestamp;

/// How long a removed grant is exported as 0, so that its last sample is never an old 1: the memory of the alerts with the default
/// settings, which is `stale-after` plus 2 h (`cli::alerts`). It does not follow the setting: the 0 comes after every 1, and an alert with
/// a longer memory still takes the lowest of the last values.
/// Counted in elapsed time and not by the clock, which can be set in both directions.
pub const GONE_FOR: Duration = Duration::from_hours(26);

/// The longest time without the process that counts for [`GONE_FOR`]. Only the clock says how long it was, and if the clock is
/// wrong, a removed grant is still exported for an hour.
const MOST_DOWNTIME: Duration = Duration::from_hours(25);

/// The time that counts as elapsed at a restart, for a ledger that was saved at that time.
pub fn downtime(saved: Timestamp, now: Timestamp) -> Duration {
    now.since(saved).min(MOST_DOWNTIME)
}

/// A grant counts as removed after this many complete refreshes in a row without it.
const GONE_AFTER: u32 = 2;

/// How a grant that is held was evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// A baseline is loaded, and neither it nor an exemption covers the grant.
    Unapproved,
    /// An exemption of the policy covers it.
    Exempt,
    /// The baseline approves it, or no baseline is loaded, so no approval is required.
    Settled,
}

/// What the ledger remembers about a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Memory {
    /// The client holds it, or held it until the last refresh.
    Held {
        /// When it was first seen; `None` if it is older than the first refresh, or than the pattern of the policy that
        /// matches it.
        first_seen: Option<Timestamp>,
        /// The result of its last evaluation.
        standing: Standing,
        /// The number of complete refreshes in a row without it.
        missed: u32,
    },
    /// It was found to be removed.
    Gone {
        /// When, by the clock of that time. Only for people who read the state file.
        since: Timestamp,
        /// The elapsed time since then.
        elapsed: Duration,
    },
}

/// Why the ledger is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The first complete refresh of the organisation. Its grants do not count as new.
    First,
    /// A complete refresh.
    Refresh {
        /// The previous complete snapshot, evaluated by the current policy. None of its dangerous grants is new, even if an
        /// earlier policy did not call them dangerous.
        before: &'a Report,
    },
    /// The last snapshot was evaluated again, because the policy or the baseline changed or the process restarted. No grant is
    /// new, and grants that the policy no longer calls dangerous are removed.
    PolicyChange {
        /// Whether the policy has a new pattern. Then a grant that a gap hides now does not count as new later.
        widens: bool,
    },
}

impl Memory {
    /// The same memory after some time. A time that is in the future, because the clock was set back, becomes `now`.
    pub(super) fn after(self, passed: Duration, now: Timestamp) -> Self {
        match self {
            Self::Held { first_seen, standing, missed } => {
                Self::Held { first_seen: first_seen.map(|time| time.min(now)), standing, missed }
            }
            Self::Gone { since, elapsed } => Self::Gone { since: since.min(now), elapsed }.later(passed),
        }
    }

    /// The time since the grant was removed; `None` if it is held.
    pub(super) const fn gone_for(self) -> Option<Duration> {
        match self {
            Self::Held { .. } => None,
            Self::Gone { elapsed, .. } => Some(elapsed),
        }
    }

    /// The same memory after some time in which nothing changed.
    pub(super) const fn later(self, passed: Duration) -> Self {
        match self {
            Self::Held { .. } => self,
            Self::Gone { since, elapsed } => Self::Gone { since, elapsed: elapsed.saturating_add(passed) },
        }
    }

    /// The memory of a grant that the snapshot of this event does not show; `None` if the grant is forgotten.
    pub(super) fn without_sight(self, may_be_hidden: bool, event: Event<'_>, now: Timestamp) -> Option<Self> {
        match (self, event) {
            (Self::Held { .. }, _) if may_be_hidden => Some(self),
            // If the last refresh did not show it, the next refresh decides whether it is removed.
            (Self::Held { missed: 1.., .. } | Self::Gone { .. }, Event::PolicyChange { .. }) => Some(self),
            (Self::Held { first_seen, standing, missed }, Event::First | Event::Refresh { .. })
                if missed.saturating_add(1) < GONE_AFTER =>
            {
                Some(Self::Held { first_seen, standing, missed: missed + 1 })
            }
            (Self::Held { .. }, _) => Some(Self::Gone { since: now, elapsed: Duration::ZERO }),
            (Self::Gone { elapsed, .. }, _) => (elapsed < GONE_FOR).then_some(self),
        }
    }

    /// The value of the first-seen metric; 0 if the grant must not page.
    pub fn first_seen(self) -> Timestamp {
        match self {
            Self::Held { standing: Standing::Exempt, .. } | Self::Gone { .. } => Timestamp::default(),
            Self::Held { first_seen, .. } => first_seen.unwrap_or_default(),
        }
    }

    /// Whether the client holds the grant and an approval is missing.
    pub const fn is_unapproved(self) -> bool {
        matches!(self, Self::Held { standing: Standing::Unapproved, .. })
    }
}

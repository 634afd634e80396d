//! What is remembered of one grant, and what becomes of it when it is not seen.
//!
//! Which grants are seen is in `sighting`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::grant::Grant;
use crate::domain::Timestamp;

/// For how long a grant that is gone is exported as 0, so that no old 1 is the last sample: `stale-after` and 2 h.
pub const GONE_FOR: Duration = Duration::from_hours(26);

/// A grant is gone after this many complete refreshes in a row without it.
const GONE_AFTER: u32 = 2;

/// How a grant that is held was evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A baseline is loaded, and neither it nor an exemption covers the grant.
    Unapproved,
    /// An exemption of the policy covers it.
    Exempt,
    /// The baseline approves it, or none is loaded, so that no approval is asked for.
    Settled,
}

/// What is remembered of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// It is held, or was until the last refresh.
    Held {
        /// When it was first seen; `None` if it was there at the first refresh ever, or before the policy called it dangerous.
        first_seen: Option<Timestamp>,
        /// Its last evaluation.
        standing: Standing,
        /// Complete refreshes in a row without it.
        missed: u32,
    },
    /// It is gone since then.
    Gone(Timestamp),
}

/// Why the ledger advances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The first complete refresh ever: nothing that is there is new.
    First,
    /// A complete refresh.
    Refresh {
        /// The dangerous grants of the last complete snapshot before it, under the policy in force now. None of them is new,
        /// whatever the policy said at that time.
        before: &'a BTreeSet<Grant>,
    },
    /// The policy or the baseline changed, or the process restarted, and the last snapshot was evaluated again. Nothing is new,
    /// and what the policy no longer calls dangerous is gone.
    PolicyChange {
        /// Whether the policy has a new pattern: then nothing that is hidden behind a gap now is new later.
        widens: bool,
    },
}

impl Memory {
    /// What is remembered of a grant that was not seen at this event; `None` if it is forgotten.
    pub(super) fn without_sight(self, may_be_hidden: bool, event: Event<'_>, now: Timestamp) -> Option<Self> {
        match (self, event) {
            (Self::Held { .. }, _) if may_be_hidden => Some(self),
            // If a refresh without it came before, the next refresh decides whether it is gone.
            (Self::Held { missed: 1.., .. } | Self::Gone(_), Event::PolicyChange { .. }) => Some(self),
            (Self::Held { first_seen, standing, missed }, Event::First | Event::Refresh { .. })
                if missed.saturating_add(1) < GONE_AFTER =>
            {
                Some(Self::Held { first_seen, standing, missed: missed + 1 })
            }
            (Self::Held { .. }, _) => Some(Self::Gone(now)),
            (Self::Gone(since), _) => (now.since(since) < GONE_FOR).then_some(self),
        }
    }

    /// The value of the first-seen metric: 0 if it must not page.
    pub fn first_seen(self) -> Timestamp {
        match self {
            Self::Held { standing: Standing::Exempt, .. } | Self::Gone(_) => Timestamp::default(),
            Self::Held { first_seen, .. } => first_seen.unwrap_or_default(),
        }
    }

    /// Whether an approval is missing.
    pub const fn is_unapproved(self) -> bool {
        matches!(self, Self::Held { standing: Standing::Unapproved, .. })
    }
}

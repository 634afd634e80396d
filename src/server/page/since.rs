//! When a finding was first seen. The ledger knows this for dangerous scopes and permissions only.

use std::time::Duration;

use super::words::Moment;
use crate::audit::Finding;
use crate::domain::Timestamp;
use crate::ledger::{Ledger, Memory};

/// A finding counts as new for this long after it was first seen.
const NEW: Duration = Duration::from_hours(24);

/// Looks up findings in the ledger.
pub(super) struct FirstSeen<'a> {
    ledger: &'a Ledger,
    now: Timestamp,
}

pub(super) enum Since {
    At(Moment),
    /// Held before the first refresh, or before the policy called it dangerous.
    BeforeTracking,
    /// The ledger has no time for this finding.
    NotTracked,
}

impl<'a> FirstSeen<'a> {
    pub(super) fn new(ledger: &'a Ledger, now: Timestamp) -> Self {
        Self { ledger, now }
    }

    fn memory(&self, finding: &Finding) -> Option<Memory> {
        self.ledger.memory(finding)
    }

    /// For sorting: 0 if the time is unknown.
    pub(super) fn time(&self, finding: &Finding) -> Timestamp {
        self.memory(finding).map(Memory::first_seen).unwrap_or_default()
    }

    pub(super) fn is_new(&self, finding: &Finding) -> bool {
        let time = self.time(finding);
        time != Timestamp::default() && self.now.since(time) < NEW
    }

    pub(super) fn since(&self, finding: &Finding) -> Since {
        match self.memory(finding) {
            Some(Memory::Held { first_seen: Some(time), .. }) => Since::At(Moment::new(time, self.now)),
            Some(Memory::Held { first_seen: None, .. }) => Since::BeforeTracking,
            Some(Memory::Gone { .. }) | None => Since::NotTracked,
        }
    }
}

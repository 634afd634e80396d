//! The dangerous grants that somebody is paged for: what the alerts of `templates/alerts/security.yml` fire for.
//!
//! With a baseline, those that nobody approved; without one, those that were first seen within a day.

use std::time::Duration;

use crate::audit::{Finding, Report};
use crate::domain::Timestamp;
use crate::ledger::{Ledger, Memory};
use crate::publish::Evaluated;

/// The time for which the alerts call a grant new if there is no baseline.
const NEW: Duration = Duration::from_hours(24);

/// Looks up which grants page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paging<'a> {
    ledger: &'a Ledger,
    report: &'a Report,
    now: Timestamp,
}

impl<'a> Paging<'a> {
    pub(super) fn new(evaluated: &'a Evaluated, now: Timestamp) -> Self {
        Self { ledger: &evaluated.ledger, report: &evaluated.report, now }
    }

    /// Whether approvals are required.
    pub(super) fn has_baseline(&self) -> bool {
        self.report.baseline.is_some()
    }

    fn pages(&self, memory: Memory) -> bool {
        if self.has_baseline() {
            return memory.is_unapproved();
        }
        let time = memory.first_seen();
        time != Timestamp::default() && self.now.since(time) < NEW
    }

    /// Whether the finding is on a grant that pages.
    pub(super) fn is_about(&self, finding: &Finding) -> bool {
        finding.dangerous.is_some() && self.ledger.memory(finding).is_some_and(|memory| self.pages(memory))
    }

    /// The number of findings on grants that page.
    pub(super) fn findings(&self) -> usize {
        self.report.findings().filter(|finding| self.is_about(finding)).count()
    }

    /// Whether an alert fires. It also does for a grant that the last data does not show, but that is not known to be removed either.
    pub(super) fn is_firing(&self) -> bool {
        self.ledger.clients().any(|(_, entries)| entries.into_iter().any(|(_, memory)| self.pages(memory)))
    }
}

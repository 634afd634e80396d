//! The place of an organisation in the index: the numbers of what must be dealt with there, and the order that follows from them.

use std::cmp::Reverse;

use super::super::freshness::FreshnessView;
use super::super::paging::Paging;
use crate::audit::{Status, Verdict};
use crate::domain::{Severity, Timestamp};
use crate::publish::{Evaluated, ServedOrganisation};

/// An organisation with what the index says about it.
pub(super) struct Standing<'a> {
    pub(super) organisation: &'a ServedOrganisation,
    pub(super) freshness: FreshnessView,
    /// `None` if it has no data, or if details are hidden.
    pub(super) counts: Option<Counts>,
}

/// What the last complete data of an organisation contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) clients: usize,
    pub(super) flagged: usize,
    /// Open critical findings.
    pub(super) critical: usize,
    /// Open high findings.
    pub(super) high: usize,
    /// Findings on dangerous grants that page.
    pub(super) paging: usize,
    /// Whether an alert on a dangerous grant fires.
    pub(super) is_firing: bool,
    /// Whether approvals are required: then what is not approved pages, and otherwise what is new.
    pub(super) has_baseline: bool,
}

impl Counts {
    fn new(evaluated: &Evaluated, now: Timestamp) -> Self {
        let Evaluated { snapshot, report, .. } = evaluated;
        let paging = Paging::new(evaluated, now);
        let mut counts = Self {
            clients: snapshot.clients.len(),
            flagged: report.verdicts().filter(|client| matches!(client.verdict, Verdict::Flagged(_))).count(),
            paging: paging.findings(),
            is_firing: paging.is_firing(),
            has_baseline: paging.has_baseline(),
            ..Self::default()
        };
        for finding in report.findings().filter(|finding| finding.status == Status::Open) {
            match finding.severity {
                Severity::Critical => counts.critical += finding.count(),
                Severity::High => counts.high += finding.count(),
                Severity::Medium | Severity::Low | Severity::Info => {}
            }
        }
        counts
    }
}

impl<'a> Standing<'a> {
    pub(super) fn new(organisation: &'a ServedOrganisation, shows_details: bool, now: Timestamp) -> Self {
        let evaluated = organisation.evaluated.as_deref();
        Self {
            organisation,
            freshness: FreshnessView::new(&organisation.freshness, evaluated.is_some(), now),
            counts: evaluated.filter(|_| shows_details).map(|evaluated| Counts::new(evaluated, now)),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts.unwrap_or_default()
    }

    /// Whether somebody is paged for one of its grants.
    pub(super) fn is_paging(&self) -> bool {
        self.counts.is_some_and(|counts| counts.is_firing || counts.paging > 0)
    }

    /// Whether the last refresh failed or the next one is overdue.
    pub(super) fn is_unread(&self) -> bool {
        self.freshness.tone == "bad"
    }

    /// Whether it waits for its first refresh in this process.
    pub(super) fn is_waiting(&self) -> bool {
        self.freshness.tone == "wait"
    }

    /// The worst comes first: what pages, then what is not read, then the most flagged clients.
    pub(super) fn rank(&self) -> impl Ord + use<'a> {
        let Counts { paging, flagged, critical, .. } = self.counts();
        let group = (Reverse(self.is_paging()), Reverse(self.is_unread()));
        (group, Reverse(paging), Reverse((flagged, critical)), self.organisation.org.as_str())
    }
}

//! The document's `summary`: every count, including zeros.
//!
//! The counts are computed in [`Summary`].

use serde::{Serialize, Serializer};

use crate::audit::Status;
use crate::domain::{ClientState, GrantType, Severity};
use crate::output::Summary;

#[derive(Serialize)]
pub(super) struct SummaryDto {
    clients: usize,
    flagged: usize,
    not_evaluated: usize,
    compliant: usize,
    flagged_by_severity: Counts,
    clients_by_grant_type: Counts,
    clients_by_state: Counts,
    open_findings_by_severity: Counts,
    findings_by_status: Counts,
    dangerous_scopes_held: usize,
}

/// A JSON object of counts, in the order of their enum.
struct Counts(Vec<(&'static str, usize)>);

impl Counts {
    fn new<K: Copy>(table: &[(K, usize)], label: impl Fn(K) -> &'static str) -> Self {
        Self(table.iter().map(|(key, count)| (label(*key), *count)).collect())
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl SummaryDto {
    pub(super) fn new(summary: &Summary) -> Self {
        Self {
            clients: summary.clients,
            flagged: summary.flagged,
            not_evaluated: summary.not_evaluated,
            compliant: summary.compliant,
            flagged_by_severity: Counts::new(&summary.flagged_by_severity, Severity::label),
            clients_by_grant_type: Counts::new(&summary.by_grant_type, GrantType::label),
            clients_by_state: Counts::new(&summary.by_state, ClientState::label),
            open_findings_by_severity: Counts::new(&summary.open_by_severity, Severity::label),
            findings_by_status: Counts::new(&summary.findings_by_status, Status::label),
            dangerous_scopes_held: summary.dangerous_scopes_held,
        }
    }
}

//! The counts of one audit, shared by all report formats.
//!
//! The metrics are counted where they are rendered; a test of the whole program compares both.

use crate::audit::{Report, Status, Verdict};
use crate::domain::{ClientState, GrantType, Severity, Snapshot};

/// The counts of one audit. Every table has all its rows, including zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// All clients: flagged, not evaluated and compliant together.
    pub clients: usize,
    /// Clients with an open finding at or above the policy's `flag_at`.
    pub flagged: usize,
    /// Clients that are not flagged and could not be fully evaluated, including those whose record could not be read.
    pub not_evaluated: usize,
    /// Clients that were fully evaluated and are not flagged.
    pub compliant: usize,
    /// Flagged clients by their worst open finding, the worst severity first.
    pub flagged_by_severity: [(Severity, usize); 5],
    /// Clients by grant type.
    pub by_grant_type: [(GrantType, usize); 6],
    /// Clients by state.
    pub by_state: [(ClientState, usize); 4],
    /// Open findings, the worst severity first.
    pub open_by_severity: [(Severity, usize); 5],
    /// Findings by status.
    pub findings_by_status: [(Status, usize); 4],
    /// Pairs of a client and a dangerous scope that is in effect for it, including approved and exempt pairs.
    pub dangerous_scopes_held: usize,
}

impl Summary {
    /// Counts the clients and findings of a snapshot.
    pub fn new(snapshot: &Snapshot, report: &Report) -> Self {
        let (mut flagged, mut not_evaluated, mut compliant) = (0, 0, 0);
        let mut flagged_by_severity = Severity::ALL.map(|severity| (severity, 0));
        for client in report.verdicts() {
            match client.verdict {
                Verdict::Flagged(worst) => {
                    flagged += 1;
                    count(&mut flagged_by_severity, worst);
                }
                Verdict::NotEvaluated(_) => not_evaluated += 1,
                Verdict::Compliant => compliant += 1,
            }
        }
        let mut by_grant_type = GrantType::ALL.map(|grant_type| (grant_type, 0));
        let mut by_state = ClientState::ALL.map(|state| (state, 0));
        for client in &snapshot.clients {
            count(&mut by_grant_type, client.grant_type);
            count(&mut by_state, client.state);
        }
        let mut open_by_severity = Severity::ALL.map(|severity| (severity, 0));
        let mut findings_by_status = Status::ALL.map(|status| (status, 0));
        for finding in report.findings() {
            let counted = finding.count();
            add(&mut findings_by_status, finding.status, counted);
            if finding.status == Status::Open {
                add(&mut open_by_severity, finding.severity, counted);
            }
        }
        Self {
            clients: snapshot.clients.len(),
            flagged,
            not_evaluated,
            compliant,
            flagged_by_severity,
            by_grant_type,
            by_state,
            open_by_severity,
            findings_by_status,
            dangerous_scopes_held: report.dangerous_scopes.iter().map(|scope| scope.holders).sum(),
        }
    }

    /// The number of findings with this status.
    pub fn findings(&self, status: Status) -> usize {
        self.findings_by_status.iter().find(|(of, _)| *of == status).map_or(0, |(_, count)| *count)
    }
}

fn count<K: Copy + PartialEq>(table: &mut [(K, usize)], key: K) {
    add(table, key, 1);
}

fn add<K: Copy + PartialEq>(table: &mut [(K, usize)], key: K, more: usize) {
    if let Some((_, count)) = table.iter_mut().find(|(of, _)| *of == key) {
        *count += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;

    #[test]
    fn the_three_verdicts_partition_the_clients_and_every_table_adds_up() {
        let sample = sample::planted();
        let summary = Summary::new(&sample.snapshot, &sample.report);
        assert_eq!(summary.clients, sample.snapshot.clients.len());
        assert_eq!(summary.by_state.iter().map(|(_, count)| count).sum::<usize>(), summary.clients);
        assert_eq!(summary.flagged + summary.not_evaluated + summary.compliant, summary.clients);
        assert_eq!(summary.flagged_by_severity.iter().map(|(_, count)| count).sum::<usize>(), summary.flagged);
        assert_eq!(summary.by_grant_type.iter().map(|(_, count)| count).sum::<usize>(), summary.clients);
        assert_eq!(summary.by_state.iter().map(|(_, count)| count).sum::<usize>(), summary.clients);
        assert_eq!(
            summary.open_by_severity.iter().map(|(_, count)| count).sum::<usize>(),
            summary.findings(Status::Open)
        );
        assert!(
            summary.flagged > 0 && summary.not_evaluated > 0 && summary.compliant > 0,
            "the sample has every verdict"
        );
    }
}

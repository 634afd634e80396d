//! The dangerous grants of a report: what the ledger remembers, and what the metrics that page are made of.
//!
//! Which of them are new is decided in `ledger`.

use super::finding::{Finding, Status};
use crate::domain::{ClientId, Power, RoleId};

/// A dangerous scope or permission that a client holds, so that it takes effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DangerousGrant {
    /// The client.
    pub client: ClientId,
    /// The scope or permission. A permission occurs several times if several roles, or one role in several divisions, grant it.
    pub power: Power,
    /// The role that grants it; `None` for a scope.
    pub role: Option<RoleId>,
    /// The evidence's key, which tells those apart. A scope's key is the scope.
    pub evidence: String,
    /// Whether it is open, approved or exempt.
    pub status: Status,
    /// What the metrics call it: the scope, or each of the policy's patterns that match the permission, in lower case.
    pub labels: Vec<String>,
}

/// The grants that the findings are about, sorted.
pub(super) fn dangerous_grants(findings: &[Finding]) -> Vec<DangerousGrant> {
    let grant = |finding: &Finding| {
        let dangerous = finding.dangerous.as_ref()?;
        Some(DangerousGrant {
            client: finding.client.clone()?,
            power: dangerous.power.clone(),
            role: dangerous.role.clone(),
            evidence: finding.evidence.key.clone(),
            status: finding.status,
            labels: dangerous.labels.to_vec(),
        })
    };
    let mut grants: Vec<DangerousGrant> = findings.iter().filter_map(grant).collect();
    grants.sort();
    grants
}

//! The dangerous grants of a report. The ledger remembers them, and the metrics that page are made from them.
//!
//! `ledger` decides which of them are new.

use std::sync::Arc;

use super::finding::{Finding, Status};
use crate::domain::{ClientId, Privilege, RoleId};
use crate::text::SharedText;

/// A dangerous scope or permission that a client holds and that takes effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DangerousGrant {
    /// The client.
    pub client: ClientId,
    /// The scope or permission. If several roles grant a permission, or one role in several divisions, there is a grant for each.
    pub privilege: Privilege,
    /// The role that grants it; `None` for a scope.
    pub role: Option<RoleId>,
    /// The key of the finding's evidence, which distinguishes these grants. For a scope it is the scope itself.
    pub evidence: SharedText,
    /// Whether it is open, approved or exempt.
    pub status: Status,
    /// The values of the metrics' label: the scope, or each pattern of the policy that matches the permission, in lower case.
    pub labels: Arc<[SharedText]>,
}

/// The grants that the findings are about, sorted.
pub(super) fn dangerous_grants(findings: &[Finding]) -> Vec<DangerousGrant> {
    let grant = |finding: &Finding| {
        let dangerous = finding.dangerous.as_ref()?;
        Some(DangerousGrant {
            client: finding.client.clone()?,
            privilege: dangerous.privilege.clone(),
            role: dangerous.role.clone(),
            evidence: finding.evidence.key.clone(),
            status: finding.status,
            labels: Arc::clone(&dangerous.labels),
        })
    };
    let mut grants: Vec<DangerousGrant> = findings.iter().filter_map(grant).collect();
    grants.sort_unstable();
    grants.shrink_to_fit();
    grants
}

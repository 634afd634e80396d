//! The dangerous grants of a report. The ledger remembers them, and the metrics that page are made from them.
//!
//! `ledger` decides which of them are new.

use super::finding::{Finding, Status};
use crate::domain::{ClientId, Privilege, RoleId};
use crate::text::SharedText;

/// A dangerous scope or permission that a client holds and that takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DangerousGrant<'a> {
    /// The client.
    pub client: &'a ClientId,
    /// The scope or permission. If several roles grant a permission, or one role in several divisions, there is a grant for each.
    pub privilege: &'a Privilege,
    /// The role that grants it; `None` for a scope.
    pub role: Option<&'a RoleId>,
    /// The key of the finding's evidence, which distinguishes these grants. For a scope it is the scope itself.
    pub evidence: &'a SharedText,
    /// Whether it is open, approved or exempt.
    pub status: Status,
    /// The values of the metrics' label: the scope, or each pattern of the policy that matches the permission, in lower case.
    pub labels: &'a [SharedText],
}

impl<'a> DangerousGrant<'a> {
    /// The grant that a finding is about; `None` if it is about something else.
    pub(super) fn of(finding: &'a Finding) -> Option<Self> {
        let dangerous = finding.dangerous.as_ref()?;
        Some(Self {
            client: finding.client.as_ref()?,
            privilege: &dangerous.privilege,
            role: dangerous.role.as_ref(),
            evidence: &finding.evidence.key,
            status: finding.status,
            labels: &dangerous.labels,
        })
    }
}

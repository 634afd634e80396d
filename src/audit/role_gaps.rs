//! Gaps in the roles that a client holds, and the rules that are affected by gaps.
//!
//! The texts about gaps are in `gaps`.

use std::collections::BTreeMap;

use super::finding::{Finding, Status};
use super::rule::{Rule, UNRESOLVED_ROLE};
use crate::domain::{Client, Collector, Gap, Role, RoleField, RoleId, Snapshot};
use crate::policy::Policy;

/// Why not everything about a role is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleGap {
    /// The role is not in the organisation's list.
    NotListed,
    /// A field of the role's record has a gap. If several have one, this is about its permissions.
    Field(RoleField, Gap),
}

impl RoleGap {
    /// Whether none of the role's permissions are known.
    pub(super) const fn is_unknown(self) -> bool {
        matches!(self, Self::NotListed | Self::Field(RoleField::Contents, Gap::Unread))
    }
}

/// The gaps in the roles that decide what a client may do, also in their names and default marks, because rules read those too.
/// Empty if no roles could be read at all: that is a gap of the input.
pub(super) fn role_gaps<'a>(snapshot: &Snapshot, client: &'a Client) -> BTreeMap<&'a RoleId, RoleGap> {
    let Some(roles) = snapshot.roles.read().filter(|_| client.grant_type.roles_count()) else { return BTreeMap::new() };
    let gap = |role: Option<&Role>| match role {
        None => Some(RoleGap::NotListed),
        // The permissions are the last field.
        Some(role) => role.gaps.iter().last().map(|(field, gap)| RoleGap::Field(field, gap)),
    };
    let held = client.role_grants.iter().map(|grant| &grant.role);
    held.filter_map(|id| Some((id, gap(roles.find(id))?))).collect()
}

/// Whether the rule needs data of this client that could not be read. Then it proves nothing if the rule finds nothing.
///
/// A last known value counts as read here; the verdict states its age.
pub(super) fn is_hidden_from(rule: &Rule, snapshot: &Snapshot, client: &Client) -> bool {
    let reads_roles = rule.needs.contains(&Collector::Roles);
    let of_role = |gap| !matches!(gap, RoleGap::Field(_, Gap::LastKnown(_)));
    rule.reads.iter().any(|field| client.gaps.of(*field).is_some_and(|gap| !gap.is_last_known()))
        || (reads_roles && rule.slug != UNRESOLVED_ROLE && role_gaps(snapshot, client).into_values().any(of_role))
}

/// The roles of a client with gaps. If a finding flags the client because a role is not listed, the role is omitted: the finding
/// reports it.
pub(super) fn unreported_gaps(
    snapshot: &Snapshot,
    policy: &Policy,
    client: &Client,
    findings: &[Finding],
) -> Vec<RoleId> {
    let flagging: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.rule.slug == UNRESOLVED_ROLE && finding.status == Status::Open)
        .filter(|finding| finding.severity >= policy.defaults.flag_at)
        .collect();
    // If not all findings are listed, the client is flagged because of all its roles.
    let all_reported = flagging.iter().any(|finding| !finding.unlisted.is_empty());
    let is_reported = |role: &RoleId, gap| {
        gap == RoleGap::NotListed
            && (all_reported || flagging.iter().any(|finding| finding.evidence.key.as_str() == role.as_str()))
    };
    let gaps = role_gaps(snapshot, client).into_iter();
    gaps.filter(|(role, gap)| !is_reported(role, *gap)).map(|(role, _)| role.clone()).collect()
}

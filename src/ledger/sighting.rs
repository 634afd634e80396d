//! The dangerous grants that one evaluated snapshot shows, and the unread data that can hide others.
//!
//! It depends on this snapshot only; `memory` has the past.

use std::collections::BTreeSet;

use super::grant::{GrantKind, Hidden, HidingPlace, Key, can_be_in};
use super::memory::Standing;
use crate::audit::rules::{DANGEROUS_PERMISSION, DANGEROUS_SCOPE};
use crate::audit::{DangerousGrant, Report, Status};
use crate::domain::{Client, ClientField, ClientId, Gap, Privilege, RoleField, Snapshot};
use crate::policy::Policy;

/// A snapshot and the result of its audit.
#[derive(Debug, Clone, Copy)]
pub struct Evaluation<'a> {
    /// The organisation's data.
    pub snapshot: &'a Snapshot,
    /// The policy that it was evaluated by.
    pub policy: &'a Policy,
    /// The result of the audit.
    pub report: &'a Report,
}

/// The dangerous grants that an evaluation shows.
#[derive(Debug, Clone)]
pub struct Sighting<'a> {
    /// It contains the grants.
    pub(super) report: &'a Report,
    /// It says which grants can be hidden: no rule looks for the others.
    pub(super) policy: &'a Policy,
    /// The data that could not be read.
    pub(super) hidden: BTreeSet<Hidden>,
    /// The part of `hidden` without a last known value. This evaluation therefore contains no value for it.
    pub(super) unknown: BTreeSet<Hidden>,
}

impl<'a> Sighting<'a> {
    /// The sighting of an evaluation.
    pub fn of(evaluation: Evaluation<'a>) -> Self {
        let Evaluation { snapshot, policy, report } = evaluation;
        let (mut hidden, mut unknown) = (BTreeSet::new(), BTreeSet::new());
        for client in &snapshot.clients {
            for_each_hidden(snapshot, client, |place, is_known| {
                let place = Hidden { client: client.id.clone(), place };
                if !is_known {
                    unknown.insert(place.clone());
                }
                hidden.insert(place);
            });
        }
        Self { report, policy, hidden, unknown }
    }

    /// Whether unread data can hide this grant, which the snapshot does not show.
    pub(super) fn hides(&self, client: &ClientId, grant: Key<'_>) -> bool {
        let is_enabled = |slug: &str| self.policy.rule(slug).is_none_or(|rule| rule.enabled);
        can_be_in(&self.hidden, client, grant)
            && match grant.kind {
                GrantKind::Scope => {
                    is_enabled(DANGEROUS_SCOPE) && self.policy.scopes.dangerous_pattern(grant.label).is_some()
                }
                GrantKind::Permission => {
                    is_enabled(DANGEROUS_PERMISSION) && self.report.permission_labels.contains(grant.label.as_str())
                }
            }
    }
}

/// Calls `found` for the data of a client that could not be read, each with whether a last known value was evaluated instead.
fn for_each_hidden(snapshot: &Snapshot, client: &Client, mut found: impl FnMut(HidingPlace, bool)) {
    // Without the grant type, only what the assumed grant type does not count is not evaluated.
    let of_grant_type =
        |counts: bool| if counts { None } else { client.gaps.of(ClientField::GrantType).map(Gap::is_last_known) };
    let of_field = |field, counts| client.gaps.of(field).map(Gap::is_last_known).or(of_grant_type(counts));
    if let Some(is_known) = of_field(ClientField::Scopes, client.grant_type.scopes_count()) {
        found(HidingPlace::Scopes, is_known);
    }
    if let Some(is_known) = of_field(ClientField::Roles, client.grant_type.roles_count()) {
        found(HidingPlace::Roles, is_known);
    }
    if client.grant_type.roles_count() {
        // Sorted, so the grants of one role in several divisions follow each other.
        for id in client.role_grants.chunk_by(|a, b| a.role == b.role).filter_map(|grants| Some(&grants.first()?.role))
        {
            let is_known = match snapshot.role(id) {
                None => Some(false),
                Some(role) => role.gaps.of(RoleField::Contents).map(Gap::is_last_known),
            };
            if let Some(is_known) = is_known {
                found(HidingPlace::Role(id.clone()), is_known);
            }
        }
    }
}

/// A dangerous grant of a client under one of its labels, and its evaluation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) grant: Key<'a>,
    pub(super) standing: Standing,
}

/// Adds the grants of one client in this report, each with each of its labels, sorted and without duplicates.
pub(super) fn collect_seen<'a>(
    grants: impl Iterator<Item = DangerousGrant<'a>>,
    report: &Report,
    seen: &mut Vec<Seen<'a>>,
) {
    for dangerous in grants {
        let standing = match dangerous.status {
            Status::Open if report.baseline.is_some() => Standing::Unapproved,
            Status::Exempt => Standing::Exempt,
            _ => Standing::Settled,
        };
        let kind = match dangerous.privilege {
            Privilege::Scope(_) => GrantKind::Scope,
            Privilege::Permission(_) => GrantKind::Permission,
        };
        let DangerousGrant { evidence, role, labels, .. } = dangerous;
        seen.extend(labels.iter().map(|label| Seen { grant: Key { kind, evidence, label, role }, standing }));
    }
    // A stable sort: of several for one grant, the last counts.
    seen.sort_by(|a, b| a.grant.cmp(&b.grant));
    seen.dedup_by(|later, earlier| {
        let is_same = later.grant == earlier.grant;
        if is_same {
            earlier.standing = later.standing;
        }
        is_same
    });
}

/// Whether the policy `now` has a dangerous pattern that the policy `before` does not have.
pub fn widens(before: &Policy, now: &Policy) -> bool {
    let patterns = |policy: &Policy| -> BTreeSet<String> {
        let scopes = policy.scopes.dangerous.iter().map(|dangerous| format!("scope {}", dangerous.pattern));
        let permissions = policy
            .permissions
            .dangerous
            .iter()
            .map(|dangerous| format!("permission {}", dangerous.pattern.as_str().to_ascii_lowercase()));
        scopes.chain(permissions).collect()
    };
    !patterns(before).is_superset(&patterns(now))
}

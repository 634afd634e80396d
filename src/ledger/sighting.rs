//! The dangerous grants that one evaluated snapshot shows, and the unread data that can hide others.
//!
//! It depends on this snapshot only; `memory` has the past.

use std::collections::{BTreeMap, BTreeSet};

use super::grant::{Grant, GrantKind, Hidden, HidingPlace, can_be_in};
use super::memory::Standing;
use crate::audit::rules::{DANGEROUS_PERMISSION, DANGEROUS_SCOPE};
use crate::audit::{DangerousGrant, Report, Status};
use crate::domain::{Client, ClientField, Gap, Privilege, RoleField, RoleId, Snapshot};
use crate::policy::Policy;
use crate::text::SharedText;

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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sighting {
    /// The grants that clients hold, with their evaluation.
    pub held: BTreeMap<Grant, Standing>,
    /// The data that could not be read.
    pub hidden: BTreeSet<Hidden>,
    /// The part of `hidden` without a last known value. This evaluation therefore contains no value for it.
    pub unknown: BTreeSet<Hidden>,
    /// The labels that the policy still calls dangerous. A grant with another label cannot be hidden, because no rule looks for
    /// it.
    pub labels: Labels,
}

/// The labels of the grants that a policy calls dangerous.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    scopes: BTreeSet<SharedText>,
    permissions: BTreeSet<String>,
}

#[cfg(test)]
impl Labels {
    /// Labels of these scopes, for tests without a policy.
    pub(super) fn of_scopes<const N: usize>(scopes: [&str; N]) -> Self {
        Self { scopes: scopes.map(|scope| scope.to_owned().into()).into(), permissions: BTreeSet::new() }
    }
}

impl Sighting {
    /// The sighting of an evaluation. `known` contains the grants of the ledger.
    pub fn of<'a>(evaluation: Evaluation<'_>, known: impl IntoIterator<Item = &'a Grant>) -> Self {
        let Evaluation { snapshot, policy, report } = evaluation;
        let mut held: BTreeMap<Grant, Standing> = BTreeMap::new();
        for dangerous in report.grants() {
            let standing = match dangerous.status {
                Status::Open if report.baseline.is_some() => Standing::Unapproved,
                Status::Exempt => Standing::Exempt,
                _ => Standing::Settled,
            };
            held.extend(grants(dangerous).map(|grant| (grant, standing)));
        }
        let places = snapshot.clients.iter().flat_map(|client| hidden(snapshot, client));
        let places: BTreeMap<Hidden, bool> = places.collect();
        let unknown = places.iter().filter(|(_, is_known)| !**is_known).map(|(place, _)| place.clone()).collect();
        let hidden = places.into_keys().collect();
        let known = known.into_iter().filter(|grant| grant.kind == GrantKind::Scope).map(|grant| &grant.label);
        let is_enabled = |slug: &str| policy.rule(slug).is_none_or(|rule| rule.enabled);
        let labels = Labels {
            scopes: known
                .filter(|scope| is_enabled(DANGEROUS_SCOPE) && policy.scopes.dangerous_pattern(scope).is_some())
                .cloned()
                .collect(),
            permissions: if is_enabled(DANGEROUS_PERMISSION) {
                report.permission_labels.clone()
            } else {
                BTreeSet::new()
            },
        };
        Self { held, hidden, unknown, labels }
    }

    /// Whether unread data can hide this grant, which the snapshot does not show.
    pub(super) fn hides(&self, grant: &Grant) -> bool {
        let is_looked_for = match grant.kind {
            GrantKind::Scope => self.labels.scopes.contains(grant.label.as_str()),
            GrantKind::Permission => self.labels.permissions.contains(grant.label.as_str()),
        };
        is_looked_for && can_be_in(&self.hidden, grant)
    }
}

/// The data of a client that could not be read, each with whether a last known value was evaluated instead.
fn hidden(snapshot: &Snapshot, client: &Client) -> Vec<(Hidden, bool)> {
    // Without the grant type, only what the assumed grant type does not count is not evaluated.
    let of_grant_type =
        |counts: bool| if counts { None } else { client.gaps.of(ClientField::GrantType).map(Gap::is_last_known) };
    let of_field = |field, counts| client.gaps.of(field).map(Gap::is_last_known).or(of_grant_type(counts));
    let scopes = of_field(ClientField::Scopes, client.grant_type.scopes_count());
    let roles = of_field(ClientField::Roles, client.grant_type.roles_count());
    let mut places: Vec<(HidingPlace, bool)> = Vec::new();
    places.extend(scopes.map(|is_known| (HidingPlace::Scopes, is_known)));
    places.extend(roles.map(|is_known| (HidingPlace::Roles, is_known)));
    if client.grant_type.roles_count() {
        let roles: BTreeSet<&RoleId> = client.role_grants.iter().map(|grant| &grant.role).collect();
        places.extend(roles.into_iter().filter_map(|id| {
            let is_known = match snapshot.role(id) {
                None => false,
                Some(role) => role.gaps.of(RoleField::Contents)?.is_last_known(),
            };
            Some((HidingPlace::Role(id.clone()), is_known))
        }));
    }
    places.into_iter().map(|(place, is_known)| (Hidden { client: client.id.clone(), place }, is_known)).collect()
}

/// A dangerous grant with each of its labels.
fn grants(dangerous: DangerousGrant<'_>) -> impl Iterator<Item = Grant> {
    dangerous.labels.iter().map(move |label| {
        let kind = match dangerous.privilege {
            Privilege::Scope(_) => GrantKind::Scope,
            Privilege::Permission(_) => GrantKind::Permission,
        };
        Grant {
            client: dangerous.client.clone(),
            kind,
            evidence: dangerous.evidence.clone(),
            label: label.clone(),
            role: dangerous.role.cloned(),
        }
    })
}

/// The dangerous grants of a report, each with each of its labels.
pub fn held_grants(report: &Report) -> BTreeSet<Grant> {
    report.grants().flat_map(grants).collect()
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

//! A dangerous grant as the ledger identifies it, and the places in which one can be hidden.
//!
//! What is remembered of it is a [`super::Memory`].

use std::collections::BTreeSet;

use crate::domain::{ClientId, RoleId};

/// A dangerous scope or permission that a client holds, under the label that the metrics give it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The client.
    pub client: ClientId,
    /// Scope or permission.
    pub kind: GrantKind,
    /// What identifies it for this client and kind: a finding's evidence key.
    pub evidence: String,
    /// What the metrics call it: the scope, or the policy's pattern that matches the permission.
    pub label: String,
    /// The role that grants a permission; `None` for a scope. The evidence identifies it already.
    pub role: Option<RoleId>,
}

/// The kind of a grant. Scopes and permissions have metrics of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantKind {
    /// A scope of the client.
    Scope,
    /// A permission that one of the client's roles grants.
    Permission,
}

impl Grant {
    /// A scope that a client holds.
    pub fn scope(client: &ClientId, scope: &str) -> Self {
        let (evidence, label) = (scope.to_owned(), scope.to_owned());
        Self { client: client.clone(), kind: GrantKind::Scope, evidence, label, role: None }
    }

    /// A permission that a client's role grants, under a pattern of the policy.
    pub fn permission(client: &ClientId, evidence: &str, pattern: &str, role: RoleId) -> Self {
        let (evidence, label) = (evidence.to_owned(), pattern.to_owned());
        Self { client: client.clone(), kind: GrantKind::Permission, evidence, label, role: Some(role) }
    }

    /// Whether it is the same scope or permission, whatever its label.
    pub(super) fn is_same_privilege(&self, other: &Self) -> bool {
        (&self.client, self.kind, &self.evidence) == (&other.client, other.kind, &other.evidence)
    }
}

/// A place that could not be read, and in which a grant can be hidden.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hidden {
    /// The client.
    pub client: ClientId,
    /// What of it could not be read.
    pub place: HidingPlace,
}

/// What of a client could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HidingPlace {
    /// Its scopes.
    Scopes,
    /// Its roles.
    Roles,
    /// What a role that it holds permits.
    Role(RoleId),
}

/// Whether a grant can be hidden in one of these places.
pub(super) fn can_be_in(places: &BTreeSet<Hidden>, grant: &Grant) -> bool {
    let is_there = |place| places.contains(&Hidden { client: grant.client.clone(), place });
    match grant.kind {
        GrantKind::Scope => is_there(HidingPlace::Scopes),
        GrantKind::Permission => {
            is_there(HidingPlace::Roles) || grant.role.clone().is_some_and(|role| is_there(HidingPlace::Role(role)))
        }
    }
}

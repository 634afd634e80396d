//! How the ledger identifies a dangerous grant, and the unread data that can hide one.
//!
//! [`super::Memory`] is what the ledger remembers about a grant.

use std::collections::BTreeSet;

use crate::domain::{ClientId, RoleId};
use crate::text::SharedText;

/// A dangerous scope or permission that a client holds, with its label in the metrics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The client.
    pub client: ClientId,
    /// Whether it is a scope or a permission.
    pub kind: GrantKind,
    /// Identifies it within its client and kind: the key of a finding's evidence.
    pub evidence: SharedText,
    /// The label in the metrics: the scope, or the policy's pattern that matches the permission.
    pub label: SharedText,
    /// The role that grants a permission; `None` for a scope. The evidence contains it as well.
    pub role: Option<RoleId>,
}

/// The kind of a grant. Scopes and permissions have separate metrics.
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
        let evidence = SharedText::from(scope.to_owned());
        let label = evidence.clone();
        Self { client: client.clone(), kind: GrantKind::Scope, evidence, label, role: None }
    }

    /// A permission that a client's role grants, under a pattern of the policy.
    pub fn permission(client: &ClientId, evidence: &str, pattern: &str, role: RoleId) -> Self {
        let (evidence, label) = (evidence.to_owned().into(), pattern.to_owned().into());
        Self { client: client.clone(), kind: GrantKind::Permission, evidence, label, role: Some(role) }
    }

    /// Whether both are the same scope or permission of the same client, even if their labels differ.
    pub(super) fn is_same_privilege(&self, other: &Self) -> bool {
        (&self.client, self.kind, &self.evidence) == (&other.client, other.kind, &other.evidence)
    }
}

/// Data of a client that could not be read, and that can hide a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hidden {
    /// The client.
    pub client: ClientId,
    /// The part of its data that could not be read.
    pub place: HidingPlace,
}

/// The part of a client's data that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HidingPlace {
    /// Its scopes.
    Scopes,
    /// Its roles.
    Roles,
    /// The permissions of a role that the client holds.
    Role(RoleId),
}

/// Whether one of these places can hide the grant.
pub(super) fn can_be_in(places: &BTreeSet<Hidden>, grant: &Grant) -> bool {
    let is_hidden = |place| places.contains(&Hidden { client: grant.client.clone(), place });
    match grant.kind {
        GrantKind::Scope => is_hidden(HidingPlace::Scopes),
        GrantKind::Permission => {
            is_hidden(HidingPlace::Roles) || grant.role.clone().is_some_and(|role| is_hidden(HidingPlace::Role(role)))
        }
    }
}

//! How the ledger identifies a dangerous grant, and the unread data that can hide one.
//!
//! [`super::Memory`] is what the ledger remembers about a grant.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use crate::domain::{ClientId, RoleId};
use crate::text::SharedText;

/// A dangerous scope or permission that a client holds, with its label in the metrics. Dereferences to it without the client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The client.
    pub client: ClientId,
    privilege: Arc<LabelledPrivilege>,
}

/// What a client is granted: in memory once for all clients with the same grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelledPrivilege {
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

impl Deref for Grant {
    type Target = LabelledPrivilege;

    fn deref(&self) -> &LabelledPrivilege {
        &self.privilege
    }
}

impl Grant {
    pub(super) const fn new(client: ClientId, privilege: Arc<LabelledPrivilege>) -> Self {
        Self { client, privilege }
    }

    /// A scope that a client holds.
    pub fn scope(client: &ClientId, scope: &str) -> Self {
        let evidence = SharedText::from(scope.to_owned());
        let label = evidence.clone();
        let privilege = LabelledPrivilege { kind: GrantKind::Scope, evidence, label, role: None };
        Self::new(client.clone(), Arc::new(privilege))
    }

    /// A permission that a client's role grants, under a pattern of the policy.
    pub fn permission(client: &ClientId, evidence: &str, pattern: &str, role: RoleId) -> Self {
        let (evidence, label) = (evidence.to_owned().into(), pattern.to_owned().into());
        let privilege = LabelledPrivilege { kind: GrantKind::Permission, evidence, label, role: Some(role) };
        Self::new(client.clone(), Arc::new(privilege))
    }

    pub(super) fn into_parts(self) -> (ClientId, Arc<LabelledPrivilege>) {
        (self.client, self.privilege)
    }
}

impl LabelledPrivilege {
    pub(super) const fn key(&self) -> Key<'_> {
        let Self { kind, evidence, label, role } = self;
        Key { kind: *kind, evidence, label, role: role.as_ref() }
    }
}

/// A [`LabelledPrivilege`] by reference, in the same order: grants are compared without copies of their texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    pub(super) kind: GrantKind,
    pub(super) evidence: &'a SharedText,
    pub(super) label: &'a SharedText,
    pub(super) role: Option<&'a RoleId>,
}

impl<'a> Key<'a> {
    /// The scope or permission under any label.
    pub(super) const fn privilege(self) -> (GrantKind, &'a SharedText) {
        (self.kind, self.evidence)
    }

    pub(super) fn labelled(self) -> LabelledPrivilege {
        let Self { kind, evidence, label, role } = self;
        LabelledPrivilege { kind, evidence: evidence.clone(), label: label.clone(), role: role.cloned() }
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

/// Whether one of these places can hide this grant of the client.
pub(super) fn can_be_in(places: &BTreeSet<Hidden>, client: &ClientId, grant: Key<'_>) -> bool {
    let is_hidden = |place| !places.is_empty() && places.contains(&Hidden { client: client.clone(), place });
    match grant.kind {
        GrantKind::Scope => is_hidden(HidingPlace::Scopes),
        GrantKind::Permission => {
            is_hidden(HidingPlace::Roles) || grant.role.cloned().is_some_and(|role| is_hidden(HidingPlace::Role(role)))
        }
    }
}

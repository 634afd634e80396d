//! What a client holds, by ids and not by names: the same type for a snapshot and for the baseline file.
//!
//! The parent module decides what a client may hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::{Client, ClientField, ClientState, DivisionId, Gap, GrantType, Role, RoleField, RoleId, Snapshot};

/// The suffix of a permission that the platform grants only under a condition.
pub const CONDITIONAL: &str = " (conditional)";

/// Stands for a division that the platform did not report.
pub const UNKNOWN_DIVISION: &str = "unknown";

/// Whether a permission as people write it, with or without the suffix [`CONDITIONAL`], names a permission that a role grants.
/// Without the suffix, it also names the permission under a condition, which permits less.
pub fn names_permission(literal: &str, permission: &str, conditional: bool) -> bool {
    let literal = if conditional { literal.strip_suffix(CONDITIONAL).unwrap_or(literal) } else { literal };
    literal.eq_ignore_ascii_case(permission)
}

/// What a client holds: everything that the baseline compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// How the client obtains tokens.
    pub grant_type: GrantType,
    /// The state in its life cycle.
    pub state: ClientState,
    /// The effective lifetime of its access tokens, in seconds.
    pub token_validity: u32,
    /// Names of scopes, whether or not they take effect.
    pub scopes: BTreeSet<String>,
    /// Roles by id, whether or not they take effect.
    pub roles: BTreeMap<RoleId, HeldRole>,
    /// The addresses to which codes and tokens may be sent.
    pub redirect_uris: BTreeSet<String>,
}

/// A role that a client holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldRole {
    /// The divisions in which the client holds it. Empty if the platform reports none; contains [`UNKNOWN_DIVISION`] if it reports
    /// only some of them.
    pub divisions: BTreeSet<DivisionId>,
    /// The permissions of the role; `None` if the role could not be read.
    pub contents: Option<Arc<Contents>>,
}

/// The permissions of a role.
#[derive(Debug, Clone)]
pub struct Contents {
    /// The first 16 bytes of the SHA-256 of the permissions, in hexadecimal.
    pub fingerprint: String,
    /// The permissions as the role spells them, including general permissions; a conditional one ends in [`CONDITIONAL`].
    pub permissions: BTreeSet<String>,
    /// The permissions in lower case, because comparisons ignore case.
    folded: BTreeSet<String>,
    /// Whether part of the role's contents could not be read.
    partial: bool,
}

/// The contents of every role of a snapshot that could be read. Clients with the same role share its contents.
#[derive(Debug, Clone, Default)]
pub struct RoleContents(BTreeMap<RoleId, Arc<Contents>>);

impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl HeldRole {
    /// Whether the client holds the role in this division; `None` is a division that the platform did not report.
    pub(super) fn is_held_in(&self, division: Option<&DivisionId>) -> bool {
        let covers =
            |held: &DivisionId| held.is_all() || held.as_str() == division.map_or(UNKNOWN_DIVISION, DivisionId::as_str);
        self.divisions.iter().any(covers) || (division.is_none() && self.divisions.is_empty())
    }
}

impl Eq for Contents {}

impl Contents {
    /// Computes the fingerprint of these permissions.
    pub fn new(permissions: BTreeSet<String>) -> Self {
        let mut hash = Sha256::new();
        for permission in &permissions {
            // The length keeps ("ab", "c") apart from ("a", "bc").
            hash.update((permission.len() as u64).to_le_bytes());
            hash.update(permission.as_bytes());
        }
        let mut fingerprint = String::new();
        for byte in &hash.finalize()[..16] {
            // Writing to a String cannot fail.
            let _ = write!(fingerprint, "{byte:02x}");
        }
        let folded = permissions.iter().map(|permission| permission.to_ascii_lowercase()).collect();
        Self { fingerprint, permissions, folded, partial: false }
    }

    /// Whether part of the role's contents could not be read: then nothing can be concluded from a permission that is missing.
    pub(super) const fn is_partial(&self) -> bool {
        self.partial
    }

    /// Whether the role grants the permission; if `conditional`, a grant under a condition is enough.
    pub(super) fn permits(&self, permission: &str, conditional: bool) -> bool {
        let permission = permission.to_ascii_lowercase();
        self.folded.contains(&permission)
            || (conditional && self.folded.contains(&format!("{permission}{CONDITIONAL}")))
    }

    /// The permissions that `other` does not have.
    pub(super) fn beyond(&self, other: &Self) -> Vec<String> {
        let is_new = |permission: &&String| !other.folded.contains(&permission.to_ascii_lowercase());
        self.permissions.difference(&other.permissions).filter(is_new).cloned().collect()
    }

    fn of(role: &Role) -> Self {
        let condition = |conditional| if conditional { CONDITIONAL } else { "" };
        let permissions = role.permissions.iter().map(|p| format!("{p}{}", condition(p.conditional)));
        let contents = Self::new(permissions.chain(role.general.iter().cloned()).collect());
        Self { partial: role.gaps.of(RoleField::Contents) == Some(Gap::Partial), ..contents }
    }
}

impl RoleContents {
    /// The contents of every role with known contents, including partly known ones.
    pub fn of(snapshot: &Snapshot) -> Self {
        let roles = snapshot.roles.read().into_iter().flatten().filter(|role| role.is_known());
        Self(roles.map(|role| (role.id.clone(), Arc::new(Contents::of(role)))).collect())
    }
}

impl Holdings {
    /// What a client of a snapshot holds; `contents` are those of the same snapshot.
    pub fn of(client: &Client, snapshot: &Snapshot, contents: &RoleContents) -> Self {
        let mut roles: BTreeMap<RoleId, HeldRole> = BTreeMap::new();
        for grant in &client.role_grants {
            let held = roles.entry(grant.role.clone()).or_insert_with(|| HeldRole {
                divisions: BTreeSet::new(),
                contents: contents.0.get(&grant.role).cloned(),
            });
            held.divisions.extend(grant.division.clone());
        }
        for grant in client.role_grants.iter().filter(|grant| grant.division.is_none()) {
            if let Some(held) = roles.get_mut(&grant.role).filter(|held| !held.divisions.is_empty()) {
                held.divisions.insert(DivisionId::new(UNKNOWN_DIVISION));
            }
        }
        Self {
            grant_type: client.grant_type,
            state: client.state,
            token_validity: client.effective_token_validity(),
            scopes: client.scopes.iter().map(|scope| snapshot.scopes.name(*scope).to_owned()).collect(),
            roles,
            redirect_uris: client.redirect_uris.iter().map(ToString::to_string).collect(),
        }
    }

    /// With what was recorded `before` of everything that cannot be read of that client now: an approval covers what somebody
    /// saw, and must not shrink because of a gap.
    #[must_use]
    pub(super) fn remembering(mut self, before: Option<&Self>, client: &Client) -> Self {
        let Some(before) = before else { return self };
        for (id, role) in self.roles.iter_mut().filter(|(_, role)| role.contents.is_none()) {
            role.contents = before.roles.get(id).and_then(|known| known.contents.clone());
        }
        for (field, _) in client.gaps.iter() {
            match field {
                ClientField::GrantType => self.grant_type = before.grant_type,
                ClientField::State => self.state = before.state,
                ClientField::TokenValidity => self.token_validity = before.token_validity,
                ClientField::Scopes => self.scopes.extend(before.scopes.iter().cloned()),
                ClientField::RedirectUris => self.redirect_uris.extend(before.redirect_uris.iter().cloned()),
                ClientField::Roles => {
                    for (id, held) in &before.roles {
                        let role = self.roles.entry(id.clone()).or_insert_with(|| held.clone());
                        role.divisions.extend(held.divisions.iter().cloned());
                    }
                }
                ClientField::Name
                | ClientField::Description
                | ClientField::Created
                | ClientField::Modified
                | ClientField::CreatedBy
                | ClientField::ModifiedBy
                | ClientField::Deletion => {}
            }
        }
        self
    }
}

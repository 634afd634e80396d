//! Differences between what a client holds and what was approved.
//!
//! `audit::rules::drift` decides how severe they are, and `cli::baseline` how they are shown.

use super::Holdings;
use crate::domain::{Client, ClientField, ClientState, DivisionId, Gap, GrantType, RoleId};

/// A difference between the baseline and a snapshot. Where there are two values, the approved one comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A client that is not in the baseline.
    ClientAdded,
    /// A client in the baseline that no longer exists.
    ClientRemoved,
    /// The grant type changed.
    GrantType(GrantType, GrantType),
    /// The state changed.
    State(ClientState, ClientState),
    /// The lifetime of access tokens, in seconds, changed.
    TokenValidity(u32, u32),
    /// The client gained a scope.
    ScopeAdded(String),
    /// The client lost a scope.
    ScopeRemoved(String),
    /// The client gained a role, in these divisions.
    RoleAdded(RoleId, Vec<DivisionId>),
    /// The client gained an approved role in one more division.
    DivisionAdded(RoleId, DivisionId),
    /// The client lost a role.
    RoleRemoved(RoleId),
    /// The client lost a role in one division.
    DivisionRemoved(RoleId, DivisionId),
    /// The permissions of an approved role changed.
    RoleContent {
        /// The id of the role.
        role: RoleId,
        /// Permissions that the role gained.
        added: Vec<String>,
        /// Permissions that the role lost.
        removed: Vec<String>,
    },
    /// The client gained a redirect URI.
    RedirectAdded(String),
    /// The client lost a redirect URI.
    RedirectRemoved(String),
}

impl Difference {
    /// Whether a drift rule reports it. A difference that only takes something away needs no approval.
    pub fn is_drift(&self) -> bool {
        match self {
            Self::ScopeRemoved(_) | Self::RoleRemoved(_) | Self::DivisionRemoved(..) | Self::RedirectRemoved(_) => {
                false
            }
            Self::TokenValidity(before, now) => now > before,
            Self::State(before, now) => is_inactive(*before) && !is_inactive(*now),
            Self::ClientAdded
            | Self::ClientRemoved
            | Self::GrantType(..)
            | Self::ScopeAdded(_)
            | Self::RoleAdded(..)
            | Self::DivisionAdded(..)
            | Self::RoleContent { .. }
            | Self::RedirectAdded(_) => true,
        }
    }

    /// Whether the difference is certain although fields of the client may have gaps.
    ///
    /// What was read is certain. What is missing in a list with a gap may be there all the same, and a single value that could
    /// not be read differs from nothing; the last known value does.
    pub(super) fn is_certain(&self, client: &Client) -> bool {
        let single = |field| client.gaps.of(field).is_none_or(Gap::is_last_known);
        match self {
            Self::ClientAdded
            | Self::ClientRemoved
            | Self::ScopeAdded(_)
            | Self::RoleAdded(..)
            | Self::DivisionAdded(..)
            | Self::RoleContent { .. }
            | Self::RedirectAdded(_) => true,
            Self::GrantType(..) => single(ClientField::GrantType),
            Self::State(..) => single(ClientField::State),
            Self::TokenValidity(..) => single(ClientField::TokenValidity),
            Self::ScopeRemoved(_) => !client.has_gap(ClientField::Scopes),
            Self::RoleRemoved(_) | Self::DivisionRemoved(..) => !client.has_gap(ClientField::Roles),
            Self::RedirectRemoved(_) => !client.has_gap(ClientField::RedirectUris),
        }
    }
}

/// Whether a client in this state cannot obtain tokens. An unknown state may allow it.
fn is_inactive(state: ClientState) -> bool {
    matches!(state, ClientState::Inactive | ClientState::Disabled)
}

impl Holdings {
    /// The differences of `now` from these approved holdings.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        if self.grant_type != now.grant_type {
            found.push(Difference::GrantType(self.grant_type, now.grant_type));
        }
        if self.state != now.state {
            found.push(Difference::State(self.state, now.state));
        }
        if self.token_validity != now.token_validity {
            found.push(Difference::TokenValidity(self.token_validity, now.token_validity));
        }
        found.extend(now.scopes.difference(&self.scopes).cloned().map(Difference::ScopeAdded));
        found.extend(self.scopes.difference(&now.scopes).cloned().map(Difference::ScopeRemoved));
        self.role_differences(now, &mut found);
        found.extend(now.redirect_uris.difference(&self.redirect_uris).cloned().map(Difference::RedirectAdded));
        found.extend(self.redirect_uris.difference(&now.redirect_uris).cloned().map(Difference::RedirectRemoved));
        found
    }

    fn role_differences(&self, now: &Self, found: &mut Vec<Difference>) {
        for (role, held) in &now.roles {
            let Some(before) = self.roles.get(role) else {
                found.push(Difference::RoleAdded(role.clone(), held.divisions.iter().cloned().collect()));
                continue;
            };
            let more = held.divisions.difference(&before.divisions).cloned();
            found.extend(more.map(|division| Difference::DivisionAdded(role.clone(), division)));
            let less = before.divisions.difference(&held.divisions).cloned();
            found.extend(less.map(|division| Difference::DivisionRemoved(role.clone(), division)));
            match (&before.contents, &held.contents) {
                (Some(before), Some(held)) if before != held => {
                    let added = held.beyond(before);
                    // Permissions that are missing in partly read contents may still exist.
                    let removed = if held.is_partial() { Vec::new() } else { before.beyond(held) };
                    // Another spelling is not a difference.
                    if !added.is_empty() || !removed.is_empty() {
                        found.push(Difference::RoleContent { role: role.clone(), added, removed });
                    }
                }
                // The contents were unknown when the role was approved, so they are not approved.
                (None, Some(held)) if !held.permissions.is_empty() => {
                    let added = held.permissions.iter().cloned().collect();
                    found.push(Difference::RoleContent { role: role.clone(), added, removed: Vec::new() });
                }
                // The contents cannot be read now, so nothing can be concluded from them.
                _ => {}
            }
        }
        found.extend(
            self.roles.keys().filter(|role| !now.roles.contains_key(*role)).cloned().map(Difference::RoleRemoved),
        );
    }
}

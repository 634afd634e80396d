//! Clients, roles and divisions in the state file, with their gaps, and the inputs that contain them.
//!
//! The rest of the file format is in `mod`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Client, ClientField, ClientId, ClientState, Division, DivisionId, Gap, Gaps, GrantType, Input, InputGap,
    Permission, Role, RoleField, RoleGrant, RoleId, ScopeTable, Timestamp,
};
use crate::text::{masked_prose, masked_uris};

/// Gaps by the name of the field.
type SavedGaps = BTreeMap<String, SavedGap>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedGap {
    Partial,
    Unread,
    /// The value is the last known value, which was read at this time.
    LastKnown(i64),
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedClient {
    id: String,
    name: String,
    description: Option<String>,
    grant_type: String,
    /// The assumed grant type, which differs from `grant_type` if the record did not state it. Older files do not have it.
    #[serde(default)]
    taken_for: Option<String>,
    state: String,
    scopes: Vec<String>,
    roles: Vec<(String, Option<String>)>,
    redirect_uris: Vec<String>,
    token_validity: Option<u32>,
    created: Option<i64>,
    modified: Option<i64>,
    created_by: Option<String>,
    modified_by: Option<String>,
    deletion: Option<i64>,
    /// Absent if the record was read in full.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    gaps: SavedGaps,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SavedInput<T> {
    Read(T),
    #[serde(rename = "not_read")]
    Gap {
        missing_permission: Option<String>,
        message: String,
    },
}

pub(super) fn never_read<T>() -> SavedInput<T> {
    SavedInput::Gap { missing_permission: None, message: "it has not been read yet".to_owned() }
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedRole {
    id: String,
    name: String,
    default_role: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    is_default: bool,
    general: Vec<String>,
    /// Domain, entity, action, and whether it is conditional.
    permissions: Vec<(String, String, String, bool)>,
    /// Absent if the record was read in full.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    gaps: SavedGaps,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedDivision {
    id: String,
    name: String,
    home: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

pub(super) fn save_client(client: &Client, scopes: &ScopeTable) -> SavedClient {
    let role = |grant: &RoleGrant| (grant.role.to_string(), grant.division.as_ref().map(ToString::to_string));
    SavedClient {
        id: client.id.to_string(),
        name: client.name.clone(),
        description: client.description.clone(),
        grant_type: client.grant_type_spelling.to_string(),
        taken_for: Some(client.grant_type.label().to_owned()),
        state: client.state.label().to_owned(),
        scopes: client.scopes.iter().map(|scope| scopes.name(*scope).to_owned()).collect(),
        roles: client.role_grants.iter().map(role).collect(),
        redirect_uris: client.redirect_uris.to_vec(),
        token_validity: client.token_validity,
        created: client.created.map(Timestamp::seconds),
        modified: client.modified.map(Timestamp::seconds),
        created_by: client.created_by.clone(),
        modified_by: client.modified_by.clone(),
        deletion: client.deletion.map(Timestamp::seconds),
        gaps: save_gaps(&client.gaps, ClientField::label),
    }
}

pub(super) fn restore_client(saved: SavedClient, scopes: &mut ScopeTable) -> Client {
    let mut held: Vec<_> = saved.scopes.iter().map(|scope| scopes.intern(scope)).collect();
    held.sort_unstable();
    let role = |(role, division): (String, Option<String>)| RoleGrant {
        role: RoleId::new(role),
        division: division.map(DivisionId::new),
    };
    Client {
        id: ClientId::new(saved.id),
        // Older files have secrets that people wrote into these fields.
        name: masked_prose(&saved.name).into_owned(),
        description: saved.description.map(|text| masked_prose(&text).into_owned()),
        grant_type: saved
            .taken_for
            .and_then(|label| GrantType::ALL.into_iter().find(|grant| grant.label() == label))
            .unwrap_or_else(|| GrantType::from_platform(&saved.grant_type)),
        grant_type_spelling: saved.grant_type.into(),
        state: ClientState::from_platform(&saved.state),
        scopes: held.into(),
        role_grants: saved.roles.into_iter().map(role).collect(),
        redirect_uris: masked_uris(saved.redirect_uris).into(),
        token_validity: saved.token_validity,
        created: saved.created.map(Timestamp::from_seconds),
        modified: saved.modified.map(Timestamp::from_seconds),
        created_by: saved.created_by,
        modified_by: saved.modified_by,
        deletion: saved.deletion.map(Timestamp::from_seconds),
        gaps: restore_gaps(saved.gaps, ClientField::from_label),
    }
}

pub(super) fn save_role(role: &Role) -> SavedRole {
    let permission = |p: &Permission| (p.domain.to_string(), p.entity.to_string(), p.action.to_string(), p.conditional);
    SavedRole {
        id: role.id.to_string(),
        name: role.name.clone(),
        default_role: role.default_role.clone(),
        is_default: role.is_default,
        general: role.general.to_vec(),
        permissions: role.permissions.iter().map(permission).collect(),
        gaps: save_gaps(&role.gaps, RoleField::label),
    }
}

pub(super) fn restore_role(saved: SavedRole) -> Role {
    let permission = |(domain, entity, action, conditional): (String, String, String, bool)| Permission {
        domain: domain.into(),
        entity: entity.into(),
        action: action.into(),
        conditional,
    };
    Role {
        id: RoleId::new(saved.id),
        name: saved.name,
        is_default: saved.is_default || saved.default_role.is_some(),
        default_role: saved.default_role,
        general: saved.general.into(),
        permissions: saved.permissions.into_iter().map(permission).collect(),
        gaps: restore_gaps(saved.gaps, RoleField::from_label),
    }
}

fn save_gaps<F: Copy + Ord>(gaps: &Gaps<F>, label: fn(F) -> &'static str) -> SavedGaps {
    let saved = |gap| match gap {
        Gap::Partial => SavedGap::Partial,
        Gap::Unread => SavedGap::Unread,
        Gap::LastKnown(read_at) => SavedGap::LastKnown(read_at.seconds()),
    };
    gaps.iter().map(|(field, gap)| (label(field).to_owned(), saved(gap))).collect()
}

/// Fields that this version does not know are ignored: the next refresh reads the record again.
fn restore_gaps<F: Copy + Ord>(saved: SavedGaps, field: fn(&str) -> Option<F>) -> Gaps<F> {
    let gap = |saved| match saved {
        SavedGap::Partial => Gap::Partial,
        SavedGap::Unread => Gap::Unread,
        SavedGap::LastKnown(read_at) => Gap::LastKnown(Timestamp::from_seconds(read_at)),
    };
    saved.into_iter().filter_map(|(name, saved)| Some((field(&name)?, gap(saved)))).collect()
}

pub(super) fn save_input<T, S>(input: &Input<T>, save: impl FnOnce(&T) -> S) -> SavedInput<S> {
    match input {
        Input::Read(value) => SavedInput::Read(save(value)),
        Input::Gap(InputGap { missing_permission, message }) => {
            SavedInput::Gap { missing_permission: missing_permission.clone(), message: message.clone() }
        }
    }
}

pub(super) fn restore_input<T, S>(saved: SavedInput<S>, restore: impl FnOnce(S) -> T) -> Input<T> {
    match saved {
        SavedInput::Read(value) => Input::Read(restore(value)),
        SavedInput::Gap { missing_permission, message } => Input::Gap(InputGap { missing_permission, message }),
    }
}

pub(super) fn save_division(division: &Division) -> SavedDivision {
    SavedDivision { id: division.id.to_string(), name: division.name.clone(), home: division.home }
}

pub(super) fn restore_division(saved: SavedDivision) -> Division {
    Division { id: DivisionId::new(saved.id), name: saved.name, home: saved.home }
}

//! Clients, roles and divisions in the state file, with their gaps, and the inputs that contain them.
//!
//! The rest of the file format is in `mod`.

use std::borrow::Cow;
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

/// Borrowed when it is written, and owned when it is read.
type Text<'a> = Cow<'a, str>;

#[derive(Serialize, Deserialize)]
pub(super) struct SavedClient<'a> {
    id: Text<'a>,
    name: Text<'a>,
    description: Option<Text<'a>>,
    grant_type: Text<'a>,
    /// The assumed grant type, which differs from `grant_type` if the record did not state it. Older files do not have it.
    #[serde(default)]
    taken_for: Option<Text<'a>>,
    state: Text<'a>,
    scopes: Vec<Text<'a>>,
    roles: Vec<(Text<'a>, Option<Text<'a>>)>,
    redirect_uris: Vec<Text<'a>>,
    token_validity: Option<u32>,
    created: Option<i64>,
    modified: Option<i64>,
    created_by: Option<Text<'a>>,
    modified_by: Option<Text<'a>>,
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
pub(super) struct SavedRole<'a> {
    id: Text<'a>,
    name: Text<'a>,
    default_role: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "is_false")]
    is_default: bool,
    general: Vec<Text<'a>>,
    /// Domain, entity, action, and whether it is conditional.
    permissions: Vec<(Text<'a>, Text<'a>, Text<'a>, bool)>,
    /// Absent if the record was read in full.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    gaps: SavedGaps,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedDivision<'a> {
    id: Text<'a>,
    name: Text<'a>,
    home: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

pub(super) fn save_client<'a>(client: &'a Client, scopes: &'a ScopeTable) -> SavedClient<'a> {
    let role =
        |grant: &'a RoleGrant| (grant.role.as_str().into(), grant.division.as_ref().map(|id| id.as_str().into()));
    SavedClient {
        id: client.id.as_str().into(),
        name: (&*client.name).into(),
        description: client.description.as_deref().map(Cow::Borrowed),
        grant_type: (&*client.grant_type_spelling).into(),
        taken_for: Some(client.grant_type.label().into()),
        state: client.state.label().into(),
        scopes: client.scopes.iter().map(|scope| scopes.name(*scope).into()).collect(),
        roles: client.role_grants.iter().map(role).collect(),
        redirect_uris: client.redirect_uris.iter().map(|uri| (&**uri).into()).collect(),
        token_validity: client.token_validity,
        created: client.created.map(Timestamp::seconds),
        modified: client.modified.map(Timestamp::seconds),
        created_by: client.created_by.as_deref().map(Cow::Borrowed),
        modified_by: client.modified_by.as_deref().map(Cow::Borrowed),
        deletion: client.deletion.map(Timestamp::seconds),
        gaps: save_gaps(&client.gaps, ClientField::label),
    }
}

pub(super) fn restore_client(saved: SavedClient<'_>, scopes: &mut ScopeTable) -> Client {
    let mut held: Vec<_> = saved.scopes.iter().map(|scope| scopes.intern(scope)).collect();
    held.sort_unstable();
    held.dedup();
    let mut role_grants: Vec<RoleGrant> = saved
        .roles
        .into_iter()
        .map(|(role, division)| RoleGrant {
            role: RoleId::new(&*role),
            division: division.map(|id| DivisionId::new(&*id)),
        })
        .collect();
    role_grants.sort();
    role_grants.dedup();
    let redirect_uris = masked_uris(saved.redirect_uris.into_iter().map(Cow::into_owned));
    Client {
        id: ClientId::new(&*saved.id),
        // Older files have secrets that people wrote into these fields.
        name: masked_prose(&saved.name).into(),
        description: saved.description.map(|text| masked_prose(&text).into()),
        grant_type: saved
            .taken_for
            .and_then(|label| GrantType::ALL.into_iter().find(|grant| grant.label() == label))
            .unwrap_or_else(|| GrantType::from_platform(&saved.grant_type)),
        grant_type_spelling: saved.grant_type.into(),
        state: ClientState::from_platform(&saved.state),
        scopes: held.into(),
        role_grants: role_grants.into(),
        redirect_uris: redirect_uris.into_iter().map(String::into_boxed_str).collect(),
        token_validity: saved.token_validity,
        created: saved.created.map(Timestamp::from_seconds),
        modified: saved.modified.map(Timestamp::from_seconds),
        created_by: saved.created_by.map(Into::into),
        modified_by: saved.modified_by.map(Into::into),
        deletion: saved.deletion.map(Timestamp::from_seconds),
        gaps: restore_gaps(saved.gaps, ClientField::from_label),
    }
}

fn save_permission(permission: &Permission) -> (Text<'_>, Text<'_>, Text<'_>, bool) {
    let Permission { domain, entity, action, conditional } = permission;
    ((&**domain).into(), (&**entity).into(), (&**action).into(), *conditional)
}

pub(super) fn save_role(role: &Role) -> SavedRole<'_> {
    SavedRole {
        id: role.id.as_str().into(),
        name: role.name.as_str().into(),
        default_role: role.default_role.as_deref().map(Cow::Borrowed),
        is_default: role.is_default,
        general: role.general.iter().map(|name| name.as_str().into()).collect(),
        permissions: role.permissions.iter().map(save_permission).collect(),
        gaps: save_gaps(&role.gaps, RoleField::label),
    }
}

pub(super) fn restore_role(saved: SavedRole<'_>) -> Role {
    let permission = |(domain, entity, action, conditional): (Text<'_>, Text<'_>, Text<'_>, bool)| Permission {
        domain: domain.into(),
        entity: entity.into(),
        action: action.into(),
        conditional,
    };
    Role {
        id: RoleId::new(&*saved.id),
        name: saved.name.into_owned(),
        is_default: saved.is_default || saved.default_role.is_some(),
        default_role: saved.default_role.map(Cow::into_owned),
        general: saved.general.into_iter().map(Cow::into_owned).collect(),
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

pub(super) fn save_input<'a, T, S>(input: &'a Input<T>, save: impl FnOnce(&'a T) -> S) -> SavedInput<S> {
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

pub(super) fn save_division(division: &Division) -> SavedDivision<'_> {
    SavedDivision { id: division.id.as_str().into(), name: division.name.as_str().into(), home: division.home }
}

pub(super) fn restore_division(saved: SavedDivision<'_>) -> Division {
    Division { id: DivisionId::new(&*saved.id), name: saved.name.into_owned(), home: saved.home }
}

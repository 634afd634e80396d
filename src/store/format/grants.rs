//! The ledger in the state file: dangerous grants, and the unread data that may hide others.
//!
//! The rest of the file format is in `mod`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{ClientId, RoleId, Timestamp};
use crate::ledger::{Grant, GrantKind, Hidden, HidingPlace, Ledger, Memory, Standing};

#[derive(Serialize, Deserialize)]
pub(super) struct SavedGrant {
    client: String,
    #[serde(flatten)]
    privilege: SavedPrivilege,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<i64>,
    #[serde(default, skip_serializing_if = "SavedStanding::is_settled")]
    standing: SavedStanding,
    #[serde(default, skip_serializing_if = "is_zero")]
    missed: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    gone_since: Option<i64>,
    /// Seconds. Absent in files of versions that counted by the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone_for: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum SavedPrivilege {
    Scope { scope: String },
    Permission { permission: String, pattern: String, role: String },
}

/// A client, and the part of its data that could not be read: `scopes`, `roles`, or the permissions of a named role.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedHidden {
    client: String,
    place: SavedPlace,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedPlace {
    Scopes,
    Roles,
    Role(String),
}

#[derive(Serialize, Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum SavedStanding {
    Unapproved,
    Exempt,
    #[default]
    Settled,
}

impl SavedStanding {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    fn is_settled(&self) -> bool {
        *self == Self::Settled
    }
}

impl From<Standing> for SavedStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Unapproved => Self::Unapproved,
            Standing::Exempt => Self::Exempt,
            Standing::Settled => Self::Settled,
        }
    }
}

impl From<SavedStanding> for Standing {
    fn from(standing: SavedStanding) -> Self {
        match standing {
            SavedStanding::Unapproved => Self::Unapproved,
            SavedStanding::Exempt => Self::Exempt,
            SavedStanding::Settled => Self::Settled,
        }
    }
}

pub(super) fn save_hidden(hidden: &Hidden) -> SavedHidden {
    let place = match &hidden.place {
        HidingPlace::Scopes => SavedPlace::Scopes,
        HidingPlace::Roles => SavedPlace::Roles,
        HidingPlace::Role(role) => SavedPlace::Role(role.to_string()),
    };
    SavedHidden { client: hidden.client.to_string(), place }
}

pub(super) fn restore_hidden(saved: SavedHidden) -> Hidden {
    let place = match saved.place {
        SavedPlace::Scopes => HidingPlace::Scopes,
        SavedPlace::Roles => HidingPlace::Roles,
        SavedPlace::Role(role) => HidingPlace::Role(RoleId::new(role)),
    };
    Hidden { client: ClientId::new(saved.client), place }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

pub(super) fn restore_ledger(grants: Vec<SavedGrant>, hidden: Vec<SavedHidden>) -> Ledger {
    Ledger::from_entries(grants.into_iter().map(restore_grant), hidden.into_iter().map(restore_hidden).collect())
}

pub(super) fn save_grant(grant: &Grant, memory: Memory) -> SavedGrant {
    let (first_seen, standing, missed, gone) = match memory {
        Memory::Held { first_seen, standing, missed } => {
            (first_seen.map(Timestamp::seconds), standing.into(), missed, None)
        }
        Memory::Gone { since, elapsed } => {
            (None, SavedStanding::Settled, 0, Some((since.seconds(), elapsed.as_secs())))
        }
    };
    let privilege = match grant.kind {
        GrantKind::Scope => SavedPrivilege::Scope { scope: grant.evidence.to_string() },
        GrantKind::Permission => {
            let role = grant.role.as_ref().map(ToString::to_string).unwrap_or_default();
            SavedPrivilege::Permission {
                permission: grant.evidence.to_string(),
                pattern: grant.label.to_string(),
                role,
            }
        }
    };
    let (gone_since, gone_for) = gone.unzip();
    SavedGrant { client: grant.client.to_string(), privilege, first_seen, standing, missed, gone_since, gone_for }
}

fn restore_grant(saved: SavedGrant) -> (Grant, Memory) {
    let memory = match saved.gone_since {
        Some(since) => Memory::Gone {
            since: Timestamp::from_seconds(since),
            elapsed: Duration::from_secs(saved.gone_for.unwrap_or_default()),
        },
        None => Memory::Held {
            first_seen: saved.first_seen.map(Timestamp::from_seconds),
            standing: saved.standing.into(),
            missed: saved.missed,
        },
    };
    let client = ClientId::new(saved.client);
    let grant = match saved.privilege {
        SavedPrivilege::Scope { scope } => Grant::scope(&client, &scope),
        SavedPrivilege::Permission { permission, pattern, role } => {
            Grant::permission(&client, &permission, &pattern, RoleId::new(role))
        }
    };
    (grant, memory)
}

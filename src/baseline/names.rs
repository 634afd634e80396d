//! Names of clients, roles and divisions beside their ids, for people who review the file.
//!
//! They are only shown: nothing is compared with them or found by them, and a rename changes no approval.

use std::collections::BTreeMap;

use super::Holdings;
use crate::domain::{ClientField, ClientId, DivisionId, RoleField, RoleId, Snapshot};
use crate::text::{visible, without_addresses};

/// The names of a client and of what it holds, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// The client's name.
    pub client: Option<String>,
    /// The names of the roles that it holds.
    pub roles: BTreeMap<RoleId, String>,
    /// The names of the divisions in which it holds them.
    pub divisions: BTreeMap<DivisionId, String>,
}

impl Names {
    /// The present names of a client and of what it holds. What cannot be read now keeps the name that it had before.
    pub(super) fn of(id: &ClientId, holdings: &Holdings, snapshot: &Snapshot, mut before: Self) -> Self {
        let client = snapshot.client(id).filter(|client| client.gaps.of(ClientField::Name).is_none());
        let role = |id: &RoleId| snapshot.role(id).filter(|role| role.gaps.of(RoleField::Name).is_none());
        let division = |id: &DivisionId| snapshot.divisions.read().and_then(|divisions| divisions.get(id));
        let roles = holdings.roles.keys().filter_map(|id| {
            let name = role(id).map(|role| shown(&role.name)).or_else(|| before.roles.remove(id))?;
            Some((id.clone(), name))
        });
        let roles = roles.collect();
        let held = holdings.roles.values().flat_map(|role| &role.divisions);
        let divisions = held.filter_map(|id| {
            let known = division(id).map(|division| shown(&division.name));
            Some((id.clone(), known.or_else(|| before.divisions.get(id).cloned())?))
        });
        let divisions = divisions.collect();
        Self { client: client.map(|client| shown(&client.name)).or(before.client), roles, divisions }
    }
}

/// The form of a name in the file: with nothing that a reviewer could not see, and without e-mail addresses.
fn shown(name: &str) -> String {
    visible(&without_addresses(name)).into_owned()
}

//! The approved state of an organisation: what it approves, how a part is approved, and what differs from it.
//!
//! Not the file (`document`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Difference, Holdings, Names, RoleContents, names_permission};
use crate::domain::{Client, ClientId, DivisionId, GrantType, OrgId, Snapshot, Timestamp};

/// The approved state of one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// The organisation's id. A baseline has no effect on another organisation.
    pub organisation: OrgId,
    /// The last approval of any part of the baseline.
    pub approval: Approval,
    /// The approved clients.
    pub clients: BTreeMap<ClientId, ApprovedClient>,
}

/// An approval: who, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The time of the approval, in full seconds.
    pub at: Timestamp,
    /// A name or a ticket; never blank in a file.
    pub by: String,
    /// Free text; never blank in a file.
    pub reason: String,
}

/// What a client may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedClient {
    /// The last approval of this client.
    pub approval: Approval,
    /// What the client held when it was last approved as a whole.
    pub holdings: Holdings,
    /// Scopes that have been approved individually since then.
    pub scopes: BTreeSet<String>,
    /// Permissions, as a role grants them, that have been approved individually since then, in every division. A permission that
    /// ends in [`CONDITIONAL`](super::CONDITIONAL) is approved only under a condition, any other with and without one.
    pub permissions: BTreeSet<String>,
    /// For display only; never compared.
    pub names: Names,
}

impl Baseline {
    /// A baseline that approves everything in the snapshot.
    pub fn of(snapshot: &Snapshot, approval: &Approval) -> Self {
        let organisation = snapshot.organisation.id.clone();
        let mut baseline = Self { organisation, approval: approval.clone(), clients: BTreeMap::new() };
        baseline.approve_all(snapshot, approval);
        baseline
    }

    /// Whether the client may hold the scope. If scopes had no effect under the approved grant type and the grant type has changed,
    /// the scopes that the client held then are not approved.
    pub fn approves_scope(&self, client: &Client, scope: &str) -> bool {
        self.clients.get(&client.id).is_some_and(|approved| {
            let counted = approved.counted(client, GrantType::scopes_count);
            approved.scopes.contains(scope) || (counted && approved.holdings.scopes.contains(scope))
        })
    }

    /// Whether the client may hold the permission, as a role grants it, in the division. `*` approves only `*`. Case is ignored.
    ///
    /// A permission is approved if an approved role granted it in this division, or if it was approved individually; the latter
    /// applies in every division. A permission that was approved under a condition is not approved without one. As with scopes,
    /// roles that had no effect under the approved grant type approve nothing once the grant type has changed.
    pub fn approves_permission(
        &self,
        client: &Client,
        permission: &str,
        division: Option<&DivisionId>,
        conditional: bool,
    ) -> bool {
        let Some(approved) = self.clients.get(&client.id) else { return false };
        if approved.permissions.iter().any(|literal| names_permission(literal, permission, conditional)) {
            return true;
        }
        let roles = approved.holdings.roles.values().filter(|role| role.is_held_in(division));
        let mut contents = roles.filter_map(|role| role.contents.as_deref());
        approved.counted(client, GrantType::roles_count)
            && contents.any(|contents| contents.permits(permission, conditional))
    }

    /// Approves everything in the snapshot, and removes clients that no longer exist. An unchanged client keeps its approval.
    pub fn approve_all(&mut self, snapshot: &Snapshot, approval: &Approval) {
        let contents = RoleContents::of(snapshot);
        let mut before = std::mem::take(&mut self.clients);
        for client in &snapshot.clients {
            let old = before.remove(&client.id);
            let holdings =
                Holdings::of(client, snapshot, &contents).remembering(old.as_ref().map(|old| &old.holdings), client);
            let names = old.as_ref().map(|old| old.names.clone()).unwrap_or_default();
            let same = old.filter(|old| old.is_only(&holdings));
            let approved = same.unwrap_or_else(|| ApprovedClient::of(holdings, approval, names));
            self.clients.insert(client.id.clone(), approved);
        }
        self.refresh_names(snapshot);
        self.approval = approval.clone();
    }

    /// Approves one client as it is in the snapshot, and no other. Returns false if the snapshot has no such client.
    pub fn approve_client(&mut self, id: &ClientId, snapshot: &Snapshot, approval: &Approval) -> bool {
        let Some(client) = snapshot.client(id) else { return false };
        let old = self.clients.get(id);
        let names = old.map(|old| old.names.clone()).unwrap_or_default();
        let holdings = Holdings::of(client, snapshot, &RoleContents::of(snapshot))
            .remembering(old.map(|old| &old.holdings), client);
        self.clients.insert(id.clone(), ApprovedClient::of(holdings, approval, names));
        self.refresh_names(snapshot);
        self.approval = approval.clone();
        true
    }

    /// Approves individual scopes and permissions of a client. Returns false if the client is not in the baseline.
    pub fn approve_privileges(
        &mut self,
        id: &ClientId,
        scopes: impl IntoIterator<Item = String>,
        permissions: impl IntoIterator<Item = String>,
        approval: &Approval,
    ) -> bool {
        let Some(approved) = self.clients.get_mut(id) else { return false };
        approved.scopes.extend(scopes);
        approved.permissions.extend(permissions);
        approved.approval = approval.clone();
        self.approval = approval.clone();
        true
    }

    /// Removes the clients that no longer exist, and returns them. If there are any, this counts as an approval.
    pub fn prune(&mut self, snapshot: &Snapshot, approval: &Approval) -> Vec<(ClientId, ApprovedClient)> {
        let gone: Vec<ClientId> = self.clients.keys().filter(|id| !snapshot.clients.contains(id)).cloned().collect();
        if !gone.is_empty() {
            self.approval = approval.clone();
        }
        gone.into_iter().filter_map(|id| self.clients.remove_entry(&id)).collect()
    }

    /// Takes the present names of everything that the baseline contains.
    pub fn refresh_names(&mut self, snapshot: &Snapshot) {
        for (id, approved) in &mut self.clients {
            let before = std::mem::take(&mut approved.names);
            approved.names = Names::of(id, &approved.holdings, snapshot, before);
        }
    }

    /// Whether both approve the same, and for the same reasons, except for the last approval of any part. Names do not count.
    pub fn approves_the_same(&self, other: &Self) -> bool {
        let nameless = |baseline: &Self| {
            let mut clients = baseline.clients.clone();
            for client in clients.values_mut() {
                client.names = Names::default();
            }
            clients
        };
        self.organisation == other.organisation && nameless(self) == nameless(other)
    }

    /// The differences between the baseline and the snapshot, by client. Individually approved scopes are not differences.
    pub fn differences(&self, snapshot: &Snapshot) -> Vec<(ClientId, Vec<Difference>)> {
        let contents = RoleContents::of(snapshot);
        let of_client = |client: &Client| (client.id.clone(), self.differences_of(client, snapshot, &contents));
        let removed = self.removed(snapshot).map(|id| (id.clone(), vec![Difference::ClientRemoved]));
        let mut differences: Vec<_> = snapshot.clients.iter().map(of_client).chain(removed).collect();
        differences.retain(|(_, found)| !found.is_empty());
        differences.sort_by(|(a, _), (b, _)| a.cmp(b));
        differences
    }

    /// What differs from the approved state of this client of the snapshot. `contents` are those of the snapshot's roles.
    pub fn differences_of(&self, client: &Client, snapshot: &Snapshot, contents: &RoleContents) -> Vec<Difference> {
        let Some(approved) = self.clients.get(&client.id) else { return vec![Difference::ClientAdded] };
        let now = Holdings::of(client, snapshot, contents);
        let mut found = approved.holdings.differences(&now);
        found.retain(|d| !matches!(d, Difference::ScopeAdded(scope) if approved.scopes.contains(scope)));
        found.retain(|difference| difference.is_certain(client));
        found
    }

    /// The approved clients that the snapshot does not have.
    pub fn removed<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a ClientId> {
        self.clients.keys().filter(|id| !snapshot.clients.contains(id))
    }
}

impl ApprovedClient {
    /// A client that is approved as a whole, with these holdings.
    fn of(holdings: Holdings, approval: &Approval, names: Names) -> Self {
        let (scopes, permissions) = (BTreeSet::new(), BTreeSet::new());
        Self { approval: approval.clone(), holdings, scopes, permissions, names }
    }

    /// Whether exactly these holdings are approved.
    fn is_only(&self, holdings: &Holdings) -> bool {
        self.holdings == *holdings && self.scopes.is_empty() && self.permissions.is_empty()
    }

    /// Whether the scopes or roles had an effect under the approved grant type (`counts`), or the grant type is still the same.
    fn counted(&self, client: &Client, counts: fn(GrantType) -> bool) -> bool {
        counts(self.holdings.grant_type) || self.holdings.grant_type == client.grant_type
    }
}

//! What somebody approved: who may hold what, by client id.
//!
//! Pure: the file is read by `refresh` and written by `cli`. No baseline is not an empty baseline: where none is loaded,
//! nothing is asked to be approved.

mod difference;
mod document;
mod holdings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use difference::Difference;
pub use document::BaselineError;
pub use holdings::{CONDITIONAL, Contents, HeldRole, Holdings, RoleContents, UNKNOWN_DIVISION, names_permission};

use crate::domain::{Client, ClientId, DivisionId, GrantType, OrgId, Snapshot, Timestamp};

/// The approved state of one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// Whose.
    pub organisation: OrgId,
    /// The last approval of any part.
    pub approval: Approval,
    /// Every approved client.
    pub clients: BTreeMap<ClientId, ApprovedClient>,
}

/// Who approved, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// When.
    pub at: Timestamp,
    /// A name or a ticket.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What one client may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedClient {
    /// The last approval of this client.
    pub approval: Approval,
    /// What it held when it was approved as a whole.
    pub holdings: Holdings,
    /// Scopes that were approved one by one since.
    pub scopes: BTreeSet<String>,
    /// Permissions, as a role grants them, that were approved one by one since, in every division. One that ends in
    /// [`CONDITIONAL`] is approved under a condition only; any other with and without.
    pub permissions: BTreeSet<String>,
}

impl Baseline {
    /// Reads the file's text. An error tells what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        document::parse(text)
    }

    /// The file's text: the same for the same baseline, one item a line, a line break at the end.
    pub fn to_json(&self) -> String {
        document::write(self)
    }

    /// Everything that is there, approved.
    pub fn of(snapshot: &Snapshot, approval: &Approval) -> Self {
        let organisation = snapshot.organisation.id.clone();
        let mut baseline = Self { organisation, approval: approval.clone(), clients: BTreeMap::new() };
        baseline.approve_all(snapshot, approval);
        baseline
    }

    /// Whether that client may hold that scope. What had no effect under the approved grant type was not approved.
    pub fn approves_scope(&self, client: &Client, scope: &str) -> bool {
        self.clients.get(&client.id).is_some_and(|approved| {
            let counted = approved.counted(client, GrantType::scopes_count);
            approved.scopes.contains(scope) || (counted && approved.holdings.scopes.contains(scope))
        })
    }

    /// Whether that client may hold that permission in that division, as a role grants it: `*` approves `*` and nothing
    /// else. Case does not count.
    ///
    /// Approved is what the approved roles permitted in the divisions in which they were held, or what was approved by its
    /// name, wherever it is held. What was approved under a condition is not approved without one.
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
        let there = approved.holdings.roles.values().filter(|role| role.reaches(division));
        let mut contents = there.filter_map(|role| role.contents.as_deref());
        approved.counted(client, GrantType::roles_count)
            && contents.any(|contents| contents.permits(permission, conditional))
    }

    /// Approves everything that is there; clients that are gone leave. What did not change keeps its approval.
    pub fn approve_all(&mut self, snapshot: &Snapshot, approval: &Approval) {
        let contents = RoleContents::of(snapshot);
        let mut before = std::mem::take(&mut self.clients);
        for client in &snapshot.clients {
            let old = before.remove(&client.id);
            let holdings = Holdings::of(client, snapshot, &contents).remembering(old.as_ref().map(|old| &old.holdings));
            let same = old.filter(|old| old.is_only(&holdings));
            let approved = same.unwrap_or_else(|| ApprovedClient::of(holdings, approval));
            self.clients.insert(client.id.clone(), approved);
        }
        // Nobody knows what these hold now: what was approved of them stands.
        self.clients.extend(before.into_iter().filter(|(id, _)| !is_gone(snapshot, id)));
        self.approval = approval.clone();
    }

    /// Approves one client as it is now, and nothing beside. False where the organisation has no such client.
    pub fn approve_client(&mut self, id: &ClientId, snapshot: &Snapshot, approval: &Approval) -> bool {
        let Some(client) = snapshot.client(id) else { return false };
        let old = self.clients.get(id).map(|old| &old.holdings);
        let holdings = Holdings::of(client, snapshot, &RoleContents::of(snapshot)).remembering(old);
        self.clients.insert(id.clone(), ApprovedClient::of(holdings, approval));
        self.approval = approval.clone();
        true
    }

    /// Approves single scopes and permissions of a client that is in the baseline. False where it is not.
    pub fn approve_powers(
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

    /// Removes the clients that the organisation no longer has. Gives back their ids.
    pub fn prune(&mut self, snapshot: &Snapshot) -> Vec<ClientId> {
        let gone: Vec<ClientId> = self.clients.keys().filter(|id| is_gone(snapshot, id)).cloned().collect();
        for id in &gone {
            self.clients.remove(id);
        }
        gone
    }

    /// How the organisation differs from what is approved, by client.
    pub fn differences(&self, snapshot: &Snapshot) -> Vec<(ClientId, Vec<Difference>)> {
        let contents = RoleContents::of(snapshot);
        let mut differences: BTreeMap<ClientId, Vec<Difference>> = BTreeMap::new();
        for client in &snapshot.clients {
            let found = match self.clients.get(&client.id) {
                None => vec![Difference::ClientAdded],
                Some(approved) => {
                    let now = Holdings::of(client, snapshot, &contents);
                    let mut found = approved.holdings.differences(&now);
                    found.retain(|d| !matches!(d, Difference::ScopeAdded(scope) if approved.scopes.contains(scope)));
                    found
                }
            };
            if !found.is_empty() {
                differences.insert(client.id.clone(), found);
            }
        }
        for id in self.clients.keys().filter(|id| is_gone(snapshot, id)) {
            differences.insert(id.clone(), vec![Difference::ClientRemoved]);
        }
        differences.into_iter().collect()
    }
}

/// Whether the organisation has no such client any more. One whose record cannot be read is there.
fn is_gone(snapshot: &Snapshot, id: &ClientId) -> bool {
    snapshot.client(id).is_none() && !snapshot.unread.contains(id)
}

impl ApprovedClient {
    /// A client approved as a whole.
    pub fn of(holdings: Holdings, approval: &Approval) -> Self {
        Self { approval: approval.clone(), holdings, scopes: BTreeSet::new(), permissions: BTreeSet::new() }
    }

    fn is_only(&self, holdings: &Holdings) -> bool {
        self.holdings == *holdings && self.scopes.is_empty() && self.permissions.is_empty()
    }

    /// Whether what is recorded had its effect when it was approved, or the grant type is as it was.
    fn counted(&self, client: &Client, counts: fn(GrantType) -> bool) -> bool {
        counts(self.holdings.grant_type) || self.holdings.grant_type == client.grant_type
    }
}

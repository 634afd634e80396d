//! Everything that one complete refresh read about one organisation.
//!
//! `audit` decides what in it is dangerous. How fresh it is, is in [`super::Freshness`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Client, ClientId, Collector, Division, DivisionId, Input, InputGap, OrgId, Records, Role, RoleId, ScopeTable,
    Timestamp,
};

/// One organisation at one time. Its list of clients is complete: a refresh with an incomplete list fails. Cheap to clone: snapshots
/// share what is equal in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The organisation that the clients belong to.
    pub organisation: Organisation,
    /// When the refresh that read this data began.
    pub taken_at: Timestamp,
    /// The exporter's own client in this organisation; `None` if it is not known.
    pub own_client: Option<ClientId>,
    /// Every client of the organisation.
    pub clients: Records<Client>,
    /// The distinct scopes that clients hold.
    pub scopes: ScopeTable,
    /// The platform's registry of scopes: the description of each id.
    pub registry: Input<Arc<BTreeMap<String, String>>>,
    /// The organisation's roles.
    pub roles: Input<Records<Role>>,
    /// The organisation's divisions.
    pub divisions: Input<Arc<BTreeMap<DivisionId, Division>>>,
    /// The platform's registry of permissions, each as `domain:entity:action`.
    pub permissions: Input<Arc<BTreeSet<String>>>,
}

impl Snapshot {
    /// The client with this id.
    pub fn client(&self, id: &ClientId) -> Option<&Client> {
        self.clients.find(id)
    }

    /// The role with this id; `None` if roles could not be read, or if the organisation's list does not contain it.
    pub fn role(&self, id: &RoleId) -> Option<&Role> {
        self.roles.read()?.find(id)
    }

    /// Why the input of this collector could not be read; `None` if it was read.
    pub fn gap(&self, collector: Collector) -> Option<&InputGap> {
        match collector {
            Collector::Clients => None,
            Collector::Scopes => self.registry.gap(),
            Collector::Roles => self.roles.gap(),
            Collector::Divisions => self.divisions.gap(),
            Collector::Permissions => self.permissions.gap(),
        }
    }

    /// Every input that could not be read, in the order of [`Collector::ALL`].
    pub fn input_gaps(&self) -> impl Iterator<Item = (Collector, &InputGap)> {
        Collector::ALL.into_iter().filter_map(|collector| Some((collector, self.gap(collector)?)))
    }

    /// Fills every unread field of a client or a role with its last known value.
    ///
    /// `last` is the last complete snapshot of the same organisation. The scope names of its clients are added to the table.
    pub fn fill_gaps(&mut self, last: &Self) {
        let scopes = &mut self.scopes;
        self.clients.fill_gaps(last.taken_at, |id| {
            let client = last.client(id)?;
            let mut held: Vec<_> = client.scopes.iter().map(|scope| scopes.intern(last.scopes.name(*scope))).collect();
            held.sort_unstable();
            Some(Client { scopes: held.into(), ..client.clone() })
        });
        if let Input::Read(roles) = &mut self.roles {
            roles.fill_gaps(last.taken_at, |id| last.role(id).cloned());
        }
    }

    /// Replaces every part that is equal in an earlier snapshot by that part, so that it is in memory once.
    pub fn share_with(&mut self, earlier: &Self) {
        self.clients.share_with(&earlier.clients);
        share(&mut self.registry, &earlier.registry);
        share(&mut self.divisions, &earlier.divisions);
        share(&mut self.permissions, &earlier.permissions);
        if let (Input::Read(roles), Some(earlier)) = (&mut self.roles, earlier.roles.read()) {
            roles.share_with(earlier);
        }
        if self.scopes == earlier.scopes {
            self.scopes = earlier.scopes.clone();
        }
    }

    /// Whether both say the same, whenever they were taken.
    pub fn has_data_of(&self, other: &Self) -> bool {
        self.clients == other.clients && self.describes_the_same_as(other)
    }

    /// Whether both say the same about everything but the clients, and their clients' scopes have the same indices.
    pub fn describes_the_same_as(&self, later: &Self) -> bool {
        self.organisation == later.organisation
            && self.own_client == later.own_client
            && later.scopes.continues(&self.scopes)
            && self.registry == later.registry
            && self.roles == later.roles
            && self.divisions == later.divisions
            && self.permissions == later.permissions
    }

    /// Whether this client holds this scope.
    pub fn holds_scope(&self, id: &ClientId, scope: &str) -> bool {
        let Some(index) = self.scopes.find(scope) else { return false };
        self.client(id).is_some_and(|client| client.scopes.binary_search(&index).is_ok())
    }
}

fn share<T: Clone + PartialEq>(part: &mut T, earlier: &T) {
    if part == earlier {
        part.clone_from(earlier);
    }
}

/// The organisation that a snapshot describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// The platform's id.
    pub id: OrgId,
    /// The platform's name for it.
    pub name: String,
    /// The region's domain, e.g. `mypurecloud.ie`, or the API host where only hosts were configured.
    pub region: String,
}

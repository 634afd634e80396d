//! Everything that one complete refresh learned of one organisation.
//!
//! What is dangerous in it is decided in `audit`; how fresh it is, in [`super::Freshness`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{Client, ClientId, Division, DivisionId, OrgId, Records, Role, RoleId, Timestamp};

/// One organisation at one moment. Its list of clients is complete: an incomplete list makes no snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Whose clients these are.
    pub organisation: Organisation,
    /// When the refresh that made it began.
    pub taken_at: Timestamp,
    /// The exporter's own client in this organisation, where the platform says which it is.
    pub own_client: Option<ClientId>,
    /// Every client.
    pub clients: Records<Client>,
    /// The distinct scopes that clients hold.
    pub scopes: ScopeTable,
    /// The platform's registry of scopes: id to description.
    pub registry: Input<BTreeMap<String, String>>,
    /// The organisation's roles.
    pub roles: Input<Records<Role>>,
    /// The organisation's divisions.
    pub divisions: Input<BTreeMap<DivisionId, Division>>,
    /// The platform's registry of permissions, each as `domain:entity:action`.
    pub permissions: Input<BTreeSet<String>>,
}

impl Snapshot {
    /// The client with this id.
    pub fn client(&self, id: &ClientId) -> Option<&Client> {
        self.clients.find(id)
    }

    /// The role with this id; `None` if roles could not be read, or the organisation's list lacks it.
    pub fn role(&self, id: &RoleId) -> Option<&Role> {
        self.roles.read()?.find(id)
    }

    /// Why that collector's input could not be read; `None` if it was read.
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

    /// Takes the last known value of every field of a client or a role of which nothing could be read.
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

    /// Whether that client holds that scope.
    pub fn holds_scope(&self, id: &ClientId, scope: &str) -> bool {
        let Some(index) = self.scopes.find(scope) else { return false };
        self.client(id).is_some_and(|client| client.scopes.contains(&index))
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

/// An input of the audit beside the list of clients: read, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<T> {
    /// It was read completely.
    Read(T),
    /// It could not be read.
    Gap(InputGap),
}

impl<T> Input<T> {
    /// The value where it was read.
    pub fn read(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Gap(_) => None,
        }
    }

    /// Why it could not be read.
    pub fn gap(&self) -> Option<&InputGap> {
        match self {
            Self::Read(_) => None,
            Self::Gap(why) => Some(why),
        }
    }
}

/// Why an input could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputGap {
    /// The permission that the exporter's client lacks, where that is the cause.
    pub missing_permission: Option<String>,
    /// A sentence for people.
    pub message: String,
}

/// What is collected from the platform, the value of the label `collector`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collector {
    /// The list of OAuth clients.
    Clients,
    /// The registry of scopes.
    Scopes,
    /// Roles and their permissions.
    Roles,
    /// Divisions.
    Divisions,
    /// The registry of permissions.
    Permissions,
}

impl Collector {
    /// Every collector, in the order in which a refresh runs them.
    pub const ALL: [Self; 5] = [Self::Clients, Self::Scopes, Self::Roles, Self::Divisions, Self::Permissions];

    /// The value of the label `collector`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Scopes => "scopes",
            Self::Roles => "roles",
            Self::Divisions => "divisions",
            Self::Permissions => "permissions",
        }
    }

    /// The permission that reading it needs, where it needs one (vendor SDK documentation of each endpoint).
    pub const fn permission(self) -> Option<&'static str> {
        match self {
            Self::Clients => Some("oauth:client:view"),
            Self::Roles => Some("authorization:role:view"),
            Self::Scopes | Self::Divisions | Self::Permissions => None,
        }
    }
}

/// The position of a scope's name in the snapshot's [`ScopeTable`]. Meaningless in another snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeIndex(u32);

impl ScopeIndex {
    /// The position in the table, for per-scope tables of the same length.
    pub const fn position(self) -> usize {
        self.0 as usize
    }
}

/// The distinct scope names of a snapshot, so that a client holds four bytes a scope and a pattern is matched once a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeTable {
    names: Vec<Arc<str>>,
    positions: HashMap<Arc<str>, ScopeIndex>,
}

impl ScopeTable {
    /// The index of that name, new or known.
    pub fn intern(&mut self, name: &str) -> ScopeIndex {
        if let Some(index) = self.positions.get(name) {
            return *index;
        }
        // A body is bounded to far fewer than 2^32 bytes, so that the names cannot be more than fit.
        let index = ScopeIndex(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.positions.insert(name, index);
        index
    }

    /// The index of a name that some client holds.
    pub fn find(&self, name: &str) -> Option<ScopeIndex> {
        self.positions.get(name).copied()
    }

    /// The name at that index; empty for an index of another table.
    pub fn name(&self, index: ScopeIndex) -> &str {
        self.names.get(index.position()).map_or("", |name| name)
    }

    /// Every name with its index, in order of first use.
    pub fn iter(&self) -> impl Iterator<Item = (ScopeIndex, &str)> {
        (0..).map(ScopeIndex).zip(self.names.iter().map(|name| &**name))
    }

    /// How many distinct names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no client holds any scope.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

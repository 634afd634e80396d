//! Everything that one complete refresh learned of one organisation.
//!
//! Not what we think of it (`audit`), nor how fresh it is ([`super::Freshness`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{Client, ClientId, Division, DivisionId, OrgId, Role, RoleId, Timestamp};

/// One organisation at one moment: complete, or it would not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Whose clients these are.
    pub organisation: Organisation,
    /// When the refresh that made it began.
    pub taken_at: Timestamp,
    /// The exporter's own client in this organisation, where the platform told.
    pub own_client: Option<ClientId>,
    /// Every client, sorted by id.
    pub clients: Vec<Client>,
    /// Clients of the list of which no record could be read, now or before: they count, and are not evaluated.
    pub unread: BTreeSet<ClientId>,
    /// The distinct scopes that clients hold.
    pub scopes: ScopeTable,
    /// The platform's registry of scopes: id to description.
    pub registry: Input<BTreeMap<String, String>>,
    /// The organisation's roles.
    pub roles: Input<BTreeMap<RoleId, Role>>,
    /// The organisation's divisions.
    pub divisions: Input<BTreeMap<DivisionId, Division>>,
    /// The platform's registry of permissions, each as `domain:entity:action`.
    pub permissions: Input<BTreeSet<String>>,
}

impl Snapshot {
    /// The client with this id.
    pub fn client(&self, id: &ClientId) -> Option<&Client> {
        let position = self.clients.binary_search_by(|client| client.id.cmp(id)).ok()?;
        self.clients.get(position)
    }

    /// Why that collector's input was not read; `None` where it was.
    pub fn not_read(&self, collector: Collector) -> Option<&NotRead> {
        match collector {
            Collector::Clients => None,
            Collector::Scopes => self.registry.not_read(),
            Collector::Roles => self.roles.not_read(),
            Collector::Divisions => self.divisions.not_read(),
            Collector::Permissions => self.permissions.not_read(),
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
    /// It could not be read, and never could in this organisation.
    NotRead(NotRead),
}

impl<T> Input<T> {
    /// The value where it was read.
    pub fn read(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::NotRead(_) => None,
        }
    }

    /// Why it was not read.
    pub fn not_read(&self) -> Option<&NotRead> {
        match self {
            Self::Read(_) => None,
            Self::NotRead(why) => Some(why),
        }
    }
}

/// Why an input could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRead {
    /// The permission that would cure it, where that is the cause.
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

/// Where a scope's name stands in the snapshot's [`ScopeTable`]. Meaningless in another snapshot.
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

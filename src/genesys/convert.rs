//! From the platform's records to domain values, one record at a time.
//!
//! A record that cannot be read is counted and named; one whose id cannot be read makes its listing useless.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::wire;
use crate::domain::{
    Client, ClientId, ClientState, Division, DivisionId, GrantType, Permission, Role, RoleGrant, RoleId, ScopeIndex,
    ScopeTable, Timestamp,
};

/// The records of one listing.
#[derive(Debug)]
pub struct Listed<T> {
    /// What could be read.
    pub records: T,
    /// The ids of records that could not.
    pub rejected: Vec<String>,
    /// The number that the platform says there are, where it does.
    pub total: Option<u64>,
    /// Distinct ids that were sent, readable record or not.
    pub distinct: usize,
}

/// The clients of one listing.
#[derive(Debug)]
pub struct ListedClients {
    /// Sorted by id.
    pub clients: Vec<Client>,
    /// The names that they hold.
    pub scopes: ScopeTable,
    /// The ids of clients whose record could not be read, in the list nor by id.
    pub rejected: Vec<ClientId>,
    /// Records that came more than once with the same content.
    pub duplicates: usize,
    /// The number that the platform says there are, where it does.
    pub total: Option<u64>,
    /// Distinct ids that were listed, readable record or not.
    pub distinct: usize,
}

/// The platform's registry of scopes.
#[derive(Debug, Default)]
pub(super) struct ScopeRegistry {
    /// Readable id to description.
    pub(super) descriptions: BTreeMap<String, String>,
    /// Opaque id to readable name, where a registry has both.
    names: HashMap<String, String>,
}

impl ScopeRegistry {
    pub(super) fn insert(&mut self, scope: wire::RegisteredScope) {
        let description = scope.description.unwrap_or_default();
        let readable = match scope.name {
            Some(name) if is_opaque(&scope.id) => {
                self.names.insert(scope.id, name.clone());
                name
            }
            _ => scope.id,
        };
        self.descriptions.insert(readable, description);
    }

    /// The readable name of a scope as a client's record has it.
    fn resolve<'a>(&'a self, scope: &'a wire::Scope) -> Option<&'a str> {
        let (id, name) = match scope {
            wire::Scope::Id(id) => (Some(id.as_str()), None),
            wire::Scope::Object { id, name } => (id.as_deref(), name.as_deref()),
        };
        match id {
            // A title must not hide the id that rules match: `name` counts only where the id says nothing.
            Some(id) if !is_opaque(id) => Some(id),
            Some(id) => Some(self.names.get(id).map(String::as_str).or(name).unwrap_or(id)),
            None => name,
        }
    }
}

/// Whether an id is a UUID or a number rather than a readable scope such as `users:readonly`.
fn is_opaque(id: &str) -> bool {
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    let hex = id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    (hex && groups == [8, 4, 4, 4, 12]) || (!id.is_empty() && id.chars().all(|c| c.is_ascii_digit()))
}

/// A record that was read, or the id of one that was not.
pub(super) enum Record<T> {
    Read(T),
    Rejected(String),
}

/// Reads one record. Fails where not even its id can be read.
pub(super) fn record<T: DeserializeOwned>(raw: &RawValue) -> Result<Record<T>, String> {
    match serde_json::from_str(raw.get()) {
        Ok(record) => Ok(Record::Read(record)),
        Err(_) => match serde_json::from_str::<wire::Identified>(raw.get()) {
            Ok(identified) => Ok(Record::Rejected(wire::printable(&identified.id))),
            Err(_) => Err("a record's id cannot be read".to_owned()),
        },
    }
}

/// The clients read so far, with what is still missing.
#[derive(Debug, Default)]
pub(super) struct ClientAssembly {
    scopes: ScopeTable,
    clients: BTreeMap<ClientId, Client>,
    /// Records that leave out what decides the client's power.
    sparse: BTreeMap<ClientId, wire::Client>,
    unreadable: Vec<ClientId>,
    duplicates: usize,
}

impl ClientAssembly {
    /// Takes a record of the list. Fails where the same id came with another content.
    pub(super) fn add(&mut self, raw: &RawValue, registry: &ScopeRegistry) -> Result<(), String> {
        let record = match record::<wire::Client>(raw)? {
            Record::Read(record) => record,
            Record::Rejected(id) => {
                self.unreadable.push(ClientId::new(id));
                return Ok(());
            }
        };
        if record.id.is_empty() {
            return Err("a record's id is empty".to_owned());
        }
        let client = client(&record, registry, &mut self.scopes);
        match self.clients.entry(client.id.clone()) {
            Entry::Occupied(known) if *known.get() == client => self.duplicates += 1,
            Entry::Occupied(known) => {
                return Err(format!(
                    "client {} is listed twice with different contents",
                    wire::printable(known.key().as_str())
                ));
            }
            Entry::Vacant(free) => {
                if record.is_sparse() {
                    self.sparse.insert(client.id.clone(), record);
                }
                free.insert(client);
            }
        }
        Ok(())
    }

    /// The ids to be fetched one by one: records that left something out, and records that could not be read.
    pub(super) fn wanted(&self) -> Vec<ClientId> {
        self.sparse.keys().chain(&self.unreadable).cloned().collect()
    }

    /// Takes a record that was fetched by id; `None` where it could not be read either.
    pub(super) fn complete(&mut self, id: &ClientId, detail: Option<wire::Client>, registry: &ScopeRegistry) {
        let record = match (self.sparse.remove(id), detail) {
            (Some(mut listed), Some(detail)) => {
                listed.fill(detail);
                listed
            }
            (None, Some(detail)) => {
                self.unreadable.retain(|unreadable| unreadable != id);
                detail
            }
            (_, None) => return,
        };
        let client = client(&record, registry, &mut self.scopes);
        self.clients.insert(id.clone(), client);
    }

    /// Forgets a client that was deleted while it was being read.
    pub(super) fn deleted(&mut self, id: &ClientId) {
        self.sparse.remove(id);
        self.unreadable.retain(|unreadable| unreadable != id);
        self.clients.remove(id);
    }

    /// How many distinct ids there are so far.
    pub(super) fn distinct(&self) -> usize {
        let unreadable: std::collections::BTreeSet<_> =
            self.unreadable.iter().filter(|id| !self.clients.contains_key(*id)).collect();
        self.clients.len() + unreadable.len()
    }

    pub(super) fn finish(self, total: Option<u64>, distinct: usize) -> ListedClients {
        ListedClients {
            clients: self.clients.into_values().collect(),
            scopes: self.scopes,
            rejected: self.unreadable,
            duplicates: self.duplicates,
            total,
            distinct,
        }
    }
}

fn client(record: &wire::Client, registry: &ScopeRegistry, scopes: &mut ScopeTable) -> Client {
    let role_grants = role_grants(record);
    let spelling = record.grant_type().unwrap_or_default();
    let grant_type = match record.grant_type() {
        Some(spelling) => GrantType::from_platform(spelling),
        // The last resort: only client credentials hold roles.
        None if !role_grants.is_empty() => GrantType::ClientCredentials,
        None => GrantType::Other,
    };
    let held = record.scopes().unwrap_or_default().iter().filter_map(|scope| registry.resolve(scope));
    let mut held: Vec<ScopeIndex> = held.map(|name| scopes.intern(name)).collect();
    held.sort_unstable();
    held.dedup();
    let user = |reference: &Option<wire::Reference>| reference.as_ref().and_then(|reference| reference.id.clone());
    Client {
        id: ClientId::new(record.id.as_str()),
        name: record.name.clone().unwrap_or_default(),
        description: record.description.clone().filter(|description| !description.is_empty()),
        grant_type,
        grant_type_spelling: spelling.into(),
        state: record.state.as_deref().map_or(ClientState::Other, ClientState::from_platform),
        scopes: held.into(),
        role_grants,
        redirect_uris: record.registered_redirect_uri.clone().unwrap_or_default().into(),
        token_validity: record.access_token_validity_seconds.and_then(|s| u32::try_from(s).ok()).filter(|s| *s > 0),
        created: time(record.date_created.as_deref()),
        modified: time(record.date_modified.as_deref()),
        created_by: user(&record.created_by),
        modified_by: user(&record.modified_by),
        deletion: time(record.date_to_delete.as_deref()),
    }
}

/// `roleDivisions` united with those of `roleIds` that it does not name.
fn role_grants(record: &wire::Client) -> Box<[RoleGrant]> {
    let pairs = record.role_divisions.as_deref().unwrap_or_default();
    let mut grants: Vec<RoleGrant> = pairs
        .iter()
        .map(|pair| RoleGrant {
            role: RoleId::new(pair.role_id.as_str()),
            division: pair.division_id.as_deref().map(DivisionId::new),
        })
        .collect();
    for id in record.role_ids.as_deref().unwrap_or_default() {
        if !pairs.iter().any(|pair| pair.role_id == *id) {
            grants.push(RoleGrant { role: RoleId::new(id.as_str()), division: None });
        }
    }
    grants.sort();
    grants.dedup();
    grants.into()
}

/// A date of the platform's; one that cannot be read is as good as none.
fn time(text: Option<&str>) -> Option<Timestamp> {
    let time: jiff::Timestamp = text?.parse().ok()?;
    Some(Timestamp::from_seconds(time.as_second()))
}

pub(super) fn role(record: wire::Role) -> Role {
    let mut permissions: Vec<Permission> = record
        .permission_policies
        .unwrap_or_default()
        .into_iter()
        .flat_map(|policy| {
            let entity = policy.entity_name.unwrap_or_else(|| "*".to_owned());
            let conditional = policy.resource_condition_node.is_some();
            let domain = policy.domain;
            policy.action_set.unwrap_or_default().into_iter().map(move |action| Permission {
                domain: domain.as_str().into(),
                entity: entity.as_str().into(),
                action: action.into(),
                conditional,
            })
        })
        .collect();
    permissions.sort();
    permissions.dedup();
    let default_role = record.default_role_id.filter(|id| !id.is_empty());
    Role {
        id: RoleId::new(record.id),
        name: record.name.unwrap_or_default(),
        is_default: record.default.unwrap_or(false) || default_role.is_some(),
        default_role,
        general: record.permissions.unwrap_or_default().into(),
        permissions: permissions.into(),
    }
}

/// The permissions of a domain of the registry, each as `domain:entity:action`. One without a segment is passed over.
pub(super) fn permissions(record: wire::PermissionDomain) -> impl Iterator<Item = String> {
    let of_domain = record.domain;
    record.permission_map.unwrap_or_default().into_iter().flat_map(move |(entity, listed)| {
        let of_domain = of_domain.clone();
        listed.into_iter().filter_map(move |permission| {
            let domain = permission.domain.or_else(|| of_domain.clone())?;
            let entity = permission.entity_type.unwrap_or_else(|| entity.clone());
            Some(format!("{domain}:{entity}:{}", permission.action?))
        })
    })
}

pub(super) fn division(record: wire::Division) -> Division {
    Division {
        id: DivisionId::new(record.id),
        name: record.name.unwrap_or_default(),
        home: record.home_division.unwrap_or(false),
    }
}

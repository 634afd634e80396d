//! From the platform's records to domain values, one record at a time.
//!
//! A record that cannot be read is counted and named; one whose id cannot be read makes its listing useless.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::wire;
use crate::domain::{
    Client, ClientId, ClientState, Division, DivisionId, GrantType, Permission, Role, RoleGrant, RoleId, ScopeIndex,
    ScopeTable, Timestamp,
};

/// Names and descriptions are cut after this many characters: they are written by others and repeated in every output.
const LONGEST_TEXT: usize = 1_000;
/// The longest real scope has about thirty characters.
const LONGEST_SCOPE: usize = 256;

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

/// Whether an id says nothing: it is not of the form of a scope such as `users` or `users:readonly`, or it is a UUID.
fn is_opaque(id: &str) -> bool {
    let segment = |segment: &str| {
        segment.starts_with(|c: char| c.is_ascii_lowercase())
            && segment.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    let is_uuid = groups == [8, 4, 4, 4, 12] && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    is_uuid || !id.split(':').all(segment)
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
    unreadable: BTreeSet<ClientId>,
    duplicates: usize,
}

impl ClientAssembly {
    /// Takes a record of the list. Fails where the same id came with another content.
    pub(super) fn add(&mut self, raw: &RawValue, registry: &ScopeRegistry) -> Result<(), String> {
        let record = match record::<wire::Client>(raw)? {
            Record::Read(record) => record,
            Record::Rejected(id) => {
                let id = ClientId::new(id);
                if self.clients.contains_key(&id) {
                    return Err(twice(&id));
                }
                self.unreadable.insert(id);
                return Ok(());
            }
        };
        if record.id.is_empty() {
            return Err("a record's id is empty".to_owned());
        }
        let client = client(&record, registry, &mut self.scopes);
        if self.unreadable.contains(&client.id) {
            return Err(twice(&client.id));
        }
        match self.clients.entry(client.id.clone()) {
            Entry::Occupied(known) if *known.get() == client => self.duplicates += 1,
            Entry::Occupied(known) => {
                return Err(twice(known.key()));
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

    /// Takes a record that was fetched by id; `None` where there is none that could be read.
    ///
    /// Then what the list said stands, and counts as a record that could not be read: it may leave out a grant.
    pub(super) fn complete(&mut self, id: &ClientId, detail: Option<wire::Client>, registry: &ScopeRegistry) {
        let Some(detail) = detail.filter(|detail| detail.id == id.as_str()) else {
            if self.sparse.remove(id).is_some() {
                self.unreadable.insert(id.clone());
            }
            return;
        };
        self.unreadable.remove(id);
        let record = match self.sparse.remove(id) {
            Some(mut listed) => {
                listed.fill(detail);
                listed
            }
            None => detail,
        };
        let client = client(&record, registry, &mut self.scopes);
        self.clients.insert(id.clone(), client);
    }

    /// How many distinct ids there are so far.
    pub(super) fn distinct(&self) -> usize {
        self.clients.len() + self.unreadable.iter().filter(|id| !self.clients.contains_key(*id)).count()
    }

    pub(super) fn finish(self, total: Option<u64>, distinct: usize) -> ListedClients {
        ListedClients {
            clients: self.clients.into_values().collect(),
            scopes: self.scopes,
            rejected: self.unreadable.into_iter().collect(),
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
    let mut held: Vec<ScopeIndex> = held.map(|name| scopes.intern(&bounded(name, LONGEST_SCOPE))).collect();
    held.sort_unstable();
    held.dedup();
    let user = |reference: &Option<wire::Reference>| reference.as_ref().and_then(|reference| reference.id.clone());
    Client {
        id: ClientId::new(record.id.as_str()),
        name: bounded(record.name.as_deref().unwrap_or_default(), LONGEST_TEXT),
        description: record
            .description
            .as_deref()
            .filter(|text| !text.is_empty())
            .map(|text| bounded(text, LONGEST_TEXT)),
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

fn twice(id: &ClientId) -> String {
    format!("client {} is listed twice with different contents", wire::printable(id.as_str()))
}

fn bounded(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
    }
}

/// A date of the platform's; one that cannot be read is as good as none.
fn time(text: Option<&str>) -> Option<Timestamp> {
    let time: jiff::Timestamp = text?.parse().ok()?;
    Some(Timestamp::from_seconds(time.as_second()))
}

pub(super) fn role(record: wire::Role) -> Role {
    let mut permissions: Vec<Permission> = record
        .permission_policies
        .into_iter()
        .flat_map(|policy| {
            // A policy that names no entity is not narrowed to one.
            let entity = policy.entity_name.filter(|name| !name.is_empty()).unwrap_or_else(|| "*".to_owned());
            let conditional = policy.resource_condition_node.is_some();
            let domain = policy.domain;
            policy.action_set.into_iter().map(move |action| Permission {
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
        is_default: record.default || default_role.is_some(),
        default_role,
        general: record.permissions.into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a role of this record permits; `None` where the record cannot be read.
    fn permits(contents: &str) -> Option<String> {
        let raw = RawValue::from_string(format!("{{\"id\": \"r\"{contents}}}")).expect("JSON");
        match record::<wire::Role>(&raw).expect("an id") {
            Record::Read(read) => {
                let role = role(read);
                let permissions = role.permissions.iter().map(ToString::to_string);
                Some(permissions.chain(role.general).collect::<Vec<_>>().join(" "))
            }
            Record::Rejected(id) => {
                assert_eq!(id, "r");
                None
            }
        }
    }

    #[test]
    fn what_a_role_permits_is_read_or_the_role_is_rejected() {
        let policy = |fields: &str| format!(", \"permissionPolicies\": [{{{fields}}}]");
        for (contents, expected) in [
            (", \"permissions\": []".to_owned(), Some("")),
            (", \"permissionPolicies\": []".to_owned(), Some("")),
            (", \"permissions\": [\"admin\"], \"permissionPolicies\": null".to_owned(), Some("admin")),
            (policy(r#""domain": "oauth", "entityName": "client", "actionSet": ["add"]"#), Some("oauth:client:add")),
            (policy(r#""domain": "oauth", "entityName": "", "actionSet": ["add"]"#), Some("oauth:*:add")),
            (policy(r#""domain": "oauth", "actionSet": ["add"]"#), Some("oauth:*:add")),
            (policy(r#""domain": "oauth", "entityName": "client", "actionSet": []"#), Some("")),
            // Absent is not empty.
            (String::new(), None),
            (", \"permissions\": null, \"permissionPolicies\": null".to_owned(), None),
            (policy(r#""domain": "oauth", "entityName": "client", "actionSet": null"#), None),
            (policy(r#""domain": "oauth", "entityName": "client""#), None),
            (policy(r#""domain": "oauth", "entityName": "client", "actionSet": "add""#), None),
            (", \"permissions\": \"admin\"".to_owned(), None),
        ] {
            assert_eq!(permits(&contents).as_deref(), expected, "{contents}");
        }
    }
}

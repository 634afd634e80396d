//! From the platform's records to domain values, one record at a time.
//!
//! A field that could not be read is a gap in the record, and the rest of the record counts. A record without an id that can be
//! read makes its listing useless: nobody can say whose it is.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::fields::{Fields, Read};
use super::redact::printable;
use super::wire;
use crate::domain::{
    Client, ClientField, ClientId, ClientState, Division, DivisionId, Gap, Gaps, GrantType, Permission, Role,
    RoleField, RoleGrant, RoleId, ScopeIndex, ScopeTable, Timestamp,
};

/// Names and descriptions are cut after this many characters: others write them, and every output repeats them.
const LONGEST_TEXT: usize = 1_000;
/// The longest real scope has about thirty characters.
const LONGEST_SCOPE: usize = 256;

/// The records of one listing.
#[derive(Debug)]
pub struct Listed<T> {
    /// One for each id of the list.
    pub records: T,
    /// The number of records that the platform says there are, where it does.
    pub total: Option<u64>,
    /// The number of distinct ids that were sent.
    pub distinct: usize,
}

/// The clients of one listing.
#[derive(Debug)]
pub struct ListedClients {
    /// One for each id of the list, sorted by id.
    pub clients: Vec<Client>,
    /// The names of the scopes that they hold.
    pub scopes: ScopeTable,
    /// Records that came more than once with the same content.
    pub duplicates: usize,
    /// The number of clients that the platform says there are, where it does.
    pub total: Option<u64>,
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

/// The clients read so far, with what is still missing.
#[derive(Debug, Default)]
pub(super) struct ClientAssembly {
    scopes: ScopeTable,
    clients: BTreeMap<ClientId, Client>,
    /// Records that lack something that decides what the client may do.
    sparse: BTreeMap<ClientId, wire::Client>,
    duplicates: usize,
}

impl ClientAssembly {
    /// Takes a record of the list. Fails if it has no id, or if the same id came with another content.
    pub(super) fn add(&mut self, record: &Fields, registry: &ScopeRegistry) -> Result<(), String> {
        let record = wire::Client::read(record).ok_or_else(|| WITHOUT_ID.to_owned())?;
        let client = client(&record, registry, &mut self.scopes);
        match self.clients.entry(client.id.clone()) {
            Entry::Occupied(known) if *known.get() == client => self.duplicates += 1,
            Entry::Occupied(known) => return Err(twice(known.key())),
            Entry::Vacant(free) => {
                if record.is_sparse() {
                    self.sparse.insert(client.id.clone(), record);
                }
                free.insert(client);
            }
        }
        Ok(())
    }

    /// The ids whose records must be fetched one by one, since the list lacks something that decides what the client may do.
    pub(super) fn wanted(&self) -> Vec<ClientId> {
        self.sparse.keys().cloned().collect()
    }

    /// Takes a record that was fetched by id; `None` if there is none that can be read. What is missing even then is a gap.
    pub(super) fn complete(&mut self, id: &ClientId, detail: Option<wire::Client>, registry: &ScopeRegistry) {
        let Some(listed) = self.sparse.remove(id) else { return };
        let detail = detail.filter(|detail| detail.id == id.as_str());
        let is_all = detail.is_some();
        let record = match detail {
            Some(detail) => listed.fill(detail),
            None => listed,
        };
        if record.says_nothing() {
            self.clients.insert(id.clone(), Client::unread(id.clone()));
            return;
        }
        let mut client = client(&record, registry, &mut self.scopes);
        if !is_all {
            // The record that could say more could not be had: what the list lacks is unknown, whatever the grant type.
            if matches!(record.scopes, Read::Absent) {
                client.gaps.insert(ClientField::Scopes, Gap::Unread);
            }
            match (&record.role_divisions, &record.role_ids) {
                (Read::Absent, Read::Absent) => client.gaps.insert(ClientField::Roles, Gap::Unread),
                // `roleIds` name the roles, but not in which divisions.
                (Read::Absent, Read::Full(ids)) if !ids.is_empty() => {
                    client.gaps.insert(ClientField::Roles, Gap::Partial);
                }
                _ => {}
            }
        }
        self.clients.insert(id.clone(), client);
    }

    pub(super) fn finish(self, total: Option<u64>) -> ListedClients {
        let Self { scopes, clients, duplicates, .. } = self;
        ListedClients { clients: clients.into_values().collect(), scopes, duplicates, total }
    }
}

/// What a list says that has a record without a readable id.
pub(super) const WITHOUT_ID: &str = "a record has no id that can be read";

/// Notes the gap that the reading of a field left, and hands out what was read of it.
///
/// A field that is absent has no gap of its own: most fields are optional.
fn take<F: Copy + Ord, T>(gaps: &mut Gaps<F>, field: F, read: Read<T>) -> Option<T> {
    match &read {
        Read::Absent | Read::Full(_) => {}
        Read::Partial(_) => gaps.insert(field, Gap::Partial),
        Read::Odd => gaps.insert(field, Gap::Unread),
    }
    read.value()
}

fn client(record: &wire::Client, registry: &ScopeRegistry, scopes: &mut ScopeTable) -> Client {
    let mut gaps = Gaps::default();
    let role_grants = role_grants(record);
    let spelling = take(&mut gaps, ClientField::GrantType, record.grant_type.clone());
    let grant_type = match &spelling {
        Some(spelling) => GrantType::from_platform(spelling),
        // The last resort: only client credentials hold roles. The grant type stays a gap all the same.
        None if !role_grants.is_empty() => GrantType::ClientCredentials,
        None => GrantType::Other,
    };
    if spelling.is_none() {
        gaps.insert(ClientField::GrantType, if role_grants.is_empty() { Gap::Unread } else { Gap::Partial });
    }
    if let Some(gap) = roles_gap(record, grant_type, !role_grants.is_empty()) {
        gaps.insert(ClientField::Roles, gap);
    }
    if matches!(record.scopes, Read::Absent) && grant_type.scopes_count() {
        gaps.insert(ClientField::Scopes, Gap::Unread);
    }
    let held = take(&mut gaps, ClientField::Scopes, record.scopes.clone()).unwrap_or_default();
    let held = held.iter().filter_map(|scope| registry.resolve(scope));
    let mut held: Vec<ScopeIndex> = held.map(|name| scopes.intern(&bounded(name, LONGEST_SCOPE))).collect();
    held.sort_unstable();
    held.dedup();
    let mut text = |field, read: &Read<String>| take(&mut gaps, field, read.clone());
    let name = text(ClientField::Name, &record.name).unwrap_or_default();
    let description = text(ClientField::Description, &record.description).filter(|text| !text.is_empty());
    let state = text(ClientField::State, &record.state);
    let created_by = text(ClientField::CreatedBy, &record.created_by);
    let modified_by = text(ClientField::ModifiedBy, &record.modified_by);
    let mut time = |field, read: &Read<String>| take(&mut gaps, field, date(read));
    let created = time(ClientField::Created, &record.created);
    let modified = time(ClientField::Modified, &record.modified);
    let deletion = time(ClientField::Deletion, &record.deletion);
    let redirect_uris = take(&mut gaps, ClientField::RedirectUris, record.redirect_uris.clone()).unwrap_or_default();
    let token_validity = take(&mut gaps, ClientField::TokenValidity, token_validity(&record.token_validity)).flatten();
    Client {
        id: ClientId::new(record.id.as_str()),
        name: bounded(&name, LONGEST_TEXT),
        description: description.map(|text| bounded(&text, LONGEST_TEXT)),
        grant_type,
        grant_type_spelling: spelling.unwrap_or_default().into(),
        state: state.as_deref().map_or(ClientState::Other, ClientState::from_platform),
        scopes: held.into(),
        role_grants,
        redirect_uris: redirect_uris.into(),
        token_validity,
        created,
        modified,
        created_by,
        modified_by,
        deletion,
        gaps,
    }
}

/// What is unknown of the roles of a client. If roles decide what it may do, one of the two fields must be there: a record
/// without both is not the record of a client without roles.
fn roles_gap(record: &wire::Client, grant_type: GrantType, some_were_read: bool) -> Option<Gap> {
    match (&record.role_divisions, &record.role_ids) {
        (Read::Absent, Read::Absent) => grant_type.roles_count().then_some(Gap::Unread),
        (Read::Full(_) | Read::Absent, Read::Full(_) | Read::Absent) => None,
        _ => Some(if some_were_read { Gap::Partial } else { Gap::Unread }),
    }
}

/// `null`, 0 and a missing value are the platform's default; a negative life has no meaning. A life beyond 136 years is cut.
fn token_validity(read: &Read<i64>) -> Read<Option<u32>> {
    match *read {
        Read::Absent => Read::Absent,
        Read::Full(0) => Read::Full(None),
        Read::Full(seconds) if seconds > 0 => Read::Full(Some(u32::try_from(seconds).unwrap_or(u32::MAX))),
        Read::Full(_) | Read::Partial(_) | Read::Odd => Read::Odd,
    }
}

/// `roleDivisions` together with those of `roleIds` that it does not name.
fn role_grants(record: &wire::Client) -> Box<[RoleGrant]> {
    let pairs = record.role_divisions.as_ref().map(Vec::as_slice).unwrap_or_default();
    let mut grants: Vec<RoleGrant> = pairs
        .iter()
        .map(|pair| RoleGrant {
            role: RoleId::new(pair.role_id.as_str()),
            division: pair.division_id.as_deref().map(DivisionId::new),
        })
        .collect();
    for id in record.role_ids.as_ref().map(Vec::as_slice).unwrap_or_default() {
        if !pairs.iter().any(|pair| pair.role_id == *id) {
            grants.push(RoleGrant { role: RoleId::new(id.as_str()), division: None });
        }
    }
    grants.sort();
    grants.dedup();
    grants.into()
}

fn twice(id: &ClientId) -> String {
    format!("client {} is listed twice with different contents", printable(id.as_str()))
}

fn bounded(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
    }
}

/// A date of the platform's; an empty one is as good as none.
fn date(read: &Read<String>) -> Read<Timestamp> {
    match read {
        Read::Full(text) if text.trim().is_empty() => Read::Absent,
        Read::Full(text) => match text.trim().parse::<jiff::Timestamp>() {
            Ok(time) => Read::Full(Timestamp::from_seconds(time.as_second())),
            Err(_) => Read::Odd,
        },
        Read::Absent => Read::Absent,
        Read::Partial(_) | Read::Odd => Read::Odd,
    }
}

pub(super) fn role(record: wire::Role) -> Role {
    let mut gaps = Gaps::default();
    let in_full = match (&record.general, &record.policies) {
        // A role has at least one of the two lists: without both, what it permits is unknown.
        (Read::Absent, Read::Absent) => false,
        (general, policies) => [general.is_odd(), policies.is_odd()] == [false, false],
    };
    let name = take(&mut gaps, RoleField::Name, record.name).unwrap_or_default();
    let default_role = take(&mut gaps, RoleField::Default, record.default_role).filter(|id| !id.is_empty());
    let is_default = take(&mut gaps, RoleField::Default, record.is_default);
    let mut permissions: Vec<Permission> = record
        .policies
        .value()
        .unwrap_or_default()
        .into_iter()
        .flat_map(|policy| {
            let entity = policy.entity.unwrap_or_else(|| "*".to_owned());
            let (domain, conditional) = (policy.domain, policy.conditional);
            policy.actions.into_iter().map(move |action| Permission {
                domain: domain.as_str().into(),
                entity: entity.as_str().into(),
                action: action.into(),
                conditional,
            })
        })
        .collect();
    permissions.sort();
    permissions.dedup();
    let general = record.general.value().unwrap_or_default();
    if !in_full {
        let nothing = general.is_empty() && permissions.is_empty();
        gaps.insert(RoleField::Contents, if nothing { Gap::Unread } else { Gap::Partial });
    }
    Role {
        id: RoleId::new(record.id),
        name: bounded(&name, LONGEST_TEXT),
        is_default: is_default.unwrap_or(false) || default_role.is_some(),
        default_role,
        general: general.into(),
        permissions: permissions.into(),
        gaps,
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
    Division { id: DivisionId::new(record.id), name: record.name.unwrap_or_default(), home: record.home }
}

#[cfg(test)]
mod tests;

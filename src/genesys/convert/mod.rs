//! Converts the platform's records to domain values, one record at a time.
//!
//! A field that could not be read becomes a gap, and the other fields of the record are used. A record without a readable id makes
//! its listing unusable, because the exporter cannot know which client or role it describes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::fields::Read;
use super::wire;
use crate::domain::{
    Client, ClientField, ClientId, ClientState, Division, DivisionId, Gap, Gaps, GrantType, Permission, Role,
    RoleField, RoleGrant, RoleId, ScopeIndex, ScopeTable, Timestamp,
};
use crate::text::{distinct, masked_prose, masked_uris};

/// Names and descriptions are cut after this many characters: anyone can make them long, and every output repeats them.
const LONGEST_TEXT: usize = 1_000;
/// Scopes, segments of permissions and the ids of users are shortened to this many characters, which is less than the limit of a
/// label, so that they are not shortened twice. The longest real scope has about thirty.
const LONGEST_WORD: usize = 200;

/// The records of one listing.
#[derive(Debug)]
pub struct Listed<T> {
    /// One record for each id of the list.
    pub records: T,
    /// The number of records that the platform reports; `None` if it reports none.
    pub total: Option<u64>,
    /// The number of distinct ids that the platform sent.
    pub distinct: usize,
}

/// The ids of roles, divisions and users in records, and the spellings of grant types, each in memory once.
#[derive(Debug, Default)]
pub(super) struct Ids(HashSet<Arc<str>>);

impl Ids {
    fn share(&mut self, id: &str) -> Arc<str> {
        if let Some(known) = self.0.get(id) {
            return Arc::clone(known);
        }
        let id: Arc<str> = id.into();
        self.0.insert(Arc::clone(&id));
        id
    }
}

/// The platform's registry of scopes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ScopeRegistry {
    /// The description of each scope, by its readable id.
    pub(super) descriptions: BTreeMap<String, String>,
    /// The readable name of each opaque id, if the registry has both.
    names: HashMap<String, String>,
}

impl ScopeRegistry {
    pub(super) fn insert(&mut self, scope: &wire::RegisteredScope) {
        let description = prose(scope.description.as_deref().unwrap_or_default());
        let readable = match &scope.name {
            Some(name) if is_opaque(&scope.id) => {
                self.names.insert(scope.id.clone(), name.clone());
                name
            }
            _ => &scope.id,
        };
        self.descriptions.insert(distinct(readable, LONGEST_WORD).into_owned(), description);
    }

    /// The readable name of a scope in the record of a client.
    fn resolve<'a>(&'a self, scope: &'a wire::Scope) -> Option<&'a str> {
        let (id, name) = match scope {
            wire::Scope::Id(id) => (Some(&**id), None),
            wire::Scope::Object(object) => (object.0.as_deref(), object.1.as_deref()),
        };
        match id {
            // Rules match the id, so `name` is used only if the id is opaque.
            Some(id) if !is_opaque(id) => Some(id),
            Some(id) => Some(self.names.get(id).map(String::as_str).or(name).unwrap_or(id)),
            None => name,
        }
    }
}

/// Whether an id is not readable: it is a UUID, or does not have the form of a scope such as `users` or `users:readonly`.
fn is_opaque(id: &str) -> bool {
    let segment = |segment: &str| {
        segment.starts_with(|c: char| c.is_ascii_lowercase())
            && segment.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let is_uuid =
        id.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    is_uuid || !id.split(':').all(segment)
}

/// The error for a list with a record without a readable id.
pub(super) const WITHOUT_ID: &str = "a record has no id that can be read";

/// Returns the value of a field, and records a gap if it could not be read in full.
///
/// An absent field is not a gap, because most fields are optional.
fn take<'r, F: Copy + Ord, T>(gaps: &mut Gaps<F>, field: F, read: &'r Read<T>) -> Option<&'r T> {
    match read {
        Read::Absent | Read::Full(_) => {}
        Read::Partial(_) => gaps.insert(field, Gap::Partial),
        Read::Odd => gaps.insert(field, Gap::Unread),
    }
    read.as_ref()
}

/// The fields that a record does not have.
pub(super) fn absent(record: &wire::Client) -> impl Iterator<Item = ClientField> {
    let has_roles = record.role_divisions != Read::Absent || record.role_ids != Read::Absent;
    let fields = [
        (ClientField::Name, record.name == Read::Absent),
        (ClientField::Description, record.description == Read::Absent),
        (ClientField::State, record.state == Read::Absent),
        (ClientField::Scopes, record.scopes == Read::Absent),
        (ClientField::Roles, !has_roles),
        (ClientField::RedirectUris, record.redirect_uris == Read::Absent),
        (ClientField::TokenValidity, record.token_validity == Read::Absent),
        (ClientField::Created, record.created == Read::Absent),
        (ClientField::Modified, record.modified == Read::Absent),
        (ClientField::CreatedBy, record.created_by == Read::Absent),
        (ClientField::ModifiedBy, record.modified_by == Read::Absent),
        (ClientField::Deletion, record.deletion == Read::Absent),
    ];
    fields.into_iter().filter(|(_, is_absent)| *is_absent).map(|(field, _)| field)
}

pub(super) fn client(
    record: &wire::Client,
    registry: &ScopeRegistry,
    scopes: &mut ScopeTable,
    ids: &mut Ids,
) -> Client {
    let mut gaps = Gaps::default();
    let role_grants = role_grants(record, ids);
    let spelling = take(&mut gaps, ClientField::GrantType, &record.grant_type);
    let grant_type = match spelling {
        Some(spelling) => GrantType::from_platform(spelling),
        // Only client-credentials clients hold roles, so assume that grant type. It is still a gap.
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
    let held = take(&mut gaps, ClientField::Scopes, &record.scopes).map(Vec::as_slice).unwrap_or_default();
    let held = held.iter().filter_map(|scope| registry.resolve(scope));
    let mut held: Vec<ScopeIndex> = held.map(|name| scopes.intern(&distinct(name, LONGEST_WORD))).collect();
    held.sort_unstable();
    held.dedup();
    let mut text = |field, read| take(&mut gaps, field, read).map(String::as_str);
    let name = text(ClientField::Name, &record.name).unwrap_or_default();
    let description = text(ClientField::Description, &record.description).filter(|text| !text.is_empty());
    let state = text(ClientField::State, &record.state);
    let created_by = text(ClientField::CreatedBy, &record.created_by);
    let modified_by = text(ClientField::ModifiedBy, &record.modified_by);
    let mut time = |field, read: &Read<String>| take(&mut gaps, field, &date(read)).copied();
    let created = time(ClientField::Created, &record.created);
    let modified = time(ClientField::Modified, &record.modified);
    let deletion = time(ClientField::Deletion, &record.deletion);
    let redirect_uris = take(&mut gaps, ClientField::RedirectUris, &record.redirect_uris);
    let redirect_uris = masked_uris(redirect_uris.into_iter().flatten().cloned());
    let token_validity = take(&mut gaps, ClientField::TokenValidity, &token_validity(&record.token_validity)).copied();
    Client {
        id: ClientId::new(record.id.as_str()),
        name: prose(name).into(),
        description: description.map(|text| prose(text).into()),
        grant_type,
        grant_type_spelling: ids.share(&distinct(spelling.map_or("", String::as_str), LONGEST_WORD)),
        state: state.map_or(ClientState::Other, ClientState::from_platform),
        scopes: held.into(),
        role_grants,
        redirect_uris: redirect_uris.into_iter().map(String::into_boxed_str).collect(),
        token_validity: token_validity.flatten(),
        created,
        modified,
        created_by: created_by.map(|id| ids.share(&distinct(id, LONGEST_WORD))),
        modified_by: modified_by.map(|id| ids.share(&distinct(id, LONGEST_WORD))),
        deletion,
        gaps,
    }
}

/// The gap in the roles of a client. If roles decide what it may do, the record must have one of the two fields: without both, it
/// is unknown whether the client has roles.
fn roles_gap(record: &wire::Client, grant_type: GrantType, some_were_read: bool) -> Option<Gap> {
    match (&record.role_divisions, &record.role_ids) {
        (Read::Absent, Read::Absent) => grant_type.roles_count().then_some(Gap::Unread),
        (Read::Full(_) | Read::Absent, Read::Full(_) | Read::Absent) => None,
        _ => Some(if some_were_read { Gap::Partial } else { Gap::Unread }),
    }
}

/// `null`, 0 and an absent value mean the platform's default. A negative value cannot be read, and values beyond 136 years are cut.
fn token_validity(read: &Read<i64>) -> Read<Option<u32>> {
    match *read {
        Read::Absent => Read::Absent,
        Read::Full(0) => Read::Full(None),
        Read::Full(seconds) if seconds > 0 => Read::Full(Some(u32::try_from(seconds).unwrap_or(u32::MAX))),
        Read::Full(_) | Read::Partial(_) | Read::Odd => Read::Odd,
    }
}

/// The role grants of `roleDivisions`, and those of `roleIds` for roles that `roleDivisions` does not contain.
fn role_grants(record: &wire::Client, ids: &mut Ids) -> Box<[RoleGrant]> {
    let pairs = record.role_divisions.as_ref().map(Vec::as_slice).unwrap_or_default();
    let mut grants: Vec<RoleGrant> = pairs
        .iter()
        .map(|pair| RoleGrant {
            role: RoleId::new(ids.share(&pair.role_id)),
            division: pair.division_id.as_deref().map(|id| DivisionId::new(ids.share(id))),
        })
        .collect();
    grants.sort();
    grants.dedup();
    let of_pairs = grants.len();
    for id in record.role_ids.as_ref().map(Vec::as_slice).unwrap_or_default() {
        if grants[..of_pairs].binary_search_by(|grant| grant.role.as_str().cmp(id)).is_err() {
            grants.push(RoleGrant { role: RoleId::new(ids.share(id)), division: None });
        }
    }
    if grants.len() > of_pairs {
        grants.sort();
        grants.dedup();
    }
    grants.into()
}

/// A name or a description: without the secrets that somebody wrote into it, and of limited length.
fn prose(text: &str) -> String {
    let masked = masked_prose(text);
    // A text has at most as many characters as bytes.
    if masked.len() <= LONGEST_TEXT {
        return masked.into_owned();
    }
    match masked.char_indices().nth(LONGEST_TEXT) {
        None => masked.into_owned(),
        Some((cut, _)) => format!("{}…", masked.get(..cut).unwrap_or_default()),
    }
}

/// Parses a date. An empty text is treated as absent.
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
    // Every role has the list of policies, even if it is empty. Without it, what the role permits is unknown.
    let in_full = matches!(record.policies, Read::Full(_)) && !record.general.is_odd();
    let name = take(&mut gaps, RoleField::Name, &record.name).map(|name| prose(name)).unwrap_or_default();
    let default_role = take(&mut gaps, RoleField::Default, &record.default_role).filter(|id| !id.is_empty());
    let default_role = default_role.map(|id| distinct(id, LONGEST_WORD).into_owned());
    let is_default = take(&mut gaps, RoleField::Default, &record.is_default).copied();
    let mut permissions: Vec<Permission> = record
        .policies
        .value()
        .unwrap_or_default()
        .into_iter()
        .flat_map(|policy| {
            let entity = policy.entity.unwrap_or_else(|| "*".to_owned());
            let (domain, conditional) = (policy.domain, policy.conditional);
            policy.actions.into_iter().map(move |action| Permission {
                domain: distinct(&domain, LONGEST_WORD).into(),
                entity: distinct(&entity, LONGEST_WORD).into(),
                action: distinct(&action, LONGEST_WORD).into(),
                conditional,
            })
        })
        .collect();
    permissions.sort();
    permissions.dedup();
    let general = record.general.value().unwrap_or_default();
    let general: Vec<String> = general.iter().map(|name| distinct(name, LONGEST_WORD).into_owned()).collect();
    if !in_full {
        let nothing = general.is_empty() && permissions.is_empty();
        gaps.insert(RoleField::Contents, if nothing { Gap::Unread } else { Gap::Partial });
    }
    Role {
        id: RoleId::new(record.id),
        name,
        is_default: is_default.unwrap_or(false) || default_role.is_some(),
        default_role,
        general: general.into(),
        permissions: permissions.into(),
        gaps,
    }
}

/// The permissions of a domain of the registry, each as `domain:entity:action`. A permission without a domain or an action is
/// skipped.
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
        name: record.name.as_deref().map(prose).unwrap_or_default(),
        home: record.home,
    }
}

#[cfg(test)]
mod tests;

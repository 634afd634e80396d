//! The records of the platform API, read field by field with `fields`.
//!
//! Private to the adapter: `convert` turns them into domain values. No record has a field for a client's `secret`. Field names
//! that are not documented are from older guides (reference, section 9).

#![expect(clippy::struct_field_names, reason = "the names are the platform's")]

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::{Fields, Read, text};
use crate::domain::GrantType;

/// The record of a client. Absent and unreadable fields are distinguished: an absent list is not an empty list.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) name: Read<String>,
    pub(super) description: Read<String>,
    pub(super) grant_type: Read<String>,
    pub(super) state: Read<String>,
    pub(super) scopes: Read<Vec<Scope>>,
    pub(super) role_ids: Read<Vec<String>>,
    pub(super) role_divisions: Read<Vec<RoleDivision>>,
    pub(super) redirect_uris: Read<Vec<String>>,
    pub(super) token_validity: Read<i64>,
    pub(super) created: Read<String>,
    pub(super) modified: Read<String>,
    pub(super) created_by: Read<String>,
    pub(super) modified_by: Read<String>,
    pub(super) deletion: Read<String>,
}

impl Client {
    /// Reads a record; `None` if it has no id.
    pub(super) fn read(record: &Fields<'_>) -> Option<Self> {
        let grant_type = ["authorizedGrantType", "grantType", "client_type"].map(|name| record.text(name));
        let nested = record.any("oauth_client").and_then(Fields::of);
        let nested = nested.map_or(Read::Absent, |nested| scopes(&nested, "scopes"));
        let scopes = ["scope", "scopes", "scopeIds"].map(|name| scopes(record, name));
        Some(Self {
            id: id(record)?,
            name: record.text("name"),
            description: record.text("description"),
            grant_type: grant_type_of(&grant_type),
            state: record.text("state"),
            scopes: scopes.into_iter().fold(nested, Read::with_other_name),
            role_ids: record.texts("roleIds"),
            role_divisions: record.list("roleDivisions", role_division),
            redirect_uris: record.texts("registeredRedirectUri"),
            token_validity: record.integer("accessTokenValiditySeconds"),
            created: record.text("dateCreated"),
            modified: record.text("dateModified"),
            created_by: record.reference("createdBy"),
            modified_by: record.reference("modifiedBy"),
            deletion: record.text("dateToDelete"),
        })
    }

    /// Whether the record lacks data that decides what the client may do, so that the record must be fetched by id.
    ///
    /// An empty list is complete. `roleIds` alone are not, because they do not state the divisions.
    pub(super) fn is_sparse(&self) -> bool {
        let Read::Full(spelling) = &self.grant_type else { return true };
        let grant_type = GrantType::from_platform(spelling);
        (grant_type.scopes_count() && !matches!(self.scopes, Read::Full(_)))
            || (grant_type.roles_count() && !matches!(self.role_divisions, Read::Full(_)))
    }

    /// Whether none of the fields that decide what the client may do could be read.
    pub(super) fn says_nothing(&self) -> bool {
        self.grant_type.as_ref().is_none()
            && self.scopes.as_ref().is_none()
            && self.role_ids.as_ref().is_none()
            && self.role_divisions.as_ref().is_none()
    }

    /// Replaces every field that was read better in the record that was fetched by id.
    pub(super) fn fill(self, detail: Self) -> Self {
        Self {
            id: self.id,
            name: self.name.or_better(detail.name),
            description: self.description.or_better(detail.description),
            grant_type: self.grant_type.or_better(detail.grant_type),
            state: self.state.or_better(detail.state),
            scopes: self.scopes.completed_by(detail.scopes),
            role_ids: self.role_ids.completed_by(detail.role_ids),
            role_divisions: without_replaced(self.role_divisions, &detail.role_divisions)
                .completed_by(detail.role_divisions),
            redirect_uris: self.redirect_uris.completed_by(detail.redirect_uris),
            token_validity: self.token_validity.or_better(detail.token_validity),
            created: self.created.or_better(detail.created),
            modified: self.modified.or_better(detail.modified),
            created_by: self.created_by.or_better(detail.created_by),
            modified_by: self.modified_by.or_better(detail.modified_by),
            deletion: self.deletion.or_better(detail.deletion),
        }
    }
}

/// The largest id, in bytes. The platform's ids are UUIDs.
const LONGEST_ID: usize = 1_024;

/// Whether a text can be an id. A longer one would be repeated in every output.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_ID
}

/// The id of a record; `None` if it is absent, empty, too long or cannot be read.
pub(super) fn id(record: &Fields<'_>) -> Option<String> {
    record.text("id").value().filter(|id| is_id(id))
}

/// The grant type, which a record can contain under several names. Values that contradict each other cannot be trusted.
fn grant_type_of(spellings: &[Read<String>]) -> Read<String> {
    let mut values = spellings.iter().filter_map(Read::as_ref);
    let is_odd = spellings.iter().any(Read::is_odd);
    match values.next() {
        None if is_odd => Read::Odd,
        None => Read::Absent,
        Some(value) => {
            let grant_type = GrantType::from_platform(value);
            if values.any(|other| GrantType::from_platform(other) != grant_type) {
                Read::Odd
            } else if is_odd {
                Read::Partial(value.clone())
            } else {
                Read::Full(value.clone())
            }
        }
    }
}

/// A scope in the record of a client: its readable id, or in older formats an object or an opaque id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Id(Box<str>),
    /// The id and the name.
    Object(Box<(Option<String>, Option<String>)>),
}

/// Reads scopes. Older formats have one string with all of them, separated by spaces as in RFC 6749 section 3.3, or by commas.
fn scopes(record: &Fields<'_>, name: &str) -> Read<Vec<Scope>> {
    record.flat_list(name, |value, scopes| {
        if let Some(text) = text(value) {
            let separate = |c: char| c.is_whitespace() || c == ',';
            let before = scopes.len();
            scopes.extend(text.split(separate).filter(|id| !id.is_empty()).map(|id| Scope::Id(id.into())));
            return (scopes.len() > before).then(|| !text.contains(separate));
        }
        let fields = Fields::of(value)?;
        let (id, name) = (fields.text("id"), fields.text("name"));
        let in_full = !id.is_odd();
        let (id, name) = (id.value(), name.value());
        (id.is_some() || name.is_some()).then(|| {
            scopes.push(Scope::Object(Box::new((id, name))));
            in_full
        })
    })
}

/// A role that a client holds, and its division; `None` if the division is missing or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoleDivision {
    pub(super) role_id: String,
    pub(super) division_id: Option<String>,
}

fn role_division(value: &RawValue) -> Option<(RoleDivision, bool)> {
    let pair = Fields::of(value)?;
    let role_id = pair.text("roleId").value().filter(|id| is_id(id))?;
    let division_id = pair.text("divisionId").value().filter(|id| is_id(id));
    let in_full = division_id.is_some();
    Some((RoleDivision { role_id, division_id }, in_full))
}

/// The listed pairs, except those without a division whose role the record by id contains.
fn without_replaced(listed: Read<Vec<RoleDivision>>, detail: &Read<Vec<RoleDivision>>) -> Read<Vec<RoleDivision>> {
    let Read::Partial(mut pairs) = listed else { return listed };
    let roles: HashSet<&str> = detail.as_ref().into_iter().flatten().map(|pair| pair.role_id.as_str()).collect();
    pairs.retain(|pair| pair.division_id.is_some() || !roles.contains(pair.role_id.as_str()));
    Read::Partial(pairs)
}

/// A scope of the registry. The platform sends no `name`, but older guides expect one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RegisteredScope {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
}

impl RegisteredScope {
    pub(super) fn read(record: &Fields<'_>) -> Option<Self> {
        let (name, description) = (record.text("name").value(), record.text("description").value());
        Some(Self { id: id(record)?, name, description })
    }
}

/// A role with its contents.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) id: String,
    pub(super) name: Read<String>,
    pub(super) default_role: Read<String>,
    pub(super) is_default: Read<bool>,
    pub(super) general: Read<Vec<String>>,
    pub(super) policies: Read<Vec<PermissionPolicy>>,
}

impl Role {
    pub(super) fn read(record: &Fields<'_>) -> Option<Self> {
        Some(Self {
            id: id(record)?,
            name: record.text("name"),
            default_role: record.text("defaultRoleId"),
            is_default: record.flag("default"),
            general: record.texts("permissions"),
            policies: record.list("permissionPolicies", PermissionPolicy::read),
        })
    }
}

/// The permissions of a role for one entity of one domain.
#[derive(Debug)]
pub(super) struct PermissionPolicy {
    pub(super) domain: String,
    /// `None` if the policy applies to all entities of the domain.
    pub(super) entity: Option<String>,
    pub(super) actions: Vec<String>,
    /// Whether a condition on the resource limits the permissions. The condition itself is not needed.
    pub(super) conditional: bool,
}

impl PermissionPolicy {
    /// Reads a policy; `None` if its domain, entity or actions cannot be read. Then the role has a gap.
    fn read(value: &RawValue) -> Option<(Self, bool)> {
        let policy = Fields::of(value)?;
        let domain = policy.text("domain").value().filter(|domain| !domain.is_empty())?;
        let entity = match policy.text("entityName") {
            Read::Odd | Read::Partial(_) => return None,
            Read::Absent => None,
            Read::Full(entity) => Some(entity).filter(|entity| !entity.is_empty()),
        };
        let actions = policy.texts("actionSet");
        let in_full = matches!(actions, Read::Full(_));
        let conditional = policy.condition("resourceConditionNode");
        Some((Self { domain, entity, actions: actions.value()?, conditional }, in_full))
    }
}

#[derive(Debug)]
pub(super) struct Division {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) home: bool,
}

impl Division {
    pub(super) fn read(record: &Fields<'_>) -> Option<Self> {
        let home = record.flag("homeDivision").value().unwrap_or(false);
        Some(Self { id: id(record)?, name: record.text("name").value(), home })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) id: Option<String>,
}

/// A domain of the registry of permissions (Python SDK, `DomainPermissionCollection.md`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PermissionDomain {
    pub(super) domain: Option<String>,
    pub(super) permission_map: Option<std::collections::BTreeMap<String, Vec<RegisteredPermission>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisteredPermission {
    pub(super) domain: Option<String>,
    pub(super) entity_type: Option<String>,
    pub(super) action: Option<String>,
}

/// `GET /api/v2/tokens/me`.
#[derive(Debug, Deserialize)]
pub(super) struct TokenInfo {
    pub(super) organization: Option<NamedReference>,
    /// Spelled with a capital O (Python SDK, `TokenInfo.md`).
    #[serde(rename = "OAuthClient", alias = "oauthClient", alias = "oAuthClient")]
    pub(super) oauth_client: Option<Reference>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NamedReference {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

/// The grants of the exporter's own client, `GET /api/v2/authorization/subjects/me`.
#[derive(Debug, Deserialize)]
pub(super) struct Subject {
    pub(super) grants: Option<Vec<SubjectGrant>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SubjectGrant {
    pub(super) role: Option<SubjectRole>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SubjectRole {
    pub(super) policies: Option<Vec<SubjectPolicy>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubjectPolicy {
    pub(super) domain: Option<String>,
    pub(super) entity_name: Option<String>,
    pub(super) actions: Option<Vec<String>>,
}

/// The body of an error of the platform.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    pub(super) message: Option<String>,
    pub(super) code: Option<String>,
    pub(super) context_id: Option<String>,
}

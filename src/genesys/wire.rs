//! The platform's JSON, field by field, as leniently as it can be read.
//!
//! Private to the adapter: `convert` makes domain values of it. There is no field for a client's `secret`, so that it is
//! passed over and never held. Names beside the documented ones come from older guides (reference, section 9).

#![expect(clippy::struct_field_names, reason = "the names are the platform's")]

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::GrantType;

/// A page of any listing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<'a> {
    #[serde(borrow, alias = "scopes", alias = "clients")]
    pub(super) entities: Vec<&'a RawValue>,
    #[serde(default, deserialize_with = "number")]
    pub(super) total: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    pub(super) page_count: Option<u64>,
    #[serde(default, deserialize_with = "number")]
    pub(super) page_number: Option<u64>,
    pub(super) next_uri: Option<String>,
    #[serde(alias = "next_page")]
    pub(super) next_page: Option<serde_json::Value>,
    pub(super) cursors: Option<Cursors>,
}

/// A number, or its digits as a text; anything else says nothing.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok())))
}

#[derive(Debug, Deserialize)]
pub(super) struct Cursors {
    pub(super) after: Option<String>,
}

/// Enough of a record to name it.
#[derive(Debug, Deserialize)]
pub(super) struct Identified {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) access_token_validity_seconds: Option<i64>,
    pub(super) registered_redirect_uri: Option<Vec<String>>,
    pub(super) role_ids: Option<Vec<String>>,
    pub(super) role_divisions: Option<Vec<RoleDivision>>,
    pub(super) date_created: Option<String>,
    pub(super) date_modified: Option<String>,
    pub(super) created_by: Option<Reference>,
    pub(super) modified_by: Option<Reference>,
    pub(super) state: Option<String>,
    pub(super) date_to_delete: Option<String>,
    authorized_grant_type: Option<String>,
    grant_type: Option<String>,
    #[serde(rename = "client_type")]
    client_type: Option<String>,
    scope: Option<Vec<Scope>>,
    scopes: Option<Vec<Scope>>,
    scope_ids: Option<Vec<Scope>>,
    #[serde(rename = "oauth_client")]
    oauth_client: Option<Nested>,
}

#[derive(Debug, Deserialize)]
struct Nested {
    scopes: Option<Vec<Scope>>,
}

impl Client {
    pub(super) fn grant_type(&self) -> Option<&str> {
        [&self.authorized_grant_type, &self.grant_type, &self.client_type].into_iter().find_map(Option::as_deref)
    }

    pub(super) fn scopes(&self) -> Option<&[Scope]> {
        let nested = self.oauth_client.as_ref().and_then(|nested| nested.scopes.as_ref());
        [self.scope.as_ref(), self.scopes.as_ref(), self.scope_ids.as_ref(), nested]
            .into_iter()
            .flatten()
            .next()
            .map(Vec::as_slice)
    }

    /// Whether the record leaves out what decides the client's power. An empty list leaves nothing out.
    ///
    /// `roleIds` alone do not say in which divisions.
    pub(super) fn is_sparse(&self) -> bool {
        let Some(grant_type) = self.grant_type().map(GrantType::from_platform) else { return true };
        (grant_type.scopes_count() && self.scopes().is_none())
            || (grant_type.roles_count() && self.role_divisions.is_none())
    }

    /// Fills what the list left out from the record that was fetched by id.
    pub(super) fn fill(&mut self, detail: Self) {
        if self.grant_type().is_none() {
            self.authorized_grant_type = detail.grant_type().map(str::to_owned);
        }
        self.role_divisions = self.role_divisions.take().or(detail.role_divisions);
        self.role_ids = self.role_ids.take().or(detail.role_ids);
        if self.scopes().is_none() {
            let nested = detail.oauth_client.and_then(|nested| nested.scopes);
            self.scope = detail.scope.or(detail.scopes).or(detail.scope_ids).or(nested);
        }
    }
}

/// A scope in a client: its readable id, or in older shapes an object or an opaque id.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Scope {
    Id(String),
    Object { id: Option<String>, name: Option<String> },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleDivision {
    pub(super) role_id: String,
    pub(super) division_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) id: Option<String>,
}

/// A scope of the registry. The platform has no `name`; older guides expect one.
#[derive(Debug, Deserialize)]
pub(super) struct RegisteredScope {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
}

/// A role with its contents. A record without any is not read: absent is not empty.
#[derive(Debug, Deserialize)]
#[serde(try_from = "RoleRecord")]
pub(super) struct Role {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) default_role_id: Option<String>,
    pub(super) default: bool,
    pub(super) permissions: Vec<String>,
    pub(super) permission_policies: Vec<PermissionPolicy>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleRecord {
    id: String,
    name: Option<String>,
    default_role_id: Option<String>,
    default: Option<bool>,
    permissions: Option<Vec<String>>,
    permission_policies: Option<Vec<PermissionPolicy>>,
}

impl TryFrom<RoleRecord> for Role {
    type Error = &'static str;

    fn try_from(record: RoleRecord) -> Result<Self, Self::Error> {
        if record.permissions.is_none() && record.permission_policies.is_none() {
            return Err("a role without its contents");
        }
        Ok(Self {
            id: record.id,
            name: record.name,
            default_role_id: record.default_role_id,
            default: record.default.unwrap_or(false),
            permissions: record.permissions.unwrap_or_default(),
            permission_policies: record.permission_policies.unwrap_or_default(),
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PermissionPolicy {
    pub(super) domain: String,
    pub(super) entity_name: Option<String>,
    /// Without it nobody knows what the policy permits: the role is not read.
    pub(super) action_set: Vec<String>,
    /// Present where the grant is conditional; what it says is not needed.
    pub(super) resource_condition_node: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Division {
    pub(super) id: String,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) home_division: Option<bool>,
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

/// The platform's body of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    pub(super) message: Option<String>,
    pub(super) code: Option<String>,
    pub(super) context_id: Option<String>,
}

/// A text of the platform's, fit for a message: one line, bounded, nothing that moves a cursor or turns the direction.
pub(super) fn printable(text: &str) -> String {
    const LONGEST: usize = 300;
    let visible = |c: char| {
        let turns_direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns_direction { ' ' } else { c }
    };
    let mut printable: String = text.chars().take(LONGEST).map(visible).collect();
    if text.chars().nth(LONGEST).is_some() {
        printable.push('…');
    }
    printable
}

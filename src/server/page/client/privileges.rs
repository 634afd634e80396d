//! What a client may do: its scopes, its roles with their divisions, and the dangerous permissions that the roles grant.
//!
//! They are listed without evaluation; findings are decided in `audit`.

use std::collections::{BTreeMap, HashMap};

use crate::audit::Status;
use crate::domain::{Client, DivisionId, Privilege, Role, RoleId, Severity, Snapshot};
use crate::policy::DangerousPermission;
use crate::publish::Evaluated;
use crate::text::visible;

use super::super::clients::settled;
use super::bound::ROWS;

pub(super) struct Privileges {
    pub(super) scopes: Vec<ScopeRow>,
    pub(super) permissions: Vec<PermissionRow>,
    /// Includes permissions that are not shown.
    pub(super) total_permissions: usize,
    pub(super) permissions_note: Option<String>,
    pub(super) roles: Vec<RoleRow>,
    pub(super) roles_note: Option<String>,
}

pub(super) struct ScopeRow {
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// The severity, if the policy calls the scope dangerous and it is in effect.
    pub(super) severity: Option<&'static str>,
    /// Why a dangerous scope is not open.
    pub(super) settled: Option<&'static str>,
}

pub(super) struct PermissionRow {
    pub(super) permission: String,
    pub(super) severity: &'static str,
    /// Why it is not open.
    pub(super) settled: Option<&'static str>,
    pub(super) conditional: bool,
    pub(super) role: String,
    role_id: String,
    pub(super) pattern: String,
    pub(super) reason: String,
}

pub(super) struct RoleRow {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) default_role: Option<String>,
    pub(super) permissions: Option<usize>,
    pub(super) divisions: Vec<String>,
}

impl Privileges {
    pub(super) fn new(evaluated: &Evaluated, client: &Client) -> Self {
        let snapshot = &*evaluated.snapshot;
        let grants = by_role(client);
        let not_read = snapshot.roles.gap();
        let (mut permissions, roles_note) = if client.grant_type.roles_count() {
            (permissions(evaluated, client, grants.keys().copied()), None)
        } else {
            (
                Vec::new(),
                (!grants.is_empty())
                    .then(|| "not in effect: with this grant type, the roles of the user apply".to_owned()),
            )
        };
        let permissions_note = match not_read {
            _ if !client.grant_type.roles_count() => {
                Some("Its tokens have the permissions of the user who signs in, limited by the scopes.".to_owned())
            }
            Some(why) => {
                let cure = why.missing_permission.as_deref();
                let cure = cure.map_or(String::new(), |p| format!(" Grant {} to the exporter's role.", visible(p)));
                Some(format!("Not evaluated, because roles could not be read: {}.{cure}", visible(&why.message)))
            }
            None if permissions.is_empty() => Some("None that the policy calls dangerous.".to_owned()),
            None => None,
        };
        let total_permissions = permissions.len();
        permissions.truncate(ROWS);
        Self {
            scopes: scopes(evaluated, client),
            permissions,
            total_permissions,
            permissions_note,
            roles: grants.into_iter().take(ROWS).map(|(id, divisions)| role(snapshot, id, &divisions)).collect(),
            roles_note,
        }
    }
}

fn scopes(evaluated: &Evaluated, client: &Client) -> Vec<ScopeRow> {
    let snapshot = &*evaluated.snapshot;
    let mut names: Vec<&str> = client.scopes.iter().map(|scope| snapshot.scopes.name(*scope)).collect();
    names.sort_unstable();
    let counts = client.grant_type.scopes_count();
    let grants = evaluated.report.grants_of(&client.id);
    let statuses: HashMap<&str, Status> = grants
        .filter_map(|grant| match &grant.privilege {
            Privilege::Scope(scope) => Some((&**scope, grant.status)),
            Privilege::Permission(_) => None,
        })
        .collect();
    let row = |name: &str| ScopeRow {
        settled: statuses.get(name).copied().and_then(settled),
        name: visible(name).into_owned(),
        description: snapshot
            .registry
            .read()
            .and_then(|registry| registry.get(name))
            .filter(|text| !text.is_empty())
            .map(|text| visible(text).into_owned()),
        severity: evaluated.policy.scopes.dangerous_pattern(name).filter(|_| counts).map(|p| p.severity.label()),
    };
    names.into_iter().take(ROWS).map(row).collect()
}

/// Each role once, with its divisions. `None` is a grant without a division.
fn by_role(client: &Client) -> BTreeMap<&RoleId, Vec<Option<&DivisionId>>> {
    let mut roles: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for grant in &client.role_grants {
        roles.entry(&grant.role).or_default().push(grant.division.as_ref());
    }
    roles
}

/// The dangerous permissions of these roles, the worst first.
fn permissions<'a>(
    evaluated: &Evaluated,
    client: &Client,
    roles: impl Iterator<Item = &'a RoleId>,
) -> Vec<PermissionRow> {
    let Some(known) = evaluated.snapshot.roles.read() else { return Vec::new() };
    let mut rows: Vec<(Severity, PermissionRow)> = Vec::new();
    for role in roles.filter_map(|id| known.find(id)) {
        for permission in &role.permissions {
            let patterns = evaluated.policy.permissions.dangerous_patterns(permission);
            rows.extend(dangerous(role, &permission.to_string(), permission.conditional, patterns));
        }
        for general in &role.general {
            let patterns = evaluated.policy.permissions.dangerous_general(general);
            rows.extend(dangerous(role, general, false, patterns));
        }
    }
    rows.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
    // Open in one division is open.
    let mut statuses: HashMap<(String, String), Status> = HashMap::new();
    for grant in evaluated.report.grants_of(&client.id) {
        if let (Privilege::Permission(name), Some(role)) = (&grant.privilege, &grant.role) {
            let key = (visible(name).into_owned(), visible(role.as_str()).into_owned());
            statuses.entry(key).and_modify(|status| *status = grant.status.min(*status)).or_insert(grant.status);
        }
    }
    let settle = |mut row: PermissionRow| {
        let key = (row.permission.clone(), row.role_id.clone());
        row.settled = statuses.get(&key).copied().and_then(settled);
        row
    };
    rows.into_iter().map(|(_, row)| settle(row)).collect()
}

/// A row with the worst of the patterns that match a permission; among equals, the first in the policy.
fn dangerous<'a>(
    role: &Role,
    permission: &str,
    conditional: bool,
    patterns: impl Iterator<Item = &'a DangerousPermission>,
) -> Option<(Severity, PermissionRow)> {
    let patterns: Vec<_> = patterns.collect();
    let pattern = patterns.into_iter().rev().max_by_key(|pattern| pattern.severity)?;
    let row = PermissionRow {
        permission: visible(permission).into_owned(),
        severity: pattern.severity.label(),
        settled: None,
        conditional,
        role: visible(&role.name).into_owned(),
        role_id: visible(role.id.as_str()).into_owned(),
        pattern: visible(&pattern.pattern.to_string()).into_owned(),
        reason: visible(&pattern.reason).into_owned(),
    };
    Some((pattern.severity, row))
}

fn role(snapshot: &Snapshot, id: &RoleId, divisions: &[Option<&DivisionId>]) -> RoleRow {
    let role = snapshot.role(id);
    let unknown = if snapshot.roles.gap().is_some() { "Name not read" } else { "Unknown role" };
    RoleRow {
        name: visible(role.map_or(unknown, |role| &role.name)).into_owned(),
        id: visible(id.as_str()).into_owned(),
        default_role: role.and_then(|role| role.default_role.as_deref()).map(|name| visible(name).into_owned()),
        permissions: role.map(|role| role.permissions.len() + role.general.len()),
        divisions: divisions.iter().take(ROWS).map(|division| division_words(snapshot, *division)).collect(),
    }
}

fn division_words(snapshot: &Snapshot, division: Option<&DivisionId>) -> String {
    let Some(id) = division else { return "no division".to_owned() };
    if id.is_all() {
        return "all divisions, present and future".to_owned();
    }
    let known = snapshot.divisions.read().and_then(|divisions| divisions.get(id));
    known.map_or_else(|| visible(id.as_str()).into_owned(), |division| visible(&division.name).into_owned())
}

//! The planted risks of a client: those that its row lists, and those that follow from its fields, scopes and roles.
//!
//! Derived from the tables by the definitions in the reference. This is not an audit.

use serde_json::Value;

use super::catalog::{ClientRow, DANGEROUS_PERMISSIONS, DANGEROUS_SCOPES, EXPORTER};
use super::catalog_roles::{Kind, ROLES, RoleRow};
use super::entity::{id_of, items};
use super::kind::Grant;
use super::options::Options;
use super::risk::{Planted, Risk};

/// The risks that the row lists, and those that follow from the row.
pub(super) fn plants(options: &Options, client: &Value, row: &ClientRow) -> Vec<Planted> {
    let grant = Grant::of(client);
    let credentials = grant == Grant::ClientCredentials;
    let scopes: Vec<&str> = items(&client["scope"]).filter_map(Value::as_str).collect();
    let mut found: Vec<(Risk, &str, bool)> = row.plants.to_vec();
    let mut derived: Vec<(Risk, String)> = by_scopes(&scopes, credentials);
    derived.extend(by_roles(row));
    let dangerous = scopes.iter().filter(|scope| DANGEROUS_SCOPES.contains(scope));
    found.extend(dangerous.map(|scope| (Risk::DangerousScope, *scope, credentials)));
    let validity = row.validity.unwrap_or(86_400);
    let shown = [
        (Risk::ImplicitGrant, grant == Grant::Implicit),
        (Risk::PasswordGrant, grant == Grant::Password),
        (Risk::UnknownGrant, grant == Grant::Other),
        (Risk::NoScopes, !credentials && scopes.is_empty()),
        (Risk::IneffectiveScopes, credentials && !scopes.is_empty()),
        (Risk::IneffectiveRedirects, credentials && !row.redirects.is_empty()),
        (Risk::NoRole, credentials && row.roles.is_empty() && row.bare_roles.is_empty()),
        (Risk::LongLivedToken, validity > 86_400),
        (Risk::ScimLivedToken, validity > 172_800),
        (Risk::DisabledClient, ["inactive", "disabled"].contains(&row.state)),
        (Risk::UnknownState, !["active", "inactive", "disabled"].contains(&row.state)),
        (Risk::DeletionScheduled, row.deletion_in_days.is_some()),
        (Risk::NoDescription, row.description.is_empty()),
        (Risk::NoOwner, !["owner:", "owned by"].iter().any(|word| row.description.contains(word))),
        (Risk::UnusedClient, row.dormant),
    ];
    found.extend(shown.into_iter().filter(|(_, is)| *is).map(|(risk, _)| (risk, "", false)));
    if row.roles.iter().any(|(_, division)| *division == "*") {
        // The exporter's own role is the one that its documentation asks for, in all divisions.
        found.push((Risk::AllDivisions, "", row.name == EXPORTER));
    }
    if matches!(row.grant, "CLIENT_CREDENTIALS" | "SAML2BEARER") {
        found.push((Risk::OldGrantSpelling, row.grant, true));
    }
    let mut planted: Vec<Planted> = Vec::new();
    let named = found.into_iter().map(|(risk, evidence, trap)| (risk, evidence.to_owned(), trap));
    for (risk, evidence, trap) in named.chain(derived.into_iter().map(|(risk, evidence)| (risk, evidence, false))) {
        let plant = Planted {
            client_id: client["id"].as_str().unwrap_or_default().to_owned(),
            client_name: row.name.to_owned(),
            risk,
            evidence: match risk {
                Risk::UnresolvedRole => id_of(options, "role", &evidence),
                Risk::UnresolvedDivision => id_of(options, "division", &evidence),
                _ => evidence,
            },
            trap,
        };
        // A row may list a risk that also follows from its fields.
        if !planted.contains(&plant) {
            planted.push(plant);
        }
    }
    planted
}

/// The risks of a list of scopes: a scope beside its `:readonly` form, and `authorization` with `oauth`.
fn by_scopes(scopes: &[&str], credentials: bool) -> Vec<(Risk, String)> {
    if credentials {
        return Vec::new();
    }
    let base = |scope: &str| scope.strip_suffix(":readonly").is_some_and(|base| scopes.contains(&base));
    let redundant = scopes.iter().filter(|scope| base(scope)).map(|scope| (Risk::RedundantScope, (*scope).to_owned()));
    let toxic = ["authorization", "oauth"].iter().all(|scope| scopes.contains(scope));
    redundant.chain(toxic.then(|| (Risk::ToxicScopes, "authorization+oauth".to_owned()))).collect()
}

/// The risks that follow from the policies of a client's roles.
fn by_roles(row: &ClientRow) -> Vec<(Risk, String)> {
    let mut shown = Vec::new();
    for key in row.roles.iter().map(|(role, _)| role).chain(row.bare_roles) {
        let is = |role: &&RoleRow| role.name == *key || matches!(role.kind, Kind::Default(id) if id == *key);
        let Some(role) = ROLES.iter().find(is) else { continue };
        if !matches!(role.kind, Kind::Custom) {
            shown.push((Risk::SharedRole, role.name.to_owned()));
        }
        for (policy, risk) in role
            .policies
            .iter()
            .map(|policy| (policy, Risk::DangerousPermission))
            .chain(role.conditional.iter().map(|policy| (policy, Risk::ConditionalPermission)))
        {
            let mut segments = policy.splitn(3, ':');
            let (Some(domain), Some(entity), Some(actions)) = (segments.next(), segments.next(), segments.next())
            else {
                continue;
            };
            for action in actions.split(',') {
                let permission = format!("{domain}:{entity}:{action}");
                if entity == "*" || action == "*" {
                    shown.push((Risk::WildcardPermission, permission.clone()));
                }
                if DANGEROUS_PERMISSIONS.iter().any(|dangerous| grants([domain, entity, action], dangerous)) {
                    shown.push((risk, permission));
                }
            }
        }
    }
    shown
}

/// Whether the segments of a role's permission, each of which may be `*`, grant `permission`.
fn grants(held: [&str; 3], permission: &str) -> bool {
    held.iter().zip(permission.split(':')).all(|(held, wanted)| *held == "*" || *held == wanted)
}

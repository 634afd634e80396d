//! How a difference from the baseline is told: ids identify it, names and what it brings are for people.
//!
//! Not what it brings (`gain`).

use super::Context;
use super::gain::Drift;
use crate::audit::{Evidence, Kind};
use crate::baseline::Difference;
use crate::domain::{ClientState, DivisionId, Power, RoleId};

/// The label in a finding's details of a dangerous scope that the difference brings.
pub(in crate::audit) const DANGEROUS_SCOPE_DETAIL: &str = "dangerous_scope";
/// The same of a permission.
pub(in crate::audit) const DANGEROUS_PERMISSION_DETAIL: &str = "dangerous_permission";

/// As many permissions as somebody will read in a sentence.
const SAID: usize = 5;
/// And in a list.
const SHOWN: usize = 20;

/// The difference as evidence.
pub(super) fn of(context: &Context<'_>, drift: &Drift) -> Evidence {
    let mut evidence = plain(context, drift);
    evidence.details.extend(drift.gained.iter().map(|power| match power {
        Power::Scope(scope) => (DANGEROUS_SCOPE_DETAIL, scope.clone()),
        Power::Permission(permission) => (DANGEROUS_PERMISSION_DETAIL, permission.clone()),
    }));
    evidence
}

fn plain(context: &Context<'_>, drift: &Drift) -> Evidence {
    let brings = || match drift.gained.as_slice() {
        [] => String::new(),
        gained => format!(", which brings what is dangerous: {}", some(gained.iter().map(Power::name))),
    };
    match &drift.difference {
        Difference::ClientRemoved => Evidence::new(Kind::Client, "", "is in the baseline and is gone"),
        Difference::GrantType(before, now) => Evidence::new(
            Kind::GrantType,
            now.label(),
            format!("changed its grant type from {} to {}{}", before.label(), now.label(), brings()),
        ),
        Difference::State(before, now) => {
            Evidence::new(Kind::Client, "", format!("was {} and is {} now", before.label(), state_word(*now)))
        }
        Difference::TokenValidity(before, now) => {
            Evidence::new(Kind::TokenValidity, "", format!("has tokens that live {now} s instead of {before} s"))
        }
        Difference::ScopeAdded(scope) => {
            Evidence::new(Kind::Scope, scope.as_str(), format!("gained, since it was approved, the scope {scope}"))
        }
        Difference::RoleAdded(role, divisions) => {
            let name = role_name(context, role);
            let place = context.divisions_in_words(places(divisions));
            Evidence {
                details: divisions.iter().map(|division| ("division", division.to_string())).collect(),
                ..Evidence::new(
                    Kind::Role,
                    role.as_str(),
                    format!("gained, since it was approved, the role {name} in {place}{}", brings()),
                )
            }
        }
        Difference::DivisionAdded(role, division) => {
            let (name, place) = (role_name(context, role), context.divisions_in_words([Some(division)]));
            Evidence {
                details: vec![("role", role.to_string()), ("division", division.to_string())],
                ..Evidence::new(
                    Kind::Role,
                    format!("{role} {division}"),
                    format!("holds the role {name} in more than was approved, {place}{}", brings()),
                )
            }
        }
        Difference::RoleContent { role, added, removed } => {
            let shown = |label, list: &[String]| -> Vec<(&'static str, String)> {
                list.iter().take(SHOWN).map(|permission| (label, permission.clone())).collect()
            };
            let name = role_name(context, role);
            let text = match (added.as_slice(), removed.len()) {
                ([], less) => format!("has {less} permissions less behind the role {name}"),
                (more, less) => {
                    let said = some(more.iter().map(String::as_str));
                    format!(
                        "has {} permissions more and {less} less behind the role {name}: {said}{}",
                        more.len(),
                        brings()
                    )
                }
            };
            Evidence {
                details: [shown("added", added), shown("removed", removed)].concat(),
                ..Evidence::new(Kind::Role, role.as_str(), text)
            }
        }
        Difference::RedirectAdded(uri) => Evidence::new(
            Kind::RedirectUri,
            uri.as_str(),
            format!("gained, since it was approved, the redirect URI {uri}"),
        ),
        // What only became less is no drift.
        Difference::ClientAdded
        | Difference::ScopeRemoved(_)
        | Difference::RoleRemoved(_)
        | Difference::DivisionRemoved(..)
        | Difference::RedirectRemoved(_) => added(context, drift),
    }
}

/// A client that nobody approved, with its roles where they count, and what is dangerous.
fn added(context: &Context<'_>, drift: &Drift) -> Evidence {
    let mut said = vec!["is not in the baseline".to_owned()];
    let client = context.snapshot.client(&drift.client).filter(|client| client.grant_type.roles_count());
    let mut roles: Vec<&RoleId> = client.iter().flat_map(|c| c.role_grants.iter().map(|grant| &grant.role)).collect();
    roles.dedup();
    if !roles.is_empty() {
        let names: Vec<&str> = roles.iter().map(|role| role_name(context, role)).collect();
        said.push(format!("its roles: {}", some(names.into_iter())));
    }
    if !drift.gained.is_empty() {
        said.push(format!("what is dangerous: {}", some(drift.gained.iter().map(Power::name))));
    }
    Evidence::new(Kind::Client, "", said.join("; "))
}

/// The first of these, and how many more there are.
fn some<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(SAID);
    let said = names.take(SAID).collect::<Vec<_>>().join(", ");
    if more == 0 { said } else { format!("{said} and {more} more") }
}

/// What people call a role; its id where it cannot be read.
fn role_name<'a>(context: &'a Context<'_>, role: &'a RoleId) -> &'a str {
    let known = context.snapshot.roles.read().and_then(|roles| roles.get(role));
    known.map_or(role.as_str(), |role| role.name.as_str())
}

fn places(divisions: &[DivisionId]) -> Vec<Option<&DivisionId>> {
    if divisions.is_empty() { vec![None] } else { divisions.iter().map(Some).collect() }
}

const fn state_word(state: ClientState) -> &'static str {
    match state {
        ClientState::Other => "in a state that nobody knows",
        known => known.label(),
    }
}

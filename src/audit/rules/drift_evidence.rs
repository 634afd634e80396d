//! A difference from the baseline as evidence: the key contains only ids, the text is for people.
//!
//! `gain` decides what the difference adds.

use super::context::{Context, Drift};
use crate::audit::finding::{DANGEROUS_PERMISSION_DETAIL, DANGEROUS_SCOPE_DETAIL, Evidence, Kind};
use crate::baseline::Difference;
use crate::domain::{ClientState, DivisionId, Privilege, RoleId};
use crate::text::{SharedText, listed};

/// Most names in a sentence; the sentence says how many more there are.
const MOST_IN_TEXT: usize = 5;
/// Most permissions in the details.
const MOST_IN_DETAILS: usize = 20;

/// The difference as evidence.
pub(super) fn of(context: &Context<'_>, drift: &Drift) -> Evidence {
    let mut evidence = plain(context, drift);
    evidence.details.extend(drift.gained.iter().map(|privilege| match privilege {
        Privilege::Scope(scope) => (DANGEROUS_SCOPE_DETAIL, scope.clone().into()),
        Privilege::Permission(permission) => (DANGEROUS_PERMISSION_DETAIL, permission.clone().into()),
    }));
    evidence
}

fn plain(context: &Context<'_>, drift: &Drift) -> Evidence {
    let gain = || match drift.gained.as_slice() {
        [] => String::new(),
        gained => format!("; this adds dangerous privileges: {}", list(gained.iter().map(Privilege::name))),
    };
    match &drift.difference {
        Difference::ClientRemoved => Evidence::new(Kind::Client, "", "is in the baseline but no longer exists"),
        Difference::GrantType(before, now) => Evidence::new(
            Kind::GrantType,
            now.label(),
            format!("changed its grant type from {} to {}{}", before.label(), now.label(), gain()),
        ),
        Difference::State(before, now) => {
            Evidence::new(Kind::Client, "", format!("was {} and is now {}", before.label(), state_word(*now)))
        }
        Difference::TokenValidity(before, now) => {
            Evidence::new(Kind::TokenValidity, "", format!("has a token lifetime of {now} s instead of {before} s"))
        }
        Difference::ScopeAdded(scope) => {
            Evidence::new(Kind::Scope, scope.as_str(), format!("has gained the scope {scope} since it was approved"))
        }
        Difference::RoleAdded(role, divisions) => {
            let name = role_name(context, role);
            let place = context.divisions_in_words(places(divisions));
            Evidence {
                details: divisions
                    .iter()
                    .take(MOST_IN_DETAILS)
                    .map(|division| ("division", division.shared().into()))
                    .collect(),
                ..Evidence::new(
                    Kind::Role,
                    role.as_str(),
                    format!("has gained the role {name} in {place} since it was approved{}", gain()),
                )
            }
        }
        Difference::DivisionAdded(role, division) => {
            let (name, place) = (role_name(context, role), context.divisions_in_words([Some(division)]));
            Evidence {
                details: vec![("role", role.shared().into()), ("division", division.shared().into())],
                ..Evidence::new(
                    Kind::Role,
                    format!("{role} {division}"),
                    format!("holds the role {name} in {place}, which was not approved{}", gain()),
                )
            }
        }
        Difference::RoleContent { role, added, removed } => {
            let shown = |label, permissions: &[String]| -> Vec<(&'static str, SharedText)> {
                permissions.iter().take(MOST_IN_DETAILS).map(|permission| (label, permission.clone().into())).collect()
            };
            let name = role_name(context, role);
            let names = match added.as_slice() {
                [] => String::new(),
                added => format!(" ({})", list(added.iter().map(String::as_str))),
            };
            let text = format!(
                "has the role {name}, whose permissions have changed: {} added{names}, {} removed{}",
                added.len(),
                removed.len(),
                gain()
            );
            Evidence {
                details: [shown("added", added), shown("removed", removed)].concat(),
                ..Evidence::new(Kind::Role, role.as_str(), text)
            }
        }
        Difference::RedirectAdded(uri) => Evidence::new(
            Kind::RedirectUri,
            uri.as_str(),
            format!("has gained the redirect URI {uri} since it was approved"),
        ),
        // The four that only take something away are not drift and do not get here.
        Difference::ClientAdded
        | Difference::ScopeRemoved(_)
        | Difference::RoleRemoved(_)
        | Difference::DivisionRemoved(..)
        | Difference::RedirectRemoved(_) => added(context, drift),
    }
}

/// A client that is not in the baseline, with its roles if they have an effect, and its dangerous privileges.
fn added(context: &Context<'_>, drift: &Drift) -> Evidence {
    let mut parts = vec!["is not in the baseline".to_owned()];
    let client = context.client().filter(|client| client.grant_type.roles_count());
    let mut roles: Vec<&RoleId> = client.iter().flat_map(|c| c.role_grants.iter().map(|grant| &grant.role)).collect();
    roles.dedup();
    if !roles.is_empty() {
        let names: Vec<&str> = roles.iter().map(|role| role_name(context, role)).collect();
        parts.push(format!("roles: {}", list(names.into_iter())));
    }
    if !drift.gained.is_empty() {
        parts.push(format!("dangerous privileges: {}", list(drift.gained.iter().map(Privilege::name))));
    }
    Evidence::new(Kind::Client, "", parts.join("; "))
}

/// The first names, and how many more there are.
fn list<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    listed(names, MOST_IN_TEXT)
}

/// The name of a role, or its id if the role cannot be read.
fn role_name<'a>(context: &'a Context<'_>, role: &'a RoleId) -> &'a str {
    let known = context.snapshot.role(role);
    known.map_or(role.as_str(), |role| role.name.as_str())
}

fn places(divisions: &[DivisionId]) -> Vec<Option<&DivisionId>> {
    if divisions.is_empty() { vec![None] } else { divisions.iter().map(Some).collect() }
}

const fn state_word(state: ClientState) -> &'static str {
    match state {
        ClientState::Other => "in an unknown state",
        known => known.label(),
    }
}

//! What the rules need to know about a role, computed once for each role and not for each client that holds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Permission, Role};
use crate::policy::{DangerousPermission, Policy};
use crate::text::SharedText;

#[derive(Debug)]
pub(super) struct RoleFacts<'a> {
    /// What makes it an administrator role, as text that follows `which`.
    pub(super) administrator: Option<String>,
    /// Whether it has an administrator's name.
    pub(super) is_named_administrator: bool,
    /// The permissions that it grants with a `*`.
    pub(super) wildcards: Vec<&'a Permission>,
    /// For each pair of the policy's companions: whether it grants the permission, and whether it grants the companion.
    pub(super) companions: Vec<(bool, bool)>,
    /// The dangerous permissions that it grants, by name.
    pub(super) dangers: Vec<Danger<'a>>,
}

/// A dangerous permission that a role grants.
#[derive(Debug)]
pub(super) struct Danger<'a> {
    /// `domain:entity:action`, or the single word of a general permission.
    pub(super) name: Arc<str>,
    pub(super) conditional: bool,
    /// The worst pattern that matches it.
    pub(super) worst: &'a DangerousPermission,
    /// All patterns that match it, in lower case.
    pub(super) labels: Arc<[SharedText]>,
}

/// The worst of the patterns that match a permission, and all of them in lower case.
pub(super) type Met<'a> = (&'a DangerousPermission, Arc<[SharedText]>);

/// The worst of these patterns (the first of several equally bad ones) and all of them; `None` if there are none.
pub(super) fn met<'a>(patterns: impl Iterator<Item = &'a DangerousPermission>) -> Option<Met<'a>> {
    let patterns: Vec<&DangerousPermission> = patterns.collect();
    // `max_by_key` returns the last of several maxima, so the search runs backwards to find the first.
    let worst = patterns.iter().rev().max_by_key(|pattern| pattern.severity)?;
    Some((worst, patterns.iter().map(|dangerous| dangerous.pattern.as_str().to_ascii_lowercase().into()).collect()))
}

impl<'a> RoleFacts<'a> {
    /// `matching` returns the dangerous patterns that match a permission.
    pub(super) fn of(
        role: &'a Role,
        policy: &'a Policy,
        matching: &mut impl FnMut(&'a Permission) -> Option<Met<'a>>,
    ) -> Self {
        let is_wild = |permission: &&Permission| {
            [&permission.domain, &permission.entity, &permission.action].iter().any(|segment| &***segment == "*")
        };
        let companions = policy.permissions.companions.iter();
        let companions = companions.map(|(needing, companion)| {
            let needs = role.permissions.iter().any(|granted| needing.meets(granted));
            (needs, role.permissions.iter().any(|granted| companion.meets(granted)))
        });
        Self {
            administrator: why_administrator(role),
            is_named_administrator: policy.roles.admin.iter().any(|pattern| pattern.matches(&role.name)),
            wildcards: role.permissions.iter().filter(is_wild).collect(),
            companions: companions.collect(),
            dangers: dangers(role, policy, matching),
        }
    }
}

fn dangers<'a>(
    role: &'a Role,
    policy: &'a Policy,
    matching: &mut impl FnMut(&'a Permission) -> Option<Met<'a>>,
) -> Vec<Danger<'a>> {
    let mut dangers: BTreeMap<(String, bool), Met<'a>> = BTreeMap::new();
    for permission in &role.permissions {
        dangers.extend(matching(permission).map(|met| ((permission.to_string(), permission.conditional), met)));
    }
    for general in &role.general {
        let met = met(policy.permissions.dangerous_general(general));
        dangers.extend(met.map(|met| ((general.clone(), false), met)));
    }
    let danger = |((name, conditional), (worst, labels)): ((String, bool), Met<'a>)| Danger {
        name: name.into(),
        conditional,
        worst,
        labels,
    };
    dangers.into_iter().map(danger).collect()
}

/// What makes the role an administrator role, as text that follows `which`; `None` if nothing but its name may do so.
fn why_administrator(role: &Role) -> Option<String> {
    if role.default_role.as_deref().is_some_and(|id| id.eq_ignore_ascii_case("admin")) {
        return Some("is the platform's default role admin".to_owned());
    }
    if role.general.iter().any(|permission| permission.eq_ignore_ascii_case("admin")) {
        return Some("has the general permission admin".to_owned());
    }
    let granting = role.permissions.iter().filter(|permission| makes_administrator(permission));
    // An unconditional grant is the stronger evidence.
    let granting = granting.min_by_key(|permission| permission.conditional)?;
    let condition = if granting.conditional { ", only under a condition" } else { "" };
    Some(format!("grants {granting}{condition}"))
}

fn makes_administrator(granted: &Permission) -> bool {
    let is = |segment: &str, word: &str| segment == "*" || segment.eq_ignore_ascii_case(word);
    let all_of_authorization =
        is(&granted.domain, "authorization") && &*granted.entity == "*" && &*granted.action == "*";
    let organisation =
        is(&granted.domain, "directory") && is(&granted.entity, "organization") && is(&granted.action, "admin");
    all_of_authorization || organisation
}

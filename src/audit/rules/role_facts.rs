//! What the rules need to know about a role, computed once for each role and not for each client that holds it.
//!
//! The dangerous permissions are in `context`, because other rules need them too.

use crate::domain::{Permission, Role};
use crate::policy::Policy;

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
}

impl<'a> RoleFacts<'a> {
    pub(super) fn of(role: &'a Role, policy: &Policy) -> Self {
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
        }
    }
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

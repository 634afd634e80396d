//! What the rules need to know about a role, computed once for each role and not for each client that holds it.
//!
//! The dangerous permissions are in `context`, because other rules need them too.

use std::collections::HashMap;

use super::context::Context;
use super::roles::{is_named, why_administrator};
use crate::domain::{Permission, Role, RoleId};

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

impl<'a> Context<'a> {
    /// The facts about a role of the organisation.
    pub(super) fn role_facts(&self, role: &RoleId) -> Option<&RoleFacts<'a>> {
        self.roles.get_or_init(|| self.facts_on_roles()).get(role)
    }

    fn facts_on_roles(&self) -> HashMap<&'a RoleId, RoleFacts<'a>> {
        let roles = self.snapshot.roles.read().into_iter().flatten();
        roles.map(|role| (&role.id, self.facts_on_role(role))).collect()
    }

    fn facts_on_role(&self, role: &'a Role) -> RoleFacts<'a> {
        let is_wild = |permission: &&Permission| {
            [&permission.domain, &permission.entity, &permission.action].iter().any(|segment| &***segment == "*")
        };
        let companions = self.policy.permissions.companions.iter();
        let companions = companions.map(|(needing, companion)| {
            let needs = role.permissions.iter().any(|granted| needing.meets(granted));
            (needs, role.permissions.iter().any(|granted| companion.meets(granted)))
        });
        RoleFacts {
            administrator: why_administrator(role),
            is_named_administrator: is_named(&self.policy.roles.admin, role),
            wildcards: role.permissions.iter().filter(is_wild).collect(),
            companions: companions.collect(),
        }
    }
}

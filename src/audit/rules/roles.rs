//! Rules on the roles that clients hold.
//!
//! What the roles permit one by one is `permissions`'s; where they hold is `divisions`'s.

use std::collections::BTreeSet;

use super::context::HeldRole;
use super::{AppliesTo, BASE, Confidence, Context, Rule, UNRESOLVED_ROLE, any_of};
use crate::audit::{Evidence, Finding, Kind, unresolved_roles};
use crate::domain::{ClientState, Collector, Permission, Role, Severity};
use crate::policy::NamePattern;

const ROLES: &[Collector] = &[Collector::Clients, Collector::Roles];
const PERMISSIONS: &str = "https://help.mypurecloud.com/articles/about-roles-permissions/";

pub(super) static ADMIN: Rule = Rule {
    slug: "admin-role",
    title: "Administrator's role",
    severity: Severity::Critical,
    severity_note: "medium by name alone",
    confidence: Confidence::Likely,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    why: "Whoever holds the client's secret is an administrator, without a second factor and without a person's name in the audit trail.",
    reference: PERMISSIONS,
    traps: "Content decides: a custom role named \"Queue admin\" is none. By name alone, the whole name must match roles.admin of the policy.",
    remediation: "Give the client a role of its own with the permissions that its calls need.",
    severities: |rule, policy| any_of(rule, policy, [Severity::Critical, Severity::Medium]),
    check: admin,
    ..BASE
};

pub(super) static FORBIDDEN: Rule = Rule {
    slug: "forbidden-role",
    title: "Role that the policy does not allow",
    severity: Severity::High,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    why: "The policy allows this client other roles only.",
    reference: "the policy, [[expect]] allowed_roles",
    traps: "Silent unless the policy says allowed_roles for a selector that picks the client. Matches a role's id or its whole name.",
    remediation: "Take the role from the client, or widen the policy's expectation.",
    check: forbidden,
    ..BASE
};

pub(super) static SHARED: Rule = Rule {
    slug: "shared-role",
    title: "Default role",
    severity: Severity::Medium,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    why: "The platform's default roles are made for people and grow with its releases: the client's power grows with them.",
    reference: PERMISSIONS,
    traps: "Whether people hold a custom role too is not asked: counting a role's users is a slow call.",
    remediation: "Copy what the client needs into a custom role of its own.",
    check: shared,
    ..BASE
};

pub(super) static NO_ROLE: Rule = Rule {
    slug: "no-role",
    title: "No role",
    severity: Severity::Low,
    applies_to: AppliesTo::ClientCredentials,
    why: "Without a role the client can call next to nothing: it is unfinished or forgotten, and its secret still works.",
    reference: "Python SDK, OAuthClient.md, roleDivisions",
    traps: "Inactive and disabled clients have lost their roles on purpose.",
    remediation: "Delete the client, or give it the role that it was made for.",
    check: no_role,
    ..BASE
};

pub(super) static UNRESOLVED: Rule = Rule {
    slug: UNRESOLVED_ROLE,
    title: "Role that cannot be found",
    severity: Severity::Medium,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    why: "The client names a role that the organisation's list does not have, or whose record cannot be read, so that nobody can tell what it permits.",
    reference: PERMISSIONS,
    traps: "Where roles cannot be read at all, this is not evaluated. A client with such a role is never compliant, whatever the \
            policy makes of this rule.",
    remediation: "Take the role from the client, and give it one that exists.",
    check: unresolved,
    ..BASE
};

fn admin(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&ADMIN) {
        for held in context.held_roles(client) {
            let role = held.role;
            let (severity, by) = match administers(role) {
                Some(by) => (Severity::Critical, by),
                None if named(&context.policy.roles.admin, role) => {
                    (Severity::Medium, "by its name alone; its content is no administrator's".to_owned())
                }
                None => continue,
            };
            let text = format!("holds the role {}, an administrator's {by}", role.name);
            findings.push(context.finding_at(&ADMIN, severity, client, of_role(context, &held, text)));
        }
    }
}

/// By what of its content a role is an administrator's.
fn administers(role: &Role) -> Option<String> {
    if role.default_role.as_deref().is_some_and(|id| id.eq_ignore_ascii_case("admin")) {
        return Some("by the platform's default role admin".to_owned());
    }
    if role.general.iter().any(|permission| permission.eq_ignore_ascii_case("admin")) {
        return Some("by the general permission admin".to_owned());
    }
    let granting = role.permissions.iter().filter(|permission| is_administrators(permission));
    // One without a condition tells more.
    let granting = granting.min_by_key(|permission| permission.conditional)?;
    let condition = if granting.conditional { ", under a condition only" } else { "" };
    Some(format!("by {granting}{condition}"))
}

fn is_administrators(granted: &Permission) -> bool {
    let is = |segment: &str, word: &str| segment == "*" || segment.eq_ignore_ascii_case(word);
    let all_of_authorization =
        is(&granted.domain, "authorization") && &*granted.entity == "*" && &*granted.action == "*";
    let organisation =
        is(&granted.domain, "directory") && is(&granted.entity, "organization") && is(&granted.action, "admin");
    all_of_authorization || organisation
}

fn named(patterns: &[NamePattern], role: &Role) -> bool {
    patterns.iter().any(|pattern| pattern.matches(&role.name))
}

fn forbidden(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&FORBIDDEN) {
        let expected: Vec<&[NamePattern]> = context.policy.allowed_roles(client).collect();
        if expected.is_empty() {
            continue;
        }
        let known = context.snapshot.roles.read();
        let held: BTreeSet<_> = client.role_grants.iter().map(|grant| &grant.role).collect();
        for id in held {
            let name = known.and_then(|roles| roles.get(id)).map_or(id.as_str(), |role| role.name.as_str());
            let allows = |pattern: &NamePattern| pattern.matches(id.as_str()) || pattern.matches(name);
            if expected.iter().any(|allowed| !allowed.iter().any(allows)) {
                let text = format!("holds the role {name}, which the policy does not allow it");
                findings.push(context.finding(&FORBIDDEN, client, Evidence::new(Kind::Role, id.as_str(), text)));
            }
        }
    }
}

fn shared(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&SHARED) {
        for held in context.held_roles(client).into_iter().filter(|held| held.role.is_default) {
            let text = format!("holds the platform's default role {}", held.role.name);
            findings.push(context.finding(&SHARED, client, of_role(context, &held, text)));
        }
    }
}

fn no_role(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let ended = |state| matches!(state, ClientState::Inactive | ClientState::Disabled);
    for client in context.covered(&NO_ROLE).filter(|client| client.role_grants.is_empty() && !ended(client.state)) {
        findings.push(context.finding(&NO_ROLE, client, Evidence::new(Kind::Client, "", "holds no role")));
    }
}

fn unresolved(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&UNRESOLVED) {
        for role in unresolved_roles(context.snapshot, client) {
            let text = format!("names the role {role}, which is not in the organisation's list or cannot be read");
            findings.push(context.finding(&UNRESOLVED, client, Evidence::new(Kind::Role, role.as_str(), text)));
        }
    }
}

/// A role as evidence, with its name and where it is held.
fn of_role(context: &Context<'_>, held: &HeldRole<'_>, text: String) -> Evidence {
    let divisions = context.divisions_in_words(held.divisions.iter().copied());
    Evidence {
        details: vec![("role", held.role.name.clone()), ("division", divisions)],
        ..Evidence::new(Kind::Role, held.role.id.as_str(), text)
    }
}

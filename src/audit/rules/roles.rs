//! Rules on the roles that clients hold.
//!
//! Rules on single permissions are in `permissions`, rules on where roles apply in `divisions`.
//!
//! `forbidden-role` exists because the policy can say `allowed_roles`, and no other rule evaluates that key.

use std::collections::BTreeSet;

use super::context::{Context, HeldRole};
use crate::audit::finding::{Evidence, Kind};
use crate::audit::role_gaps::role_gaps;
use crate::audit::rule::{AppliesTo, BASE, Confidence, Rule, UNRESOLVED_ROLE, any_of};
use crate::audit::sink::Sink;
use crate::domain::{Client, ClientField, ClientState, Collector, Severity};
use crate::policy::NamePattern;

const ROLES: &[Collector] = &[Collector::Clients, Collector::Roles];
const PERMISSIONS: &str = "https://help.mypurecloud.com/articles/about-roles-permissions/";

pub(super) static ADMIN: Rule = Rule {
    slug: "admin-role",
    title: "Administrator role",
    severity: Severity::Critical,
    severity_note: "medium if only the name of the role matches",
    confidence: Confidence::Likely,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "Whoever has the client's secret is an administrator, without a second factor and without a person's name in the audit trail.",
    reference: PERMISSIONS,
    traps: "The permissions of the role decide: a custom role named \"Queue admin\" is fine. A name counts only if the complete name matches roles.admin of the policy.",
    remediation: "Give the client its own role with only the permissions that its calls need.",
    severities: |rule, policy| any_of(rule, policy, [Severity::Critical, Severity::Medium]),
    ..BASE
};

pub(super) static FORBIDDEN: Rule = Rule {
    slug: "forbidden-role",
    title: "Role not allowed by the policy",
    severity: Severity::High,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "The policy allows only other roles for this client.",
    reference: "the policy, [[expect]] allowed_roles",
    traps: "The rule finds nothing unless the policy has allowed_roles in an [[expect]] entry that selects the client. An allowed role can be given by its id or its complete name.",
    remediation: "Take the role away from the client, or extend allowed_roles in the policy.",
    ..BASE
};

pub(super) static SHARED: Rule = Rule {
    slug: "shared-role",
    title: "Default role of the platform",
    severity: Severity::Medium,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "The platform's default roles are made for people. New releases of the platform add permissions to them, and so to the client.",
    reference: PERMISSIONS,
    traps: "The rule does not check whether people also hold a custom role, because counting the users of a role is a slow call.",
    remediation: "Copy the permissions that the client needs into its own custom role.",
    ..BASE
};

pub(super) static NO_ROLE: Rule = Rule {
    slug: "no-role",
    title: "No role",
    severity: Severity::Low,
    applies_to: AppliesTo::ClientCredentials,
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "Without a role, the client can call next to nothing. It is unfinished or forgotten, but its secret still works.",
    reference: "Python SDK, OAuthClient.md, roleDivisions",
    traps: "Inactive and disabled clients are skipped: they have lost their roles on purpose.",
    remediation: "Delete the client, or give it the role that it needs.",
    ..BASE
};

pub(super) static UNRESOLVED: Rule = Rule {
    slug: UNRESOLVED_ROLE,
    title: "Role that cannot be found or read",
    severity: Severity::Medium,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "The client names a role that is not in the organisation's list, or whose record cannot be read. What the role permits is unknown, so the client may have dangerous permissions that the audit does not show.",
    reference: PERMISSIONS,
    traps: "If roles cannot be read at all, the rule is not evaluated. A client with such a role is never compliant, whatever the \
            policy sets for this rule.",
    remediation: "Take the role away from the client, and give it a role that exists.",
    ..BASE
};

pub(super) fn admin(context: &Context<'_>, findings: &mut Sink<'_>) {
    if context.covered(&ADMIN).is_some() {
        for held in context.held_roles() {
            let HeldRole { role, facts, .. } = held;
            let (severity, text) = match &facts.administrator {
                Some(why) => {
                    (Severity::Critical, format!("is an administrator through the role {}, which {why}", role.name))
                }
                None if facts.is_named_administrator => (
                    Severity::Medium,
                    format!("holds the role {}, which has an administrator's name but not the permissions", role.name),
                ),
                None => continue,
            };
            findings.push(context.finding_at(&ADMIN, severity, of_role(context, held, text)));
        }
    }
}

pub(super) fn forbidden(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&FORBIDDEN) {
        let expected: Vec<&[NamePattern]> = context.policy.allowed_roles(client).collect();
        if expected.is_empty() {
            return;
        }
        let known = context.snapshot.roles.read();
        let held: BTreeSet<_> = client.role_grants.iter().map(|grant| &grant.role).collect();
        for id in held {
            let name = known.and_then(|roles| roles.find(id)).map_or(id.as_str(), |role| role.name.as_str());
            let allows = |pattern: &NamePattern| pattern.matches(id.as_str()) || pattern.matches(name);
            if expected.iter().any(|allowed| !allowed.iter().any(allows)) {
                let text = format!("holds the role {name}, which the policy does not allow for this client");
                findings.push(context.finding(&FORBIDDEN, Evidence::new(Kind::Role, id.as_str(), text)));
            }
        }
    }
}

pub(super) fn shared(context: &Context<'_>, findings: &mut Sink<'_>) {
    if context.covered(&SHARED).is_some() {
        for held in context.held_roles().iter().filter(|held| held.role.is_default) {
            let text = format!("holds the platform's default role {}", held.role.name);
            findings.push(context.finding(&SHARED, of_role(context, held, text)));
        }
    }
}

pub(super) fn no_role(context: &Context<'_>, findings: &mut Sink<'_>) {
    let ended = |state| matches!(state, ClientState::Inactive | ClientState::Disabled);
    let lacks_roles = |client: &Client| client.role_grants.is_empty() && !ended(client.state);
    if context.covered_without_gap(&NO_ROLE).is_some_and(lacks_roles) {
        findings.push(context.finding(&NO_ROLE, Evidence::new(Kind::Client, "", "holds no role")));
    }
}

pub(super) fn unresolved(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&UNRESOLVED) {
        let unknown = role_gaps(context.snapshot, client).into_iter().filter(|(_, gap)| gap.is_unknown());
        for (role, _) in unknown {
            let text = format!("names the role {role}, which is not in the organisation's list or cannot be read");
            findings.push(context.finding(&UNRESOLVED, Evidence::new(Kind::Role, role.as_str(), text)));
        }
    }
}

/// A role as evidence; its name and the divisions in which it is held are details.
fn of_role(context: &Context<'_>, held: &HeldRole<'_>, text: String) -> Evidence {
    let divisions = context.divisions_in_words(held.divisions.iter().copied());
    Evidence {
        details: vec![("role", held.role.name.clone().into()), ("division", divisions.into())],
        ..Evidence::new(Kind::Role, held.role.id.as_str(), text)
    }
}

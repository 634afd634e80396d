//! Rules on what the roles of clients permit, united over all of a client's roles.
//!
//! Not on the roles as such (`roles`), nor on the divisions (`divisions`).

use std::collections::{BTreeMap, BTreeSet};

use super::{AppliesTo, BASE, Context, DANGEROUS_PERMISSION, Rule, any_of};
use crate::audit::{Evidence, Finding, Kind};
use crate::domain::{Client, Collector, DivisionId, Permission, Role, Severity};
use crate::policy::DangerousPermission;

const ROLES: &[Collector] = &[Collector::Clients, Collector::Roles];

pub(super) static DANGEROUS: Rule = Rule {
    slug: DANGEROUS_PERMISSION,
    title: "Dangerous permission",
    severity: Severity::High,
    severity_note: "that of the policy's pattern",
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    why: "The client's own roles permit it at any time, without a user.",
    reference: "https://help.mypurecloud.com/articles/products-roles-and-permissions-list/",
    traps: "all and admin are also literal actions. A * in a role grants whatever the pattern names. Conditional grants, and grants \
            in some divisions only, are narrower: the evidence says so.",
    remediation: "Take the permission from the client's role, or give the client a narrower role. Where it is needed, approve it.",
    severities: |rule, policy| {
        any_of(rule, policy, policy.permissions.dangerous.iter().map(|pattern| pattern.severity))
    },
    check: dangerous,
    ..BASE
};

pub(super) static WILDCARD: Rule = Rule {
    slug: "wildcard-permission",
    title: "Wildcard permission",
    severity: Severity::High,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    why: "A role with * grants what the platform adds later, too: nobody decided on that.",
    reference: "Terraform provider, docs/resources/auth_role.md: \"Permission entity or '*' for all\"",
    traps: "all and admin are actions' names and no wildcards, e.g. in telephony:plugin:all.",
    remediation: "Name the entities and actions that the client's calls need.",
    check: wildcard,
    ..BASE
};

pub(super) static MISSING_COMPANION: Rule = Rule {
    slug: "missing-companion-permission",
    title: "Companion permission missing",
    severity: Severity::Low,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    why: "One permission needs the other to work: the client fails or sees less where it is used.",
    reference: "the policy, permissions.companions",
    traps: "Not judged for a client with a role that cannot be found: that role may grant it.",
    remediation: "Add the companion to the client's role, or take away the permission that is of no use without it.",
    check: missing_companion,
    ..BASE
};

/// A permission as one or several roles grant it to a client.
struct Granted<'a> {
    /// The pattern of the policy that decides, where the rule has patterns.
    pattern: Option<&'a DangerousPermission>,
    roles: BTreeSet<&'a str>,
    divisions: BTreeSet<Option<&'a DivisionId>>,
    /// Whether every grant is conditional.
    conditional: bool,
}

fn dangerous(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&DANGEROUS) {
        let dangerous = |role: &Role| {
            let dangerous = context.dangerous_permissions(&role.id);
            dangerous.iter().map(|(permission, pattern)| (*permission, Some(*pattern))).collect()
        };
        for (permission, granted) in granted(context, client, dangerous) {
            let Some(pattern) = granted.pattern else { continue };
            let evidence = of_permission(context, &permission, &granted);
            findings.push(Finding {
                pattern: Some(pattern.pattern.to_string()),
                reason: pattern.reason.clone(),
                ..context.finding_at(&DANGEROUS, pattern.severity, client, evidence)
            });
        }
    }
}

fn wildcard(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&WILDCARD) {
        let wild = |permission: &Permission| {
            [&permission.domain, &permission.entity, &permission.action].iter().any(|segment| &***segment == "*")
        };
        for (permission, granted) in granted(context, client, |role| {
            role.permissions.iter().filter(|permission| wild(permission)).map(|permission| (permission, None)).collect()
        }) {
            let evidence = of_permission(context, &permission, &granted);
            findings.push(context.finding(&WILDCARD, client, evidence));
        }
    }
}

fn missing_companion(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(roles) = context.snapshot.roles.read() else { return };
    if context.policy.permissions.companions.is_empty() {
        return;
    }
    for client in context.covered(&MISSING_COMPANION) {
        if !client.role_grants.iter().all(|grant| roles.contains_key(&grant.role)) {
            continue;
        }
        let held = context.held_roles(client);
        let permissions = || held.iter().flat_map(|held| held.role.permissions.iter());
        let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (needing, companion) in &context.policy.permissions.companions {
            if permissions().any(|granted| needing.meets(granted)) && !permissions().any(|p| companion.meets(p)) {
                missing.entry(companion.to_string()).or_default().insert(needing.to_string());
            }
        }
        for (companion, needing) in missing {
            let needing = needing.into_iter().collect::<Vec<_>>().join(", ");
            let evidence = Evidence {
                details: vec![("permission", needing.clone())],
                ..Evidence::new(
                    Kind::MissingPermission,
                    companion.as_str(),
                    format!("may use {needing}, which needs {companion}, and lacks it"),
                )
            };
            findings
                .push(Finding { pattern: Some(companion), ..context.finding(&MISSING_COMPANION, client, evidence) });
        }
    }
}

type Picked<'a> = Vec<(&'a Permission, Option<&'a DangerousPermission>)>;

/// What is picked of each of a client's roles, united by permission as it is spelled in the role.
fn granted<'a>(
    context: &Context<'a>,
    client: &'a Client,
    pick: impl Fn(&'a Role) -> Picked<'a>,
) -> BTreeMap<String, Granted<'a>> {
    let mut united: BTreeMap<String, Granted<'a>> = BTreeMap::new();
    for held in context.held_roles(client) {
        for (permission, pattern) in pick(held.role) {
            let granted = united.entry(permission.to_string()).or_insert_with(|| Granted {
                pattern,
                roles: BTreeSet::new(),
                divisions: BTreeSet::new(),
                conditional: true,
            });
            granted.roles.insert(&held.role.name);
            granted.divisions.extend(&held.divisions);
            granted.conditional &= permission.conditional;
        }
    }
    united
}

fn of_permission(context: &Context<'_>, permission: &str, granted: &Granted<'_>) -> Evidence {
    let roles = granted.roles.iter().copied().collect::<Vec<_>>().join(", ");
    let divisions = context.divisions_in_words(granted.divisions.iter().copied());
    let condition = if granted.conditional { ", under a condition only" } else { "" };
    let by = if granted.roles.len() == 1 { "role" } else { "roles" };
    Evidence {
        details: vec![
            ("role", roles.clone()),
            ("division", divisions.clone()),
            ("conditional", granted.conditional.to_string()),
        ],
        ..Evidence::new(
            Kind::Permission,
            permission,
            format!("may use {permission} by the {by} {roles} in {divisions}{condition}"),
        )
    }
}

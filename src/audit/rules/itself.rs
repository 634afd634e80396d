//! Rules on the audit itself: the exporter's own client, and a policy that protects from nothing.
//!
//! Exemptions are judged where they are applied.

use std::collections::BTreeSet;

use super::{AppliesTo, BASE, Context, Rule};
use crate::audit::{Evidence, Finding, Kind};
use crate::domain::{Collector, Permission, Severity};

/// What the exporter needs, and what later collectors can use; anything else is more than it should hold.
pub const USEFUL_PERMISSIONS: [&str; 5] = [
    "oauth:client:view",
    "authorization:role:view",
    "usage:organization:view",
    "audits:audit:view",
    "authorization:grant:view",
];

pub(super) static SELF_NOT_LISTED: Rule = Rule {
    slug: "self-not-listed",
    title: "The exporter's own client is not in the list",
    severity: Severity::Critical,
    applies_to: AppliesTo::Own,
    why: "A list without the client that asked for it is not the whole list: a wrong division, permission or organisation.",
    reference: "https://help.mypurecloud.com/articles/about-access-control/",
    traps: "It is no finding: the refresh fails, and the data of the last complete one stays. --refresh.require-self=false lifts that \
            for a client of another organisation.",
    remediation: "Grant oauth:client:view to the exporter's client in all divisions, and check region and organisation.",
    ..BASE
};

pub(super) static OVERPRIVILEGED: Rule = Rule {
    slug: "auditor-overprivileged",
    title: "The exporter's own client holds too much",
    severity: Severity::Medium,
    applies_to: AppliesTo::Own,
    needs: &[Collector::Clients, Collector::Roles],
    why: "The exporter reads; whoever steals its secret should be able to do no more.",
    reference: "the project's README, the role that the exporter needs",
    traps: "What later collectors can use (usage, audits, grants: view) is not too much.",
    remediation: "Give the client a role of its own with oauth:client:view and authorization:role:view.",
    not_applicable: |context| {
        let own = context.snapshot.own_client.as_ref();
        own.and_then(|own| context.snapshot.client(own))
            .is_none()
            .then_some("the exporter's own client is not in the list")
    },
    check: overprivileged,
    ..BASE
};

pub(super) static PATTERN_UNMATCHED: Rule = Rule {
    slug: "policy-pattern-unmatched",
    title: "A pattern of the policy matches nothing",
    severity: Severity::Low,
    applies_to: AppliesTo::Organisation,
    needs: &[Collector::Scopes, Collector::Permissions],
    judges_in_part: true,
    why: "The platform has nothing that the policy names here: nobody should feel protected by it.",
    reference: "GET /api/v2/oauth/scopes and GET /api/v2/authorization/permissions",
    traps: "allow_unmatched = true on an entry keeps it silent, as for the literals of older guides in the built-in policy.",
    remediation: "Correct the pattern; policy test-glob shows what it matches. Or set allow_unmatched.",
    check: pattern_unmatched,
    ..BASE
};

fn overprivileged(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(own) = context.snapshot.own_client.as_ref().and_then(|own| context.snapshot.client(own)) else { return };
    if !own.grant_type.roles_count() {
        return;
    }
    let is_useful = |held: &str| USEFUL_PERMISSIONS.iter().any(|useful| useful.eq_ignore_ascii_case(held));
    let mut excess = BTreeSet::new();
    for held in context.held_roles(own) {
        excess.extend(held.role.permissions.iter().map(ToString::to_string).filter(|held| !is_useful(held)));
        excess.extend(held.role.general.iter().cloned());
    }
    if !excess.is_empty() {
        let excess = excess.into_iter().collect::<Vec<_>>().join(", ");
        let evidence = Evidence::new(Kind::Client, "", format!("holds more than the exporter needs: {excess}"));
        findings.push(context.finding(&OVERPRIVILEGED, own, evidence));
    }
}

fn pattern_unmatched(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut unmatched: BTreeSet<(String, &str)> = unmatched_scopes(context).into_iter().map(|p| (p, "scope")).collect();
    unmatched.extend(unmatched_permissions(context).into_iter().map(|pattern| (pattern, "permission")));
    for (pattern, what) in unmatched {
        let text = format!("the policy names {pattern}, and the platform has no such {what}");
        let evidence =
            Evidence { details: vec![("of", what.to_owned())], ..Evidence::new(Kind::Pattern, &*pattern, text) };
        let finding = context.finding_on_organisation(&PATTERN_UNMATCHED, PATTERN_UNMATCHED.severity, evidence);
        findings.push(Finding { pattern: Some(pattern), ..finding });
    }
}

/// The policy's scopes that the registry does not have. An empty registry tells nothing.
fn unmatched_scopes(context: &Context<'_>) -> BTreeSet<String> {
    let Some(registry) = context.snapshot.registry.read().filter(|registry| !registry.is_empty()) else {
        return BTreeSet::new();
    };
    let policy = context.policy;
    let dangerous = policy.scopes.dangerous.iter().filter(|dangerous| {
        !dangerous.allow_unmatched && !registry.keys().any(|scope| dangerous.pattern.matches(scope))
    });
    let dangerous = dangerous.map(|dangerous| dangerous.pattern.to_string());
    let toxic = policy.scopes.toxic.iter().flat_map(|combination| &combination.scopes);
    let required = policy.expectations.iter().flat_map(|expectation| &expectation.required_scopes);
    let literal = toxic.chain(required).filter(|scope| !registry.contains_key(*scope)).cloned();
    dangerous.chain(literal).collect()
}

/// The policy's permission patterns that meet nothing of the platform's permissions.
fn unmatched_permissions(context: &Context<'_>) -> BTreeSet<String> {
    let Some(registry) = context.snapshot.permissions.read().filter(|registry| !registry.is_empty()) else {
        return BTreeSet::new();
    };
    let registry: Vec<Permission> = registry.iter().filter_map(|id| Permission::parse(id)).collect();
    let permissions = &context.policy.permissions;
    let dangerous = permissions.dangerous.iter().filter(|dangerous| !dangerous.allow_unmatched);
    let dangerous = dangerous.map(|dangerous| &dangerous.pattern);
    let companions = permissions.companions.iter().flat_map(|(needing, companion)| [needing, companion]);
    dangerous
        .chain(companions)
        .filter(|pattern| !registry.iter().any(|permission| pattern.meets(permission)))
        .map(ToString::to_string)
        .collect()
}

//! Rules on the audit itself: the exporter's own client, and policy patterns that match nothing.
//!
//! Rules on exemptions are in `exemptions`.

use std::collections::BTreeSet;

use super::context::Context;
use crate::audit::finding::{About, Evidence, Kind};
use crate::audit::rule::{AppliesTo, BASE, Rule};
use crate::audit::sink::Sink;
use crate::domain::{ClientField, Collector, Permission, Role, RoleField, Severity};

/// The permissions that the exporter needs, and those that later collectors can use. It should have no others.
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
    why: "A list of clients without the client that requested it is incomplete. The cause is a wrong division, permission or organisation.",
    reference: "https://help.mypurecloud.com/articles/about-access-control/",
    traps: "This is never a finding: the refresh fails, and the data of the last complete refresh stays. For a client of another \
            organisation, turn the check off with --refresh.require-self=false.",
    remediation: "Grant oauth:client:view to the exporter's client in all divisions, and check the region and the organisation.",
    ..BASE
};

pub(super) static OVERPRIVILEGED: Rule = Rule {
    slug: "auditor-overprivileged",
    title: "The exporter's own client has too many permissions",
    severity: Severity::Medium,
    applies_to: AppliesTo::Own,
    needs: &[Collector::Clients, Collector::Roles],
    reads: &[ClientField::Roles],
    why: "The exporter only reads. Somebody who steals its secret should not be able to do more.",
    reference: "the project's README, the role that the exporter needs",
    traps: "Permissions that later collectors can use (view on usage, audits and grants) are fine.",
    remediation: "Give the client its own role with only oauth:client:view and authorization:role:view.",
    ..BASE
};

pub(super) static PATTERN_UNMATCHED: Rule = Rule {
    slug: "policy-pattern-unmatched",
    title: "Policy pattern that matches nothing",
    severity: Severity::Low,
    applies_to: AppliesTo::Organisation,
    needs: &[Collector::Scopes, Collector::Permissions],
    runs_without_all_inputs: true,
    why: "The platform has nothing that the pattern matches, so the pattern protects against nothing. It may be misspelt.",
    reference: "GET /api/v2/oauth/scopes and GET /api/v2/authorization/permissions",
    traps: "An entry with allow_unmatched = true is fine. The built-in policy sets it, for example, on names that only older guides mention.",
    remediation: "Correct the pattern; `policy test-glob` shows what it matches. Or set allow_unmatched = true on the entry.",
    ..BASE
};

pub(super) fn overprivileged_does_not_apply(context: &Context<'_>) -> Option<&'static str> {
    let own = context.snapshot.own_client.as_ref();
    own.and_then(|own| context.snapshot.client(own)).is_none().then_some("the exporter's own client is not in the list")
}

/// Whether the role, read in full, permits nothing but what the exporter's own client may have.
pub(super) fn is_asked_for(role: &Role) -> bool {
    let in_full = role.gaps.of(RoleField::Contents).is_none();
    in_full && role.general.is_empty() && role.permissions.iter().all(|held| is_useful(&held.to_string()))
}

fn is_useful(held: &str) -> bool {
    USEFUL_PERMISSIONS.iter().any(|useful| useful.eq_ignore_ascii_case(held))
}

pub(super) fn overprivileged(context: &Context<'_>, findings: &mut Sink<'_>) {
    let Some(own) = context.client().filter(|client| context.snapshot.own_client.as_ref() == Some(&client.id)) else {
        return;
    };
    if !own.grant_type.roles_count() {
        return;
    }
    let mut excess = BTreeSet::new();
    for held in context.held_roles() {
        excess.extend(held.role.permissions.iter().map(ToString::to_string).filter(|held| !is_useful(held)));
        excess.extend(held.role.general.iter().cloned());
    }
    if !excess.is_empty() {
        let excess = excess.into_iter().collect::<Vec<_>>().join(", ");
        let evidence =
            Evidence::new(Kind::Client, "", format!("has permissions that the exporter does not need: {excess}"));
        findings.push(context.finding(&OVERPRIVILEGED, evidence));
    }
}

pub(super) fn pattern_unmatched(context: &Context<'_>, findings: &mut Sink<'_>) {
    if !context.is_about_organisation() {
        return;
    }
    let mut unmatched: BTreeSet<(String, &str)> = unmatched_scopes(context).into_iter().map(|p| (p, "scope")).collect();
    unmatched.extend(unmatched_permissions(context).into_iter().map(|pattern| (pattern, "permission")));
    for (pattern, what) in unmatched {
        let text = format!("the policy names {pattern}, but the platform has no such {what}");
        let evidence = Evidence { details: vec![("of", what.into())], ..Evidence::new(Kind::Pattern, &*pattern, text) };
        let finding = context.finding_at(&PATTERN_UNMATCHED, PATTERN_UNMATCHED.severity, evidence);
        findings.push(About { pattern: Some(pattern.into()), ..finding });
    }
}

/// The policy's scopes and scope patterns that match nothing in the registry. An empty registry proves nothing, so the
/// result is empty too.
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

/// The policy's permission patterns that match none of the platform's permissions.
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

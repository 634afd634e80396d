//! Rules on the divisions in which clients hold their roles.
//!
//! Rules on what the roles permit there are in `permissions`.

use std::collections::BTreeSet;

use super::context::{Context, MOST_NAMES};
use super::itself::is_asked_for;
use crate::audit::finding::{Evidence, Kind};
use crate::audit::rule::{AppliesTo, BASE, Rule, any_of};
use crate::audit::sink::Sink;
use crate::domain::{ClientField, Collector, DivisionId, RoleGrant, RoleId, Severity};
use crate::policy::NamePattern;
use crate::text::listed;

const DIVISIONS: &str = "https://help.mypurecloud.com/articles/about-access-control/";

pub(super) static ALL_DIVISIONS: Rule = Rule {
    slug: "all-divisions",
    title: "Role in all divisions",
    severity: Severity::Medium,
    severity_note: "high if a role in all divisions grants a dangerous permission",
    applies_to: AppliesTo::Roled,
    needs: &[Collector::Clients, Collector::Roles, Collector::Divisions],
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "The role applies in every division, including divisions that are created later.",
    reference: DIVISIONS,
    traps: "Not applicable if the organisation has only one division. The exporter's own client may hold the role that the README asks for \
            in all divisions, but no role that permits more.",
    remediation: "Grant the role only in the divisions that the client works in.",
    severities: |rule, policy| any_of(rule, policy, [Severity::High, Severity::Medium]),
    ..BASE
};

pub(super) static FORBIDDEN: Rule = Rule {
    slug: "forbidden-division",
    title: "Division not allowed by the policy",
    severity: Severity::High,
    applies_to: AppliesTo::Roled,
    needs: &[Collector::Clients, Collector::Divisions],
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "The policy allows only other divisions for this client.",
    reference: "the policy, [[expect]] allowed_divisions",
    traps: "The rule finds nothing unless the policy has allowed_divisions in an [[expect]] entry that selects the client. A role without a known division counts as not allowed.",
    remediation: "Take the role in this division away from the client, or extend allowed_divisions in the policy.",
    ..BASE
};

pub(super) static UNRESOLVED: Rule = Rule {
    slug: "unresolved-division",
    title: "Division that cannot be found",
    severity: Severity::Medium,
    applies_to: AppliesTo::Roled,
    needs: &[Collector::Clients, Collector::Divisions],
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "The client holds a role in a division that is not in the organisation's list. What the client can reach there is unknown.",
    reference: DIVISIONS,
    traps: "* means all divisions and is not an id. A role that is named only in the deprecated field roleIds has no division.",
    remediation: "Remove this grant from the client, and grant the role in a division that exists.",
    ..BASE
};

pub(super) fn all_divisions_does_not_apply(context: &Context<'_>) -> Option<&'static str> {
    let one = context.snapshot.divisions.read().is_some_and(|divisions| divisions.len() <= 1);
    one.then_some("the organisation has only one division")
}

pub(super) fn all_divisions(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&ALL_DIVISIONS) {
        let is_own = context.snapshot.own_client.as_ref() == Some(&client.id);
        let (asked_for, held): (Vec<_>, Vec<_>) =
            context.held_roles().iter().partition(|held| is_own && is_asked_for(held.role));
        let everywhere: Vec<_> =
            held.iter().filter(|held| held.divisions.iter().flatten().any(|division| division.is_all())).collect();
        // A role that cannot be found still counts as held in all divisions.
        let counts = |role: &RoleId| !asked_for.iter().any(|held| held.role.id == *role);
        let is_all = |grant: &RoleGrant| grant.division.as_ref().is_some_and(DivisionId::is_all);
        if !client.role_grants.iter().any(|grant| is_all(grant) && counts(&grant.role)) {
            return;
        }
        let dangerous = everywhere.iter().any(|held| !held.facts.dangers.is_empty());
        let severity = if dangerous { Severity::High } else { Severity::Medium };
        let roles = listed(everywhere.iter().map(|held| held.role.name.as_str()), MOST_NAMES);
        let roles = if roles.is_empty() { "a role that cannot be found".to_owned() } else { roles };
        let what = if dangerous { ", with dangerous permissions" } else { "" };
        let evidence = Evidence {
            details: vec![("role", roles.clone().into())],
            ..Evidence::new(Kind::Division, "*", format!("holds roles in all divisions: {roles}{what}"))
        };
        findings.push(context.finding_at(&ALL_DIVISIONS, severity, evidence));
    }
}

pub(super) fn forbidden(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&FORBIDDEN) {
        let expected: Vec<&[NamePattern]> = context.policy.allowed_divisions(client).collect();
        if expected.is_empty() {
            return;
        }
        let held: BTreeSet<_> = client.role_grants.iter().map(|grant| grant.division.as_ref()).collect();
        for division in held {
            let allows = |pattern: &NamePattern| {
                division.is_some_and(|id| pattern.matches(id.as_str()) || pattern.matches(context.division_name(id)))
            };
            if expected.iter().any(|allowed| !allowed.iter().any(allows)) {
                let key = division.map_or("", DivisionId::as_str);
                let text = format!("holds roles in {}", context.divisions_in_words([division]));
                findings.push(context.finding(&FORBIDDEN, Evidence::new(Kind::Division, key, text)));
            }
        }
    }
}

pub(super) fn unresolved(context: &Context<'_>, findings: &mut Sink<'_>) {
    let Some(divisions) = context.snapshot.divisions.read() else { return };
    if let Some(client) = context.covered(&UNRESOLVED) {
        let named: BTreeSet<_> = client.role_grants.iter().filter_map(|grant| grant.division.as_ref()).collect();
        for division in named.into_iter().filter(|division| !division.is_all() && !divisions.contains_key(*division)) {
            let text = format!("holds a role in the division {division}, which is not in the organisation's list");
            findings.push(context.finding(&UNRESOLVED, Evidence::new(Kind::Division, division.as_str(), text)));
        }
    }
}

//! Rules on what the roles of clients permit: each permission with the role and the division that grant it.
//!
//! Rules on the roles as such are in `roles`, rules on divisions in `divisions`.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::context::{Context, HeldRole};
use crate::audit::finding::{About, DangerousPrivilege, Evidence, GrantedPermission, Kind};
use crate::audit::rule::{AppliesTo, BASE, DANGEROUS_PERMISSION, Rule, any_of};
use crate::audit::sink::Sink;
use crate::baseline::{CONDITIONAL, UNKNOWN_DIVISION};
use crate::domain::{ClientField, Collector, DivisionId, Privilege, Role, Severity};
use crate::text::SharedText;

const ROLES: &[Collector] = &[Collector::Clients, Collector::Roles];

pub(super) static DANGEROUS: Rule = Rule {
    slug: DANGEROUS_PERMISSION,
    title: "Dangerous permission",
    severity: Severity::High,
    severity_note: "set by the policy's pattern",
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "Whoever has the client's secret can use the permission at any time, without a user who signs in.",
    reference: "https://help.mypurecloud.com/articles/products-roles-and-permissions-list/",
    traps: "all and admin are also names of actions. A * in a role grants whatever the pattern names. A grant under a condition or \
            only in some divisions permits less; the evidence says so.",
    remediation: "Remove the permission from the client's role, or give the client a narrower role. If the client needs it, approve it.",
    severities: |rule, policy| {
        any_of(rule, policy, policy.permissions.dangerous.iter().map(|pattern| pattern.severity))
    },
    ..BASE
};

pub(super) static WILDCARD: Rule = Rule {
    slug: "wildcard-permission",
    title: "Wildcard permission",
    severity: Severity::High,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "A role with * also grants every permission that the platform adds later, without a review.",
    reference: "Terraform provider, docs/resources/auth_role.md: \"Permission entity or '*' for all\"",
    traps: "all and admin are names of actions, not wildcards, for example in telephony:plugin:all.",
    remediation: "Replace the * with the entities and actions that the client's calls need.",
    ..BASE
};

pub(super) static MISSING_COMPANION: Rule = Rule {
    slug: "missing-companion-permission",
    title: "Missing companion permission",
    severity: Severity::Low,
    applies_to: AppliesTo::Roled,
    needs: ROLES,
    reads: &[ClientField::GrantType, ClientField::Roles],
    why: "The client has a permission that does not work fully without its companion: calls fail or return less than expected.",
    reference: "the policy, permissions.companions",
    traps: "Not evaluated for a client with a role that cannot be found, because that role may grant the permission.",
    remediation: "Add the companion permission to the client's role, or remove the permission that does not work without it.",
    ..BASE
};

pub(super) fn dangerous(context: &Context<'_>, findings: &mut Sink<'_>) {
    if context.covered(&DANGEROUS).is_some() {
        for held in context.held_roles().iter().filter(|held| !held.facts.dangers.is_empty()) {
            for division in &held.divisions {
                let known = context.dangerous.borrow().get(&(&held.role.id, *division)).cloned();
                let found = known.unwrap_or_else(|| {
                    let found = Rc::<[Arc<About>]>::from(dangerous_permissions(context, held, *division));
                    context.dangerous.borrow_mut().insert((&held.role.id, *division), Rc::clone(&found));
                    found
                });
                found.iter().for_each(|about| findings.push_shared(about));
            }
        }
    }
}

/// What is found about the dangerous permissions of a role that is held in this division.
fn dangerous_permissions(context: &Context<'_>, held: &HeldRole<'_>, division: Option<&DivisionId>) -> Vec<Arc<About>> {
    let role = held.role;
    let place = Place::of(context, role, division);
    let found = held.facts.dangers.iter().map(|danger| {
        let granted = GrantedPermission {
            name: Arc::clone(&danger.name).into(),
            role: role.id.clone(),
            division: division.cloned(),
            conditional: danger.conditional,
        };
        Arc::new(About {
            pattern: Some(danger.worst.pattern.to_string().into()),
            reason: danger.worst.reason.clone(),
            dangerous: Some(DangerousPrivilege {
                privilege: Privilege::Permission(danger.name.clone()),
                role: Some(role.id.clone()),
                labels: Arc::clone(&danger.labels),
            }),
            ..context.finding_at(&DANGEROUS, danger.worst.severity, of_permission(role, &place, granted))
        })
    });
    found.collect()
}

pub(super) fn wildcard(context: &Context<'_>, findings: &mut Sink<'_>) {
    if context.covered(&WILDCARD).is_some() {
        for held in context.held_roles().iter().filter(|held| !held.facts.wildcards.is_empty()) {
            let places: Vec<Place<'_>> =
                held.divisions.iter().map(|division| Place::of(context, held.role, *division)).collect();
            for permission in &held.facts.wildcards {
                let granted = |division: Option<&DivisionId>| GrantedPermission {
                    name: permission.to_string().into(),
                    role: held.role.id.clone(),
                    division: division.cloned(),
                    conditional: permission.conditional,
                };
                let evidence = places.iter().map(|place| of_permission(held.role, place, granted(place.division)));
                findings.extend(evidence.map(|evidence| context.finding(&WILDCARD, evidence)));
            }
        }
    }
}

pub(super) fn missing_companion(context: &Context<'_>, findings: &mut Sink<'_>) {
    if context.policy.permissions.companions.is_empty() {
        return;
    }
    if context.covered_without_gap(&MISSING_COMPANION).is_some() {
        let held = context.held_roles();
        let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (position, (needing, companion)) in context.policy.permissions.companions.iter().enumerate() {
            let mut of_roles = held.iter().filter_map(|held| held.facts.companions.get(position));
            let (needs, has) = of_roles.by_ref().fold((false, false), |all, role| (all.0 | role.0, all.1 | role.1));
            if needs && !has {
                missing.entry(companion.to_string()).or_default().insert(needing.to_string());
            }
        }
        for (companion, needing) in missing {
            let needing = needing.into_iter().collect::<Vec<_>>().join(", ");
            let evidence = Evidence {
                details: vec![("permission", needing.clone().into())],
                ..Evidence::new(
                    Kind::MissingPermission,
                    companion.as_str(),
                    format!("lacks the permission {companion}, which is needed for {needing}"),
                )
            };
            findings.push(About { pattern: Some(companion.into()), ..context.finding(&MISSING_COMPANION, evidence) });
        }
    }
}

/// A division in which a client holds a role, with the texts that all findings on it share.
struct Place<'a> {
    role_name: SharedText,
    division: Option<&'a DivisionId>,
    division_words: SharedText,
}

impl<'a> Place<'a> {
    fn of(context: &Context<'_>, role: &Role, division: Option<&'a DivisionId>) -> Self {
        let (role_name, division_words) = (role.name.clone().into(), context.divisions_in_words([division]).into());
        Self { role_name, division, division_words }
    }
}

/// A permission as evidence. The key contains only ids, so that a rename makes no new finding. The same permission through
/// another role, in another division or without its condition is a finding of its own.
fn of_permission(role: &Role, place: &Place<'_>, granted: GrantedPermission) -> Evidence {
    let name = granted.name.as_str();
    let Place { role_name, division, division_words } = place;
    let division_id = division.map_or(SharedText::from(UNKNOWN_DIVISION), |division| division.shared().into());
    let condition = if granted.conditional { CONDITIONAL } else { "" };
    let under = if granted.conditional { ", only under a condition" } else { "" };
    let general = if name.contains(':') { "" } else { "the general permission " };
    // Case is ignored: another spelling is the same grant.
    let key = format!("{} role={} division={division_id}{condition}", name.to_ascii_lowercase(), role.id);
    let text = format!("may use {general}{name} through the role {role_name} in {division_words}{under}");
    Evidence {
        details: vec![
            ("role", role_name.clone()),
            ("role_id", role.id.shared().into()),
            ("division", division_words.clone()),
            ("division_id", division_id),
            ("conditional", if granted.conditional { "true" } else { "false" }.into()),
        ],
        permission: Some(Box::new(granted)),
        ..Evidence::new(Kind::Permission, key, text)
    }
}

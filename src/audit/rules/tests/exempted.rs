//! Tests of the rules on exemptions, and of the explanation of each rule's outcome for a client.

use super::*;
use crate::audit::{RuleResult, Status, explain};
use crate::domain::InputGap;

/// Gives the policy one exemption from this rule, for every client.
fn exempting(world: World, rule: &str, only: Option<&str>) -> World {
    let only = only.map_or(String::new(), |only| format!("only = {only:?}\n"));
    let text = format!(
        "[[exemption]]\nid = \"e\"\nrule = {rule:?}\nclient = \"*\"\n{only}owner = \"o\"\nreason = \"Because.\"\n"
    );
    let policy = Policy::parse(&text, &rules::slugs()).expect("a valid policy");
    world.with(|w| w.policy.exemptions = policy.exemptions)
}

fn evidence(world: &World, rule: &str, status: Status) -> Vec<String> {
    let report = world.report();
    let found = report.findings().filter(|f| f.rule.slug == rule && f.status == status);
    found.map(|finding| finding.evidence.key.to_string()).collect()
}

/// The client has one permission in two divisions, in one of them only under a condition. An exemption covers no more than it
/// names.
#[test]
fn an_exemption_of_a_permission_covers_what_it_names() {
    let world = || {
        World::of(CC)
            .role("A", Some("d-1"), &["oauth:client:add"])
            .role("B", Some("d-2"), &["oauth:client:add?"])
            .dangerous(&[("oauth:client:*", Severity::High)])
    };
    let (unconditional, conditional) =
        ("oauth:client:add role=id of A division=d-1", "oauth:client:add role=id of B division=d-2 (conditional)");
    for (only, expected) in [
        ("oauth:client:add", &[unconditional, conditional][..]),
        ("OAuth:Client:Add", &[unconditional, conditional]),
        ("oauth:client:add (conditional)", &[conditional]),
        (unconditional, &[unconditional]),
        (conditional, &[conditional]),
        ("oauth:client:add role=id of A division=d-2", &[]),
        ("oauth:client:*", &[]),
    ] {
        let world = exempting(world(), "dangerous-permission", Some(only));
        assert_eq!(evidence(&world, "dangerous-permission", Status::Exempt), expected, "{only}");
        let unused = if expected.is_empty() { &["e"][..] } else { &[] };
        assert_eq!(evidence(&world, "exemption-unused", Status::Open), unused, "{only}");
    }
}

#[test]
fn an_exemption_is_not_reported_as_unused_if_its_rule_was_not_fully_evaluated() {
    let unread = |w: &mut World| {
        w.snapshot.roles = Input::Gap(not_read("HTTP 500"));
    };
    let held = || World::of(CC).role("R", Some("d-1"), &[]);
    for (world, rule, expected) in [
        (held(), "dangerous-permission", &["e"][..]),
        (held(), "implicit-grant", &["e"]),
        (held().grants("gone", None), "implicit-grant", &["e"]),
        (held().with(|w| w.client().role_grants = Box::default()), "unresolved-role", &["e"]),
        // A role that cannot be found, and roles that cannot be read.
        (held().grants("gone", None), "dangerous-permission", &[]),
        (held().with(unread), "dangerous-permission", &[]),
        // Rules that this version never evaluates, or that do not apply.
        (held(), "unused-client", &[]),
        (held(), "drift-client-added", &[]),
    ] {
        let world = exempting(world, rule, Some("x"));
        assert_eq!(evidence(&world, "exemption-unused", Status::Open), expected, "{rule} {:?}", world.snapshot.clients);
    }
}

#[test]
fn explain_gives_the_outcome_of_each_rule() {
    let world = World::of(CC).role("R", Some("d-1"), &[]).with(|w| {
        let off = crate::policy::RuleSetting { enabled: false, severity: None };
        w.policy.rules.insert("no-owner".to_owned(), off);
    });
    let outcome_of = |world: &World, slug: &str| {
        let report = world.report();
        let client = &world.snapshot.clients[0];
        let outcomes = explain(&world.snapshot, &world.policy, &report, client);
        match outcomes.into_iter().find(|(rule, _)| rule.slug == slug).expect("a rule").1 {
            RuleResult::Found(_) => "found".to_owned(),
            RuleResult::Clean => "clean".to_owned(),
            RuleResult::NotApplicable(why) => format!("not applicable: {why}"),
            RuleResult::NotEvaluated(why) => format!("not evaluated: {why}"),
            RuleResult::Off => "off".to_owned(),
        }
    };
    assert_eq!(outcome_of(&world, "unused-client"), "not evaluated: this version does not collect usage data");
    assert_eq!(world.state("unused-client"), "not_evaluated");
    for drift in ["drift-role-content", "baseline-stale"] {
        assert_eq!(outcome_of(&world, drift), "not applicable: no baseline is loaded");
    }
    assert_eq!(outcome_of(&world, "no-owner"), "off");
    assert_eq!(outcome_of(&world, "dangerous-permission"), "clean");
    assert_eq!(outcome_of(&world, "scopes-not-enforced"), "not applicable: it applies to the organisation");
    let own = world.grants("gone", None).with(|w| w.snapshot.own_client = Some(ClientId::new("c-1")));
    assert_eq!(
        outcome_of(&own, "dangerous-permission"),
        "not evaluated: role gone: it is not in the organisation's list of roles, so its permissions are unknown"
    );
    assert_eq!(
        (outcome_of(&own, "unresolved-role"), outcome_of(&own, "self-not-listed")),
        ("found".to_owned(), "clean".to_owned())
    );
}

#[test]
fn the_reason_names_an_input_once() {
    let reason = |message: &str| {
        let why =
            InputGap { missing_permission: Some("authorization:role:view".to_owned()), message: message.to_owned() };
        let world = World::of(CC).with(|w| w.snapshot.roles = Input::Gap(why));
        let report = world.report();
        let outcome = report.outcomes.iter().find(|outcome| outcome.rule.slug == "admin-role").expect("a rule");
        outcome.state.reason().unwrap_or_default().to_owned()
    };
    let expected = "roles: forbidden (missing permission: authorization:role:view)";
    assert_eq!((reason("roles: forbidden").as_str(), reason("forbidden").as_str()), (expected, expected));
}

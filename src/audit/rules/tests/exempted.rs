//! What exemptions cover, and what is said of those that cover nothing; how it is explained what became of a rule.

use super::*;
use crate::audit::{Outcome, Status, explain};
use crate::domain::NotRead;

/// The policy with one exemption of that rule for every client.
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
    let found = report.findings.iter().filter(|f| f.rule.slug == rule && f.status == status);
    found.map(|finding| finding.evidence.key.clone()).collect()
}

/// One permission freely in one division, under a condition in another: what an exemption excuses does not grow by itself.
#[test]
fn an_exemption_of_a_permission_covers_what_it_names() {
    let world = || {
        World::of(CC)
            .role("A", Some("d-1"), &["oauth:client:add"])
            .role("B", Some("d-2"), &["oauth:client:add?"])
            .dangerous(&[("oauth:client:*", Severity::High)])
    };
    let (free, conditional) =
        ("oauth:client:add role=id of A division=d-1", "oauth:client:add role=id of B division=d-2 (conditional)");
    for (only, expected) in [
        ("oauth:client:add", &[free, conditional][..]),
        ("OAuth:Client:Add", &[free, conditional]),
        ("oauth:client:add (conditional)", &[conditional]),
        (free, &[free]),
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
fn nothing_is_said_of_an_exemption_where_nobody_can_tell_what_it_covers() {
    let unread = |w: &mut World| {
        w.snapshot.roles = Input::NotRead(not_read("HTTP 500"));
    };
    let held = || World::of(CC).role("R", Some("d-1"), &[]);
    for (world, rule, expected) in [
        (held(), "dangerous-permission", &["e"][..]),
        (held(), "implicit-grant", &["e"]),
        (held().grants("gone", None), "implicit-grant", &["e"]),
        (held().with(|w| w.client().role_grants = Box::default()), "unresolved-role", &["e"]),
        // A role whose contents nobody knows, or no roles at all.
        (held().grants("gone", None), "dangerous-permission", &[]),
        (held().with(unread), "dangerous-permission", &[]),
        // Rules that are not built, or have nothing to judge.
        (held(), "unused-client", &[]),
        (held(), "drift-client-added", &[]),
    ] {
        let world = exempting(world, rule, Some("x"));
        assert_eq!(evidence(&world, "exemption-unused", Status::Open), expected, "{rule} {:?}", world.snapshot.clients);
    }
}

#[test]
fn what_became_of_a_rule_is_told_as_it_is() {
    let world = World::of(CC).role("R", Some("d-1"), &[]).with(|w| {
        let off = crate::policy::RuleSetting { enabled: false, severity: None };
        w.policy.rules.insert("no-owner".to_owned(), off);
    });
    let told = |world: &World, slug: &str| {
        let report = world.report();
        let client = &world.snapshot.clients[0];
        let outcomes = explain(&world.snapshot, &world.policy, &report, client);
        match outcomes.into_iter().find(|(rule, _)| rule.slug == slug).expect("a rule").1 {
            Outcome::Found(_) => "found".to_owned(),
            Outcome::Clean => "clean".to_owned(),
            Outcome::NotApplicable(why) => format!("not applicable: {why}"),
            Outcome::NotEvaluated(why) => format!("not evaluated: {why}"),
            Outcome::Off => "off".to_owned(),
        }
    };
    assert_eq!(told(&world, "unused-client"), "not evaluated: usage data is not collected by this version");
    assert_eq!(world.state("unused-client"), "not_evaluated");
    for drift in ["drift-role-content", "baseline-stale"] {
        assert_eq!(told(&world, drift), "not applicable: no baseline is loaded");
    }
    assert_eq!(told(&world, "no-owner"), "off");
    assert_eq!(told(&world, "dangerous-permission"), "clean");
    assert_eq!(told(&world, "scopes-not-enforced"), "not applicable: it judges the organisation");
    let own = world.grants("gone", None).with(|w| w.snapshot.own_client = Some(ClientId::new("c-1")));
    assert_eq!(told(&own, "dangerous-permission"), "not evaluated: nobody knows what these of its roles permit: gone");
    assert_eq!(
        (told(&own, "unresolved-role"), told(&own, "self-not-listed")),
        ("found".to_owned(), "clean".to_owned())
    );
}

#[test]
fn the_reason_names_an_input_once() {
    let reason = |message: &str| {
        let why =
            NotRead { missing_permission: Some("authorization:role:view".to_owned()), message: message.to_owned() };
        let world = World::of(CC).with(|w| w.snapshot.roles = Input::NotRead(why));
        let report = world.report();
        let outcome = report.outcomes.iter().find(|outcome| outcome.rule.slug == "admin-role").expect("a rule");
        outcome.state.reason().unwrap_or_default().to_owned()
    };
    let expected = "roles: forbidden (missing permission: authorization:role:view)";
    assert_eq!((reason("roles: forbidden").as_str(), reason("forbidden").as_str()), (expected, expected));
}

//! Tests of the rules on roles, permissions and divisions of client-credentials clients.

use std::sync::Arc;

use super::*;
use crate::domain::{Gap, InputGap, RoleField};
use crate::policy::{Expectation, NamePattern, Selector};

fn patterns(texts: &[&str]) -> Vec<NamePattern> {
    texts.iter().copied().map(NamePattern::new).collect()
}

/// The findings without the role and the division in their keys.
fn bare(found: &[String]) -> Vec<String> {
    let bare = |found: &String| {
        let (permission, rest) = found.split_once(" role=").expect("a role");
        format!("{permission} {}", rest.rsplit(' ').next().expect("a severity"))
    };
    found.iter().map(bare).collect()
}

#[test]
fn admin_role() {
    let admin = |world: World| world.with(|w| w.policy.roles.admin = patterns(&["Admin", "*dministrator"]));
    for (world, expected) in [
        (World::of(CC).role("R", None, &["authorization:*:*"]), &["id of R critical"][..]),
        (World::of(CC).role("R", None, &["Authorization:*:*?"]), &["id of R critical"]),
        (World::of(CC).role("R", None, &["directory:organization:admin"]), &["id of R critical"]),
        (World::of(CC).role("R", None, &["directory:*:*"]), &["id of R critical"]),
        (World::of(CC).any_role("R", None, &[], |r| r.general = Box::new(["admin".to_owned()])), &["id of R critical"]),
        (World::of(CC).any_role("R", None, &[], |r| r.default_role = Some("Admin".to_owned())), &["id of R critical"]),
        (World::of(CC).role("Admin", None, &["routing:queue:view"]), &["id of Admin medium"]),
        (World::of("DEVICE").role("R", None, &["authorization:*:*"]), &["id of R critical"]),
        // Traps.
        (World::of(CC).role("Queue admin", None, &["routing:queue:edit"]), &[]),
        (World::of(CC).role("R", None, &["authorization:role:*", "authorization:*:view", "oauth:*:*"]), &[]),
        (World::of(CC).any_role("R", None, &[], |r| r.general = Box::new(["group_creation".to_owned()])), &[]),
        (World::of("CODE").role("R", None, &["authorization:*:*"]), &[]),
    ] {
        let world = admin(world);
        assert_eq!(world.found("admin-role"), expected, "{:?}", world.snapshot.roles);
    }
}

#[test]
fn dangerous_permission() {
    use Severity::{Critical, High};
    let policy = &[
        ("authorization:grant:*", High),
        ("authorization:grant:add", Critical),
        ("oauth:client:add", Critical),
        ("telephony:plugin:all", High),
    ];
    for (granted, expected) in [
        (&["authorization:grant:add"][..], &["authorization:grant:add critical"][..]),
        (&["authorization:grant:view"], &["authorization:grant:view high"]),
        // A * in a role grants whatever the pattern names.
        (&["authorization:*:*"], &["authorization:*:* critical"]),
        (&["oauth:*:add"], &["oauth:*:add critical"]),
        (&["*:*:*"], &["*:*:* critical"]),
        (&["OAuth:Client:ADD"], &["oauth:client:add critical"]),
        (&["telephony:plugin:all"], &["telephony:plugin:all high"]),
        // Traps.
        (&["oauth:client:view", "telephony:plugin:view", "telephony:trunk:all", "authorization:role:all"], &[]),
    ] {
        let world = World::of(CC).role("R", Some("d-1"), granted).dangerous(policy);
        assert_eq!(bare(&world.found("dangerous-permission")), expected, "{granted:?}");
        let user = World::of("CODE").role("R", Some("d-1"), granted).dangerous(policy);
        assert_eq!(user.found("dangerous-permission"), [""; 0], "roles of a user-grant client have no effect");
    }
}

#[test]
fn each_role_division_and_condition_of_a_permission_is_a_separate_finding() {
    let world = World::of(CC)
        .role("A", Some("d-1"), &["oauth:client:add?"])
        .role("B", None, &["oauth:client:add", "oauth:client:add?"])
        .grants("id of B", Some("*"))
        .dangerous(&[("oauth:*:*", Severity::High), ("OAuth:client:Add", Severity::Critical)]);
    let report = world.report();
    let found: Vec<_> = report.findings().filter(|f| f.rule.slug == "dangerous-permission").collect();
    let evidence: Vec<(&str, &str)> =
        found.iter().map(|f| (f.evidence.key.as_str(), f.evidence.text.as_str())).collect();
    assert_eq!(
        evidence,
        [
            (
                "oauth:client:add role=id of A division=d-1 (conditional)",
                "may use oauth:client:add through the role A in the division Home, only under a condition"
            ),
            (
                "oauth:client:add role=id of B division=*",
                "may use oauth:client:add through the role B in all divisions"
            ),
            (
                "oauth:client:add role=id of B division=* (conditional)",
                "may use oauth:client:add through the role B in all divisions, only under a condition"
            ),
            (
                "oauth:client:add role=id of B division=unknown",
                "may use oauth:client:add through the role B in an unknown division"
            ),
            (
                "oauth:client:add role=id of B division=unknown (conditional)",
                "may use oauth:client:add through the role B in an unknown division, only under a condition"
            ),
        ]
    );
    assert_eq!(found[0].pattern.as_deref(), Some("oauth:client:add"), "the worst");
    assert_eq!(found[0].reason, "OAuth:client:Add is dangerous");
    let prints: BTreeSet<_> = found.iter().map(|finding| finding.fingerprint()).collect();
    assert_eq!(prints.len(), 5);
    for label in ["role", "role_id", "division", "division_id", "conditional"] {
        assert!(found[0].evidence.details.iter().any(|(known, _)| *known == label), "{label}");
    }
    // The grants for the metrics and the baseline have the same evidence. Another spelling does not change their labels.
    let grants: Vec<&str> = report.grants().map(|grant| grant.evidence.as_str()).collect();
    assert_eq!(grants, evidence.iter().map(|(key, _)| *key).collect::<Vec<_>>());
    assert!(report.grants().all(|grant| *grant.labels == ["oauth:*:*", "oauth:client:add"]));
    assert!(report.dangerous_permissions.iter().all(|dangerous| dangerous.holders == 1));
}

#[test]
fn the_general_permission_admin_is_a_dangerous_grant() {
    let world = World::of(CC)
        .any_role("R", Some("*"), &[], |role| role.general = ["Admin".to_owned(), "group_creation".to_owned()].into())
        .with(|w| {
            w.policy = Policy::built_in(&rules::slugs()).expect("the built-in policy");
            w.client().token_validity = Some(100_000);
        });
    assert_eq!(bare(&world.found("dangerous-permission")), ["admin critical"]);
    assert_eq!(world.found("all-divisions"), ["* high"]);
    assert_eq!(world.found("long-lived-token"), [" high"]);
    let report = world.report();
    let grants: Vec<_> = report.grants().collect();
    let [grant] = grants.as_slice() else { panic!("{grants:?}") };
    assert_eq!((grant.privilege.name(), grant.labels), ("Admin", &["admin".into()][..]));
    let counted: Vec<_> = report.dangerous_permissions.iter().map(|d| (d.pattern.as_str(), d.holders)).collect();
    assert_eq!(counted, [("admin", 1)]);
    assert!(!report.findings().any(|f| f.rule.slug == "policy-pattern-unmatched" && f.evidence.key == "admin"));
}

#[test]
fn a_permission_with_a_colon_in_a_segment_is_a_grant_like_any_other() {
    let odd = |role: &mut Role| {
        role.permissions =
            [Permission { action: "a:b".into(), ..Permission::parse("oauth:client:x").expect("three segments") }]
                .into();
    };
    let world = World::of(CC).any_role("R", Some("d-1"), &[], odd).dangerous(&[("oauth:client:*", Severity::High)]);
    assert_eq!(bare(&world.found("dangerous-permission")), ["oauth:client:a:b high"]);
    assert_eq!(world.report().grants().count(), 1);
}

#[test]
fn wildcard_permission() {
    for (granted, expected) in [
        (&["routing:*:view", "architect:flow:*"][..], &["architect:flow:* high", "routing:*:view high"][..]),
        (&["*:*:*"], &["*:*:* high"]),
        (&["telephony:plugin:all", "directory:organization:admin"], &[]),
    ] {
        let found = World::of(CC).role("R", None, granted).found("wildcard-permission");
        assert_eq!(bare(&found), expected, "{granted:?}");
    }
}

#[test]
fn all_divisions() {
    let policy = &[("oauth:client:add", Severity::Critical)];
    let world = |division, granted: &[&str]| World::of(CC).role("R", Some(division), granted).dangerous(policy);
    assert_eq!(world("*", &["oauth:client:view"]).found("all-divisions"), ["* medium"]);
    assert_eq!(world("*", &["oauth:client:add"]).found("all-divisions"), ["* high"]);
    assert_eq!(world("d-1", &["oauth:client:add"]).found("all-divisions"), [""; 0]);
    let elsewhere = world("d-1", &["oauth:client:add"]).role("Reader", Some("*"), &["oauth:client:view"]);
    assert_eq!(elsewhere.found("all-divisions"), ["* medium"], "the dangerous role is held in only one division");
    let one = world("*", &["oauth:client:add"]).with(|w| w.snapshot.divisions = Input::Read(Arc::default()));
    assert_eq!((one.found("all-divisions"), one.state("all-divisions")), (vec![], "not_applicable"));
}

#[test]
fn forbidden_division_and_role() {
    let expect = |world: World, expectation: Expectation| world.with(|w| w.policy.expectations = vec![expectation]);
    let divisions =
        |allowed: &[&str]| Expectation { allowed_divisions: Some(patterns(allowed)), ..Expectation::default() };
    let roles = |allowed: &[&str]| Expectation { allowed_roles: Some(patterns(allowed)), ..Expectation::default() };
    let world = || World::of(CC).role("Reader", Some("d-2"), &[]);
    for (world, rule, expected) in [
        (expect(world(), divisions(&["Home"])), "forbidden-division", &["d-2 high"][..]),
        (expect(world(), divisions(&["Home", "Sales"])), "forbidden-division", &[]),
        (expect(world(), divisions(&["d-2"])), "forbidden-division", &[]),
        (expect(world().grants("x", Some("*")), divisions(&["Sales"])), "forbidden-division", &["* high"]),
        (expect(world().grants("x", None), divisions(&["Sales"])), "forbidden-division", &[" high"]),
        (world(), "forbidden-division", &[]),
        (expect(world(), roles(&["Writer"])), "forbidden-role", &["id of Reader high"]),
        (expect(world(), roles(&["Read*"])), "forbidden-role", &[]),
        (expect(world(), roles(&[])), "forbidden-role", &["id of Reader high"]),
        (world(), "forbidden-role", &[]),
    ] {
        assert_eq!(world.found(rule), expected, "{:?}", world.policy.expectations);
    }
    let somebody_else = Selector { ids: vec![ClientId::new("c-2")], ..Selector::default() };
    let other = Expectation { selector: somebody_else, allowed_roles: Some(Vec::new()), ..Expectation::default() };
    assert_eq!(expect(world(), other).found("forbidden-role"), [""; 0]);
}

#[test]
fn shared_role_and_no_role() {
    let default = World::of(CC).any_role("Employee", None, &[], |role| role.is_default = true);
    assert_eq!(default.found("shared-role"), ["id of Employee medium"]);
    assert_eq!(
        World::of(CC).role("Employee", None, &[]).found("shared-role"),
        [""; 0],
        "a custom role with the name of a default role"
    );
    for (grant, state, expected) in [
        (CC, ClientState::Active, &[" low"][..]),
        (CC, ClientState::Other, &[" low"]),
        (CC, ClientState::Inactive, &[]),
        (CC, ClientState::Disabled, &[]),
        ("CODE", ClientState::Active, &[]),
        ("DEVICE", ClientState::Active, &[]),
    ] {
        let world = World::of(grant).with(|w| w.client().state = state);
        assert_eq!(world.found("no-role"), expected, "{grant} {state:?}");
    }
    assert_eq!(World::of(CC).grants("dangling", None).found("no-role"), [""; 0]);
}

#[test]
fn unresolved_role_and_division() {
    let world = World::of(CC).grants("gone", Some("nowhere")).grants("gone", Some("*")).role("R", None, &[]);
    assert_eq!(world.found("unresolved-role"), ["gone medium"]);
    assert_eq!(world.found("unresolved-division"), ["nowhere medium"]);
    let unread = world.with(|w| {
        let why =
            InputGap { missing_permission: Some("authorization:role:view".to_owned()), message: "403".to_owned() };
        w.snapshot.roles = Input::Gap(why);
    });
    assert_eq!(unread.state("unresolved-role"), "not_evaluated");
    assert_eq!(
        unread.found("unresolved-role"),
        ["roles medium"],
        "one finding with the status not_evaluated, on the organisation"
    );
    assert_eq!(unread.found("unresolved-division"), ["nowhere medium"]);
}

#[test]
fn missing_companion_permission() {
    let pattern = |text| PermissionPattern::new(text).expect("three segments");
    let companions = || vec![(pattern("analytics:conversationDetail:view"), pattern("directory:user:view"))];
    for (granted, expected) in [
        (&["analytics:conversationDetail:view"][..], &["directory:user:view low"][..]),
        (&["analytics:conversationDetail:view", "directory:user:view"], &[]),
        (&["analytics:*:*", "directory:*:view"], &[]),
        (&["routing:queue:view"], &[]),
    ] {
        let world = World::of(CC).role("R", None, granted).with(|w| w.policy.permissions.companions = companions());
        assert_eq!(world.found("missing-companion-permission"), expected, "{granted:?}");
        let unknown = world.grants("gone", None);
        assert_eq!(
            unknown.found("missing-companion-permission"),
            [""; 0],
            "the role that cannot be found may grant it"
        );
    }
}

/// A role that is listed, but of its record only the id could be read.
fn unread_role(world: &mut World, id: &str) {
    with_gap(world, id, RoleField::Contents, Gap::Unread);
}

fn with_gap(world: &mut World, id: &str, field: RoleField, gap: Gap) {
    let role = crate::fixtures::role(id).gap(field, gap).build();
    if let Input::Read(roles) = &mut world.snapshot.roles {
        roles.insert(role);
    }
}

/// The permissions of a role that is not in the list are unknown. No setting of `unresolved-role` makes its client compliant.
#[test]
fn a_client_with_a_role_that_cannot_be_found_is_never_compliant() {
    let setting = |enabled, severity| crate::policy::RuleSetting { enabled, severity };
    let rule = |setting| {
        World::of(CC).grants("gone", Some("d-1")).role("R", Some("d-1"), &["routing:queue:view"]).with(|w| {
            w.policy.rules.insert("unresolved-role".to_owned(), setting);
        })
    };
    let of_field = |field| {
        let disabled = crate::policy::RuleSetting { enabled: false, severity: None };
        rule(setting(true, None)).with(move |w| {
            with_gap(w, "gone", field, Gap::Unread);
            w.policy.rules.insert("partial-record".to_owned(), disabled);
        })
    };
    for (world, expected, unjudged) in [
        (rule(setting(true, None)), "FLAGGED", &[][..]),
        (rule(setting(false, None)), "NOT_EVALUATED", &["gone"]),
        (rule(setting(true, Some(Severity::Low))), "NOT_EVALUATED", &["gone"]),
        (rule(setting(true, None)).with(|w| unread_role(w, "gone")), "FLAGGED", &["gone"]),
        (of_field(RoleField::Name), "NOT_EVALUATED", &["gone"]),
        (of_field(RoleField::Default), "NOT_EVALUATED", &["gone"]),
        (World::of(CC).role("R", Some("d-1"), &["routing:queue:view"]), "COMPLIANT", &[]),
        (World::of("CODE").scopes(&["users:readonly"]).grants("gone", None), "COMPLIANT", &[]),
    ] {
        let report = world.report();
        let verdict = &report.verdicts().next().expect("a client").verdict;
        assert_eq!(verdict.label(), expected, "{:?}", world.policy.rule("unresolved-role"));
        if let crate::audit::Verdict::NotEvaluated(why) = verdict {
            assert!(why.contains("role gone"), "{why}");
        }
        assert_eq!(report.role_gaps.iter().map(RoleId::as_str).collect::<Vec<_>>(), unjudged);
    }
}

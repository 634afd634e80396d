//! What differs from the baseline, how severe it is, and how it is described.

use std::collections::BTreeMap;

use super::*;
use crate::baseline::Difference;
use crate::domain::{Input, OrgId};

#[test]
fn each_difference_is_drift_and_weighs_by_what_was_gained() {
    let code = case(GrantType::Code);
    let credentials = case(GrantType::ClientCredentials);
    let with_oauth = Case { scopes: vec!["oauth"], ..code.clone() };
    let holder = Case { roles: vec![("wild", "d-1")], ..credentials.clone() };
    let idle = |case: &Case| Case { state: ClientState::Inactive, ..case.clone() };
    let uri = |case: &Case| Case { uris: vec!["https://x/cb"], ..case.clone() };
    let longer = |case: &Case| Case { validity: Some(172_800), ..case.clone() };
    for (before, now, expected) in [
        (&code, Case { scopes: vec!["oauth"], ..code.clone() }, &["drift-scope-added oauth high"][..]),
        (&code, Case { scopes: vec!["presence"], ..code.clone() }, &["drift-scope-added presence medium"]),
        // Scopes have no effect on client credentials.
        (&credentials, Case { scopes: vec!["oauth"], ..credentials.clone() }, &["drift-scope-added oauth medium"]),
        (&with_oauth, code.clone(), &[]),
        (&code, case(GrantType::Implicit), &["drift-grant-type-changed implicit medium"]),
        // What had no effect has one now.
        (
            &Case { scopes: vec!["oauth"], ..credentials.clone() },
            with_oauth.clone(),
            &["drift-grant-type-changed code high"],
        ),
        (&credentials, holder.clone(), &["drift-role-added wild high"]),
        (&credentials, Case { roles: vec![("mild", "d-1")], ..credentials.clone() }, &["drift-role-added mild medium"]),
        (
            &holder,
            Case { roles: vec![("wild", "*"), ("wild", "d-1")], ..credentials.clone() },
            &["drift-role-added wild * high"],
        ),
        (&holder, credentials.clone(), &[]),
        (&code, uri(&code), &["drift-redirect-added https://x/cb medium"]),
        (&with_oauth, uri(&with_oauth), &["drift-redirect-added https://x/cb high"]),
        (&uri(&code), code.clone(), &[]),
        (&code, longer(&code), &["drift-token-lifetime-raised  medium"]),
        (&with_oauth, longer(&with_oauth), &["drift-token-lifetime-raised  high"]),
        (&longer(&code), code.clone(), &[]),
        // Naming the platform's default explicitly is not a change.
        (&code, Case { validity: Some(86_400), ..code.clone() }, &[]),
        (&idle(&code), code.clone(), &["drift-reactivated  medium"]),
        (&idle(&holder), holder.clone(), &["drift-reactivated  high"]),
        (&code, idle(&code), &[]),
    ] {
        let baseline = Baseline::of(&snapshot(std::slice::from_ref(before), ROLES), &approval());
        let report = evaluated(&snapshot(std::slice::from_ref(&now), ROLES), &baseline, NOW);
        assert_eq!(drift(&report), expected, "{before:?} -> {now:?}");
    }
}

#[test]
fn clients_come_and_go_by_id() {
    let baseline = Baseline::of(&snapshot(&[case(GrantType::Code)], ROLES), &approval());
    let other = Case { id: "c-2", scopes: vec!["oauth"], ..case(GrantType::Code) };
    let report = evaluated(&snapshot(&[other], ROLES), &baseline, NOW);
    assert_eq!(drift(&report), ["drift-client-removed  low", "drift-client-added  high"]);
    assert_eq!(counted(&report), ["client-added true", "client-removed false"]);
}

#[test]
fn the_same_role_with_other_permissions_is_drift() {
    let holder = Case { roles: vec![("r", "*")], ..case(GrantType::ClientCredentials) };
    let judged = |before: &[&str], now: &[&str]| {
        let baseline = Baseline::of(&snapshot(std::slice::from_ref(&holder), &[("r", before)]), &approval());
        drift(&evaluated(&snapshot(std::slice::from_ref(&holder), &[("r", now)]), &baseline, NOW))
    };
    let view = "users:user:view";
    assert_eq!(judged(&[view], &[view, DANGEROUS]), ["drift-role-content r high"]);
    assert_eq!(judged(&[view], &[view, "users:user:edit"]), ["drift-role-content r medium"]);
    assert_eq!(judged(&[view, DANGEROUS], &[view]), ["drift-role-content r medium"]);
    assert_eq!(judged(&[view, DANGEROUS], &[DANGEROUS, view]), Vec::<String>::new());
}

#[test]
fn an_old_baseline_is_stale_and_drift_needs_a_baseline_of_this_organisation() {
    let there = snapshot(&[case(GrantType::Code)], ROLES);
    let baseline = Baseline::of(&there, &approval());
    let days = |days: i64| Timestamp::from_seconds(NOW.seconds() + days * 86_400);
    assert_eq!(drift(&evaluated(&there, &baseline, days(10))), Vec::<String>::new());
    assert_eq!(drift(&evaluated(&there, &baseline, days(11))), ["baseline-stale  low"]);
    let foreign = Baseline { organisation: OrgId::new("another"), clients: BTreeMap::new(), ..baseline };
    for report in [evaluated(&there, &foreign, days(11)), evaluate(&there, &policy(), None, days(11))] {
        assert_eq!((drift(&report), report.baseline), (Vec::new(), None));
    }
}

#[test]
fn a_role_in_another_division_grants_its_dangerous_permissions_there() {
    let holder = |roles| Case { roles, ..case(GrantType::ClientCredentials) };
    let baseline = Baseline::of(&snapshot(&[holder(vec![("wild", "d")])], ROLES), &approval());
    let report = evaluated(&snapshot(&[holder(vec![("wild", "d"), ("wild", "e")])], ROLES), &baseline, NOW);
    assert_eq!(drift(&report), ["drift-role-added wild e high"]);
    assert_eq!(counted(&report), ["role-added true"], "the metric of unapproved permissions is 1 as well");
}

#[test]
fn the_general_permission_admin_is_approved_and_drifts_like_any_other() {
    let holder = Case { roles: vec![("r", "*")], ..case(GrantType::ClientCredentials) };
    let there = |general: &[&str]| {
        let mut there = snapshot(std::slice::from_ref(&holder), &[("r", &["users:user:view"])]);
        if let Input::Read(roles) = &mut there.roles {
            for role in roles.iter_mut() {
                role.general = general.iter().map(|word| (*word).to_owned()).collect();
            }
        }
        there
    };
    let judged = |before: &[&str], now: &[&str]| {
        let baseline = Baseline::of(&there(before), &approval());
        let policy = Policy::built_in(&rules::slugs()).expect("it is valid");
        let report = evaluate(&there(now), &policy, Some(&baseline), NOW);
        let admin = report.findings().find(|finding| finding.rule.slug == "dangerous-permission");
        (drift(&report), counted(&report), admin.map(|finding| finding.status.label()))
    };
    let gained = judged(&["group_creation"], &["group_creation", "admin"]);
    assert_eq!(
        gained,
        (vec!["drift-role-content r high".to_owned()], vec!["role-content true".to_owned()], Some("open"))
    );
    assert_eq!(
        judged(&["admin"], &["Admin"]),
        (vec![], vec![], Some("approved")),
        "another spelling is not a difference"
    );
}

#[test]
fn drift_is_reported_with_names_and_what_it_adds() {
    let holder = |roles| Case { roles, ..case(GrantType::ClientCredentials) };
    let reported = |before: &[Case], then: &[(&str, &[&str])], now: &[Case], roles: &[(&str, &[&str])]| {
        let report = evaluated(&snapshot(now, roles), &Baseline::of(&snapshot(before, then), &approval()), NOW);
        let drift = report.findings().filter(|finding| finding.rule.slug.starts_with("drift-"));
        drift.map(|finding| finding.evidence.text.clone()).collect::<Vec<_>>()
    };
    let (without, with) = (holder(vec![]), holder(vec![("wild", "d")]));
    let view = "users:user:view";
    assert_eq!(
        reported(&[], ROLES, std::slice::from_ref(&with), ROLES),
        ["is not in the baseline; roles: R; dangerous privileges: authorization:grant:*"]
    );
    assert_eq!(
        reported(&[without], ROLES, std::slice::from_ref(&with), ROLES),
        [
            "has gained the role R in the division d since it was approved; this adds dangerous privileges: authorization:grant:*"
        ]
    );
    let wild: &[(&str, &[&str])] = &[("wild", &[DANGEROUS, view, "a:b:c", "a:b:d", "a:b:e", "a:b:f"])];
    let mild: &[(&str, &[&str])] = &[("wild", &["x:y:z"])];
    let same = std::slice::from_ref(&with);
    assert_eq!(
        reported(same, mild, same, wild),
        [
            "has the role R, whose permissions have changed: 6 added (a:b:c, a:b:d, a:b:e, a:b:f, authorization:grant:* and 1 more), \
             1 removed; this adds dangerous privileges: authorization:grant:*"
        ]
    );
    assert_eq!(
        reported(same, wild, same, &[("wild", &[view])]),
        ["has the role R, whose permissions have changed: 0 added, 5 removed"]
    );
}

#[test]
fn losing_something_is_not_drift() {
    assert!(!Difference::ScopeRemoved("oauth".to_owned()).is_drift());
}

//! What an approval covers: a scope or permission as it was held, and nothing beyond.

use super::*;
use crate::domain::{ClientId, DivisionId, Input};
use crate::fixtures::{not_read, role_grant};

#[test]
fn approval_is_of_a_scope_under_the_grant_type_that_gave_it_effect() {
    let held = Case { scopes: vec!["oauth", "users"], ..case(GrantType::Code) };
    let there = snapshot(std::slice::from_ref(&held), ROLES);
    let mut baseline = Baseline::of(&snapshot(&[Case { scopes: vec!["oauth"], ..held.clone() }], ROLES), &approval());
    let open = |baseline: &Baseline| {
        let report = evaluated(&there, baseline, NOW);
        let open = report.findings().filter(|f| f.rule.slug == "dangerous-scope" && f.status.label() == "open");
        open.map(|finding| finding.evidence.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(open(&baseline), ["users"]);
    assert!(baseline.approve_privileges(&ClientId::new("c-1"), ["users".to_owned()], [], &approval()));
    assert_eq!(open(&baseline), Vec::<String>::new());
    let ineffective =
        Baseline::of(&snapshot(&[Case { grant: GrantType::ClientCredentials, ..held }], ROLES), &approval());
    assert_eq!(open(&ineffective), ["oauth", "users"]);
}

#[test]
fn a_permission_is_approved_as_it_was_granted() {
    let holder = Case { roles: vec![("r", "*")], ..case(GrantType::ClientCredentials) };
    let there = snapshot(&[holder], &[("r", &[DANGEROUS, "users:user:view"])]);
    let (client, elsewhere) = (&there.clients[0], DivisionId::new("d-1"));
    let anywhere = Some(&elsewhere);
    let mut baseline = Baseline::of(&there, &approval());
    assert!(baseline.approves_permission(client, DANGEROUS, anywhere, false));
    assert!(!baseline.approves_permission(client, "authorization:grant:add", anywhere, false));
    assert!(!baseline.approves_permission(client, "*:*:*", anywhere, false));
    baseline.approve_privileges(&client.id, [], ["oauth:client:add".to_owned()], &approval());
    assert!(baseline.approves_permission(client, "oauth:client:add", anywhere, false));
    // With the roles unreadable, what was known of them stays.
    let blind = Snapshot { roles: Input::Gap(not_read("403")), ..there.clone() };
    baseline.approve_all(&blind, &approval());
    assert!(baseline.approves_permission(client, DANGEROUS, anywhere, false));
    assert!(
        !baseline.approves_permission(client, "oauth:client:add", anywhere, false),
        "an approval of the client covers only what it holds now"
    );
}

/// Approved is a permission where the approved role was held and as it was narrowed, and nothing beyond.
#[test]
fn approval_is_of_a_permission_in_its_divisions_and_under_its_condition() {
    let division = |id: &str| Some(DivisionId::new(id));
    let held = |role: &str, conditional: bool, divisions: Vec<Option<DivisionId>>| {
        let holder = case(GrantType::ClientCredentials);
        let mut there = snapshot(&[holder], &[("r", &[DANGEROUS]), ("s", &["Authorization:Grant:*"])]);
        if let Input::Read(roles) = &mut there.roles {
            for role in roles.iter_mut() {
                role.permissions.iter_mut().for_each(|permission| permission.conditional = conditional);
            }
        }
        let grant = |division: Option<DivisionId>| role_grant(role, division.as_ref().map(DivisionId::as_str));
        there.clients[0].role_grants = divisions.into_iter().map(grant).collect();
        there
    };
    let open = |baseline: &Baseline, now: &Snapshot| {
        let report = evaluated(now, baseline, NOW);
        let open = report.findings().filter(|f| f.rule.slug == "dangerous-permission" && f.status.label() == "open");
        open.map(|finding| finding.evidence.key.split_once("division=").expect("a division").1.to_owned()).collect()
    };
    let none: [&str; 0] = [];
    for (before, now, expected) in [
        (held("r", false, vec![division("d")]), held("r", false, vec![division("d")]), &none[..]),
        (held("r", false, vec![division("d")]), held("r", false, vec![division("d"), division("e")]), &["e"]),
        (held("r", false, vec![division("d")]), held("r", false, vec![division("*")]), &["*"]),
        (held("r", false, vec![division("*")]), held("r", false, vec![division("e"), None]), &[]),
        (held("r", false, vec![None]), held("r", false, vec![None]), &[]),
        (held("r", false, vec![None]), held("r", false, vec![division("d")]), &["d"]),
        (held("r", false, vec![division("d")]), held("r", false, vec![None]), &["unknown"]),
        (held("r", false, vec![division("d"), None]), held("r", false, vec![division("d"), None]), &[]),
        (held("r", true, vec![division("d")]), held("r", true, vec![division("d")]), &[]),
        (held("r", true, vec![division("d")]), held("r", false, vec![division("d")]), &["d"]),
        (held("r", false, vec![division("d")]), held("r", true, vec![division("d")]), &[]),
        // Another role with the same permission, differently spelled, permits no more there.
        (held("r", false, vec![division("d")]), held("s", false, vec![division("d")]), &[]),
        (held("r", false, vec![division("d")]), held("s", false, vec![division("e")]), &["e"]),
    ] {
        let baseline = Baseline::of(&before, &approval());
        let found: Vec<String> = open(&baseline, &now);
        assert_eq!(found, expected, "{:?} -> {:?}", before.clients[0].role_grants, now.clients[0].role_grants);
    }
    let nothing = Baseline::of(&held("r", false, vec![]), &approval());
    let free = held("r", false, vec![division("d"), division("*")]);
    let conditional = held("r", true, vec![division("d"), division("*")]);
    for (literal, expected_free, expected_conditional) in [
        (DANGEROUS, 0, 0),
        ("AUTHORIZATION:GRANT:*", 0, 0),
        ("authorization:grant:* (conditional)", 2, 0),
        ("authorization:grant:add", 2, 2),
    ] {
        let mut baseline = nothing.clone();
        baseline.approve_privileges(&ClientId::new("c-1"), [], [literal.to_owned()], &approval());
        let count = |now| open(&baseline, now).len();
        assert_eq!((count(&free), count(&conditional)), (expected_free, expected_conditional), "{literal}");
    }
}

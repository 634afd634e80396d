//! Tests of the rules on the organisation, the exporter's own client and the policy's patterns.

use super::*;
use crate::policy::{DangerousPattern, NamePattern};

#[test]
fn scopes_not_enforced() {
    for (attested, expected) in
        [(None, &["scope_enforcement medium"][..]), (Some(false), &["scope_enforcement high"]), (Some(true), &[])]
    {
        let world = World::of("CODE").with(|w| w.policy.org.scope_enforcement = attested);
        assert_eq!(world.found("scopes-not-enforced"), expected, "{attested:?}");
    }
}

#[test]
fn auditor_overprivileged() {
    let own = |granted: &[&str]| {
        World::of(CC).role("R", None, granted).with(|w| w.snapshot.own_client = Some(ClientId::new("c-1")))
    };
    assert_eq!(
        own(&["oauth:client:view", "Authorization:role:view", "usage:organization:view"])
            .found("auditor-overprivileged"),
        [""; 0]
    );
    assert_eq!(own(&["oauth:client:view", "oauth:client:edit"]).found("auditor-overprivileged"), [" medium"]);
    assert_eq!(own(&["oauth:client:*"]).found("auditor-overprivileged"), [" medium"]);
    let other = own(&["oauth:client:*"]).with(|w| w.snapshot.own_client = Some(ClientId::new("c-2")));
    assert_eq!(
        (other.found("auditor-overprivileged"), other.state("auditor-overprivileged")),
        (vec![], "not_applicable")
    );
}

#[test]
fn policy_pattern_unmatched() {
    let dangerous = |text: &str, allow_unmatched| DangerousPattern {
        pattern: NamePattern::new(text),
        severity: Severity::High,
        reason: "dangerous".into(),
        allow_unmatched,
    };
    let world = World::of("CODE")
        .dangerous(&[
            ("oauth:client:*", Severity::High),
            ("telephony:plugin:all", Severity::High),
            ("no:such:thing", Severity::High),
        ])
        .with(|w| {
            w.policy.scopes.dangerous =
                vec![dangerous("oauth*", false), dangerous("admin:all", true), dangerous("user:all", false)];
        });
    assert_eq!(world.found("policy-pattern-unmatched"), ["no:such:thing low", "user:all low"]);
    let required = "[[expect]]\nfor = \"*\"\nrequired_scopes = [\"users\", \"presense\"]\n";
    let expectations = Policy::parse(required, &rules::slugs()).expect("valid").expectations;
    let world = world.with(|w| w.policy.expectations = expectations);
    assert_eq!(world.found("policy-pattern-unmatched"), ["no:such:thing low", "presense low", "user:all low"]);
    // If one of the two registries cannot be read, the other is still compared, and one finding names the missing input.
    let half = world.with(|w| {
        w.snapshot.permissions = Input::Gap(not_read("HTTP 500"));
    });
    assert_eq!(half.found("policy-pattern-unmatched"), ["permissions low", "presense low", "user:all low"]);
    assert_eq!(half.state("policy-pattern-unmatched"), "not_evaluated");
}

#[test]
fn the_policy_overrides_severities_and_disables_rules() {
    let text = "[rules.scopes-not-enforced]\nseverity = \"info\"\n[rules.no-owner]\nenabled = false\n";
    let mut world = World::of("CODE").scopes(&["oauth"]);
    world.policy = Policy::parse(text, &rules::slugs()).expect("valid");
    world.client().description = None;
    assert_eq!(world.found("scopes-not-enforced"), ["scope_enforcement info"]);
    assert_eq!((world.found("no-owner"), world.state("no-owner")), (vec![], "disabled"));
    for enabled in world.report().rules {
        let found =
            world.report().findings().any(|f| f.rule == enabled.rule && !enabled.severities.contains(&f.severity));
        assert!(!found, "{} has a finding with a severity that `severities` does not list", enabled.rule.slug);
    }
}

#[test]
fn fingerprints_do_not_depend_on_names_order_or_spelling() {
    let base =
        || World::of("PASSWORD").scopes(&["oauth", "users", "users:readonly"]).redirects(&["http://a.example/", "x"]);
    let prints = |world: &World| -> Vec<String> {
        let mut prints: Vec<_> = world.report().findings().map(|f| f.fingerprint().to_string()).collect();
        prints.sort();
        prints
    };
    let other =
        World::of("password").scopes(&["users:readonly", "users", "oauth"]).redirects(&["x", "http://a.example/"]);
    let other = other.with(|w| w.client().name = "Renamed".into());
    assert_eq!(prints(&base()), prints(&other));
    let roles = |a: &str, b: &str| {
        let rename = |name: &str| {
            let name = name.to_owned();
            move |role: &mut Role| role.name = name
        };
        World::of(CC)
            .any_role("1", Some("d-1"), &["oauth:client:add", "authorization:*:*"], rename(a))
            .any_role("2", Some("*"), &["oauth:client:add"], rename(b))
            .dangerous(&[("oauth:client:add", Severity::Critical)])
    };
    assert_eq!(prints(&roles("A", "B")), prints(&roles("Z", "Y")));
}

#[test]
fn the_role_that_the_readme_asks_for_in_all_divisions_does_not_count_on_the_exporter_itself() {
    const ASKED_FOR: &[&str] = &["oauth:client:view", "authorization:role:view"];
    let own = |granted: &[&str]| {
        World::of(CC).role("R", Some("*"), granted).with(|w| w.snapshot.own_client = Some(ClientId::new("c-1")))
    };
    for (granted, expected) in [
        (ASKED_FOR, &[][..]),
        (&["OAuth:client:View"], &[]),
        (&["oauth:client:view", "authorization:role:view", "audits:audit:view"], &[]),
        (&["oauth:client:view", "authorization:role:view", "routing:queue:view"], &["* medium"]),
        (&["oauth:client:view", "authorization:role:*"], &["* medium"]),
    ] {
        assert_eq!(own(granted).found("all-divisions"), expected, "{granted:?}");
    }
    let general = own(ASKED_FOR).with(|w| {
        if let Input::Read(roles) = &mut w.snapshot.roles {
            let mut role = roles.find(&RoleId::new("id of R")).expect("the role").clone();
            role.general = vec!["admin".to_owned()].into();
            roles.insert(role);
        }
    });
    assert_eq!(general.found("all-divisions"), ["* medium"]);
    // Another role of the exporter is a finding, and only that role is named.
    let more = own(ASKED_FOR).role("More", Some("*"), &["routing:queue:view"]);
    assert_eq!(more.found("all-divisions"), ["* medium"]);
    let report = more.report();
    let finding = report.findings().find(|finding| finding.rule.slug == "all-divisions").expect("a finding");
    assert_eq!(finding.evidence.text.as_str(), "holds roles in all divisions: More");
    assert_eq!(own(ASKED_FOR).grants("unknown role", Some("*")).found("all-divisions"), ["* medium"]);
    // For any other client, the same role is a finding.
    let other = own(ASKED_FOR).with(|w| w.snapshot.own_client = Some(ClientId::new("c-2")));
    assert_eq!(other.found("all-divisions"), ["* medium"]);
}

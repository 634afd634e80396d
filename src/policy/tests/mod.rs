//! Tests of reading a policy file: what each key does, and the message for each mistake.

mod built_in;
mod keys;

use super::*;
use crate::domain::{ClientId, GrantType, Permission, Severity, Timestamp};
use crate::fixtures::client;

const RULES: &[&str] = &["dangerous-scope", "missing-required-scope"];

fn errors(text: &str) -> Vec<String> {
    Policy::parse(text, RULES).expect_err("the policy is wrong").iter().map(ToString::to_string).collect()
}

#[test]
fn the_built_in_policy_is_valid_and_gives_a_reason_for_each_scope() {
    let policy = Policy::built_in(RULES).expect("the built-in policy is valid");
    assert_eq!(policy.scopes.dangerous.len(), 23);
    assert!(policy.scopes.dangerous.iter().all(|dangerous| dangerous.reason.len() > 20));
    assert_eq!(policy.scopes.dangerous_pattern("oauth").map(|d| d.severity), Some(Severity::Critical));
    assert_eq!(policy.scopes.dangerous_pattern("users").map(|d| d.severity), Some(Severity::High));
    assert_eq!(policy.scopes.dangerous_pattern("users:readonly"), None);
}

#[test]
fn a_file_adds_to_the_built_in_policy_and_replaces_by_match() {
    let text = r#"
        [scopes]
        dangerous = [
            { match = "outbound", severity = "high", reason = "Dials customers." },
            { match = "users", severity = "critical", reason = "We say so." },
        ]
    "#;
    let policy = Policy::parse(text, RULES).expect("valid");
    assert_eq!(policy.scopes.dangerous.len(), 24);
    assert_eq!(policy.scopes.dangerous_pattern("users").map(|d| d.severity), Some(Severity::Critical));
    let alone = Policy::parse(&format!("builtin = false\n{text}"), RULES).expect("valid");
    assert_eq!(alone.scopes.dangerous.len(), 2);
}

#[test]
fn the_worst_of_several_patterns_counts_and_the_first_of_equal_ones() {
    let text = r#"
        builtin = false
        [scopes]
        dangerous = [
            { match = "u*", severity = "high", reason = "first" },
            { match = "users", severity = "critical", reason = "worst" },
            { match = "upload", severity = "high", reason = "second" },
        ]
    "#;
    let policy = Policy::parse(text, RULES).expect("valid");
    assert_eq!(policy.scopes.dangerous_pattern("users").map(|d| d.reason.as_str()), Some("worst"));
    assert_eq!(policy.scopes.dangerous_pattern("upload").map(|d| d.reason.as_str()), Some("first"));
}

#[test]
fn every_mistake_is_reported_with_its_position() {
    let text = "[defaults]\nflag_at = \"bad\"\nfail_at = \"high\"\n[scopes]\ndangerous = [{ match = \"\", severity = \"low\", reasn = \"x\" }]\n[rules.no-such]\nenabled = true\n[[expect]]\nfor = \"nobody\"\nrequired_scopes = [\"\"]\n[nothing]\n";
    assert_eq!(
        errors(text),
        [
            "line 2, column 11: \"bad\" is not one of critical, high, medium, low, info",
            "line 3, column 1: unknown key \"fail_at\"; did you mean fail_on?; the known keys here are fail_on, flag_at, max_token_validity, unused_after, exemption_max, require_expiry, baseline_max_age",
            "line 5, column 14: reason is missing: Why it is dangerous; shown with each finding.",
            "line 5, column 24: must not be empty",
            "line 5, column 39: \"low\" is not one of critical, high",
            "line 5, column 46: unknown key \"reasn\"; did you mean reason?; the known keys here are match, severity, reason, allow_unmatched",
            "line 6, column 8: there is no rule \"no-such\"; the rules are dangerous-scope, missing-required-scope",
            "line 9, column 7: there is no [selectors.nobody]; add it, or use a client id, or \"*\" for every client",
            "line 10, column 20: must not be empty",
            "line 11, column 2: unknown key \"nothing\"; the known keys here are builtin, defaults, org, scopes, permissions, roles, redirects, rules, selectors, expect, exemption, owner",
        ]
    );
}

#[test]
fn a_selected_client_meets_every_criterion_that_is_given() {
    let text = r#"
        [selectors.by-name]
        name = "Wallboard *"
        [selectors.by-all]
        id = ["c-1", "c-2"]
        grant = "code"
        [[expect]]
        for = "by-name"
        required_scopes = ["analytics:readonly"]
        [[expect]]
        for = "by-all"
        required_scopes = ["presence"]
        [[expect]]
        for = "*"
        required_scopes = ["notifications"]
    "#;
    let policy = Policy::parse(text, RULES).expect("valid");
    let required = |id: &str, name: &str, grant_type: GrantType| {
        let client = client(id).named(name).grant(grant_type).alone();
        policy.required_scopes(&client).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(required("c-9", "Wallboard Dublin", GrantType::Implicit), ["analytics:readonly", "notifications"]);
    assert_eq!(required("c-9", "My Wallboard Dublin", GrantType::Implicit), ["notifications"]);
    assert_eq!(required("c-2", "x", GrantType::Code), ["presence", "notifications"]);
    assert_eq!(required("c-2", "x", GrantType::Password), ["notifications"]);
}

#[test]
fn a_selector_without_valid_criteria_is_an_error() {
    for (selector, expected) in [
        ("", "line 1, column 12: a selector needs an id, a name or a grant"),
        ("name = []", "line 2, column 8: must not be empty"),
        ("name = [\"x\", \"\"]", "line 2, column 14: must not be empty"),
        ("grant = \"coed\"", "line 2, column 9: \"coed\" is not one of client_credentials, code"),
        ("id = 3", "line 2, column 6: expected a string or a list of strings, found an integer"),
        ("nam = \"x\"", "line 1, column 12: a selector needs an id, a name or a grant"),
    ] {
        let errors = errors(&format!("[selectors.s]\n{selector}\n"));
        assert!(errors[0].starts_with(expected), "{selector}: {errors:?}");
    }
}

#[test]
fn invalid_toml_is_an_error_with_its_position() {
    assert!(errors("[scopes\n")[0].starts_with("line 1, column "));
    let several = errors("a = \nb = [\n");
    assert!(several.len() > 1, "{several:?}");
}

#[test]
fn a_setting_without_effect_is_an_error_and_not_ignored() {
    for (text, expected) in [
        ("[roles]\ncount_users = true", "line 2, column 15: the exporter does not count who else holds a role"),
        (
            "[rules.dangerous-scope]\nseverity = \"low\"",
            "line 2, column 12: findings of dangerous-scope have the severity of",
        ),
        (
            "[scopes]\ntoxic = [{ scopes = [\"a\", \"a\"], reason = \"r\" }]",
            "line 2, column 21: a combination needs at least two",
        ),
        (
            "[scopes]\ndangerous = [{ match = \"a\", severity = \"high\", reason = \"r\" }, { match = \"a\", severity = \"high\", reason = \"r\" }]",
            "line 2, column 74: \"a\" appears twice",
        ),
        (
            "[permissions]\ndangerous = [{ match = \"a:b\", severity = \"high\", reason = \"r\" }]",
            "line 2, column 24: \"a:b\" does not have three segments",
        ),
        ("[[expect]]\nfor = \"*\"", "line 1, column 1: nothing is expected; add at least one of required_scopes"),
        ("[org]\nenvironment = \"prod\"", "line 2, column 15: \"prod\" is not one of production, staging"),
        (
            "[org]\nscope_enforcement = \"yes\"",
            "line 2, column 21: expected true, false or \"unknown\", found a string",
        ),
    ] {
        let errors = errors(text);
        assert!(errors.len() == 1 && errors[0].starts_with(expected), "{text}: {errors:?}");
    }
}

const EXEMPTION: &str =
    "[[exemption]]\nid = \"e\"\nrule = \"dangerous-scope\"\nclient = \"*\"\nowner = \"o\"\nreason = \"r\"\n";

#[test]
fn a_duplicate_id_or_pattern_is_reported_with_the_other_mistakes() {
    let broken = EXEMPTION.replace("owner = \"o\"\n", "").replace("dangerous-scope", "nothing");
    let pattern = |more: &str| format!("[[scopes.dangerous]]\nmatch = \"x\"\n{more}severity = \"high\"\n");
    let text = format!("{broken}{EXEMPTION}{}{}", pattern(""), pattern("reason = \"r\"\n"));
    let reported = errors(&text).join("\n");
    for part in [
        "line 3, column 8: there is no rule \"nothing\"",
        "line 1, column 1: owner is missing",
        "line 7, column 6: there is another exemption \"e\"",
        "line 12, column 1: reason is missing",
        "line 16, column 9: \"x\" appears twice",
    ] {
        assert!(reported.contains(part), "{part:?} in {reported}");
    }
}

#[test]
fn an_exemption_needs_a_rule_an_owner_a_reason_and_if_required_an_end() {
    let expires = |date: &str| format!("{EXEMPTION}expires = {date}\n");
    let now = Timestamp::from_seconds(1_790_000_000); // 2026-09-21
    let read = |text: &str| {
        let extension = Extension::default();
        let policy = Policy::read(text, Reading { rules: RULES, now: Some(now), extension: &extension });
        policy.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    };
    for (text, expected) in [
        (EXEMPTION.replace("dangerous-scope", "no-such"), "line 3, column 8: there is no rule \"no-such\""),
        (EXEMPTION.replace("\"o\"", "\" \""), "line 5, column 9: must not be empty"),
        (EXEMPTION.replace("reason", "# reason"), "line 1, column 1: reason is missing"),
        (EXEMPTION.replace("\"*\"", "\"nobody\""), "line 4, column 10: there is no [selectors.nobody]"),
        (format!("{EXEMPTION}{EXEMPTION}"), "line 8, column 6: there is another exemption \"e\""),
        (format!("[defaults]\nrequire_expiry = true\n{EXEMPTION}"), "line 3, column 1: expires is missing"),
        (format!("[defaults]\nexemption_max = \"30d\"\n{EXEMPTION}"), "line 3, column 1: expires is missing"),
        (
            format!("[defaults]\nexemption_max = \"30d\"\n{}", expires("2026-10-23")),
            "line 9, column 11: the exemption ends more than 30 days",
        ),
        (expires("2026-10-23T10:00:00"), "line 7, column 11: expected a date such as"),
    ] {
        let error = read(&text).expect_err(&text);
        assert!(error.starts_with(expected) && !error.contains(';') | error.contains("there is"), "{text}: {error}");
    }
    let max = "[defaults]\nexemption_max = \"30d\"\nrequire_expiry = true\n";
    for (text, ended) in [
        (EXEMPTION.to_owned(), false),
        (format!("{max}{}", expires("2026-10-21")), false),
        (expires("2026-09-21"), false),
        // An exemption that has ended is a finding, not a mistake.
        (format!("{max}{}", expires("2026-09-20")), true),
        (expires("\"2026-09-20T12:00:00+02:00\""), true),
    ] {
        let policy = read(&text).expect(&text);
        assert_eq!(policy.exemptions[0].has_ended(now), ended, "{text}");
    }
}

#[test]
fn every_key_is_read() {
    let text = r#"
        builtin = false
        [defaults]
        fail_on = "critical"
        flag_at = "low"
        max_token_validity = 3600
        unused_after = "30d"
        exemption_max = "365d"
        require_expiry = true
        baseline_max_age = "180d"
        [org]
        environment = "test"
        scope_enforcement = true
        [scopes]
        all_scopes_ratio = 0.5
        all_scopes_cap = 40
        judge = "every-client"
        exact = true
        toxic = [{ scopes = ["b", "a"], reason = "r" }]
        [permissions]
        dangerous = [{ match = "A:*:view", severity = "medium", reason = "r" }]
        companions = [{ permission = "a:b:c", needs = "d:e:f" }]
        [roles]
        admin = ["Boss *"]
        [redirects]
        hosts = ["*.Example.com"]
        testers = ["bin.test"]
        [selectors.some]
        grant = ["code", "implicit"]
        [[expect]]
        for = "some"
        allowed_roles = []
        allowed_divisions = ["Home"]
        allowed_grants = ["code"]
        max_token_validity = "1h"
        [[owner]]
        client = "0E4F9B1C-0000-4000-8000-000000000001"
        team = "Wallboards"
    "#;
    let policy = Policy::parse(text, RULES).expect("valid");
    let Defaults { fail_on, flag_at, .. } = policy.defaults;
    assert_eq!((fail_on, flag_at), (Severity::Critical, Severity::Low));
    assert_eq!((policy.defaults.max_token_validity, policy.defaults.unused_after_days), (3600, 30));
    assert_eq!((policy.defaults.exemption_max_days, policy.defaults.baseline_max_age_days), (Some(365), Some(180)));
    assert!(policy.defaults.require_expiry);
    assert_eq!(policy.org, OrgPolicy { production: false, scope_enforcement: Some(true) });
    assert_eq!((policy.scopes.all_scopes_percent, policy.scopes.all_scopes_cap), (50, Some(40)));
    assert!(policy.scopes.exact && policy.scopes.judge == ScopedClients::EveryClient);
    assert_eq!(policy.scopes.toxic[0].scopes, ["a", "b"]);
    assert_eq!(policy.permissions.dangerous[0].severity, Severity::Medium);
    assert_eq!(policy.permissions.companions.len(), 1);
    assert_eq!(policy.roles.admin, [NamePattern::new("Boss *")]);
    assert_eq!(policy.redirects.hosts, [NamePattern::new("*.example.com")]);
    assert_eq!(policy.redirects.testers, [NamePattern::new("bin.test")]);
    assert_eq!(policy.expectations[0].allowed_roles, Some(Vec::new()));
    assert_eq!(policy.expectations[0].allowed_grants, Some(vec![GrantType::Code]));
    assert_eq!(policy.expectations[0].max_token_validity, Some(3600));
    assert_eq!(policy.owners[0].client.ids, [ClientId::new("0e4f9b1c-0000-4000-8000-000000000001")]);
    assert_eq!(policy.owners[0].team, "Wallboards");
}

#[test]
fn settings_extend_the_policy_without_a_file() {
    let extension = Extension {
        required_scopes: vec!["presence".to_owned()],
        dangerous_scopes: vec!["outbound*".to_owned(), "oauth".to_owned()],
    };
    let policy = Policy::read("", Reading { rules: RULES, now: None, extension: &extension }).expect("valid");
    let dangerous = policy.scopes.dangerous_pattern("outbound:readonly").expect("named");
    assert_eq!((dangerous.severity, dangerous.allow_unmatched), (Severity::High, true));
    let known = policy.scopes.dangerous_pattern("oauth").expect("built in");
    assert_eq!(known.severity, Severity::Critical, "a setting does not lower the severity");
    assert_eq!(policy.expectations[0].required_scopes, ["presence"]);
    assert_eq!(policy.expectations[0].selector, Selector::default());
}

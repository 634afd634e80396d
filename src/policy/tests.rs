//! What a policy file may say, and what it gets for mistakes.

use super::*;

const RULES: &[&str] = &["dangerous-scope", "missing-required-scope"];

fn errors(text: &str) -> Vec<String> {
    Policy::parse(text, RULES).expect_err("the policy is wrong").iter().map(ToString::to_string).collect()
}

#[test]
fn the_built_in_policy_is_valid_and_names_a_reason_for_each_scope() {
    let policy = Policy::built_in(RULES).expect("it is ours");
    assert_eq!(policy.scopes.dangerous.len(), 19);
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
    assert_eq!(policy.scopes.dangerous.len(), 20);
    assert_eq!(policy.scopes.dangerous_pattern("users").map(|d| d.severity), Some(Severity::Critical));
    let alone = Policy::parse(&format!("builtin = false\n{text}"), RULES).expect("valid");
    assert_eq!(alone.scopes.dangerous.len(), 2);
}

#[test]
fn of_several_patterns_the_worst_counts_and_of_equals_the_first() {
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
fn every_mistake_is_reported_with_its_place() {
    let text = "[defaults]\nflag_at = \"bad\"\n[scopes]\ndangerous = [{ match = \"\", severity = \"low\", reason = \"x\" }]\n[rules.no-such]\nenabled = true\n[[expect]]\nfor = \"nobody\"\nrequired_scopes = [\"\"]\n";
    let errors = errors(text);
    assert_eq!(
        errors,
        [
            "line 2, column 11: \"bad\" is not a severity; use critical, high, medium, low or info",
            "line 4, column 24: must not be empty",
            "line 5, column 8: there is no rule \"no-such\"; the rules are dangerous-scope, missing-required-scope",
            "line 8, column 7: there is no [selectors.nobody]; write it, or \"*\" for every client",
        ]
    );
}

#[test]
fn selectors_pick_by_every_criterion_that_is_given() {
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
        let client = crate::domain::Client {
            id: ClientId::new(id),
            name: name.to_owned(),
            description: None,
            grant_type,
            grant_type_spelling: "".into(),
            state: crate::domain::ClientState::Active,
            scopes: Box::default(),
            role_grants: Box::default(),
            redirect_uris: Box::default(),
            token_validity: None,
            created: None,
            modified: None,
            created_by: None,
            modified_by: None,
            deletion: None,
        };
        policy.required_scopes(&client).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(required("c-9", "Wallboard Dublin", GrantType::Implicit), ["analytics:readonly", "notifications"]);
    assert_eq!(required("c-9", "My Wallboard Dublin", GrantType::Implicit), ["notifications"]);
    assert_eq!(required("c-2", "x", GrantType::Code), ["presence", "notifications"]);
    assert_eq!(required("c-2", "x", GrantType::Password), ["notifications"]);
}

#[test]
fn a_selector_that_picks_by_nothing_or_by_nonsense_is_refused() {
    for (selector, expected) in [
        ("", "line 1, column 12: a selector needs an id, a name or a grant"),
        ("name = []", "line 2, column 8: must not be empty"),
        ("name = [\"x\", \"\"]", "line 2, column 8: must not be empty"),
        ("grant = \"coed\"", "line 2, column 9: \"coed\" is not a grant type; use one of client_credentials, code"),
        ("id = 3", "line 2, column 6: expected a text, or a list of texts"),
        ("nam = \"x\"", "line 2, column 1: unknown field `nam`"),
    ] {
        let errors = errors(&format!("[selectors.s]\n{selector}\n"));
        assert!(errors[0].starts_with(expected), "{selector}: {errors:?}");
    }
}

#[test]
fn unknown_keys_and_broken_toml_are_errors_with_their_place() {
    assert!(errors("[scopes]\ndangerus = []\n")[0].starts_with("line 2, column 1: unknown field `dangerus`"));
    assert!(errors("[scopes\n")[0].starts_with("line 1, column "));
    assert!(errors("[[expect]]\nfor = \"*\"\nrequired_scopes = 3\n")[0].starts_with("line 3, column 19: invalid type"));
}

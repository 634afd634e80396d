//! The policy file: TOML as people write it, turned into a [`Policy`].
//!
//! Nothing of the raw form leaves this module.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{
    BUILT_IN, DangerousPattern, Defaults, Expectation, Judge, NamePattern, Policy, RuleSetting, ScopePolicy, Selector,
};
use crate::domain::{ClientId, GrantType, Severity};

/// One mistake in a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct PolicyError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, and what to write instead.
    pub message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    builtin: Option<bool>,
    #[serde(default)]
    defaults: RawDefaults,
    #[serde(default)]
    scopes: RawScopes,
    #[serde(default)]
    rules: BTreeMap<Spanned<String>, RawRule>,
    #[serde(default)]
    selectors: BTreeMap<Spanned<String>, RawSelector>,
    #[serde(default)]
    expect: Vec<RawExpectation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDefaults {
    fail_on: Option<Spanned<String>>,
    flag_at: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScopes {
    judge: Option<Judge>,
    exact: Option<bool>,
    #[serde(default)]
    dangerous: Vec<RawDangerous>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDangerous {
    r#match: Spanned<String>,
    severity: Spanned<String>,
    reason: Spanned<String>,
    #[serde(default)]
    allow_unmatched: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    enabled: Option<bool>,
    severity: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSelector {
    id: Option<Spanned<OneOrMany>>,
    name: Option<Spanned<OneOrMany>>,
    grant: Option<Spanned<OneOrMany>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpectation {
    r#for: Spanned<String>,
    required_scopes: Vec<Spanned<String>>,
}

/// `name = "x"` and `name = ["x", "y"]` alike. A span within an untagged enum is not to be had.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text, or a list of texts")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

pub(super) fn over_built_in(text: &str, rules: &[&str]) -> Result<Policy, Vec<PolicyError>> {
    let user = read(text)?;
    let mut policy = Policy {
        // What a policy without any default says; the built-in one names both.
        defaults: Defaults { fail_on: Severity::High, flag_at: Severity::Medium },
        scopes: ScopePolicy { dangerous: Vec::new(), judge: Judge::default(), exact: false },
        rules: BTreeMap::new(),
        expectations: Vec::new(),
    };
    if user.builtin.unwrap_or(true) {
        Layer::new(BUILT_IN, rules).lay(read(BUILT_IN)?, &mut policy)?;
    }
    Layer::new(text, rules).lay(user, &mut policy)?;
    Ok(policy)
}

fn read(text: &str) -> Result<RawPolicy, Vec<PolicyError>> {
    toml::from_str(text).map_err(|error| vec![at(text, error.span(), error.message().to_owned())])
}

/// One file being laid over the policy so far; collects every mistake.
struct Layer<'a> {
    text: &'a str,
    rules: &'a [&'a str],
    errors: Vec<PolicyError>,
}

impl<'a> Layer<'a> {
    fn new(text: &'a str, rules: &'a [&'a str]) -> Self {
        Self { text, rules, errors: Vec::new() }
    }

    fn lay(mut self, raw: RawPolicy, policy: &mut Policy) -> Result<(), Vec<PolicyError>> {
        if let Some(severity) = self.severity(raw.defaults.fail_on) {
            policy.defaults.fail_on = severity;
        }
        if let Some(severity) = self.severity(raw.defaults.flag_at) {
            policy.defaults.flag_at = severity;
        }
        policy.scopes.judge = raw.scopes.judge.unwrap_or(policy.scopes.judge);
        policy.scopes.exact = raw.scopes.exact.unwrap_or(policy.scopes.exact);
        for dangerous in raw.scopes.dangerous {
            self.dangerous(dangerous, &mut policy.scopes.dangerous);
        }
        for (slug, rule) in raw.rules {
            if self.rules.contains(&slug.get_ref().as_str()) {
                let severity = self.severity(rule.severity);
                let setting = RuleSetting { enabled: rule.enabled.unwrap_or(true), severity };
                policy.rules.insert(slug.into_inner(), setting);
            } else {
                let message = format!("there is no rule {:?}; the rules are {}", slug.get_ref(), self.rules.join(", "));
                self.error(slug.span(), message);
            }
        }
        let mut selectors = BTreeMap::new();
        for (name, raw) in raw.selectors {
            let selector = self.selector(raw);
            if selector == Selector::default() {
                self.error(name.span(), "a selector needs an id, a name or a grant".to_owned());
            }
            selectors.insert(name.into_inner(), selector);
        }
        for expectation in raw.expect {
            let name = expectation.r#for.get_ref();
            let selector = if name == "*" { Some(Selector::default()) } else { selectors.get(name).cloned() };
            let Some(selector) = selector else {
                let message = format!("there is no [selectors.{name}]; write it, or \"*\" for every client");
                self.error(expectation.r#for.span(), message);
                continue;
            };
            let required_scopes =
                expectation.required_scopes.into_iter().filter_map(|scope| self.not_empty(scope)).collect();
            policy.expectations.push(Expectation { selector, required_scopes });
        }
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }

    fn dangerous(&mut self, raw: RawDangerous, patterns: &mut Vec<DangerousPattern>) {
        let severity_span = raw.severity.span();
        let severity = self.severity(Some(raw.severity));
        let (Some(text), Some(reason), Some(severity)) =
            (self.not_empty(raw.r#match), self.not_empty(raw.reason), severity)
        else {
            return;
        };
        if severity < Severity::High {
            self.error(severity_span, "a dangerous scope is critical or high".to_owned());
        }
        let pattern = NamePattern::new(text);
        let dangerous = DangerousPattern { pattern, severity, reason, allow_unmatched: raw.allow_unmatched };
        match patterns.iter_mut().find(|known| known.pattern == dangerous.pattern) {
            Some(known) => *known = dangerous,
            None => patterns.push(dangerous),
        }
    }

    fn selector(&mut self, raw: RawSelector) -> Selector {
        let ids = self.texts(raw.id).into_iter().map(|id| ClientId::new(id.into_inner())).collect();
        let names = self.texts(raw.name).into_iter().map(|name| NamePattern::new(name.into_inner())).collect();
        let grants = self.texts(raw.grant).iter().filter_map(|grant| self.grant(grant)).collect();
        Selector { ids, names, grants }
    }

    /// The texts of one criterion, each at the place of the whole.
    fn texts(&mut self, raw: Option<Spanned<OneOrMany>>) -> Vec<Spanned<String>> {
        let Some(raw) = raw else { return Vec::new() };
        let span = raw.span();
        let texts = match raw.into_inner() {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        };
        if texts.is_empty() {
            self.error(span.clone(), "must not be empty".to_owned());
        }
        let texts = texts.into_iter().map(|text| Spanned::new(span.clone(), text));
        texts.filter(|text| self.is_filled(text)).collect()
    }

    fn grant(&mut self, word: &Spanned<String>) -> Option<GrantType> {
        let grant = GrantType::ALL.into_iter().find(|grant| grant.label() == word.get_ref());
        if grant.is_none() {
            let known = GrantType::ALL.map(GrantType::label).join(", ");
            self.error(word.span(), format!("{:?} is not a grant type; use one of {known}", word.get_ref()));
        }
        grant
    }

    fn severity(&mut self, word: Option<Spanned<String>>) -> Option<Severity> {
        let word = word?;
        match word.get_ref().parse() {
            Ok(severity) => Some(severity),
            Err(error) => {
                self.error(word.span(), format!("{:?} is {error}", word.get_ref()));
                None
            }
        }
    }

    fn not_empty(&mut self, text: Spanned<String>) -> Option<String> {
        self.is_filled(&text).then(|| text.into_inner())
    }

    fn is_filled(&mut self, text: &Spanned<String>) -> bool {
        let filled = !text.get_ref().trim().is_empty();
        if !filled {
            self.error(text.span(), "must not be empty".to_owned());
        }
        filled
    }

    fn error(&mut self, span: Range<usize>, message: String) {
        self.errors.push(at(self.text, Some(span), message));
    }
}

fn at(text: &str, span: Option<Range<usize>>, message: String) -> PolicyError {
    let offset = span.map_or(0, |span| span.start).min(text.len());
    let before = text.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    PolicyError { line, column, message }
}

#[cfg(test)]
mod tests {
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
        assert!(
            errors("[[expect]]\nfor = \"*\"\nrequired_scopes = 3\n")[0].starts_with("line 3, column 19: invalid type")
        );
    }
}

//! The policy file: TOML as people write it, turned into a [`Policy`].
//!
//! Nothing of the raw form leaves this module.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{
    BUILT_IN, DangerousPattern, Defaults, Expectation, Judge, NamePattern, OrgPolicy, PermissionPolicy, Policy,
    RedirectPolicy, RolePolicy, RuleSetting, ScopePolicy, Selector,
};
use crate::domain::{Client, ClientId, GrantType, Severity};

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
        defaults: Defaults {
            fail_on: Severity::High,
            flag_at: Severity::Medium,
            max_token_validity: Client::DEFAULT_TOKEN_VALIDITY,
            unused_after_days: 90,
            exemption_max_days: None,
            require_expiry: false,
            baseline_max_age_days: None,
        },
        org: OrgPolicy { production: true, scope_enforcement: None },
        scopes: ScopePolicy {
            dangerous: Vec::new(),
            judge: Judge::default(),
            exact: false,
            toxic: Vec::new(),
            all_scopes_percent: 80,
        },
        permissions: PermissionPolicy::default(),
        roles: RolePolicy::default(),
        redirects: RedirectPolicy::default(),
        exemptions: Vec::new(),
        rules: BTreeMap::new(),
        expectations: Vec::new(),
        owners: Vec::new(),
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
            policy.expectations.push(Expectation { selector, required_scopes, ..Expectation::default() });
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

//! What is dangerous, what is required, and from when on it counts.
//!
//! Not the judgement itself (`audit`). A policy that exists is valid: reading one is `parse`'s business.

mod parse;
mod pattern;

use std::collections::BTreeMap;

pub use parse::PolicyError;
pub use pattern::NamePattern;

use crate::domain::{Client, ClientId, GrantType, Severity};

/// The built-in policy, in the same format as a user's file.
pub const BUILT_IN: &str = include_str!("builtin.toml");

/// A valid policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Thresholds.
    pub defaults: Defaults,
    /// What scopes mean.
    pub scopes: ScopePolicy,
    /// Settings of single rules, by slug.
    rules: BTreeMap<String, RuleSetting>,
    /// What is expected of which clients.
    expectations: Vec<Expectation>,
}

/// Thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// The exit code is 1 from this severity on.
    pub fail_on: Severity,
    /// A client is flagged from this severity on.
    pub flag_at: Severity,
}

/// What scopes mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopePolicy {
    /// Dangerous scopes; of several that match, the worst counts, and of equals the first.
    pub dangerous: Vec<DangerousPattern>,
    /// Whose scopes count.
    pub judge: Judge,
    /// Whether `x` no longer satisfies a required `x:readonly`.
    pub exact: bool,
}

/// Whose scopes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judge {
    /// Those of clients whose tokens are bounded by scopes.
    #[default]
    UserGrantClients,
    /// Those of all clients, as older guides do.
    EveryClient,
}

/// A dangerous scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerousPattern {
    /// Which scopes.
    pub pattern: NamePattern,
    /// How dangerous.
    pub severity: Severity,
    /// Why.
    pub reason: String,
    /// Whether it is in order that the platform's registry has no such scope.
    pub allow_unmatched: bool,
}

/// The setting of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleSetting {
    /// Whether it is judged by.
    pub enabled: bool,
    /// The severity instead of its own.
    pub severity: Option<Severity>,
}

/// What is expected of the clients that a selector picks.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expectation {
    selector: Selector,
    required_scopes: Vec<String>,
}

/// Picks clients; every criterion that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Selector {
    ids: Vec<ClientId>,
    names: Vec<NamePattern>,
    grants: Vec<GrantType>,
}

impl Selector {
    fn picks(&self, client: &Client) -> bool {
        (self.ids.is_empty() || self.ids.contains(&client.id))
            && (self.names.is_empty() || self.names.iter().any(|name| name.matches(&client.name)))
            && (self.grants.is_empty() || self.grants.contains(&client.grant_type))
    }
}

impl Policy {
    /// Reads a user's policy file over the built-in policy; `rules` are the slugs that exist.
    ///
    /// Every mistake is reported, each with its place in the file.
    pub fn parse(text: &str, rules: &[&str]) -> Result<Self, Vec<PolicyError>> {
        parse::over_built_in(text, rules)
    }

    /// The policy without a file.
    pub fn built_in(rules: &[&str]) -> Result<Self, Vec<PolicyError>> {
        parse::over_built_in("", rules)
    }

    /// The setting of that rule, where the policy has one.
    pub fn rule(&self, slug: &str) -> Option<&RuleSetting> {
        self.rules.get(slug)
    }

    /// The scopes that this client must hold; a scope may come more than once.
    pub fn required_scopes<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a str> {
        self.expectations
            .iter()
            .filter(|expectation| expectation.selector.picks(client))
            .flat_map(|expectation| expectation.required_scopes.iter().map(String::as_str))
    }
}

impl ScopePolicy {
    /// The worst dangerous pattern that matches this scope.
    pub fn dangerous_pattern(&self, scope: &str) -> Option<&DangerousPattern> {
        // `max_by_key` keeps the last of equals, so that the search runs backwards to keep the first.
        self.dangerous.iter().rev().filter(|dangerous| dangerous.pattern.matches(scope)).max_by_key(|d| d.severity)
    }
}

//! What is dangerous, what is required, and from when on it counts.
//!
//! Not the judgement itself (`audit`). A policy that exists is valid: reading one is `parse`'s business.

mod check;
mod exemption;
mod extension;
mod fields;
mod json_schema;
mod layer;
mod parse;
mod pattern;
mod permission;
mod scalar;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use exemption::Exemption;
pub use extension::Extension;
pub use json_schema::json_schema;
pub use parse::{PolicyError, Reading};
pub use pattern::NamePattern;
pub use permission::PermissionPattern;

use crate::domain::{Client, ClientId, GrantType, Permission, Severity};

/// The built-in policy, in the same format as a user's file.
pub const BUILT_IN: &str = include_str!("builtin.toml");

/// A valid policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Thresholds.
    pub defaults: Defaults,
    /// What is attested of the organisation, since no API tells it.
    pub org: OrgPolicy,
    /// What scopes mean.
    pub scopes: ScopePolicy,
    /// What permissions mean.
    pub permissions: PermissionPolicy,
    /// What roles mean.
    pub roles: RolePolicy,
    /// What redirect URIs may be.
    pub redirects: RedirectPolicy,
    /// What is excused, by whom and until when.
    pub exemptions: Vec<Exemption>,
    /// Settings of single rules, by slug.
    pub(super) rules: BTreeMap<String, RuleSetting>,
    /// What is expected of which clients.
    pub(super) expectations: Vec<Expectation>,
    /// Who owns which clients.
    pub(super) owners: Vec<Owner>,
}

/// Thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// The exit code is 1 from this severity on.
    pub fail_on: Severity,
    /// A client is flagged from this severity on.
    pub flag_at: Severity,
    /// The longest life of an access token, in seconds, that needs no finding.
    pub max_token_validity: u32,
    /// A client without a request for this many days is unused.
    pub unused_after_days: u32,
    /// An exemption may not last longer than this many days; `None` is for ever.
    pub exemption_max_days: Option<u32>,
    /// Whether an exemption must have an end.
    pub require_expiry: bool,
    /// A baseline that was approved more days ago than this is stale; `None` is never.
    pub baseline_max_age_days: Option<u32>,
}

/// What is attested of the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrgPolicy {
    /// Whether it is a production organisation: loopback redirects are found there only.
    pub production: bool,
    /// Whether scope enforcement is on; `None` is unknown.
    pub scope_enforcement: Option<bool>,
}

/// What permissions mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PermissionPolicy {
    /// Dangerous permissions.
    pub dangerous: Vec<DangerousPermission>,
    /// A permission and the one without which it does not work.
    pub companions: Vec<(PermissionPattern, PermissionPattern)>,
}

/// A dangerous permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerousPermission {
    /// Which permissions.
    pub pattern: PermissionPattern,
    /// How dangerous.
    pub severity: Severity,
    /// Why.
    pub reason: String,
    /// Whether it is in order that the platform's registry has no such permission.
    pub allow_unmatched: bool,
}

/// What roles mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RolePolicy {
    /// Names of administrators' roles, a hint only: content decides.
    pub admin: Vec<NamePattern>,
}

/// What redirect URIs may be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedirectPolicy {
    /// The hosts that are allowed, `*` for any run of characters; empty allows every host.
    pub hosts: Vec<NamePattern>,
    /// Hosts of request bins, tunnels and API testers.
    pub testers: Vec<NamePattern>,
}

/// Who owns clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) client: Selector,
    pub(super) team: String,
}

/// What scopes mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopePolicy {
    /// Dangerous scopes; of several that match, the worst counts, and of equals the first.
    pub dangerous: Vec<DangerousPattern>,
    /// Whose scopes count.
    pub judge: ScopedClients,
    /// Whether `x` no longer satisfies a required `x:readonly`.
    pub exact: bool,
    /// Combinations of scopes that are worse than each of them.
    pub toxic: Vec<ToxicCombination>,
    /// From which part of the registry on, in percent, a client holds all scopes.
    pub all_scopes_percent: u32,
    /// More scopes than this are all scopes too, however large the registry.
    pub all_scopes_cap: Option<usize>,
}

/// Scopes that no client should hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToxicCombination {
    /// All of these together.
    pub scopes: Vec<String>,
    /// Why.
    pub reason: String,
}

/// Whose scopes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopedClients {
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

/// What is expected of the clients that a selector picks; `None` expects nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Expectation {
    pub(super) selector: Selector,
    pub(super) required_scopes: Vec<String>,
    /// Ids or names of roles.
    pub(super) allowed_roles: Option<Vec<NamePattern>>,
    /// Ids or names of divisions.
    pub(super) allowed_divisions: Option<Vec<NamePattern>>,
    pub(super) allowed_grants: Option<Vec<GrantType>>,
    /// Seconds.
    pub(super) max_token_validity: Option<u32>,
}

/// Picks clients; every criterion that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Selector {
    pub(super) ids: Vec<ClientId>,
    pub(super) names: Vec<NamePattern>,
    pub(super) grants: Vec<GrantType>,
}

impl Selector {
    pub(super) fn picks(&self, client: &Client) -> bool {
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
        Self::read(text, Reading { rules, now: None, extension: &Extension::default() })
    }

    /// The same, with what the settings add, and with `exemption_max` counted from a moment.
    pub fn read(text: &str, reading: Reading<'_>) -> Result<Self, Vec<PolicyError>> {
        parse::over_built_in(text, reading)
    }

    /// The policy without a file.
    pub fn built_in(rules: &[&str]) -> Result<Self, Vec<PolicyError>> {
        Self::parse("", rules)
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

    /// The team that owns this client, where the inventory says.
    pub fn owner(&self, client: &Client) -> Option<&str> {
        self.owners.iter().find(|owner| owner.client.picks(client)).map(|owner| owner.team.as_str())
    }

    /// The lists of roles that this client may hold, each list on its own; none where nothing is expected.
    pub fn allowed_roles<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a [NamePattern]> {
        self.expected(client).filter_map(|expectation| expectation.allowed_roles.as_deref())
    }

    /// The lists of divisions in which this client may hold roles.
    pub fn allowed_divisions<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a [NamePattern]> {
        self.expected(client).filter_map(|expectation| expectation.allowed_divisions.as_deref())
    }

    /// The lists of grant types that this client may have.
    pub fn allowed_grants<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a [GrantType]> {
        self.expected(client).filter_map(|expectation| expectation.allowed_grants.as_deref())
    }

    /// The longest token life for this client in seconds: the strictest expectation, else the default.
    pub fn max_token_validity(&self, client: &Client) -> u32 {
        let expected = self.expected(client).filter_map(|expectation| expectation.max_token_validity).min();
        expected.unwrap_or(self.defaults.max_token_validity)
    }

    fn expected<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a Expectation> {
        self.expectations.iter().filter(|expectation| expectation.selector.picks(client))
    }
}

impl PermissionPolicy {
    /// The dangerous patterns that meet a permission that a role grants, in the policy's order.
    pub fn dangerous_patterns(&self, granted: &Permission) -> impl Iterator<Item = &DangerousPermission> + use<'_> {
        let segments = permission::folded(granted);
        self.dangerous.iter().filter(move |dangerous| dangerous.pattern.meets_folded(&segments))
    }

    /// The same of a general permission, which is one word.
    pub fn dangerous_general(&self, granted: &str) -> impl Iterator<Item = &DangerousPermission> + use<'_> {
        let granted = granted.to_owned();
        self.dangerous.iter().filter(move |dangerous| dangerous.pattern.meets_text(&granted))
    }
}

impl ScopePolicy {
    /// The worst dangerous pattern that matches this scope.
    pub fn dangerous_pattern(&self, scope: &str) -> Option<&DangerousPattern> {
        // `max_by_key` keeps the last of equals, so that the search runs backwards to keep the first.
        self.dangerous.iter().rev().filter(|dangerous| dangerous.pattern.matches(scope)).max_by_key(|d| d.severity)
    }
}

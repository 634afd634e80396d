//! What a policy says: what is dangerous, what is required, and of which clients.
//!
//! Not how it is read (`parse`), and not the evaluation (`audit`).

use std::collections::BTreeMap;

use super::{Exemption, NamePattern, PermissionPattern, Selector, permission};
use crate::domain::{Client, GrantType, Permission, Severity};
use crate::text::SharedText;

/// A valid policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Thresholds and maximum lifetimes.
    pub defaults: Defaults,
    /// Facts about the organisation that no API reports.
    pub org: OrgPolicy,
    /// How scopes are evaluated.
    pub scopes: ScopePolicy,
    /// How permissions of roles are evaluated.
    pub permissions: PermissionPolicy,
    /// How roles are evaluated.
    pub roles: RolePolicy,
    /// Which redirect hosts are allowed, and which are dangerous.
    pub redirects: RedirectPolicy,
    /// Exemptions, in the order of the files.
    pub exemptions: Vec<Exemption>,
    /// Settings of single rules, by slug; a rule without one has its defaults.
    pub(crate) rules: BTreeMap<String, RuleSetting>,
    /// What is expected of the clients that a selector selects.
    pub(crate) expectations: Vec<Expectation>,
    /// The inventory: which team owns which clients.
    pub(crate) owners: Vec<Owner>,
}

/// Thresholds and maximum lifetimes: the table `[defaults]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// An audit with open findings of this severity or a worse one exits with 1.
    pub fail_on: Severity,
    /// A client with open findings of this severity or a worse one is flagged.
    pub flag_at: Severity,
    /// The longest lifetime of an access token without a finding, in seconds.
    pub max_token_validity: u32,
    /// A client without requests for this many days is unused.
    pub unused_after_days: u32,
    /// The end of an exemption may be at most this many days from now; `None` means any end.
    pub exemption_max_days: Option<u32>,
    /// Whether every exemption needs an end.
    pub require_expiry: bool,
    /// A baseline whose last approval is more days ago is stale; `None` means that no baseline is.
    pub baseline_max_age_days: Option<u32>,
}

/// Facts about the organisation that no API reports: the table `[org]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrgPolicy {
    /// Whether it is a production organisation; only there, redirects to localhost are findings.
    pub production: bool,
    /// Whether scope enforcement is on; `None` means unknown.
    pub scope_enforcement: Option<bool>,
}

/// How permissions of roles are evaluated: the table `[permissions]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PermissionPolicy {
    /// Patterns of dangerous permissions.
    pub dangerous: Vec<DangerousPermission>,
    /// Pairs of a permission and another one that it needs to work.
    pub companions: Vec<(PermissionPattern, PermissionPattern)>,
}

/// A pattern of dangerous permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerousPermission {
    /// The permissions that match.
    pub pattern: PermissionPattern,
    /// The severity of the findings.
    pub severity: Severity,
    /// Why it is dangerous; shown with each finding.
    pub reason: SharedText,
    /// Whether the pattern may match no permission of the platform without a finding.
    pub allow_unmatched: bool,
}

/// How roles are evaluated: the table `[roles]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RolePolicy {
    /// Names of administrator roles. They are only a hint: the permissions of a role decide.
    pub admin: Vec<NamePattern>,
}

/// Which redirect hosts are allowed, and which are dangerous: the table `[redirects]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedirectPolicy {
    /// The allowed hosts, in lower case. An empty list allows every host.
    pub hosts: Vec<NamePattern>,
    /// Hosts of request bins, tunnels and API testers, in lower case.
    pub testers: Vec<NamePattern>,
}

/// The team that owns the selected clients: an entry of `[[owner]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) client: Selector,
    pub(crate) team: String,
}

/// How scopes are evaluated: the table `[scopes]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopePolicy {
    /// Patterns of dangerous scopes. Of several that match, the one with the worst severity counts; of equal ones, the first.
    pub dangerous: Vec<DangerousPattern>,
    /// Whose scopes are evaluated.
    pub judge: ScopedClients,
    /// Whether a required `x:readonly` must be held as such; otherwise `x` satisfies it.
    pub exact: bool,
    /// Combinations of scopes that are worse than each scope alone.
    pub toxic: Vec<ToxicCombination>,
    /// A client that may use at least this share of the registry's scopes, in percent, has nearly all scopes.
    pub all_scopes_percent: u32,
    /// A client with more scopes than this has nearly all scopes, regardless of the size of the registry.
    pub all_scopes_cap: Option<usize>,
}

/// Scopes that no client should hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToxicCombination {
    /// At least two scopes, sorted, without patterns.
    pub scopes: Vec<String>,
    /// Why they are dangerous together; shown with each finding.
    pub reason: SharedText,
}

/// Whose scopes are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopedClients {
    /// Those of clients whose tokens are limited by scopes.
    #[default]
    UserGrantClients,
    /// Those of every client, as in older guides.
    EveryClient,
}

/// A pattern of dangerous scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerousPattern {
    /// The scopes that match.
    pub pattern: NamePattern,
    /// The severity of the findings.
    pub severity: Severity,
    /// Why it is dangerous; shown with each finding.
    pub reason: SharedText,
    /// Whether the pattern may match no scope of the platform without a finding.
    pub allow_unmatched: bool,
}

/// The setting of one rule: a table `[rules.SLUG]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleSetting {
    /// Whether the rule is evaluated.
    pub enabled: bool,
    /// The severity of all its findings; `None` means the default.
    pub severity: Option<Severity>,
}

/// What is expected of the clients that a selector selects: an entry of `[[expect]]`. `None` expects nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Expectation {
    pub(crate) selector: Selector,
    pub(crate) required_scopes: Vec<String>,
    /// Ids or names of roles.
    pub(crate) allowed_roles: Option<Vec<NamePattern>>,
    /// Ids or names of divisions.
    pub(crate) allowed_divisions: Option<Vec<NamePattern>>,
    pub(crate) allowed_grants: Option<Vec<GrantType>>,
    /// Seconds.
    pub(crate) max_token_validity: Option<u32>,
}

impl Policy {
    /// The setting of a rule; `None` if the policy has none, and the rule has its defaults.
    pub fn rule(&self, slug: &str) -> Option<&RuleSetting> {
        self.rules.get(slug)
    }

    /// The scopes that this client must hold. A scope can appear more than once.
    pub fn required_scopes<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a str> {
        self.expectations
            .iter()
            .filter(|expectation| expectation.selector.selects(client))
            .flat_map(|expectation| expectation.required_scopes.iter().map(String::as_str))
    }

    /// The team that owns this client, by the first matching entry of the inventory.
    pub fn owner(&self, client: &Client) -> Option<&str> {
        self.owners.iter().find(|owner| owner.client.selects(client)).map(|owner| owner.team.as_str())
    }

    /// The lists of roles that this client may hold, one for each expectation; a role must be in all of them. Empty if nothing is
    /// expected.
    pub fn allowed_roles<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a [NamePattern]> {
        self.expected(client).filter_map(|expectation| expectation.allowed_roles.as_deref())
    }

    /// The lists of divisions in which this client may hold roles, one for each expectation.
    pub fn allowed_divisions<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a [NamePattern]> {
        self.expected(client).filter_map(|expectation| expectation.allowed_divisions.as_deref())
    }

    /// The lists of grant types that this client may have, one for each expectation.
    pub fn allowed_grants<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a [GrantType]> {
        self.expected(client).filter_map(|expectation| expectation.allowed_grants.as_deref())
    }

    /// The longest token lifetime for this client, in seconds: that of the strictest expectation, or the default without one.
    pub fn max_token_validity(&self, client: &Client) -> u32 {
        let expected = self.expected(client).filter_map(|expectation| expectation.max_token_validity).min();
        expected.unwrap_or(self.defaults.max_token_validity)
    }

    fn expected<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = &'a Expectation> {
        self.expectations.iter().filter(|expectation| expectation.selector.selects(client))
    }
}

impl PermissionPolicy {
    /// The dangerous patterns that match a permission that a role grants, in the policy's order.
    pub fn dangerous_patterns(&self, granted: &Permission) -> impl Iterator<Item = &DangerousPermission> + use<'_> {
        let segments = permission::folded(granted);
        self.dangerous.iter().filter(move |dangerous| dangerous.pattern.meets_folded(&segments))
    }

    /// The dangerous patterns that match a general permission (a single word), in the policy's order.
    pub fn dangerous_general(&self, granted: &str) -> impl Iterator<Item = &DangerousPermission> + use<'_> {
        let granted = granted.to_owned();
        self.dangerous.iter().filter(move |dangerous| dangerous.pattern.meets_text(&granted))
    }
}

impl ScopePolicy {
    /// The worst dangerous pattern that matches this scope.
    pub fn dangerous_pattern(&self, scope: &str) -> Option<&DangerousPattern> {
        // `max_by_key` returns the last of several maxima, so the search runs backwards to find the first.
        self.dangerous.iter().rev().filter(|dangerous| dangerous.pattern.matches(scope)).max_by_key(|d| d.severity)
    }
}

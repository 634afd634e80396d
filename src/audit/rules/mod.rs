//! The audit rules: static metadata and one pure function each, in one file per area.
//!
//! [`ALL`] lists every rule; its order is the order of the documentation. `context` holds the data that the functions read.

mod context;
mod divisions;
mod drift;
mod drift_evidence;
pub(super) mod exemptions;
mod gain;
mod grants;
mod itself;
mod lifetime;
mod organisation;
mod permissions;
mod redirect_uri;
mod redirects;
mod roles;
mod scope_hygiene;
mod scopes;
#[cfg(test)]
mod tests;

pub use context::Context;
pub use itself::USEFUL_PERMISSIONS;
pub use permissions::is_by_role;

pub(super) use drift::{kind as drift_kind, kinds as drift_kinds};
pub(super) use drift_evidence::{DANGEROUS_PERMISSION_DETAIL, DANGEROUS_SCOPE_DETAIL};

use crate::audit::Finding;
use crate::domain::{Collector, GrantType, Severity};
use crate::policy::{Policy, ScopedClients};

/// Slug of the rule on dangerous scopes, whose findings the baseline can approve.
pub const DANGEROUS_SCOPE: &str = "dangerous-scope";

/// Slug of the rule on dangerous permissions, whose findings the baseline can approve.
pub const DANGEROUS_PERMISSION: &str = "dangerous-permission";

/// Slug of the rule on combinations of scopes, whose findings the baseline can approve.
pub const TOXIC_SCOPES: &str = "toxic-scopes";

/// Slug of the rule on roles that a client names but that could not be found or read.
pub const UNRESOLVED_ROLE: &str = "unresolved-role";

/// All rules, in the order of the documentation.
pub static ALL: &[&Rule] = &[
    &scopes::DANGEROUS,
    &scopes::MISSING_REQUIRED,
    &scopes::ALL_SCOPES,
    &scopes::TOXIC,
    &scope_hygiene::UNKNOWN,
    &scope_hygiene::NO_SCOPES,
    &scope_hygiene::INEFFECTIVE,
    &scope_hygiene::REDUNDANT,
    &grants::IMPLICIT,
    &grants::PASSWORD,
    &grants::UNKNOWN,
    &grants::FORBIDDEN,
    &grants::INEFFECTIVE_REDIRECTS,
    &roles::ADMIN,
    &permissions::DANGEROUS,
    &permissions::WILDCARD,
    &divisions::ALL_DIVISIONS,
    &divisions::FORBIDDEN,
    &roles::FORBIDDEN,
    &roles::SHARED,
    &roles::NO_ROLE,
    &roles::UNRESOLVED,
    &divisions::UNRESOLVED,
    &permissions::MISSING_COMPANION,
    &redirects::INSECURE,
    &redirects::WILDCARD,
    &redirects::LOOPBACK,
    &redirects::CUSTOM_SCHEME,
    &redirects::FORBIDDEN_HOST,
    &redirects::TESTER_HOST,
    &redirects::MALFORMED,
    &redirects::MISSING,
    &lifetime::LONG_LIVED,
    &lifetime::SCIM_LIVED,
    &lifetime::UNUSED,
    &lifetime::DISABLED,
    &lifetime::DELETION,
    &lifetime::NO_OWNER,
    &lifetime::NO_DESCRIPTION,
    &organisation::SCOPES_NOT_ENFORCED,
    &itself::SELF_NOT_LISTED,
    &itself::OVERPRIVILEGED,
    &itself::PATTERN_UNMATCHED,
    &exemptions::EXPIRED,
    &exemptions::UNUSED,
    &exemptions::TOO_BROAD,
    // Drift from the baseline.
    &drift::CLIENT_ADDED,
    &drift::CLIENT_REMOVED,
    &drift::SCOPE_ADDED,
    &drift::GRANT_TYPE_CHANGED,
    &drift::ROLE_ADDED,
    &drift::REDIRECT_ADDED,
    &drift::TOKEN_LIFETIME_RAISED,
    &drift::REACTIVATED,
    &drift::ROLE_CONTENT,
    &drift::BASELINE_STALE,
];

/// A rule: its metadata and its functions.
#[derive(Debug)]
pub struct Rule {
    /// The stable name; the value of the label `rule`.
    pub slug: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// The severity, unless the matched pattern or the policy sets another.
    pub severity: Severity,
    /// What else changes the severity, as text after the default; empty if only the policy can change it.
    pub severity_note: &'static str,
    /// How certain the findings are.
    pub confidence: Confidence,
    /// Which clients the rule evaluates.
    pub applies_to: AppliesTo,
    /// The collectors whose data the rule reads.
    pub needs: &'static [Collector],
    /// Whether the rule still evaluates what it can if one of these inputs could not be read.
    pub judges_in_part: bool,
    /// Why this version never evaluates the rule; `None` for rules that are evaluated.
    pub not_built: Option<&'static str>,
    /// What an attacker can do, or what goes wrong, and the fact behind it.
    pub why: &'static str,
    /// The source of that fact: an address, an RFC or a vendor document.
    pub reference: &'static str,
    /// Cases that look like a finding but are fine.
    pub traps: &'static str,
    /// The steps that resolve a finding.
    pub remediation: &'static str,
    /// Every severity that the findings can have under a policy, the worst first.
    pub(super) severities: fn(&Rule, &Policy) -> Vec<Severity>,
    /// Why the rule does not apply to this organisation; `None` if it does.
    pub(super) not_applicable: fn(&Context<'_>) -> Option<&'static str>,
    pub(super) check: fn(&Context<'_>, &mut Vec<Finding>),
}

/// The values that most rules share.
const BASE: Rule = Rule {
    slug: "",
    title: "",
    severity: Severity::Medium,
    severity_note: "",
    confidence: Confidence::Certain,
    applies_to: AppliesTo::Every,
    needs: &[Collector::Clients],
    judges_in_part: false,
    not_built: None,
    why: "",
    reference: "",
    traps: "",
    remediation: "",
    severities: one_severity,
    not_applicable: |_| None,
    check: |_, _| {},
};

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.slug == other.slug
    }
}

impl Eq for Rule {}

/// How certain the findings of a rule are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// The platform's data proves them.
    Certain,
    /// The data suggests them, but can have another explanation.
    Likely,
}

impl Confidence {
    /// The value in reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
        }
    }
}

/// Which clients a rule evaluates. Clients of an unknown grant type are evaluated both as user-grant and as
/// client-credentials clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliesTo {
    /// Clients whose scopes count: those that act for a user, or every client if the policy says so.
    Scoped,
    /// Clients that act for a user, whatever the policy says about scopes.
    UserGrant,
    /// Clients that receive a code or a token by redirect.
    Redirecting,
    /// Clients whose roles decide what they may do.
    Roled,
    /// Client-credentials clients without unknown grant types: what has no effect on the former may have one on the latter.
    ClientCredentials,
    /// Every client.
    Every,
    /// The exporter's own client only.
    Own,
    /// No client: the rule is about the organisation or the audit itself.
    Organisation,
    /// Differences from the baseline, of any client: the rule evaluates what changed, not what a client may do.
    Baseline,
}

impl AppliesTo {
    /// Whether the rule evaluates clients of this grant type.
    pub const fn covers(self, grant_type: GrantType, scoped: ScopedClients) -> bool {
        match self {
            Self::Scoped => match scoped {
                ScopedClients::UserGrantClients => grant_type.scopes_count(),
                ScopedClients::EveryClient => true,
            },
            Self::UserGrant => grant_type.scopes_count(),
            Self::Redirecting => matches!(grant_type, GrantType::Code | GrantType::Implicit),
            Self::Roled => grant_type.roles_count(),
            Self::ClientCredentials => matches!(grant_type, GrantType::ClientCredentials),
            Self::Every => true,
            Self::Own | Self::Organisation | Self::Baseline => false,
        }
    }

    /// The clients as text, for the documentation.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Scoped => "clients whose scopes count: user-grant clients, or every client if the policy says so",
            Self::UserGrant => "user-grant clients: code, implicit, SAML2 bearer, password, unknown grant types",
            Self::Redirecting => "clients that receive a code or a token by redirect: code, implicit",
            Self::Roled => "client-credentials clients, unknown grant types",
            Self::ClientCredentials => "client-credentials clients",
            Self::Every => "every client",
            Self::Own => "the exporter's own client",
            Self::Organisation => "the organisation",
            Self::Baseline => "differences from the baseline, of any client",
        }
    }
}

/// Whether the policy enables the rule. Rules that the policy does not name are enabled.
pub fn is_enabled(rule: &Rule, policy: &Policy) -> bool {
    policy.rule(rule.slug).is_none_or(|setting| setting.enabled)
}

/// The rules that the policy enables.
pub fn enabled(policy: &Policy) -> impl Iterator<Item = &'static Rule> {
    ALL.iter().copied().filter(|rule| is_enabled(rule, policy))
}

/// The rule with this slug, if there is one.
pub fn find(slug: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.slug == slug)
}

/// The slugs of all rules, for the policy's parser.
pub fn slugs() -> Vec<&'static str> {
    ALL.iter().map(|rule| rule.slug).collect()
}

/// The severity of a finding: the policy's setting for the rule if there is one, otherwise `own`.
fn weighed(rule: &Rule, policy: &Policy, own: Severity) -> Severity {
    policy.rule(rule.slug).and_then(|setting| setting.severity).unwrap_or(own)
}

fn one_severity(rule: &Rule, policy: &Policy) -> Vec<Severity> {
    vec![weighed(rule, policy, rule.severity)]
}

/// The severities of a rule whose findings can have several, the worst first.
fn any_of(rule: &Rule, policy: &Policy, own: impl IntoIterator<Item = Severity>) -> Vec<Severity> {
    let mut severities: Vec<Severity> = own.into_iter().map(|severity| weighed(rule, policy, severity)).collect();
    severities.sort_unstable_by(|a, b| b.cmp(a));
    severities.dedup();
    severities
}

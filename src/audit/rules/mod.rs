//! The rules: static metadata and one pure function each, one file per area.
//!
//! [`ALL`] is the list; its order is the order of the documentation. What the functions read is `context`'s.

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

/// The slug that the metrics for dangerous scopes are built on.
pub const DANGEROUS_SCOPE: &str = "dangerous-scope";

/// The slug that the metrics for dangerous permissions are built on.
pub const DANGEROUS_PERMISSION: &str = "dangerous-permission";

/// The slug of combinations of scopes, which a baseline can approve.
pub const TOXIC_SCOPES: &str = "toxic-scopes";

/// The slug of roles of which nobody knows what they permit.
pub const UNRESOLVED_ROLE: &str = "unresolved-role";

/// Every rule there is.
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

/// A rule's static part.
#[derive(Debug)]
pub struct Rule {
    /// Its stable name, the value of the label `rule`.
    pub slug: &'static str,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// The severity where neither pattern nor policy gives another.
    pub severity: Severity,
    /// What the severity depends on; empty where on nothing but the policy.
    pub severity_note: &'static str,
    /// How sure a finding is.
    pub confidence: Confidence,
    /// Which clients it can judge.
    pub applies_to: AppliesTo,
    /// The inputs it reads.
    pub needs: &'static [Collector],
    /// Whether it judges what it can where one of its inputs is missing.
    pub judges_in_part: bool,
    /// Why it is never evaluated; `None` for all rules that are.
    pub not_built: Option<&'static str>,
    /// Why it matters.
    pub why: &'static str,
    /// Where that is written.
    pub reference: &'static str,
    /// What looks like a finding and is none.
    pub traps: &'static str,
    /// What to do.
    pub remediation: &'static str,
    pub(super) severities: fn(&Rule, &Policy) -> Vec<Severity>,
    /// Why there is nothing to judge in this organisation.
    pub(super) not_applicable: fn(&Context<'_>) -> Option<&'static str>,
    pub(super) check: fn(&Context<'_>, &mut Vec<Finding>),
}

/// What most rules have in common.
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

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// The platform's data says it.
    Certain,
    /// The data suggests it.
    Likely,
}

impl Confidence {
    /// The word in reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
        }
    }
}

/// Which clients a rule can judge. Grant types that we do not know are judged as user grants and as client credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliesTo {
    /// Clients whose scopes count under the policy: those that act for a user, or all.
    Scoped,
    /// Clients that act for a user, whatever the policy says of scopes.
    UserGrant,
    /// Clients that are sent a code or a token by redirect.
    Redirecting,
    /// Clients whose roles decide what they may do.
    Roled,
    /// Client-credentials clients, and no grant type that we do not know: the rule says that something has no effect.
    ClientCredentials,
    /// Every client.
    Every,
    /// The exporter's own client.
    Own,
    /// No client: the organisation, or the audit itself.
    Organisation,
    /// What differs from the baseline, of any client: it judges what changed, and not what a client may do.
    Baseline,
}

impl AppliesTo {
    /// Whether a client of that grant type is judged.
    pub const fn covers(self, grant_type: GrantType, judge: ScopedClients) -> bool {
        match self {
            Self::Scoped => match judge {
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

    /// Whom it judges, in words.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Scoped => "clients whose scopes count: user grants, or every client where the policy says so",
            Self::UserGrant => "user-grant clients: code, implicit, SAML2 bearer, password, unknown grants",
            Self::Redirecting => "clients that are sent a code or a token: code, implicit",
            Self::Roled => "client-credentials clients, unknown grants",
            Self::ClientCredentials => "client-credentials clients",
            Self::Every => "every client",
            Self::Own => "the exporter's own client",
            Self::Organisation => "the organisation",
            Self::Baseline => "what differs from the baseline, of any client",
        }
    }
}

/// Whether the policy has that rule switched on.
pub fn is_enabled(rule: &Rule, policy: &Policy) -> bool {
    policy.rule(rule.slug).is_none_or(|setting| setting.enabled)
}

/// The rules that the policy has switched on.
pub fn enabled(policy: &Policy) -> impl Iterator<Item = &'static Rule> {
    ALL.iter().copied().filter(|rule| is_enabled(rule, policy))
}

/// The rule with that slug.
pub fn find(slug: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.slug == slug)
}

/// The slugs, for the policy's parser.
pub fn slugs() -> Vec<&'static str> {
    ALL.iter().map(|rule| rule.slug).collect()
}

/// The severity of a finding that is of itself `own`: the policy's word on the rule is the last.
fn weighed(rule: &Rule, policy: &Policy, own: Severity) -> Severity {
    policy.rule(rule.slug).and_then(|setting| setting.severity).unwrap_or(own)
}

fn one_severity(rule: &Rule, policy: &Policy) -> Vec<Severity> {
    vec![weighed(rule, policy, rule.severity)]
}

/// The severities of a rule that can have several, the worst first.
fn any_of(rule: &Rule, policy: &Policy, own: impl IntoIterator<Item = Severity>) -> Vec<Severity> {
    let mut severities: Vec<Severity> = own.into_iter().map(|severity| weighed(rule, policy, severity)).collect();
    severities.sort_unstable_by(|a, b| b.cmp(a));
    severities.dedup();
    severities
}

//! The definition of a rule: its metadata, the clients that it applies to, and the severities that its findings can have.
//!
//! The rules themselves are in `rules`, one file per area.

use std::hash::{Hash, Hasher};

use crate::domain::{ClientField, Collector, GrantType, Severity};
use crate::policy::{Policy, ScopedClients};

/// Slug of the rule on dangerous scopes, whose findings the baseline can approve.
pub const DANGEROUS_SCOPE: &str = "dangerous-scope";

/// Slug of the rule on dangerous permissions, whose findings the baseline can approve.
pub const DANGEROUS_PERMISSION: &str = "dangerous-permission";

/// Slug of the rule on combinations of scopes, whose findings the baseline can approve.
pub const TOXIC_SCOPES: &str = "toxic-scopes";

/// Slug of the rule on roles that a client holds but that could not be found or read.
pub const UNRESOLVED_ROLE: &str = "unresolved-role";

/// The metadata of a rule. `rules::ENTRIES` contains it together with the function of the rule.
#[derive(Debug)]
pub struct Rule {
    /// The stable name; the value of the label `rule`.
    pub slug: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// The severity, unless the matched pattern or the policy sets another.
    pub severity: Severity,
    /// What changes the severity besides the policy, as text that follows the default severity; empty if nothing else does.
    pub severity_note: &'static str,
    /// How certain the findings are.
    pub confidence: Confidence,
    /// Which clients the rule evaluates.
    pub applies_to: AppliesTo,
    /// The collectors whose data the rule reads.
    pub needs: &'static [Collector],
    /// The fields of a client that the rule reads. If one of them has a gap, it proves nothing if the rule finds nothing.
    pub reads: &'static [ClientField],
    /// Whether the rule still runs if one of its inputs could not be read, and evaluates what it can.
    pub runs_without_all_inputs: bool,
    /// Why this version cannot evaluate the rule; `None` if it can.
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
    pub(in crate::audit) severities: fn(&Rule, &Policy) -> Vec<Severity>,
}

/// The values that most rules share.
pub(in crate::audit) const BASE: Rule = Rule {
    slug: "",
    title: "",
    severity: Severity::Medium,
    severity_note: "",
    confidence: Confidence::Certain,
    applies_to: AppliesTo::Every,
    needs: &[Collector::Clients],
    reads: &[],
    runs_without_all_inputs: false,
    not_built: None,
    why: "",
    reference: "",
    traps: "",
    remediation: "",
    severities: one_severity,
};

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.slug == other.slug
    }
}

impl Eq for Rule {}

impl Hash for Rule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.slug.hash(state);
    }
}

/// How certain the findings of a rule are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// The platform's data proves the finding.
    Certain,
    /// The data suggests the finding, but there can be another explanation.
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
    /// Clients that act for a user, regardless of what the policy says about scopes.
    UserGrant,
    /// Clients that receive a code or a token by redirect.
    Redirecting,
    /// Clients whose roles decide what they may do.
    Roled,
    /// Client-credentials clients, but not clients of an unknown grant type: a scope that has no effect on the former may have
    /// one on the latter.
    ClientCredentials,
    /// Every client.
    Every,
    /// The exporter's own client only.
    Own,
    /// No client: the rule is about the organisation or the audit itself.
    Organisation,
    /// Differences from the baseline, of any client: the rule evaluates changes, not what a client may do.
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

    /// A description of these clients for the documentation.
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

/// Whether the policy enables the rule. A rule that the policy does not mention is enabled.
pub fn is_enabled(rule: &Rule, policy: &Policy) -> bool {
    policy.rule(rule.slug).is_none_or(|setting| setting.enabled)
}

/// The severity of a finding: the one that the policy sets for the rule, otherwise `own`.
pub(in crate::audit) fn weighed(rule: &Rule, policy: &Policy, own: Severity) -> Severity {
    policy.rule(rule.slug).and_then(|setting| setting.severity).unwrap_or(own)
}

pub(in crate::audit) fn one_severity(rule: &Rule, policy: &Policy) -> Vec<Severity> {
    vec![weighed(rule, policy, rule.severity)]
}

/// The severities of a rule with several severities, the worst first.
pub(in crate::audit) fn any_of(rule: &Rule, policy: &Policy, own: impl IntoIterator<Item = Severity>) -> Vec<Severity> {
    let mut severities: Vec<Severity> = own.into_iter().map(|severity| weighed(rule, policy, severity)).collect();
    severities.sort_unstable_by(|a, b| b.cmp(a));
    severities.dedup();
    severities
}

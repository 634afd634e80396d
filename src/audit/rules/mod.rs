//! The rules: static metadata and one pure function each, one file per area.
//!
//! [`ALL`] is the list; its order is the order of the documentation.

mod drift;
mod scopes;

pub(super) use drift::{DANGEROUS_PERMISSION_DETAIL, DANGEROUS_SCOPE_DETAIL, kind as drift_kind, kinds as drift_kinds};

use std::cell::OnceCell;

use crate::audit::Finding;
use crate::baseline::Baseline;
use crate::domain::{Collector, GrantType, Severity, Snapshot, Timestamp};
use crate::policy::{DangerousPattern, Judge, Policy};

/// The slug that the metrics for dangerous scopes are built on.
pub const DANGEROUS_SCOPE: &str = "dangerous-scope";

/// The slug that the metrics for dangerous permissions are built on.
pub const DANGEROUS_PERMISSION: &str = "dangerous-permission";

/// The slug of combinations of scopes.
pub const TOXIC_SCOPES: &str = "toxic-scopes";

/// Every rule there is.
pub static ALL: &[&Rule] = &[
    &scopes::DANGEROUS,
    &scopes::MISSING_REQUIRED,
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
    /// How sure a finding is.
    pub confidence: Confidence,
    /// Which clients it can judge.
    pub applies_to: AppliesTo,
    /// The inputs it reads.
    pub needs: &'static [Collector],
    /// Why it matters, with a reference.
    pub why: &'static str,
    /// What looks like a finding and is none.
    pub traps: &'static str,
    /// What to do.
    pub remediation: &'static str,
    pub(super) severities: fn(&Rule, &Policy) -> Vec<Severity>,
    pub(super) check: fn(&Context<'_>, &mut Vec<Finding>),
}

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

/// Which clients a rule can judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliesTo {
    /// Clients whose scopes bound their tokens.
    Scoped,
    /// What differs from the baseline, of any client: it judges what changed, and not what a client may do.
    Baseline,
}

impl AppliesTo {
    /// Whether a client of that grant type is judged.
    pub const fn covers(self, grant_type: GrantType, judge: Judge) -> bool {
        match self {
            Self::Scoped => match judge {
                Judge::UserGrantClients => grant_type.scopes_count(),
                Judge::EveryClient => true,
            },
            Self::Baseline => false,
        }
    }
}

/// The rules that the policy has switched on.
pub fn enabled(policy: &Policy) -> impl Iterator<Item = &'static Rule> {
    ALL.iter().copied().filter(|rule| policy.rule(rule.slug).is_none_or(|setting| setting.enabled))
}

/// The slugs, for the policy's parser.
pub fn slugs() -> Vec<&'static str> {
    ALL.iter().map(|rule| rule.slug).collect()
}

/// What the rules read, with each policy pattern matched once per distinct scope.
#[derive(Debug)]
pub struct Context<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) policy: &'a Policy,
    pub(super) baseline: Option<&'a Baseline>,
    /// The dangerous pattern of each scope, by its position in the snapshot's table.
    dangerous: Vec<Option<&'a DangerousPattern>>,
    /// Made when the first drift rule asks.
    drift: OnceCell<Vec<drift::Drift>>,
    pub(super) now: Timestamp,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        policy: &'a Policy,
        baseline: Option<&'a Baseline>,
        now: Timestamp,
    ) -> Self {
        let dangerous = snapshot.scopes.iter().map(|(_, scope)| policy.scopes.dangerous_pattern(scope)).collect();
        Self { snapshot, policy, baseline, dangerous, drift: OnceCell::new(), now }
    }
}

/// The severity under this policy of a rule that has one severity.
fn configured_severity(rule: &Rule, policy: &Policy) -> Severity {
    policy.rule(rule.slug).and_then(|setting| setting.severity).unwrap_or(rule.severity)
}

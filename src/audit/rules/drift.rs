//! Rules on what differs from the baseline.
//!
//! Not what the baseline approves (`audit::approve`), nor what a difference brings (`gain`). Without a baseline of this
//! organisation they judge nothing.

use super::{AppliesTo, BASE, Context, Rule, any_of, drift_evidence, one_severity};
use crate::audit::{Evidence, Finding, Kind};
use crate::baseline::Difference;
use crate::domain::{Collector, Severity};
use crate::policy::Policy;

const PREFIX: &str = "drift-";
const WHY: &str = "The baseline is what somebody looked at and approved; this came later, and nobody has. \
                   docs/baseline.md tells how approval works.";
const APPROVE: &str = "Find out who changed it and why. Undo it, or approve it with `baseline approve`.";

/// The kinds of drift: the values of the label `kind`.
pub(in crate::audit) fn kinds() -> impl Iterator<Item = &'static str> {
    RULES.iter().filter_map(|rule| kind(rule))
}

/// The kind of drift that a rule finds; `None` for other rules.
pub(in crate::audit) fn kind(rule: &Rule) -> Option<&'static str> {
    rule.slug.strip_prefix(PREFIX)
}

static RULES: [&Rule; 9] = [
    &CLIENT_ADDED,
    &CLIENT_REMOVED,
    &SCOPE_ADDED,
    &GRANT_TYPE_CHANGED,
    &ROLE_ADDED,
    &REDIRECT_ADDED,
    &TOKEN_LIFETIME_RAISED,
    &REACTIVATED,
    &ROLE_CONTENT,
];

/// A rule on one kind of difference.
macro_rules! drift_rule {
    ($name:ident, $slug:literal, $title:literal, $severity:ident, $needs:expr, $traps:literal, $severities:ident, $is:pat) => {
        pub(super) static $name: Rule = Rule {
            slug: $slug,
            title: $title,
            severity: Severity::$severity,
            applies_to: AppliesTo::Baseline,
            needs: $needs,
            why: WHY,
            traps: $traps,
            remediation: APPROVE,
            severities: $severities,
            reference: "docs/baseline.md",
            not_applicable: without_baseline,
            check: |context, findings| find(&$name, context, findings, |difference| matches!(difference, $is)),
            ..BASE
        };
    };
}

fn without_baseline(context: &Context<'_>) -> Option<&'static str> {
    context.baseline.is_none().then_some("no baseline is loaded")
}

const CLIENTS: &[Collector] = &[Collector::Clients];
const ROLES: &[Collector] = &[Collector::Clients, Collector::Roles];

drift_rule!(
    CLIENT_ADDED,
    "drift-client-added",
    "Client that is not in the baseline",
    High,
    CLIENTS,
    "Clients are told apart by id: a new name is no new client.",
    one_severity,
    Difference::ClientAdded
);
drift_rule!(
    CLIENT_REMOVED,
    "drift-client-removed",
    "Client of the baseline that is gone",
    Low,
    CLIENTS,
    "`baseline prune` removes clients that were deleted on purpose.",
    one_severity,
    Difference::ClientRemoved
);
drift_rule!(
    SCOPE_ADDED,
    "drift-scope-added",
    "Scope that is not in the baseline",
    Medium,
    CLIENTS,
    "Scopes of client-credentials clients have no effect, and weigh as harmless ones.",
    by_gain,
    Difference::ScopeAdded(_)
);
drift_rule!(
    GRANT_TYPE_CHANGED,
    "drift-grant-type-changed",
    "Another grant type than in the baseline",
    Medium,
    CLIENTS,
    "Only the kind counts, not how the platform spells it.",
    by_gain,
    Difference::GrantType(..)
);
drift_rule!(
    ROLE_ADDED,
    "drift-role-added",
    "Role or division that is not in the baseline",
    Medium,
    CLIENTS,
    "Whether a role is dangerous is judged by its content; where roles cannot be read it weighs as harmless.",
    by_gain,
    Difference::RoleAdded(..) | Difference::DivisionAdded(..)
);
drift_rule!(
    REDIRECT_ADDED,
    "drift-redirect-added",
    "Redirect URI that is not in the baseline",
    Medium,
    CLIENTS,
    "It weighs as much as the scopes whose tokens are sent there.",
    by_gain,
    Difference::RedirectAdded(_)
);
drift_rule!(
    TOKEN_LIFETIME_RAISED,
    "drift-token-lifetime-raised",
    "Longer token life than in the baseline",
    Medium,
    CLIENTS,
    "The platform's default is 86400 s: naming it changes nothing.",
    by_gain,
    Difference::TokenValidity(..)
);
drift_rule!(
    REACTIVATED,
    "drift-reactivated",
    "Client that was inactive in the baseline",
    Medium,
    CLIENTS,
    "It holds again what it held before.",
    by_gain,
    Difference::State(..)
);
drift_rule!(
    ROLE_CONTENT,
    "drift-role-content",
    "Other permissions behind the same role",
    Medium,
    ROLES,
    "Default roles change when the platform adds permissions to them.",
    by_gain,
    Difference::RoleContent { .. }
);

pub(super) static BASELINE_STALE: Rule = Rule {
    slug: "baseline-stale",
    title: "Baseline that is old",
    severity: Severity::Low,
    applies_to: AppliesTo::Baseline,
    needs: &[],
    why: "Approvals age: people and integrations leave, and what they held stays approved.",
    traps: "The age is that of the last approval of any part.",
    remediation: "Review the clients and approve them anew, or change baseline_max_age under [defaults] of the policy.",
    reference: "docs/baseline.md",
    not_applicable: without_baseline,
    check: stale,
    ..BASE
};

fn find(rule: &'static Rule, context: &Context<'_>, findings: &mut Vec<Finding>, is: impl Fn(&Difference) -> bool) {
    for drift in context.drift().iter().filter(|drift| is(&drift.difference)) {
        let own = if drift.is_dangerous() { rule.severity.max(Severity::High) } else { rule.severity };
        findings.push(Finding {
            client: Some(drift.client.clone()),
            reason: "Nobody has approved it.".to_owned(),
            ..context.finding_on_organisation(rule, own, drift_evidence::of(context, drift))
        });
    }
}

fn stale(context: &Context<'_>, findings: &mut Vec<Finding>) {
    const DAY: u64 = 86_400;
    let Some(baseline) = context.baseline else { return };
    let Some(days) = context.policy.defaults.baseline_max_age_days else { return };
    let seconds = context.now.since(baseline.approval.at).as_secs();
    let age = seconds / DAY;
    if seconds > u64::from(days) * DAY {
        let text = format!("was last approved {age} days ago, {days} are allowed");
        findings.push(Finding {
            reason: "The policy asks for a review by now.".to_owned(),
            ..context.finding_on_organisation(
                &BASELINE_STALE,
                BASELINE_STALE.severity,
                Evidence::new(Kind::Baseline, "", text),
            )
        });
    }
}

fn by_gain(rule: &Rule, policy: &Policy) -> Vec<Severity> {
    any_of(rule, policy, [Severity::High, rule.severity])
}

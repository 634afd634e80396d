//! Rules on differences from the baseline. Without a baseline of this organisation, they do not apply.
//!
//! `audit::approve` decides which findings the baseline approves, and `gain` what a difference adds.

use super::context::Context;
use super::drift_evidence;
use crate::audit::finding::{About, Evidence, Kind};
use crate::audit::rule::{AppliesTo, BASE, Rule, any_of, one_severity};
use crate::audit::sink::Sink;
use crate::baseline::Difference;
use crate::domain::{Collector, Severity};
use crate::policy::Policy;

const PREFIX: &str = "drift-";
const WHY: &str = "Somebody reviewed and approved the baseline. This change came later, and nobody has approved it. \
                   docs/baseline.md explains how approval works.";
/// What raises the severity, for rules with `by_gain`.
const GAIN: &str = "high if the change adds or exposes dangerous scopes or permissions";
const APPROVE: &str = "Find out who made the change and why. Undo it, or approve it with `baseline approve`.";

/// The kinds of drift: the values of the label `kind`.
pub(in crate::audit) fn kinds() -> impl Iterator<Item = &'static str> {
    RULES.iter().filter_map(|rule| kind(rule))
}

/// The kind of drift that a rule finds; `None` for rules whose slug does not start with `drift-`.
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

/// Declares a rule on one kind of difference.
macro_rules! drift_rule {
    ($name:ident, $slug:literal, $title:literal, $severity:ident, $needs:expr, $traps:literal, $severities:ident, $note:expr) => {
        pub(super) static $name: Rule = Rule {
            slug: $slug,
            title: $title,
            severity: Severity::$severity,
            applies_to: AppliesTo::Baseline,
            needs: $needs,
            why: WHY,
            traps: $traps,
            remediation: APPROVE,
            severity_note: $note,
            severities: $severities,
            reference: "docs/baseline.md",
            ..BASE
        };
    };
}

pub(super) fn without_baseline(context: &Context<'_>) -> Option<&'static str> {
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
    "Clients are compared by id: a renamed client is not a new one.",
    one_severity,
    ""
);
drift_rule!(
    CLIENT_REMOVED,
    "drift-client-removed",
    "Client of the baseline that no longer exists",
    Low,
    CLIENTS,
    "If the client was deleted on purpose, `baseline prune` removes it from the baseline.",
    one_severity,
    ""
);
drift_rule!(
    SCOPE_ADDED,
    "drift-scope-added",
    "Scope that is not in the baseline",
    Medium,
    CLIENTS,
    "Scopes of client-credentials clients have no effect and are never rated as dangerous.",
    by_gain,
    GAIN
);
drift_rule!(
    GRANT_TYPE_CHANGED,
    "drift-grant-type-changed",
    "Grant type that differs from the baseline",
    Medium,
    CLIENTS,
    "Another spelling of the same grant type is not a difference.",
    by_gain,
    GAIN
);
drift_rule!(
    ROLE_ADDED,
    "drift-role-added",
    "Role or division that is not in the baseline",
    Medium,
    CLIENTS,
    "The permissions of a role decide whether it is dangerous. If roles cannot be read, the role is not rated as dangerous.",
    by_gain,
    GAIN
);
drift_rule!(
    REDIRECT_ADDED,
    "drift-redirect-added",
    "Redirect URI that is not in the baseline",
    Medium,
    CLIENTS,
    "The severity is high only if the client has dangerous scopes, because their tokens are sent there.",
    by_gain,
    GAIN
);
drift_rule!(
    TOKEN_LIFETIME_RAISED,
    "drift-token-lifetime-raised",
    "Longer token lifetime than in the baseline",
    Medium,
    CLIENTS,
    "The platform's default is 86400 s. Setting this value explicitly is not a difference.",
    by_gain,
    GAIN
);
drift_rule!(
    REACTIVATED,
    "drift-reactivated",
    "Reactivated client",
    Medium,
    CLIENTS,
    "Reactivation gives the client back everything that it held before.",
    by_gain,
    GAIN
);
drift_rule!(
    ROLE_CONTENT,
    "drift-role-content",
    "Role whose permissions differ from the baseline",
    Medium,
    ROLES,
    "Default roles also change when the platform adds permissions to them.",
    by_gain,
    GAIN
);

pub(super) static BASELINE_STALE: Rule = Rule {
    slug: "baseline-stale",
    title: "Baseline that is out of date",
    severity: Severity::Low,
    applies_to: AppliesTo::Baseline,
    needs: &[],
    why: "People leave and integrations end, but what their clients held stays approved.",
    traps: "The age counts from the last approval of any part of the baseline.",
    remediation: "Review the clients and approve them again, or change baseline_max_age under [defaults] of the policy.",
    reference: "docs/baseline.md",
    ..BASE
};

/// The rule on a kind of difference; `None` if the client only lost something.
fn rule_on(difference: &Difference) -> Option<&'static Rule> {
    match difference {
        Difference::ClientAdded => Some(&CLIENT_ADDED),
        Difference::ClientRemoved => Some(&CLIENT_REMOVED),
        Difference::ScopeAdded(_) => Some(&SCOPE_ADDED),
        Difference::GrantType(..) => Some(&GRANT_TYPE_CHANGED),
        Difference::RoleAdded(..) | Difference::DivisionAdded(..) => Some(&ROLE_ADDED),
        Difference::RedirectAdded(_) => Some(&REDIRECT_ADDED),
        Difference::TokenValidity(..) => Some(&TOKEN_LIFETIME_RAISED),
        Difference::State(..) => Some(&REACTIVATED),
        Difference::RoleContent { .. } => Some(&ROLE_CONTENT),
        Difference::ScopeRemoved(_)
        | Difference::RoleRemoved(_)
        | Difference::DivisionRemoved(..)
        | Difference::RedirectRemoved(_) => None,
    }
}

/// Adds a finding for each difference that the rule is on.
pub(super) fn find(rule: &'static Rule, context: &Context<'_>, findings: &mut Sink<'_>) {
    for drift in context.drift().iter().filter(|drift| rule_on(&drift.difference) == Some(rule)) {
        let own = if drift.is_dangerous() { rule.severity.max(Severity::High) } else { rule.severity };
        findings.push(About {
            reason: "The baseline does not approve it.".into(),
            ..context.finding_at(rule, own, drift_evidence::of(context, drift))
        });
    }
}

pub(super) fn stale(context: &Context<'_>, findings: &mut Sink<'_>) {
    let Some(baseline) = context.baseline else { return };
    let Some(days) = context.policy.defaults.baseline_max_age_days else { return };
    if context.is_about_organisation() && context.clock.is_older_than(baseline.approval.at, days) {
        let age = context.clock.days_since(baseline.approval.at);
        let text = format!("the baseline was last approved {age} days ago; the policy allows {days} days");
        findings.push(About {
            reason: "The policy requires a more recent approval.".into(),
            ..context.finding_at(&BASELINE_STALE, BASELINE_STALE.severity, Evidence::new(Kind::Baseline, "", text))
        });
    }
}

fn by_gain(rule: &Rule, policy: &Policy) -> Vec<Severity> {
    any_of(rule, policy, [Severity::High, rule.severity])
}

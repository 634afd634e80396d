//! Rules on what differs from the baseline.
//!
//! Not what the baseline approves (`audit::approve`). Without a baseline of this organisation they judge nothing.

use super::{AppliesTo, BASE, Context, Rule, any_of, one_severity};
use crate::audit::{Evidence, Finding, Kind, Status};
use crate::baseline::{CONDITIONAL, Difference};
use crate::domain::{Client, ClientId, ClientState, Collector, Permission, Power, RoleId, Severity};
use crate::policy::Policy;

/// The label in a finding's details of a dangerous scope that the difference brings.
pub(in crate::audit) const DANGEROUS_SCOPE_DETAIL: &str = "dangerous_scope";
/// The same of a permission.
pub(in crate::audit) const DANGEROUS_PERMISSION_DETAIL: &str = "dangerous_permission";

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
    context.baseline.is_none().then_some("no baseline of this organisation is loaded")
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
    remediation: "Review the clients and approve them anew, or change defaults.baseline_max_age_days in the policy.",
    reference: "docs/baseline.md",
    not_applicable: without_baseline,
    check: stale,
    ..BASE
};

/// A difference with what it brings.
#[derive(Debug)]
pub(in crate::audit) struct Drift {
    client: ClientId,
    difference: Difference,
    /// Dangerous scopes and permissions that the client has to effect by it.
    gained: Vec<Power>,
    /// Whether it is dangerous though it brings no new scope or permission: the client's power reaches further.
    reaches_further: bool,
}

impl Context<'_> {
    fn drift(&self) -> &[Drift] {
        self.drift.get_or_init(|| self.differences_from_baseline())
    }

    fn differences_from_baseline(&self) -> Vec<Drift> {
        let Some(baseline) = self.baseline else { return Vec::new() };
        let mut drift = Vec::new();
        for (id, differences) in baseline.differences(self.snapshot) {
            let client = self.snapshot.client(&id);
            for difference in differences.into_iter().filter(Difference::is_drift) {
                let gained = client.map(|client| self.gained(client, &difference)).unwrap_or_default();
                let reaches_further = client.is_some_and(|client| self.reaches_further(client, &difference));
                drift.push(Drift { client: id.clone(), difference, gained, reaches_further });
            }
        }
        drift
    }

    /// The dangerous scopes and permissions that the client has to effect by this difference.
    fn gained(&self, client: &Client, difference: &Difference) -> Vec<Power> {
        match difference {
            Difference::ClientAdded => self.dangerous_powers(client, true, true),
            Difference::ScopeAdded(scope) => {
                let mut powers = self.dangerous_powers(client, true, false);
                powers.retain(|power| power.name() == scope);
                powers
            }
            Difference::GrantType(before, _) => {
                self.dangerous_powers(client, !before.scopes_count(), !before.roles_count())
            }
            Difference::RoleAdded(role, _) if client.grant_type.roles_count() => self.powers_of_role(role),
            Difference::RoleContent { added, .. } if client.grant_type.roles_count() => {
                let added = added.iter().map(|text| text.strip_suffix(CONDITIONAL).unwrap_or(text));
                let mut powers: Vec<Power> = added
                    .filter(|text| self.names_danger(text))
                    .map(|text| Power::Permission(text.to_owned()))
                    .collect();
                powers.sort();
                powers.dedup();
                powers
            }
            _ => Vec::new(),
        }
    }

    /// Whether power that the client has already becomes more dangerous, or power comes that no pattern names.
    fn reaches_further(&self, client: &Client, difference: &Difference) -> bool {
        match difference {
            Difference::TokenValidity(..) | Difference::State(..) => {
                !self.dangerous_powers(client, true, true).is_empty()
            }
            Difference::RedirectAdded(_) => !self.dangerous_powers(client, true, false).is_empty(),
            Difference::DivisionAdded(role, _) => {
                client.grant_type.roles_count()
                    && (!self.powers_of_role(role).is_empty() || self.is_general_admin(role))
            }
            Difference::RoleAdded(role, _) => client.grant_type.roles_count() && self.is_general_admin(role),
            Difference::RoleContent { added, .. } => {
                client.grant_type.roles_count() && added.iter().any(|permission| permission == "admin")
            }
            _ => false,
        }
    }

    /// The dangerous scopes and permissions that the client has to effect.
    fn dangerous_powers(&self, client: &Client, scopes: bool, permissions: bool) -> Vec<Power> {
        let mut powers = Vec::new();
        if scopes && AppliesTo::Scoped.covers(client.grant_type, self.policy.scopes.judge) {
            let dangerous = client.scopes.iter().filter(|scope| self.dangerous_scope(**scope).is_some());
            powers.extend(dangerous.map(|scope| Power::Scope(self.snapshot.scopes.name(*scope).to_owned())));
        }
        if permissions && client.grant_type.roles_count() {
            powers.extend(client.role_grants.iter().flat_map(|grant| self.powers_of_role(&grant.role)));
        }
        powers.sort();
        powers.dedup();
        powers
    }

    fn powers_of_role(&self, role: &RoleId) -> Vec<Power> {
        let Some(role) = self.snapshot.roles.read().and_then(|roles| roles.get(role)) else { return Vec::new() };
        let dangerous =
            |permission: &&Permission| self.policy.permissions.dangerous_patterns(permission).next().is_some();
        role.permissions.iter().filter(dangerous).map(|permission| Power::Permission(permission.to_string())).collect()
    }

    fn names_danger(&self, permission: &str) -> bool {
        Permission::parse(permission).is_some_and(|p| self.policy.permissions.dangerous_patterns(&p).next().is_some())
    }

    /// Whether it has the legacy permission that allows everything, which no pattern of three segments matches.
    fn is_general_admin(&self, role: &RoleId) -> bool {
        let role = self.snapshot.roles.read().and_then(|roles| roles.get(role));
        role.is_some_and(|role| role.general.iter().any(|general| general == "admin"))
    }
}

fn find(rule: &'static Rule, context: &Context<'_>, findings: &mut Vec<Finding>, is: impl Fn(&Difference) -> bool) {
    let configured = context.policy.rule(rule.slug).and_then(|setting| setting.severity);
    for drift in context.drift().iter().filter(|drift| is(&drift.difference)) {
        let dangerous = drift.reaches_further || !drift.gained.is_empty();
        let own = if dangerous { rule.severity.max(Severity::High) } else { rule.severity };
        let mut evidence = evidence(&drift.difference);
        evidence.details.extend(drift.gained.iter().map(|power| match power {
            Power::Scope(scope) => (DANGEROUS_SCOPE_DETAIL, scope.clone()),
            Power::Permission(permission) => (DANGEROUS_PERMISSION_DETAIL, permission.clone()),
        }));
        findings.push(Finding {
            exemption: None,
            rule,
            client: Some(drift.client.clone()),
            severity: configured.unwrap_or(own),
            status: Status::Open,
            evidence,
            pattern: None,
            reason: "Nobody has approved it.".to_owned(),
        });
    }
}

fn evidence(difference: &Difference) -> Evidence {
    /// As many permissions as somebody will read.
    const SHOWN: usize = 20;
    match difference {
        Difference::ClientRemoved => Evidence::new(Kind::Client, "", "is in the baseline and is gone"),
        Difference::GrantType(before, now) => Evidence::new(
            Kind::GrantType,
            now.label(),
            format!("changed its grant type from {} to {}", before.label(), now.label()),
        ),
        Difference::State(before, now) => {
            Evidence::new(Kind::Client, "", format!("was {} and is {} now", before.label(), state_word(*now)))
        }
        Difference::TokenValidity(before, now) => {
            Evidence::new(Kind::TokenValidity, "", format!("has tokens that live {now} s instead of {before} s"))
        }
        Difference::ScopeAdded(scope) => {
            Evidence::new(Kind::Scope, scope.as_str(), format!("gained, since it was approved, the scope {scope}"))
        }
        Difference::RoleAdded(role, divisions) => Evidence {
            details: divisions.iter().map(|division| ("division", division.to_string())).collect(),
            ..Evidence::new(Kind::Role, role.as_str(), format!("gained, since it was approved, the role {role}"))
        },
        Difference::DivisionAdded(role, division) => Evidence {
            details: vec![("role", role.to_string()), ("division", division.to_string())],
            ..Evidence::new(
                Kind::Role,
                format!("{role} {division}"),
                format!("holds the role {role} in a division more than was approved, {division}"),
            )
        },
        Difference::RoleContent { role, added, removed } => {
            let shown = |label, list: &[String]| -> Vec<(&'static str, String)> {
                list.iter().take(SHOWN).map(|permission| (label, permission.clone())).collect()
            };
            let text =
                format!("has {} permissions more and {} less behind the role {role}", added.len(), removed.len());
            Evidence {
                details: [shown("added", added), shown("removed", removed)].concat(),
                ..Evidence::new(Kind::Role, role.as_str(), text)
            }
        }
        Difference::RedirectAdded(uri) => Evidence::new(
            Kind::RedirectUri,
            uri.as_str(),
            format!("gained, since it was approved, the redirect URI {uri}"),
        ),
        // What only became less is no drift.
        Difference::ClientAdded
        | Difference::ScopeRemoved(_)
        | Difference::RoleRemoved(_)
        | Difference::DivisionRemoved(..)
        | Difference::RoleContentUnknown(_)
        | Difference::RedirectRemoved(_) => Evidence::new(Kind::Client, "", "is not in the baseline"),
    }
}

const fn state_word(state: ClientState) -> &'static str {
    match state {
        ClientState::Other => "in a state that nobody knows",
        known => known.label(),
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

//! The outcome of one evaluation: findings, a verdict for each client, and the counts that follow from them.
//!
//! Not its text or metrics: those are made in `output` and `exposition`.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::{Context, DANGEROUS_PERMISSION, DANGEROUS_SCOPE, UNRESOLVED_ROLE};
use super::{Finding, JudgedBaseline, Rule, RuleOutcome, Status, not_judged, rules, unresolved_roles};
use crate::domain::{ClientId, Power, RoleId, Severity, Timestamp};
use crate::policy::{Defaults, PermissionPattern, Policy};

/// The judgement of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When it was judged.
    pub evaluated_at: Timestamp,
    /// From which severity on an open finding flags its client.
    pub flag_at: Severity,
    /// From which severity on an open finding fails an audit.
    pub fail_on: Severity,
    /// Every finding, sorted by client, rule and evidence.
    pub findings: Vec<Finding>,
    /// A verdict for each client, in the snapshot's order.
    pub verdicts: Vec<ClientVerdict>,
    /// Roles that clients hold, of which nobody knows what they permit, where no open finding flags a client for it: an
    /// audit that must be whole is not.
    pub unjudged_roles: BTreeSet<RoleId>,
    /// The dangerous scopes that are held or registered, sorted by name.
    pub dangerous_scopes: Vec<DangerousScope>,
    /// The dangerous permission patterns that some client's roles meet, in the policy's order.
    pub dangerous_permissions: Vec<DangerousPermission>,
    /// Every dangerous scope and permission held to effect, whatever its status, sorted.
    pub grants: Vec<DangerousGrant>,
    /// The baseline that it was compared with; `None` where none is loaded for this organisation.
    pub baseline: Option<JudgedBaseline>,
    /// The ends of the policy's exemptions that have one, by id.
    pub exemptions: Vec<(String, Timestamp)>,
    /// The policy's patterns of dangerous permissions, in lower case as `DangerousGrant::patterns` has them.
    pub permission_labels: BTreeSet<String>,
    /// The rules that were judged by, with the severities that they can have under this policy.
    pub rules: Vec<EnabledRule>,
    /// What became of each rule there is, in the order of the documentation.
    pub outcomes: Vec<RuleOutcome>,
}

/// A rule that the policy has switched on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnabledRule {
    /// Which one.
    pub rule: &'static Rule,
    /// The severities that its findings can have, the worst first.
    pub severities: Vec<Severity>,
}

/// What the audit says of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientVerdict {
    /// Which client.
    pub client: ClientId,
    /// The verdict.
    pub verdict: Verdict,
    /// The worst open finding, below the flagging severity too.
    pub worst: Option<Severity>,
    /// Open findings.
    pub open: usize,
}

/// The three verdicts; they partition all clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// An open finding at or above `flag_at`; the severity of the worst.
    Flagged(Severity),
    /// Not flagged, and part of what the client may do was judged by nothing; the sentence says what.
    NotEvaluated(String),
    /// Everything was judged and nothing counts.
    Compliant,
}

impl Verdict {
    /// The word in reports.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Flagged(_) => "FLAGGED",
            Self::NotEvaluated(_) => "NOT_EVALUATED",
            Self::Compliant => "COMPLIANT",
        }
    }
}

/// A scope that the policy calls dangerous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerousScope {
    /// The scope.
    pub scope: String,
    /// The pattern's severity.
    pub severity: Severity,
    /// How many clients hold it to effect.
    pub holders: usize,
}

/// A pattern of dangerous permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerousPermission {
    /// The policy's pattern.
    pub pattern: String,
    /// Its severity.
    pub severity: Severity,
    /// How many clients' roles grant what it matches.
    pub holders: usize,
}

/// A dangerous scope or permission that a client holds to effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DangerousGrant {
    /// Who holds it.
    pub client: ClientId,
    /// What. A permission is held several times where several roles, or one in several divisions, grant it.
    pub power: Power,
    /// The role that grants it; `None` where it is a scope.
    pub role: Option<RoleId>,
    /// The evidence's key: what tells those apart. A scope's is the scope.
    pub evidence: String,
    /// Whether it counts.
    pub status: Status,
    /// The policy's patterns that match it, in lower case where it is a permission.
    pub patterns: Vec<String>,
}

impl Report {
    pub(super) fn new(
        context: &Context<'_>,
        findings: Vec<Finding>,
        outcomes: Vec<RuleOutcome>,
        now: Timestamp,
    ) -> Self {
        let Defaults { flag_at, fail_on, .. } = context.policy.defaults;
        let mut open: BTreeMap<&ClientId, (usize, Severity)> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.status == Status::Open) {
            if let Some(client) = &finding.client {
                let (count, worst) = open.entry(client).or_insert((0, finding.severity));
                *count += 1;
                *worst = finding.severity.max(*worst);
            }
        }
        let verdicts = context
            .snapshot
            .clients
            .iter()
            .map(|client| {
                let (open, worst) = open.get(&client.id).map_or((0, None), |(count, worst)| (*count, Some(*worst)));
                let verdict = match worst {
                    Some(worst) if worst >= flag_at => Verdict::Flagged(worst),
                    _ => match not_judged(context.snapshot, context.policy, client) {
                        Some(what) => Verdict::NotEvaluated(what),
                        None => Verdict::Compliant,
                    },
                };
                ClientVerdict { client: client.id.clone(), verdict, worst, open }
            })
            .collect();
        let unjudged_roles = unjudged_roles(context, &findings);
        let dangerous_scopes = dangerous_scopes(context, &findings);
        let grants = grants(&findings);
        let dangerous_permissions = dangerous_permissions(context.policy, &grants);
        let rules = rules::enabled(context.policy)
            .filter(|rule| rule.not_built.is_none())
            .map(|rule| EnabledRule { rule, severities: (rule.severities)(rule, context.policy) })
            .collect();
        let baseline = context.baseline.map(|baseline| JudgedBaseline::new(baseline, &findings, &grants));
        let exemptions = context.policy.exemptions.iter();
        let exemptions = exemptions.filter_map(|exemption| Some((exemption.id.clone(), exemption.expires?))).collect();
        let permission_labels =
            context.policy.permissions.dangerous.iter().map(|dangerous| label(&dangerous.pattern)).collect();
        Self {
            evaluated_at: now,
            flag_at,
            fail_on,
            findings,
            verdicts,
            unjudged_roles,
            dangerous_scopes,
            dangerous_permissions,
            grants,
            baseline,
            exemptions,
            permission_labels,
            rules,
            outcomes,
        }
    }

    /// The findings on one client.
    pub fn findings_of<'a>(&'a self, client: &'a ClientId) -> impl Iterator<Item = &'a Finding> {
        let start = self.findings.partition_point(|finding| finding.client.as_ref() < Some(client));
        self.findings.iter().skip(start).take_while(move |finding| finding.client.as_ref() == Some(client))
    }

    /// Every dangerous scope held to effect, with its holder, whatever its status.
    pub fn dangerous_scope_grants(&self) -> impl Iterator<Item = (&ClientId, &str, Status)> {
        self.grants.iter().filter_map(|grant| match &grant.power {
            Power::Scope(scope) => Some((&grant.client, scope.as_str(), grant.status)),
            Power::Permission(_) => None,
        })
    }

    /// The worst severity of the open findings, on clients or on the organisation.
    pub fn worst_open(&self) -> Option<Severity> {
        self.findings.iter().filter(|finding| finding.status == Status::Open).map(|finding| finding.severity).max()
    }
}

fn unjudged_roles(context: &Context<'_>, findings: &[Finding]) -> BTreeSet<RoleId> {
    let flagged: BTreeSet<(&ClientId, &str)> = findings
        .iter()
        .filter(|finding| finding.rule.slug == UNRESOLVED_ROLE && finding.status == Status::Open)
        .filter(|finding| finding.severity >= context.policy.defaults.flag_at)
        .filter_map(|finding| Some((finding.client.as_ref()?, finding.evidence.key.as_str())))
        .collect();
    let clients = context.snapshot.clients.iter();
    let unresolved = clients
        .flat_map(|client| unresolved_roles(context.snapshot, client).into_iter().map(move |role| (&client.id, role)));
    // A role that is in the list and cannot be read is no id that leads nowhere: no finding says what it permits.
    let is_unread = |role: &RoleId| context.snapshot.unread_roles.contains(role);
    let unjudged = unresolved.filter(|(id, role)| is_unread(role) || !flagged.contains(&(*id, role.as_str())));
    unjudged.map(|(_, role)| role.clone()).collect()
}

/// The dangerous scopes of the registry and of the clients, each with the number of its holders.
fn dangerous_scopes(context: &Context<'_>, findings: &[Finding]) -> Vec<DangerousScope> {
    let mut scopes: BTreeMap<&str, (Severity, usize)> = BTreeMap::new();
    let registered = context.snapshot.registry.read().into_iter().flat_map(|registry| registry.keys());
    for scope in registered {
        if let Some(pattern) = context.policy.scopes.dangerous_pattern(scope) {
            scopes.insert(scope, (pattern.severity, 0));
        }
    }
    for finding in findings.iter().filter(|finding| finding.rule.slug == DANGEROUS_SCOPE) {
        let scope = finding.evidence.key.as_str();
        // The pattern's severity here too, whatever the policy makes of the rule.
        let severity = context.policy.scopes.dangerous_pattern(scope).map_or(finding.severity, |p| p.severity);
        scopes.entry(scope).or_insert((severity, 0)).1 += 1;
    }
    scopes
        .into_iter()
        .map(|(scope, (severity, holders))| DangerousScope { scope: scope.to_owned(), severity, holders })
        .collect()
}

fn grants(findings: &[Finding]) -> Vec<DangerousGrant> {
    let grant = |finding: &Finding| {
        let evidence = finding.evidence.key.clone();
        let (power, role, patterns) = match (finding.rule.slug, &finding.evidence.permission) {
            (DANGEROUS_SCOPE, _) => (Power::Scope(evidence.clone()), None, finding.pattern.iter().cloned().collect()),
            (DANGEROUS_PERMISSION, Some(held)) => {
                (Power::Permission(held.name.clone()), Some(held.role.clone()), held.patterns.to_vec())
            }
            _ => return None,
        };
        let client = finding.client.clone()?;
        Some(DangerousGrant { client, power, role, evidence, status: finding.status, patterns })
    };
    let mut grants: Vec<DangerousGrant> = findings.iter().filter_map(grant).collect();
    grants.sort();
    grants
}

/// What a pattern of permissions is called in metrics.
fn label(pattern: &PermissionPattern) -> String {
    pattern.as_str().to_ascii_lowercase()
}

fn dangerous_permissions(policy: &Policy, grants: &[DangerousGrant]) -> Vec<DangerousPermission> {
    let mut holders: BTreeMap<&str, BTreeSet<&ClientId>> = BTreeMap::new();
    for grant in grants.iter().filter(|grant| matches!(grant.power, Power::Permission(_))) {
        for pattern in &grant.patterns {
            holders.entry(pattern).or_default().insert(&grant.client);
        }
    }
    policy
        .permissions
        .dangerous
        .iter()
        .filter_map(|dangerous| {
            let pattern = label(&dangerous.pattern);
            let holders = holders.get(pattern.as_str())?.len();
            Some(DangerousPermission { pattern, severity: dangerous.severity, holders })
        })
        .collect()
}

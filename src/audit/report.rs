//! The result of one evaluation: findings, a verdict for each client, and the counts that follow from them.
//!
//! `output` renders it as text, and `exposition` as metrics.

use std::collections::{BTreeMap, BTreeSet};

use super::drift_count::BaselineComparison;
use super::finding::{Finding, Status};
use super::gaps::not_evaluated;
use super::grant::{DangerousGrant, dangerous_grants};
use super::role_gaps::{RoleGap, role_gaps};
use super::rule::{Rule, UNRESOLVED_ROLE};
use super::rules::{self, Context};
use super::state::RuleOutcome;
use crate::domain::{ClientId, Privilege, RoleId, Severity, Timestamp};
use crate::policy::{Defaults, PermissionPattern, Policy};

/// The evaluation of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The time of the evaluation.
    pub evaluated_at: Timestamp,
    /// The lowest severity at which an open finding flags its client.
    pub flag_at: Severity,
    /// The lowest severity at which an open finding fails an audit.
    pub fail_on: Severity,
    /// Every finding, sorted by client, rule and evidence.
    pub findings: Vec<Finding>,
    /// A verdict for each client, in the snapshot's order.
    pub verdicts: Vec<ClientVerdict>,
    /// Roles of clients about which not everything is known, unless a finding already flags the client because of the role. A
    /// strict audit fails because of these roles.
    pub role_gaps: BTreeSet<RoleId>,
    /// The dangerous scopes that clients hold or that the registry contains, sorted by name.
    pub dangerous_scopes: Vec<DangerousScope>,
    /// The dangerous permission patterns that match a permission of at least one client, in the policy's order.
    pub dangerous_permissions: Vec<DangerousPermission>,
    /// Every dangerous scope and permission that a client holds and that takes effect, with any status; sorted.
    pub grants: Vec<DangerousGrant>,
    /// The comparison with the baseline; `None` if none is loaded for this organisation.
    pub baseline: Option<BaselineComparison>,
    /// The id and the end of each exemption of the policy that has an end.
    pub exemptions: Vec<(String, Timestamp)>,
    /// The policy's patterns of dangerous permissions, in lower case as in `DangerousGrant::labels`.
    pub permission_labels: BTreeSet<String>,
    /// The enabled rules that this version can evaluate, with the severities that their findings can have under this policy.
    pub rules: Vec<EnabledRule>,
    /// The outcome of every rule, in the order of the documentation.
    pub outcomes: Vec<RuleOutcome>,
}

/// A rule that the policy enables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnabledRule {
    /// The rule.
    pub rule: &'static Rule,
    /// The severities that its findings can have, the worst first.
    pub severities: Vec<Severity>,
}

/// A client and its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientVerdict {
    /// The client.
    pub client: ClientId,
    /// The verdict.
    pub verdict: Verdict,
    /// The worst severity of the client's open findings, even below `flag_at`; `None` if there are none.
    pub worst: Option<Severity>,
    /// The number of open findings.
    pub open: usize,
}

/// The verdict on a client. Each client has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// An open finding has a severity of at least `flag_at`. Contains the worst severity.
    Flagged(Severity),
    /// Not flagged, but part of what the client may do could not be read or evaluated; the text says which part and why.
    NotEvaluated(String),
    /// Everything was read and evaluated, and no open finding has a severity of at least `flag_at`.
    Compliant,
}

impl Verdict {
    /// The value in reports.
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
    /// The severity of the pattern that matches the scope.
    pub severity: Severity,
    /// The number of clients that hold the scope and for which it takes effect.
    pub holders: usize,
}

/// A pattern of dangerous permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerousPermission {
    /// The policy's pattern.
    pub pattern: String,
    /// Its severity.
    pub severity: Severity,
    /// The number of clients with a role that grants a permission that matches.
    pub holders: usize,
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
                *count += finding.count();
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
                    _ => match not_evaluated(context.snapshot, context.policy, client, now) {
                        Some(what) => Verdict::NotEvaluated(what),
                        None => Verdict::Compliant,
                    },
                };
                ClientVerdict { client: client.id.clone(), verdict, worst, open }
            })
            .collect();
        let role_gaps = role_gaps_of_clients(context, &findings);
        let grants = dangerous_grants(&findings);
        let dangerous_scopes = dangerous_scopes(context, &grants);
        let dangerous_permissions = dangerous_permissions(context.policy, &grants);
        let rules = rules::enabled(context.policy)
            .filter(|rule| rule.not_built.is_none())
            .map(|rule| EnabledRule { rule, severities: (rule.severities)(rule, context.policy) })
            .collect();
        let baseline = context.baseline.map(|baseline| BaselineComparison::new(baseline, &findings, &grants));
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
            role_gaps,
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

    /// The dangerous grants of one client.
    pub fn grants_of<'a>(&'a self, client: &'a ClientId) -> &'a [DangerousGrant] {
        let start = self.grants.partition_point(|grant| grant.client < *client);
        let rest = self.grants.get(start..).unwrap_or_default();
        let length = rest.partition_point(|grant| grant.client == *client);
        rest.get(..length).unwrap_or_default()
    }

    /// Every dangerous scope that takes effect, with the client that holds it and its status.
    pub fn dangerous_scope_grants(&self) -> impl Iterator<Item = (&ClientId, &str, Status)> {
        self.grants.iter().filter_map(|grant| match &grant.privilege {
            Privilege::Scope(scope) => Some((&grant.client, &**scope, grant.status)),
            Privilege::Permission(_) => None,
        })
    }

    /// The worst severity of the open findings on clients and on the organisation; `None` if there are none.
    pub fn worst_open(&self) -> Option<Severity> {
        self.findings.iter().filter(|finding| finding.status == Status::Open).map(|finding| finding.severity).max()
    }
}

/// The roles with gaps. If a client is flagged because a role is not listed, the role is omitted: the finding reports it.
fn role_gaps_of_clients(context: &Context<'_>, findings: &[Finding]) -> BTreeSet<RoleId> {
    let flagged: BTreeSet<(&ClientId, Option<&str>)> = findings
        .iter()
        .filter(|finding| finding.rule.slug == UNRESOLVED_ROLE && finding.status == Status::Open)
        .filter(|finding| finding.severity >= context.policy.defaults.flag_at)
        .filter_map(|finding| {
            // Not all roles are listed, so the client is flagged because of all of them.
            let role = finding.unlisted.is_empty().then_some(finding.evidence.key.as_str());
            Some((finding.client.as_ref()?, role))
        })
        .collect();
    let mut roles = BTreeSet::new();
    for client in &context.snapshot.clients {
        let all_reported = flagged.contains(&(&client.id, None));
        let is_reported = |role: &RoleId, gap| {
            gap == RoleGap::NotListed && (all_reported || flagged.contains(&(&client.id, Some(role.as_str()))))
        };
        let gaps = role_gaps(context.snapshot, client).into_iter();
        roles.extend(gaps.filter(|(role, gap)| !is_reported(role, *gap)).map(|(role, _)| role.clone()));
    }
    roles
}

/// The dangerous scopes of the registry and of the clients, each with the number of clients that hold it.
fn dangerous_scopes(context: &Context<'_>, grants: &[DangerousGrant]) -> Vec<DangerousScope> {
    let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
    for scope in context.snapshot.registry.read().into_iter().flat_map(BTreeMap::keys) {
        holders.insert(scope, 0);
    }
    for grant in grants {
        if let Privilege::Scope(scope) = &grant.privilege {
            *holders.entry(scope).or_default() += 1;
        }
    }
    // This is the severity of the pattern, even if the policy sets another for the rule.
    let dangerous = |(scope, holders): (&str, usize)| {
        let severity = context.policy.scopes.dangerous_pattern(scope)?.severity;
        Some(DangerousScope { scope: scope.to_owned(), severity, holders })
    };
    holders.into_iter().filter_map(dangerous).collect()
}

/// The label of a permission pattern in metrics.
fn label(pattern: &PermissionPattern) -> String {
    pattern.as_str().to_ascii_lowercase()
}

fn dangerous_permissions(policy: &Policy, grants: &[DangerousGrant]) -> Vec<DangerousPermission> {
    let mut holders: BTreeMap<&str, BTreeSet<&ClientId>> = BTreeMap::new();
    for grant in grants.iter().filter(|grant| matches!(grant.privilege, Privilege::Permission(_))) {
        for label in grant.labels.iter() {
            holders.entry(label).or_default().insert(&grant.client);
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

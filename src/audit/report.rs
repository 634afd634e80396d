//! The result of one evaluation: findings, a verdict for each client, and the counts that follow from them.
//!
//! `output` renders it as text, and `exposition` as metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::assessment::{Assessment, ClientVerdict};
use super::drift_count::BaselineComparison;
use super::finding::{Finding, Status};
use super::grant::DangerousGrant;
use super::rule::Rule;
use super::rules::{self, Facts};
use super::state::RuleOutcome;
use crate::domain::{ClientId, Privilege, RoleId, Severity, Timestamp};
use crate::policy::{Defaults, PermissionPattern, Policy};
use crate::text::SharedText;

/// The evaluation of one snapshot. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The time of the evaluation.
    pub evaluated_at: Timestamp,
    /// The lowest severity at which an open finding flags its client.
    pub flag_at: Severity,
    /// The lowest severity at which an open finding fails an audit.
    pub fail_on: Severity,
    /// The organisation and the clients of the snapshot and of the baseline, sorted by client; the organisation is first.
    pub(super) subjects: Arc<[Arc<Assessment>]>,
    /// The first time at which an exemption ends. The evaluation of every client can differ then.
    pub(super) exemptions_until: Timestamp,
    /// The number of clients that were evaluated after all others, so that their findings are in memory for each of them.
    pub(super) unshared: usize,
    /// Roles of clients about which not everything is known, unless a finding already flags the client because of the role. A
    /// strict audit fails because of these roles.
    pub role_gaps: BTreeSet<RoleId>,
    /// The dangerous scopes that clients hold or that the registry contains, sorted by name.
    pub dangerous_scopes: Vec<DangerousScope>,
    /// The dangerous permission patterns that match a permission of at least one client, in the policy's order.
    pub dangerous_permissions: Vec<DangerousPermission>,
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

/// A scope that the policy calls dangerous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerousScope {
    /// The scope.
    pub scope: String,
    /// The severity of the pattern that matches the scope.
    pub severity: Severity,
    /// The number of clients that hold the scope and for which it takes effect.
    pub holders: usize,
    /// Why the policy calls it dangerous.
    pub reason: SharedText,
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
    /// Why the policy calls it dangerous.
    pub reason: SharedText,
}

impl Report {
    pub(super) fn new(
        facts: &Facts<'_>,
        subjects: Vec<Arc<Assessment>>,
        outcomes: Vec<RuleOutcome>,
        exemptions_until: Timestamp,
        unshared: usize,
    ) -> Self {
        let Facts { policy, now, .. } = *facts;
        let Defaults { flag_at, fail_on, .. } = policy.defaults;
        let role_gaps = subjects.iter().flat_map(|subject| subject.role_gaps.iter().cloned()).collect();
        let dangerous_scopes = dangerous_scopes(facts, &subjects);
        let dangerous_permissions = dangerous_permissions(policy, &subjects);
        let rules = rules::enabled(policy)
            .filter(|rule| rule.not_built.is_none())
            .map(|rule| EnabledRule { rule, severities: (rule.severities)(rule, policy) })
            .collect();
        let baseline = facts.baseline.map(|baseline| BaselineComparison::new(baseline, &subjects));
        let exemptions = policy.exemptions.iter();
        let exemptions = exemptions.filter_map(|exemption| Some((exemption.id.clone(), exemption.expires?))).collect();
        let permission_labels =
            policy.permissions.dangerous.iter().map(|dangerous| label(&dangerous.pattern)).collect();
        Self {
            evaluated_at: now,
            flag_at,
            fail_on,
            subjects: subjects.into(),
            exemptions_until,
            unshared,
            role_gaps,
            dangerous_scopes,
            dangerous_permissions,
            baseline,
            exemptions,
            permission_labels,
            rules,
            outcomes,
        }
    }

    /// The same report, of an evaluation at a later time at which this one is still valid.
    #[must_use]
    pub fn again_at(&self, now: Timestamp) -> Self {
        Self { evaluated_at: now, ..self.clone() }
    }

    /// Every finding, sorted by client, rule and evidence.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> + Clone {
        self.subjects.iter().flat_map(|subject| subject.findings.iter())
    }

    /// A verdict for each client, in the snapshot's order.
    pub fn verdicts(&self) -> impl Iterator<Item = &ClientVerdict> + Clone {
        self.subjects.iter().filter_map(|subject| subject.verdict.as_ref())
    }

    /// The verdict and the findings of each client, in the snapshot's order.
    pub fn clients(&self) -> impl Iterator<Item = (&ClientVerdict, &[Finding])> + Clone {
        self.subjects.iter().filter_map(|subject| Some((subject.verdict.as_ref()?, &*subject.findings)))
    }

    /// The verdict on this client; `None` if the snapshot does not have it.
    pub fn verdict_of(&self, client: &ClientId) -> Option<&ClientVerdict> {
        self.subject(client)?.verdict.as_ref()
    }

    fn subject(&self, client: &ClientId) -> Option<&Assessment> {
        let position = self.subjects.binary_search_by(|subject| subject.client.as_ref().cmp(&Some(client))).ok()?;
        self.subjects.get(position).map(|subject| &**subject)
    }

    /// The findings on one client.
    pub fn findings_of(&self, client: &ClientId) -> &[Finding] {
        self.subject(client).map_or(&[], |subject| &subject.findings)
    }

    /// Every dangerous scope and permission that a client holds and that takes effect, with any status; by client.
    pub fn grants(&self) -> impl Iterator<Item = DangerousGrant<'_>> {
        self.subjects.iter().flat_map(|subject| subject.grants())
    }

    /// The dangerous grants of each client, sorted by client.
    pub fn grants_by_client(&self) -> impl Iterator<Item = (&ClientId, impl Iterator<Item = DangerousGrant<'_>>)> {
        self.subjects.iter().filter_map(|subject| Some((subject.client.as_ref()?, subject.grants())))
    }

    /// The dangerous grants of one client.
    pub fn grants_of(&self, client: &ClientId) -> impl Iterator<Item = DangerousGrant<'_>> {
        self.findings_of(client).iter().filter_map(DangerousGrant::of)
    }

    /// The first time at which an evaluation of the same data can differ from this one.
    pub fn valid_until(&self) -> Timestamp {
        let subjects = self.subjects.iter().map(|subject| subject.until);
        subjects.fold(self.exemptions_until, Timestamp::min)
    }

    /// Whether so many clients do not share their findings with others that everything is evaluated again, to save memory.
    pub(super) fn has_many_unshared(&self) -> bool {
        self.unshared > 100 + self.subjects.len() / 4
    }

    /// Every dangerous scope that takes effect, with the client that holds it and its status.
    pub fn dangerous_scope_grants(&self) -> impl Iterator<Item = (&ClientId, &str, Status)> {
        self.grants().filter_map(|grant| match grant.privilege {
            Privilege::Scope(scope) => Some((grant.client, &**scope, grant.status)),
            Privilege::Permission(_) => None,
        })
    }

    /// The worst severity of the open findings on clients and on the organisation; `None` if there are none.
    pub fn worst_open(&self) -> Option<Severity> {
        self.findings().filter(|finding| finding.status == Status::Open).map(|finding| finding.severity).max()
    }
}

/// The dangerous scopes of the registry and of the clients, each with the number of clients that hold it.
fn dangerous_scopes(facts: &Facts<'_>, subjects: &[Arc<Assessment>]) -> Vec<DangerousScope> {
    let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
    for scope in facts.snapshot.registry.read().into_iter().flat_map(|registry| registry.keys()) {
        holders.insert(scope, 0);
    }
    for grant in subjects.iter().flat_map(|subject| subject.grants()) {
        if let Privilege::Scope(scope) = grant.privilege {
            *holders.entry(scope).or_default() += 1;
        }
    }
    // This is the severity of the pattern, even if the policy sets another for the rule.
    let dangerous = |(scope, holders): (&str, usize)| {
        let pattern = facts.policy.scopes.dangerous_pattern(scope)?;
        let (severity, reason) = (pattern.severity, pattern.reason.clone());
        Some(DangerousScope { scope: scope.to_owned(), severity, holders, reason })
    };
    holders.into_iter().filter_map(dangerous).collect()
}

/// The label of a permission pattern in metrics.
fn label(pattern: &PermissionPattern) -> String {
    pattern.as_str().to_ascii_lowercase()
}

fn dangerous_permissions(policy: &Policy, subjects: &[Arc<Assessment>]) -> Vec<DangerousPermission> {
    let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
    for subject in subjects {
        let permissions = subject.grants().filter(|grant| matches!(grant.privilege, Privilege::Permission(_)));
        let labels: BTreeSet<&str> = permissions.flat_map(|grant| grant.labels).map(|label| &**label).collect();
        for label in labels {
            *holders.entry(label).or_default() += 1;
        }
    }
    policy
        .permissions
        .dangerous
        .iter()
        .filter_map(|dangerous| {
            let pattern = label(&dangerous.pattern);
            let holders = *holders.get(pattern.as_str())?;
            let (severity, reason) = (dangerous.severity, dangerous.reason.clone());
            Some(DangerousPermission { pattern, severity, holders, reason })
        })
        .collect()
}

#[cfg(any(test, feature = "fixtures"))]
impl Report {
    /// Changes the findings, without the counts and verdicts that follow from them. For tests.
    pub fn edit_findings(&mut self, edit: impl FnOnce(&mut Vec<Finding>)) {
        let mut findings: Vec<Finding> = self.findings().cloned().collect();
        edit(&mut findings);
        for subject in Arc::make_mut(&mut self.subjects) {
            let of_subject = findings.iter().filter(|finding| finding.client == subject.client).cloned().collect();
            Arc::make_mut(subject).findings = of_subject;
        }
    }

    /// Replaces the clients by these findings on clients, without the counts that follow from them. For tests.
    pub fn set_findings(&mut self, findings: impl IntoIterator<Item = (ClientId, super::About)>) {
        let mut clients: BTreeMap<ClientId, Vec<Finding>> = BTreeMap::new();
        for (client, about) in findings {
            clients.entry(client.clone()).or_default().push(Finding::new(Some(client), Arc::new(about)));
        }
        let subject = |(client, findings): (_, Vec<_>)| {
            let (client, findings) = (Some(client), findings.into());
            let (role_gaps, exemptions) = (Box::default(), Box::default());
            Arc::new(Assessment { client, findings, verdict: None, role_gaps, exemptions, until: Timestamp::default() })
        };
        self.subjects = clients.into_iter().map(subject).collect();
    }

    /// The verdicts, to be changed. For tests.
    pub fn verdicts_mut(&mut self) -> impl Iterator<Item = &mut ClientVerdict> {
        let subjects = Arc::make_mut(&mut self.subjects).iter_mut();
        subjects.filter_map(|subject| Arc::make_mut(subject).verdict.as_mut())
    }
}

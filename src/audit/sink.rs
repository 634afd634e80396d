//! Takes the findings of the rules. At most [`MOST`] are listed for each client, rule and status, so that one client cannot make a
//! report of any size. The others are counted by a last finding, "and N more".
//!
//! A finding that pages is always listed: it is about a dangerous scope or permission, or a difference that adds one. The caller
//! says which findings are approved or exempt.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::finding::{
    DANGEROUS_PERMISSION_DETAIL, DANGEROUS_SCOPE_DETAIL, DangerousPrivilege, Evidence, Finding, Fingerprint, Kind,
    Status,
};
use crate::domain::Severity;
use crate::text::{SharedText, counted};

/// The largest number of findings that are listed for one client, rule and status.
pub(super) const MOST: usize = 100;

/// What the unlisted findings of one client and rule have in common: the status, the severity and the exemption.
type Common = (Status, Severity, Option<SharedText>);

/// The findings so far.
pub(super) struct Sink<'c> {
    /// Approves or exempts a finding; called once for each.
    judge: Box<dyn FnMut(&mut Finding) + 'c>,
    listed: Vec<Finding>,
    shared: Shared,
    /// Findings of the client and the rule that are evaluated now.
    group: Vec<Finding>,
    unlisted: BTreeMap<Common, Vec<Fingerprint>>,
}

impl<'c> Sink<'c> {
    pub(super) fn new(judge: impl FnMut(&mut Finding) + 'c) -> Self {
        Self {
            judge: Box::new(judge),
            listed: Vec::new(),
            shared: Shared::default(),
            group: Vec::new(),
            unlisted: BTreeMap::new(),
        }
    }

    /// Adds a finding. The findings of a rule on one client must follow each other.
    pub(super) fn push(&mut self, mut finding: Finding) {
        (self.judge)(&mut finding);
        if finding.client.is_none() || always_listed(&finding) {
            self.list(finding);
            return;
        }
        if self.group.first().is_some_and(|first| first.client != finding.client || first.rule != finding.rule) {
            self.end_group();
        }
        self.group.push(finding);
        // Sorting whenever this many have been collected keeps the work linear and the memory small.
        if self.group.len() >= 8 * MOST {
            self.limit();
        }
    }

    /// Moves all but the first findings of each status to the unlisted ones. The worst come first, then the order of the evidence.
    fn limit(&mut self) {
        let order = |finding: &Finding| (finding.status, Reverse(finding.severity));
        self.group.sort_by(|a, b| (order(a), &a.evidence.key).cmp(&(order(b), &b.evidence.key)));
        let mut listed = Vec::with_capacity(self.group.len());
        let (mut status, mut of_status) = (None, 0);
        for finding in self.group.drain(..) {
            if status.replace(finding.status) != Some(finding.status) {
                of_status = 0;
            }
            of_status += 1;
            if of_status <= MOST {
                listed.push(finding);
            } else {
                let fingerprint = finding.fingerprint();
                self.unlisted
                    .entry((finding.status, finding.severity, finding.exemption))
                    .or_default()
                    .push(fingerprint);
            }
        }
        self.group = listed;
    }

    fn end_group(&mut self) {
        if self.group.len() > MOST {
            self.limit();
        }
        if let Some((rule, client)) = self.group.first().map(|first| (first.rule, first.client.clone())) {
            for ((status, severity, exemption), unlisted) in std::mem::take(&mut self.unlisted) {
                let key =
                    format!("{} {} {}", status.label(), severity.label(), exemption.as_deref().unwrap_or_default());
                let count = counted(unlisted.len(), "more finding");
                let text = format!("and {count} of this rule and severity, not listed one by one");
                self.list(Finding {
                    rule,
                    client: client.clone(),
                    severity,
                    status,
                    evidence: Arc::new(Evidence::new(Kind::More, key.trim(), text)),
                    pattern: None,
                    reason: rule.why.into(),
                    exemption,
                    dangerous: None,
                    unlisted: unlisted.into(),
                });
            }
        }
        for finding in std::mem::take(&mut self.group) {
            self.list(finding);
        }
    }

    fn list(&mut self, mut finding: Finding) {
        self.shared.share(&mut finding);
        self.listed.push(finding);
    }

    /// The findings to list.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        self.end_group();
        self.listed
    }
}

impl Extend<Finding> for Sink<'_> {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, findings: I) {
        for finding in findings {
            self.push(finding);
        }
    }
}

/// What listed findings have in common, so that it is in memory once: many clients hold the same scope, or the same role in the same
/// division.
#[derive(Default)]
struct Shared {
    evidence: HashSet<Arc<Evidence>>,
    dangerous: HashSet<Arc<DangerousPrivilege>>,
    patterns: HashSet<SharedText>,
}

impl Shared {
    /// Replaces the parts of a finding by equal parts of an earlier one.
    fn share(&mut self, finding: &mut Finding) {
        replace(&mut self.evidence, &mut finding.evidence);
        if let Some(dangerous) = &mut finding.dangerous {
            replace(&mut self.dangerous, dangerous);
        }
        if let Some(pattern) = &mut finding.pattern {
            replace(&mut self.patterns, pattern);
        }
    }
}

/// Replaces a value by the equal one that is known, or makes it known.
fn replace<T: Clone + Eq + Hash>(known: &mut HashSet<T>, value: &mut T) {
    match known.get(value) {
        Some(known) => *value = known.clone(),
        None => {
            known.insert(value.clone());
        }
    }
}

/// Whether the ledger or an alert needs the finding itself.
fn always_listed(finding: &Finding) -> bool {
    let is_gain =
        |(label, _): &(&str, SharedText)| [DANGEROUS_SCOPE_DETAIL, DANGEROUS_PERMISSION_DETAIL].contains(label);
    finding.dangerous.is_some() || finding.evidence.details.iter().any(is_gain)
}

//! Takes the findings of the rules. At most [`MOST`] are listed for each client, rule and status, so that one client cannot make a
//! report of any size. The others are counted by a last finding, "and N more".
//!
//! A finding that pages is always listed: it is about a dangerous scope or permission, or a difference that adds one. The caller
//! says which findings are approved or exempt.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::finding::{
    About, DANGEROUS_PERMISSION_DETAIL, DANGEROUS_SCOPE_DETAIL, Evidence, Finding, Fingerprint, Kind, Status,
};
use crate::domain::{ClientId, Severity};
use crate::text::{SharedText, counted};

/// The largest number of findings that are listed for one client, rule and status.
pub(super) const MOST: usize = 100;

/// What the unlisted findings of one client and rule have in common: the status, the severity and the exemption.
type Common = (Status, Severity, Option<SharedText>);

/// The status of a finding, and the exemption that gives it the status: its position in the policy and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) status: Status,
    pub(super) exemption: Option<(usize, SharedText)>,
}

/// The findings on one subject after the other: on the organisation or on a client.
pub(super) struct Sink<'c> {
    /// Approves or exempts a finding; called once for each.
    decide: Box<dyn FnMut(&About) -> Decision + 'c>,
    shared: &'c mut Shared,
    client: Option<ClientId>,
    listed: Vec<Arc<About>>,
    /// Findings of the rule that is evaluated now.
    group: Vec<Arc<About>>,
    unlisted: BTreeMap<Common, Vec<Fingerprint>>,
}

impl<'c> Sink<'c> {
    /// A sink for the findings on this client, or on the organisation.
    pub(super) fn new(
        client: Option<ClientId>,
        shared: &'c mut Shared,
        decide: impl FnMut(&About) -> Decision + 'c,
    ) -> Self {
        let (listed, group, unlisted) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { decide: Box::new(decide), shared, client, listed, group, unlisted }
    }

    /// Adds a finding. The findings of a rule must follow each other.
    pub(super) fn push(&mut self, about: About) {
        let about = self.shared.share(about);
        self.push_known(&about);
    }

    /// Adds a finding that is made once for many clients.
    pub(super) fn push_shared(&mut self, about: &Arc<About>) {
        self.shared.keep(about);
        self.push_known(about);
    }

    fn push_known(&mut self, about: &Arc<About>) {
        let decision = (self.decide)(about);
        let about = self.shared.decided(about, decision);
        if self.client.is_none() || always_listed(&about) {
            self.listed.push(about);
            return;
        }
        if self.group.first().is_some_and(|first| first.rule != about.rule) {
            self.end_group();
        }
        self.group.push(about);
        // Sorting whenever this many have been collected keeps the work linear and the memory small.
        if self.group.len() >= 8 * MOST {
            self.limit();
        }
    }

    /// Moves all but the first findings of each status to the unlisted ones. The worst come first, then the order of the evidence.
    fn limit(&mut self) {
        let order = |about: &About| (about.status, Reverse(about.severity));
        self.group.sort_by(|a, b| (order(a), &a.evidence.key).cmp(&(order(b), &b.evidence.key)));
        let mut listed = Vec::with_capacity(self.group.len());
        let (mut status, mut of_status) = (None, 0);
        for about in self.group.drain(..) {
            if status.replace(about.status) != Some(about.status) {
                of_status = 0;
            }
            of_status += 1;
            if of_status <= MOST {
                listed.push(about);
            } else {
                let common = (about.status, about.severity, about.exemption.clone());
                let fingerprint = Finding::new(self.client.clone(), about).fingerprint();
                self.unlisted.entry(common).or_default().push(fingerprint);
            }
        }
        self.group = listed;
    }

    fn end_group(&mut self) {
        if self.group.len() > MOST {
            self.limit();
        }
        if let Some(rule) = self.group.first().map(|first| first.rule) {
            for ((status, severity, exemption), unlisted) in std::mem::take(&mut self.unlisted) {
                let key =
                    format!("{} {} {}", status.label(), severity.label(), exemption.as_deref().unwrap_or_default());
                let count = counted(unlisted.len(), "more finding");
                let text = format!("and {count} of this rule and severity, not listed one by one");
                self.listed.push(Arc::new(About {
                    rule,
                    severity,
                    status,
                    evidence: Evidence::new(Kind::More, key.trim(), text),
                    pattern: None,
                    reason: rule.why.into(),
                    exemption,
                    dangerous: None,
                    unlisted: unlisted.into(),
                }));
            }
        }
        self.listed.append(&mut self.group);
    }

    /// The findings to list, sorted by rule and evidence.
    pub(super) fn finish(mut self) -> Box<[Finding]> {
        self.end_group();
        self.listed.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        let Self { listed, client, .. } = self;
        listed.into_iter().map(|about| Finding::new(client.clone(), about)).collect()
    }
}

impl Extend<About> for Sink<'_> {
    fn extend<I: IntoIterator<Item = About>>(&mut self, findings: I) {
        for finding in findings {
            self.push(finding);
        }
    }
}

/// What findings on several clients have in common, so that it is in memory once: many clients hold the same scope, or the same role
/// in the same division.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// As the rules made them.
    known: HashSet<Arc<About>>,
    /// Those that are made once for many clients. They have not been compared with `known`, because that would take longer.
    kept: HashMap<usize, Arc<About>>,
    /// Those whose status is not the first one, by the address of the finding in `known` or `kept`, which keep it alive.
    decided: HashMap<(usize, Status, Option<usize>), Arc<About>>,
}

impl Shared {
    fn share(&mut self, about: About) -> Arc<About> {
        if let Some(known) = self.known.get(&about) {
            Arc::clone(known)
        } else {
            let about = Arc::new(about);
            self.known.insert(Arc::clone(&about));
            about
        }
    }

    fn keep(&mut self, about: &Arc<About>) {
        self.kept.entry(Arc::as_ptr(about).addr()).or_insert_with(|| Arc::clone(about));
    }

    fn decided(&mut self, about: &Arc<About>, Decision { status, exemption }: Decision) -> Arc<About> {
        if status == about.status && exemption.is_none() {
            return Arc::clone(about);
        }
        let key = (Arc::as_ptr(about).addr(), status, exemption.as_ref().map(|(position, _)| *position));
        let decided = || {
            let exemption = exemption.map(|(_, id)| id);
            Arc::new(About { status, exemption, ..About::clone(about) })
        };
        Arc::clone(self.decided.entry(key).or_insert_with(decided))
    }
}

/// Whether the ledger or an alert needs the finding itself.
fn always_listed(about: &About) -> bool {
    let is_gain =
        |(label, _): &(&str, SharedText)| [DANGEROUS_SCOPE_DETAIL, DANGEROUS_PERMISSION_DETAIL].contains(label);
    about.dangerous.is_some() || about.evidence.details.iter().any(is_gain)
}

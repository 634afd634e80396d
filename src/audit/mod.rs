//! The evaluation of a snapshot by a policy and a baseline at a given time. The result is a [`Report`].
//!
//! Pure: no I/O, no clock, and it cannot fail. [`rules`] says how to add a rule.

mod approve;
mod assessment;
mod clock;
mod drift_count;
mod exempt;
mod explain;
mod facts;
mod finding;
mod gaps;
mod grant;
mod incremental;
mod report;
mod role_gaps;
mod rule;
pub mod rules;
mod sink;
mod state;
#[cfg(test)]
mod tests;

pub use assessment::{ClientVerdict, Verdict};
pub use drift_count::{BaselineComparison, DriftCount};
pub use explain::{RuleResult, explain};
pub use facts::{rule_facts, rule_severity};
pub use finding::{About, DangerousPrivilege, Evidence, Finding, Fingerprint, GrantedPermission, Kind, Status};
pub use gaps::{describe_client_gaps, describe_input_gap};
pub use grant::DangerousGrant;
pub use incremental::Earlier;
pub use report::{DangerousPermission, DangerousScope, EnabledRule, Report};
pub use rule::{AppliesTo, Confidence, Rule};
pub use state::{RuleOutcome, RuleState};

use std::sync::Arc;

use assessment::Assessment;
use exempt::{Exemptions, Use};
use incremental::Reusable;
use rules::{Context, Facts, Subject};
use sink::{Decision, Shared, Sink};

use crate::baseline::Baseline;
use crate::domain::{Snapshot, Timestamp};
use crate::policy::Policy;

/// Evaluates a snapshot by every enabled rule.
pub fn evaluate(snapshot: &Snapshot, policy: &Policy, baseline: Option<&Baseline>, now: Timestamp) -> Report {
    evaluate_after(None, snapshot, policy, baseline, now)
}

/// Evaluates a snapshot by every enabled rule. What an earlier evaluation answers is not evaluated again; the result is the same.
pub fn evaluate_after(
    earlier: Option<Earlier<'_>>,
    snapshot: &Snapshot,
    policy: &Policy,
    baseline: Option<&Baseline>,
    now: Timestamp,
) -> Report {
    // The baseline of another organisation approves nothing here, and differences from it are not drift.
    let compared = baseline.filter(|baseline| baseline.organisation == snapshot.organisation.id);
    let facts = Facts::new(snapshot, policy, compared, now);
    let exemptions = Exemptions::new(&facts);
    let mut reusable = Reusable::of(earlier, snapshot, policy, baseline, &exemptions, now);
    let mut shared = Shared::default();
    let context = Context::new(&facts, Subject::Organisation);
    let (outcomes, rules) = state::outcomes(&context);
    let mut judge = |subject| Arc::new(Assessment::new(&facts, subject, &rules, &exemptions, &mut shared));
    let mut organisation = judge(Subject::Organisation);
    let (mut clients, mut evaluated) = (Vec::with_capacity(snapshot.clients.len()), 0);
    for client in snapshot.clients.shared() {
        clients.push(reusable.take(client).unwrap_or_else(|| {
            evaluated += 1;
            judge(Subject::Client(client))
        }));
    }
    let removed: Vec<_> = compared.into_iter().flat_map(|baseline| baseline.removed(snapshot)).collect();
    if !removed.is_empty() {
        clients.extend(removed.into_iter().map(|id| judge(Subject::Removed(id))));
        clients.sort_by(|a, b| a.client.cmp(&b.client));
    }
    let uses = uses(policy, std::iter::once(&organisation).chain(&clients));
    add_findings_on_audit(Arc::make_mut(&mut organisation), &context, &outcomes, |sink| {
        exemptions.finish(&uses, &outcomes, &context, sink);
    });
    let reused = clients.len() - evaluated;
    let unshared = earlier.filter(|_| reused > 0).map_or(0, |earlier| earlier.report.unshared + evaluated);
    let mut subjects = vec![organisation];
    subjects.append(&mut clients);
    Report::new(&facts, subjects, outcomes, exemptions.until(), unshared)
}

/// Adds the findings on the audit itself: on inputs that could not be read, and on exemptions. No exemption covers the latter.
fn add_findings_on_audit(
    organisation: &mut Assessment,
    context: &Context<'_>,
    outcomes: &[RuleOutcome],
    on_exemptions: impl FnOnce(&mut Sink<'_>),
) {
    let mut shared = Shared::default();
    let unchanged = |finding: &About| Decision { status: finding.status, exemption: None };
    let mut sink = Sink::new(None, &mut shared, unchanged);
    state::report_gaps(context, outcomes, &mut sink);
    on_exemptions(&mut sink);
    let mut findings = std::mem::take(&mut organisation.findings).into_vec();
    findings.extend(sink.finish());
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    organisation.findings = findings.into();
}

/// What each exemption of the policy covers.
fn uses<'a>(policy: &Policy, subjects: impl Iterator<Item = &'a Arc<Assessment>>) -> Vec<Use> {
    let mut all = vec![Use::default(); policy.exemptions.len()];
    for subject in subjects {
        for position in &subject.exemptions {
            let Some(one) = all.get_mut(*position) else { continue };
            match subject.client {
                Some(_) => one.clients += 1,
                None => one.organisation = true,
            }
        }
    }
    all
}

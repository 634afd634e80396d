//! The evaluation of a snapshot by a policy and a baseline at a given time. The result is a [`Report`].
//!
//! Pure: no I/O, no clock, and it cannot fail. [`rules`] says how to add a rule.

mod approve;
mod drift_count;
mod exempt;
mod explain;
mod finding;
mod gaps;
mod grant;
mod report;
mod role_gaps;
mod rule;
pub mod rules;
mod sink;
mod state;
#[cfg(test)]
mod tests;

pub use drift_count::{BaselineComparison, DriftCount};
pub use explain::{RuleResult, explain};
pub use finding::{DangerousPrivilege, Evidence, Finding, Fingerprint, GrantedPermission, Kind, Status};
pub use gaps::{describe_client_gaps, describe_input_gap};
pub use grant::DangerousGrant;
pub use report::{ClientVerdict, DangerousPermission, DangerousScope, EnabledRule, Report, Verdict};
pub use rule::{AppliesTo, Confidence, Rule};
pub use state::{RuleOutcome, RuleState};

use exempt::Exemptions;
use sink::Sink;

use crate::baseline::Baseline;
use crate::domain::{Snapshot, Timestamp};
use crate::policy::Policy;

/// Evaluates a snapshot by every enabled rule.
pub fn evaluate(snapshot: &Snapshot, policy: &Policy, baseline: Option<&Baseline>, now: Timestamp) -> Report {
    // The baseline of another organisation approves nothing here, and differences from it are not drift.
    let baseline = baseline.filter(|baseline| baseline.organisation == snapshot.organisation.id);
    let context = rules::Context::new(snapshot, policy, baseline, now);
    let mut exemptions = Exemptions::new(&context);
    let mut sink = Sink::new(|finding| {
        // Approvals first: an approved finding needs no exemption.
        if approve::approves(&context, finding) {
            finding.status = Status::Approved;
        } else {
            exemptions.apply(finding);
        }
    });
    let outcomes = state::run(&context, &mut sink);
    let mut findings = sink.finish();
    exemptions.finish(&outcomes, &mut findings);
    // A stable sort would need half as much memory again; equal keys have equal evidence but for the spelling in the text.
    findings.sort_unstable_by(|a, b| (a.sort_key(), &a.evidence.text).cmp(&(b.sort_key(), &b.evidence.text)));
    findings.shrink_to_fit();
    Report::new(&context, findings, outcomes, now)
}

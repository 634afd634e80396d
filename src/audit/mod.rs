//! The judgement: a snapshot, a policy, a baseline and the time become a [`Report`].
//!
//! Pure and total: no I/O, no clock, no error. A new rule is one row in [`rules::ALL`] and one function in its area's file.

mod approve;
mod drift_count;
mod exempt;
mod explain;
mod finding;
mod report;
pub mod rules;
mod state;
#[cfg(test)]
mod tests;

pub use drift_count::{DriftCount, JudgedBaseline};
pub use explain::{Outcome, explain};
pub use finding::{Evidence, Finding, Fingerprint, GrantedPermission, Kind, Status};
pub use report::{ClientVerdict, DangerousGrant, DangerousPermission, DangerousScope, EnabledRule, Report, Verdict};
pub use rules::{AppliesTo, Confidence, Rule, is_by_role};
pub use state::{RuleOutcome, RuleState, why_not_read};

use std::collections::BTreeSet;

use crate::baseline::Baseline;
use crate::domain::{Client, Collector, RoleId, Snapshot, Timestamp};
use crate::policy::Policy;

/// Judges every client of a snapshot by every enabled rule.
pub fn evaluate(snapshot: &Snapshot, policy: &Policy, baseline: Option<&Baseline>, now: Timestamp) -> Report {
    // The baseline of another organisation approves nothing here, and what differs from it is no drift.
    let baseline = baseline.filter(|baseline| baseline.organisation == snapshot.organisation.id);
    let context = rules::Context::new(snapshot, policy, baseline, now);
    let mut findings = Vec::new();
    let outcomes = state::run(&context, &mut findings);
    // What is approved needs no exemption, so that approving comes first.
    approve::approve(&context, &mut findings);
    exempt::apply(&context, &outcomes, &mut findings);
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    Report::new(&context, findings, outcomes, now)
}

/// The roles to effect of a client of which nobody knows what they permit: they are not in the organisation's list, or
/// their records cannot be read. Empty where roles were not read at all.
fn unresolved_roles<'a>(snapshot: &Snapshot, client: &'a Client) -> BTreeSet<&'a RoleId> {
    let Some(roles) = snapshot.roles.read().filter(|_| client.grant_type.roles_count()) else { return BTreeSet::new() };
    client.role_grants.iter().map(|grant| &grant.role).filter(|role| !roles.contains_key(*role)).collect()
}

/// What of a client's power no enabled rule could judge, as a sentence; `None` where all of it was judged.
///
/// Not evaluated is not passed: a client whose roles nobody judged is not compliant.
fn not_judged(snapshot: &Snapshot, policy: &Policy, client: &Client) -> Option<String> {
    let (mut roles_judged, mut scopes_judged) = (false, false);
    let mut unread = BTreeSet::new();
    for rule in rules::enabled(policy) {
        if !rule.applies_to.covers(client.grant_type, policy.scopes.judge) {
            continue;
        }
        unread.extend(rule.needs.iter().copied().filter(|collector| snapshot.not_read(*collector).is_some()));
        roles_judged |= rule.needs.contains(&Collector::Roles);
        scopes_judged |= rule.applies_to == AppliesTo::Scoped;
    }
    let why = |collector| Some(state::why_not_read(collector, snapshot.not_read(collector)?));
    let mut reasons: Vec<String> = unread.into_iter().filter_map(why).collect();
    let cannot_be_read =
        "what it permits is not known: it is not in the organisation's list, or its record cannot be read";
    reasons.extend(unresolved_roles(snapshot, client).iter().map(|role| format!("role {role}: {cannot_be_read}")));
    if !reasons.is_empty() {
        return Some(reasons.join("; "));
    }
    let why = if client.grant_type.roles_count() && !roles_judged {
        "roles decide what this client may do, and no enabled rule judges roles"
    } else if client.grant_type.scopes_count() && !scopes_judged {
        "scopes bound what this client may do, and no enabled rule judges scopes"
    } else {
        return None;
    };
    Some(why.to_owned())
}

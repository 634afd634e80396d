//! What the baseline approves: an open finding on a dangerous scope, permission or combination becomes approved.
//!
//! Nothing else changes: a password grant in the baseline is still open, and drift is what the baseline lacks. A grant is approved
//! with the effect that it had when it was approved: a scope of a client-credentials client is not approved once the client becomes
//! a user-grant client, and a permission that was approved under a condition, or in one division, not without it or elsewhere.

use super::finding::{Finding, Status};
use super::rules::{Context, TOXIC_SCOPES};
use crate::baseline::Baseline;
use crate::domain::{Client, Power};

/// Runs after the rules and before the exemptions.
pub(super) fn approve(context: &Context<'_>, findings: &mut [Finding]) {
    let Some(baseline) = context.baseline else { return };
    for finding in findings.iter_mut().filter(|finding| finding.status == Status::Open) {
        let Some(client) = finding.client.as_ref().and_then(|id| context.snapshot.client(id)) else { continue };
        if approves(baseline, client, finding) {
            finding.status = Status::Approved;
        }
    }
}

fn approves(baseline: &Baseline, client: &Client, finding: &Finding) -> bool {
    let power = finding.dangerous.as_ref().map(|dangerous| &dangerous.power);
    match (power, &finding.evidence.permission) {
        (Some(Power::Scope(scope)), _) => baseline.approves_scope(client, scope),
        (Some(Power::Permission(_)), Some(granted)) => {
            baseline.approves_permission(client, &granted.name, granted.division.as_ref(), granted.conditional)
        }
        _ if finding.rule.slug == TOXIC_SCOPES => {
            // Words that are not scopes are never approved, so that an unexpected key stays open.
            let mut scopes = finding.evidence.key.split([' ', ',', '+']).filter(|scope| !scope.is_empty()).peekable();
            scopes.peek().is_some() && scopes.all(|scope| baseline.approves_scope(client, scope))
        }
        _ => false,
    }
}

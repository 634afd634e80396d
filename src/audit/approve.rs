//! Applies the approvals of the baseline: an open finding on a dangerous scope, permission or combination becomes approved.
//!
//! The baseline approves no other findings: a password grant that it contains is still open, and drift is never approved. An
//! approval covers only the effect that the grant had at that time. If a client-credentials client becomes a user-grant client, its
//! scopes are no longer approved. An approval under a condition or in one division does not cover the permission without the
//! condition or in another division.

use super::finding::{About, Status};
use super::rules::{Context, TOXIC_SCOPES};
use crate::baseline::Baseline;
use crate::domain::{Client, Privilege};

/// Whether the finding is open and the baseline approves it. Exemptions are applied afterwards.
pub(super) fn approves(context: &Context<'_>, finding: &About) -> bool {
    let Some(baseline) = context.baseline else { return false };
    let approvable =
        finding.status == Status::Open && (finding.dangerous.is_some() || finding.rule.slug == TOXIC_SCOPES);
    context.client().filter(|_| approvable).is_some_and(|client| covers(baseline, client, finding))
}

fn covers(baseline: &Baseline, client: &Client, finding: &About) -> bool {
    let privilege = finding.dangerous.as_ref().map(|dangerous| &dangerous.privilege);
    match (privilege, &finding.evidence.permission) {
        (Some(Privilege::Scope(scope)), _) => baseline.approves_scope(client, scope),
        (Some(Privilege::Permission(_)), Some(granted)) => {
            baseline.approves_permission(client, &granted.name, granted.division.as_ref(), granted.conditional)
        }
        _ if finding.rule.slug == TOXIC_SCOPES => {
            // A word that is not a scope is never approved, so a finding with an unexpected key stays open.
            let mut scopes = finding.evidence.key.split([' ', ',', '+']).filter(|scope| !scope.is_empty()).peekable();
            scopes.peek().is_some() && scopes.all(|scope| baseline.approves_scope(client, scope))
        }
        _ => false,
    }
}

//! What the baseline approves: an open finding on a dangerous scope, permission or combination becomes approved.
//!
//! Nothing else is touched: a password grant in the baseline is still open, and drift is what the baseline does not have.

use super::rules::{Context, DANGEROUS_PERMISSION, DANGEROUS_SCOPE, TOXIC_SCOPES};
use super::{Evidence, Finding, Status};
use crate::baseline::Baseline;
use crate::domain::Client;

/// Runs after the rules and before the exemptions.
pub(super) fn approve(context: &Context<'_>, findings: &mut [Finding]) {
    let Some(baseline) = context.baseline else { return };
    for finding in findings.iter_mut().filter(|finding| finding.status == Status::Open) {
        let Some(client) = finding.client.as_ref().and_then(|id| context.snapshot.client(id)) else { continue };
        if approves(baseline, client, finding.rule.slug, &finding.evidence) {
            finding.status = Status::Approved;
        }
    }
}

fn approves(baseline: &Baseline, client: &Client, rule: &str, evidence: &Evidence) -> bool {
    match (rule, &evidence.permission) {
        (DANGEROUS_SCOPE, _) => baseline.approves_scope(client, &evidence.key),
        (DANGEROUS_PERMISSION, Some(granted)) => {
            baseline.approves_permission(client, &granted.name, granted.division.as_ref(), granted.conditional)
        }
        (TOXIC_SCOPES, _) => {
            // Words that are no scopes are approved by nothing, so that an unexpected key stays open.
            let mut scopes = evidence.key.split([' ', ',', '+']).filter(|scope| !scope.is_empty()).peekable();
            scopes.peek().is_some() && scopes.all(|scope| baseline.approves_scope(client, scope))
        }
        _ => false,
    }
}

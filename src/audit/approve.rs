//! What the baseline approves: an open finding on a dangerous scope, permission or combination becomes approved.
//!
//! Nothing else is touched: a password grant in the baseline is still open, and drift is what the baseline does not have.

use super::rules::{Context, DANGEROUS_PERMISSION, DANGEROUS_SCOPE, TOXIC_SCOPES};
use super::{Finding, Status};
use crate::baseline::Baseline;
use crate::domain::{Client, Snapshot};

/// Runs after the rules and before the exemptions.
pub(super) fn approve(context: &Context<'_>, findings: &mut [Finding]) {
    let Some(baseline) = context.baseline else { return };
    for finding in findings.iter_mut().filter(|finding| finding.status == Status::Open) {
        let Some(client) = finding.client.as_ref().and_then(|id| context.snapshot.client(id)) else { continue };
        if approves(baseline, context.snapshot, client, finding) {
            finding.status = Status::Approved;
        }
    }
}

fn approves(baseline: &Baseline, snapshot: &Snapshot, client: &Client, finding: &Finding) -> bool {
    let key = finding.evidence.key.as_str();
    match finding.rule.slug {
        DANGEROUS_SCOPE => baseline.approves_scope(client, key),
        DANGEROUS_PERMISSION => baseline.approves_permission(client, key, !holds_freely(snapshot, client, key)),
        TOXIC_SCOPES => {
            // Words that are no scopes are approved by nothing, so that an unexpected key stays open.
            let mut scopes = key.split([' ', ',', '+']).filter(|scope| !scope.is_empty()).peekable();
            scopes.peek().is_some() && scopes.all(|scope| baseline.approves_scope(client, scope))
        }
        _ => false,
    }
}

/// Whether one of the client's roles grants exactly that permission without a condition.
fn holds_freely(snapshot: &Snapshot, client: &Client, permission: &str) -> bool {
    let Some(roles) = snapshot.roles.read() else { return true };
    let permissions = client.role_grants.iter().filter_map(|grant| roles.get(&grant.role));
    permissions.flat_map(|role| &role.permissions).any(|held| !held.conditional && held.to_string() == permission)
}

//! Rules on the scopes of clients whose tokens they bound.
//!
//! Roles and permissions are judged elsewhere: scopes have no effect on client credentials
//! ("Scopes only apply to clients not using the `client_credential` grant", Python SDK, `OAuthClient.md`).

use super::{AppliesTo, Confidence, Context, DANGEROUS_SCOPE, Rule, configured_severity};
use crate::audit::{Evidence, Finding, Kind, Status};
use crate::domain::{Client, Collector, Severity};
use crate::policy::Policy;

pub(super) static DANGEROUS: Rule = Rule {
    slug: DANGEROUS_SCOPE,
    title: "Dangerous scope",
    severity: Severity::High,
    confidence: Confidence::Certain,
    applies_to: AppliesTo::Scoped,
    needs: &[Collector::Clients],
    why: "A token of this client can use the scope with all the power of whichever user signs in. \
          Scopes are listed at https://help.mypurecloud.com/articles/introduction-to-scopes/.",
    traps: "users:readonly is not users; scopes of client-credentials clients have no effect.",
    remediation: "Take the scope from the client, or replace it by its :readonly form. Where it is needed, approve it.",
    severities: dangerous_severities,
    check: dangerous,
};

pub(super) static MISSING_REQUIRED: Rule = Rule {
    slug: "missing-required-scope",
    title: "Required scope missing",
    severity: Severity::Low,
    confidence: Confidence::Certain,
    applies_to: AppliesTo::Scoped,
    needs: &[Collector::Clients],
    why: "The policy expects this client to hold the scope; without it the integration fails where it is used.",
    traps: "x satisfies x:readonly unless the policy says exact = true.",
    remediation: "Add the scope to the client, or take it from the policy's expectation.",
    severities: one_severity,
    check: missing_required,
};

fn dangerous(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in judged(context) {
        for scope in &client.scopes {
            let Some(pattern) = context.dangerous.get(scope.position()).copied().flatten() else { continue };
            let name = context.snapshot.scopes.name(*scope);
            findings.push(Finding {
                rule: &DANGEROUS,
                client: Some(client.id.clone()),
                severity: pattern.severity,
                status: Status::Open,
                evidence: Evidence::scope(name),
                pattern: Some(pattern.pattern.to_string()),
                reason: pattern.reason.clone(),
            });
        }
    }
}

fn missing_required(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let severity = configured_severity(&MISSING_REQUIRED, context.policy);
    for client in judged(context) {
        let held: Vec<&str> = client.scopes.iter().map(|scope| context.snapshot.scopes.name(*scope)).collect();
        let mut missing: Vec<&str> = context
            .policy
            .required_scopes(client)
            .filter(|required| !held.iter().any(|held| satisfies(held, required, context.policy.scopes.exact)))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        findings.extend(missing.into_iter().map(|scope| Finding {
            rule: &MISSING_REQUIRED,
            client: Some(client.id.clone()),
            severity,
            status: Status::Open,
            evidence: Evidence::new(Kind::MissingScope, scope, format!("lacks the scope {scope}")),
            pattern: None,
            reason: "The policy requires it of this client.".to_owned(),
        }));
    }
}

/// The clients whose scopes count under this policy.
fn judged<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a Client> {
    let judge = context.policy.scopes.judge;
    context.snapshot.clients.iter().filter(move |client| AppliesTo::Scoped.covers(client.grant_type, judge))
}

/// Whether a held scope does what the required one asks: `x` includes `x:readonly`.
fn satisfies(held: &str, required: &str, exact: bool) -> bool {
    held == required || (!exact && required.strip_suffix(":readonly") == Some(held))
}

fn dangerous_severities(_rule: &Rule, policy: &Policy) -> Vec<Severity> {
    let patterns = &policy.scopes.dangerous;
    Severity::ALL.into_iter().filter(|severity| patterns.iter().any(|p| p.severity == *severity)).collect()
}

fn one_severity(rule: &Rule, policy: &Policy) -> Vec<Severity> {
    vec![configured_severity(rule, policy)]
}

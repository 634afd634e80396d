//! Rules on what scopes permit, for clients whose tokens are limited by scopes.
//!
//! Rules on untidy lists of scopes are in `scope_hygiene`. Scopes have no effect on client-credentials clients ("Scopes only
//! apply to clients not using the `client_credential` grant", Python SDK, `OAuthClient.md`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::{Context, holds};
use crate::audit::finding::{About, DangerousPrivilege, Evidence, Kind};
use crate::audit::rule::{AppliesTo, BASE, DANGEROUS_SCOPE, Rule, TOXIC_SCOPES, any_of};
use crate::audit::sink::Sink;
use crate::domain::{Client, ClientField, Collector, Privilege, Severity};

const SCOPES: &str = "https://help.mypurecloud.com/articles/introduction-to-scopes/";

pub(super) static DANGEROUS: Rule = Rule {
    slug: DANGEROUS_SCOPE,
    title: "Dangerous scope",
    severity: Severity::High,
    severity_note: "set by the policy's pattern",
    applies_to: AppliesTo::Scoped,
    reads: &[ClientField::GrantType, ClientField::Scopes],
    why: "With a token of this client, an attacker can use the scope with all permissions of the user who signed in.",
    reference: SCOPES,
    traps: "users:readonly is not users. Scopes of client-credentials clients have no effect.",
    remediation: "Remove the scope from the client, or replace it with its :readonly form. If the client needs it, approve it.",
    severities: |rule, policy| any_of(rule, policy, policy.scopes.dangerous.iter().map(|pattern| pattern.severity)),
    ..BASE
};

pub(super) static MISSING_REQUIRED: Rule = Rule {
    slug: "missing-required-scope",
    title: "Missing required scope",
    severity: Severity::Low,
    applies_to: AppliesTo::Scoped,
    reads: &[ClientField::GrantType, ClientField::Scopes],
    why: "The policy expects this client to hold the scope. Without it, the integration's calls that need the scope fail.",
    reference: SCOPES,
    traps: "The rule finds nothing unless the policy requires scopes. x satisfies x:readonly unless the policy says exact = true.",
    remediation: "Add the scope to the client, or remove it from required_scopes in the policy.",
    ..BASE
};

pub(super) static ALL_SCOPES: Rule = Rule {
    slug: "all-scopes",
    title: "Nearly all scopes",
    severity: Severity::High,
    applies_to: AppliesTo::Scoped,
    needs: &[Collector::Clients, Collector::Scopes],
    reads: &[ClientField::GrantType, ClientField::Scopes],
    why: "The client may use nearly all of the platform: its scopes do not limit what a stolen token can do.",
    reference: SCOPES,
    traps: "x also counts as x:readonly, because it includes it. Scopes that are not in the platform's registry do not count.",
    remediation: "Find out which calls the client makes, and leave it only the scopes that these calls need.",
    ..BASE
};

pub(super) static TOXIC: Rule = Rule {
    slug: TOXIC_SCOPES,
    title: "Dangerous combination of scopes",
    severity: Severity::Critical,
    applies_to: AppliesTo::Scoped,
    reads: &[ClientField::GrantType, ClientField::Scopes],
    why: "Together, the scopes permit what none of them permits alone.",
    reference: SCOPES,
    traps: "The :readonly form of a scope does not complete a combination that names the scope itself.",
    remediation: "Split the client in two, so that no token has all of the scopes.",
    ..BASE
};

pub(super) fn dangerous(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&DANGEROUS) {
        for scope in &client.scopes {
            let Some(pattern) = context.dangerous_scope(*scope) else { continue };
            let name = context.snapshot.scopes.name(*scope);
            findings.push(About {
                pattern: Some(pattern.pattern.to_string().into()),
                reason: pattern.reason.clone(),
                dangerous: Some(DangerousPrivilege {
                    privilege: Privilege::Scope(name.into()),
                    role: None,
                    labels: Arc::new([name.to_owned().into()]),
                }),
                ..context.finding_at(&DANGEROUS, pattern.severity, Evidence::scope(name))
            });
        }
    }
}

pub(super) fn missing_required(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered_without_gap(&MISSING_REQUIRED) {
        let required: BTreeSet<&str> = context.policy.required_scopes(client).collect();
        if required.is_empty() {
            return;
        }
        for scope in required.into_iter().filter(|required| !satisfies(context, client, required)) {
            let evidence = Evidence::new(Kind::MissingScope, scope, format!("lacks the scope {scope}"));
            findings.push(About {
                reason: "The policy requires the scope for this client.".into(),
                ..context.finding(&MISSING_REQUIRED, evidence)
            });
        }
    }
}

pub(super) fn all_scopes(context: &Context<'_>, findings: &mut Sink<'_>) {
    let Some(registry) = context.snapshot.registry.read().filter(|registry| !registry.is_empty()) else { return };
    let percent = context.policy.scopes.all_scopes_percent;
    if let Some(client) = context.covered(&ALL_SCOPES) {
        let permitted: usize = client
            .scopes
            .iter()
            .filter_map(|scope| context.facts_on(*scope))
            .map(|facts| {
                // `x` includes `x:readonly`, which counts only once.
                let implied =
                    facts.readonly_is_registered && !facts.readonly.is_some_and(|readonly| holds(client, readonly));
                usize::from(facts.is_registered) + usize::from(implied)
            })
            .sum();
        let over_cap = context.policy.scopes.all_scopes_cap.is_some_and(|cap| client.scopes.len() > cap);
        if over_cap || permitted * 100 >= registry.len() * percent as usize {
            let text = format!("may use {permitted} of the platform's {} scopes", registry.len());
            findings.push(context.finding(&ALL_SCOPES, Evidence::new(Kind::Client, "", text)));
        }
    }
}

pub(super) fn toxic(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&TOXIC) {
        let mut told = BTreeSet::new();
        for combination in &context.policy.scopes.toxic {
            let scopes: BTreeSet<&str> = combination.scopes.iter().map(String::as_str).collect();
            // Sorted, so that the fingerprint does not depend on the order in the policy.
            let key = scopes.iter().copied().collect::<Vec<_>>().join("+");
            let met = !scopes.is_empty() && scopes.iter().all(|scope| context.holds(client, scope));
            if met && told.insert(key.clone()) {
                let text = format!("holds the scopes {} together", scopes.into_iter().collect::<Vec<_>>().join(", "));
                findings.push(About {
                    pattern: Some((&key).into()),
                    reason: combination.reason.clone(),
                    ..context.finding(&TOXIC, Evidence::new(Kind::Scopes, key, text))
                });
            }
        }
    }
}

/// Whether the client's scopes satisfy the required one: `x` includes `x:readonly`, unless the policy says `exact`.
fn satisfies(context: &Context<'_>, client: &Client, required: &str) -> bool {
    let base = required.strip_suffix(":readonly").filter(|_| !context.policy.scopes.exact);
    context.holds(client, required) || base.is_some_and(|base| context.holds(client, base))
}

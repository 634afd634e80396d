//! Rules on lists of scopes that mislead a reader: unknown, absent, redundant or without effect.
//!
//! Rules on what scopes permit are in `scopes`.

use super::context::{Context, MOST_NAMES, holds};
use crate::audit::finding::{Evidence, Kind};
use crate::audit::rule::{AppliesTo, BASE, Rule};
use crate::audit::sink::Sink;
use crate::domain::{ClientField, Collector, ScopeIndex, Severity};
use crate::text::listed;

const SCOPES: &str = "https://help.mypurecloud.com/articles/introduction-to-scopes/";
const ENFORCEMENT: &str = "https://help.mypurecloud.com/articles/enabling-oauth-scope-enforcement/";

pub(super) static UNKNOWN: Rule = Rule {
    slug: "unknown-scope",
    title: "Unknown scope",
    severity: Severity::Low,
    applies_to: AppliesTo::Scoped,
    needs: &[Collector::Clients, Collector::Scopes],
    reads: &[ClientField::GrantType, ClientField::Scopes],
    why: "The platform's registry has no such scope. It is misspelt or retired, and what it permits is unknown.",
    reference: SCOPES,
    traps: "If a client lists ids instead of names, the exporter looks them up in the registry first.",
    remediation: "Remove the scope from the client, or correct its spelling to that of the registry.",
    ..BASE
};

pub(super) static NO_SCOPES: Rule = Rule {
    slug: "no-scopes",
    title: "No scopes",
    severity: Severity::Medium,
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType, ClientField::Scopes],
    why: "Without scope enforcement, which is off by default, a client without scopes may do everything that the user who signs in may do.",
    reference: ENFORCEMENT,
    traps: "Not applicable if the policy attests that scopes are enforced: a client without scopes may then do nothing.",
    remediation: "Give the client the scopes that it needs, and turn scope enforcement on.",
    ..BASE
};

pub(super) static INEFFECTIVE: Rule = Rule {
    slug: "ineffective-scopes",
    title: "Scopes without effect",
    severity: Severity::Info,
    applies_to: AppliesTo::ClientCredentials,
    reads: &[ClientField::GrantType, ClientField::Scopes],
    why: "Scopes have no effect on client-credentials clients: roles and divisions decide what they may do. The list misleads its readers.",
    reference: "Python SDK, OAuthClient.md: \"Scopes only apply to clients not using the client_credential grant\"",
    traps: "Even dangerous scopes permit nothing here.",
    remediation: "Remove the scopes from the client.",
    ..BASE
};

pub(super) static REDUNDANT: Rule = Rule {
    slug: "redundant-scope",
    title: "Redundant scope",
    severity: Severity::Info,
    applies_to: AppliesTo::Scoped,
    reads: &[ClientField::GrantType, ClientField::Scopes],
    why: "The client holds a :readonly scope and also the scope that includes it. A reader may take the client for read-only.",
    reference: SCOPES,
    traps: "The rule finds only x together with x:readonly, not two areas that overlap.",
    remediation: "Remove x if reading is enough for the client. Otherwise remove x:readonly.",
    ..BASE
};

pub(super) fn unknown_does_not_apply(context: &Context<'_>) -> Option<&'static str> {
    let empty = context.snapshot.registry.read().is_some_and(|registry| registry.is_empty());
    empty.then_some("the platform's registry of scopes is empty")
}

pub(super) fn no_scopes_does_not_apply(context: &Context<'_>) -> Option<&'static str> {
    let enforced = context.policy.org.scope_enforcement == Some(true);
    enforced.then_some("the policy attests that scopes are enforced, so a client without scopes may do nothing")
}

pub(super) fn unknown(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&UNKNOWN) {
        let is_unknown = |scope: &&ScopeIndex| context.facts_on(**scope).is_some_and(|facts| !facts.is_registered);
        for scope in client.scopes.iter().filter(is_unknown).map(|scope| context.scope_name(*scope)) {
            let text = format!("holds the scope {scope}, which is not in the platform's registry");
            findings.push(context.finding(&UNKNOWN, Evidence::new(Kind::Scope, scope, text)));
        }
    }
}

pub(super) fn no_scopes(context: &Context<'_>, findings: &mut Sink<'_>) {
    if context.covered_without_gap(&NO_SCOPES).is_some_and(|client| client.scopes.is_empty()) {
        let evidence = Evidence::new(Kind::Client, "", "acts for users and holds no scopes");
        findings.push(context.finding(&NO_SCOPES, evidence));
    }
}

pub(super) fn ineffective(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&INEFFECTIVE).filter(|client| !client.scopes.is_empty()) {
        let mut scopes: Vec<&str> = client.scopes.iter().map(|scope| context.scope_name(*scope)).collect();
        scopes.sort_unstable();
        let scopes = listed(scopes.into_iter(), MOST_NAMES);
        let evidence = Evidence::new(Kind::Client, "", format!("holds scopes that have no effect: {scopes}"));
        findings.push(context.finding(&INEFFECTIVE, evidence));
    }
}

pub(super) fn redundant(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&REDUNDANT) {
        for scope in &client.scopes {
            let base = context.facts_on(*scope).and_then(|facts| facts.base).filter(|base| holds(client, *base));
            if let Some(base) = base {
                let (scope, base) = (context.scope_name(*scope), context.scope_name(base));
                let text = format!("holds the scope {scope} and also {base}, which includes it");
                findings.push(context.finding(&REDUNDANT, Evidence::new(Kind::Scope, scope, text)));
            }
        }
    }
}

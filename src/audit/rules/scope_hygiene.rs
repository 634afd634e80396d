//! Rules on lists of scopes that do not say what somebody meant.
//!
//! What scopes permit is `scopes`'s.

use super::{AppliesTo, BASE, Context, Rule};
use crate::audit::{Evidence, Finding, Kind};
use crate::domain::{Collector, Severity};

const SCOPES: &str = "https://help.mypurecloud.com/articles/introduction-to-scopes/";
const ENFORCEMENT: &str = "https://help.mypurecloud.com/articles/enabling-oauth-scope-enforcement/";

pub(super) static UNKNOWN: Rule = Rule {
    slug: "unknown-scope",
    title: "Unknown scope",
    severity: Severity::Low,
    applies_to: AppliesTo::Scoped,
    needs: &[Collector::Clients, Collector::Scopes],
    why: "The platform's registry has no such scope: it is misspelt, or was retired, and nobody knows what it permits.",
    reference: SCOPES,
    traps: "Opaque ids in a client's list are looked up in the registry first.",
    remediation: "Take the scope from the client, or spell it as the registry does.",
    not_applicable: |context| {
        let empty = context.snapshot.registry.read().is_some_and(std::collections::BTreeMap::is_empty);
        empty.then_some("the platform's registry of scopes is empty")
    },
    check: unknown,
    ..BASE
};

pub(super) static NO_SCOPES: Rule = Rule {
    slug: "no-scopes",
    title: "No scopes",
    severity: Severity::Medium,
    applies_to: AppliesTo::UserGrant,
    why: "Without scope enforcement, which is off by default, a client without scopes has the whole power of whichever user signs in.",
    reference: ENFORCEMENT,
    traps: "Not judged where the policy attests that scopes are enforced: then no scope is no power.",
    remediation: "Give the client the scopes that it needs, and switch scope enforcement on.",
    not_applicable: |context| {
        let enforced = context.policy.org.scope_enforcement == Some(true);
        enforced.then_some("the policy attests that scopes are enforced: a client without scopes may do nothing")
    },
    check: no_scopes,
    ..BASE
};

pub(super) static INEFFECTIVE: Rule = Rule {
    slug: "ineffective-scopes",
    title: "Scopes without effect",
    severity: Severity::Info,
    applies_to: AppliesTo::ClientCredentials,
    why: "Scopes have no effect on client credentials: roles and divisions decide, so that the list misleads whoever reads it.",
    reference: "Python SDK, OAuthClient.md: \"Scopes only apply to clients not using the client_credential grant\"",
    traps: "However dangerous the scopes are: they permit nothing here.",
    remediation: "Remove the scopes from the client.",
    check: ineffective,
    ..BASE
};

pub(super) static REDUNDANT: Rule = Rule {
    slug: "redundant-scope",
    title: "Redundant scope",
    severity: Severity::Info,
    applies_to: AppliesTo::Scoped,
    why: "The client holds the read-only scope beside the one that includes it; whoever reads the list may take it for read-only.",
    reference: SCOPES,
    traps: "Only x beside x:readonly, not two areas that overlap.",
    remediation: "Remove the scope without :readonly where reading is enough, else the one with it.",
    check: redundant,
    ..BASE
};

fn unknown(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(registry) = context.snapshot.registry.read() else { return };
    for client in context.covered(&UNKNOWN) {
        for scope in context.scopes_of(client).into_iter().filter(|scope| !registry.contains_key(*scope)) {
            let text = format!("holds {scope}, which the platform's registry does not have");
            findings.push(context.finding(&UNKNOWN, client, Evidence::new(Kind::Scope, scope, text)));
        }
    }
}

fn no_scopes(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&NO_SCOPES).filter(|client| client.scopes.is_empty()) {
        let evidence = Evidence::new(Kind::Client, "", "acts for users and holds no scope");
        findings.push(context.finding(&NO_SCOPES, client, evidence));
    }
}

fn ineffective(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&INEFFECTIVE).filter(|client| !client.scopes.is_empty()) {
        let scopes = context.scopes_of(client).into_iter().collect::<Vec<_>>().join(", ");
        let evidence = Evidence::new(Kind::Client, "", format!("holds scopes that have no effect: {scopes}"));
        findings.push(context.finding(&INEFFECTIVE, client, evidence));
    }
}

fn redundant(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&REDUNDANT) {
        let held = context.scopes_of(client);
        for scope in &held {
            if let Some(base) = scope.strip_suffix(":readonly").filter(|base| held.contains(base)) {
                let text = format!("holds {scope} beside {base}, which includes it");
                findings.push(context.finding(&REDUNDANT, client, Evidence::new(Kind::Scope, *scope, text)));
            }
        }
    }
}

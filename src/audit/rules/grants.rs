//! Rules on how clients obtain tokens.
//!
//! Rules on what the tokens permit are in `scopes` and `permissions`.

use super::context::{Context, MOST_NAMES};
use crate::audit::finding::{Evidence, Kind};
use crate::audit::rule::{AppliesTo, BASE, Rule, any_of};
use crate::audit::sink::Sink;
use crate::domain::{Client, ClientField, GrantType, Severity, Timestamp};
use crate::text::{SharedText, listed};

/// 2027-03-31T00:00:00Z. The implicit grant stops working by the end of March 2027; since March 2026, new clients cannot
/// choose it (vendor's announcement, community.genesys.com, "Migrating from implicit grant").
const IMPLICIT_GRANT_ENDS: Timestamp = Timestamp::from_seconds(1_806_451_200);
/// How long before its end the implicit grant becomes critical, in seconds.
const IMPLICIT_GRANT_CRITICAL: i64 = 90 * 86_400;

pub(super) static IMPLICIT: Rule = Rule {
    slug: "implicit-grant",
    title: "Implicit grant",
    severity: Severity::High,
    severity_note: "critical from 90 days before the grant ends on 2027-03-31",
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType],
    why: "The platform passes the token in the address of a page, where scripts, browser histories and logs can read it. The grant stops working on 2027-03-31.",
    reference: "RFC 9700 section 2.1.2; community.genesys.com, \"Migrating from implicit grant\"",
    traps: "The platform calls this grant type TOKEN.",
    remediation: "Move the application to the authorization code grant with PKCE.",
    severities: |rule, policy| any_of(rule, policy, [Severity::Critical, Severity::High]),
    ..BASE
};

pub(super) static PASSWORD: Rule = Rule {
    slug: "password-grant",
    title: "Password grant",
    severity: Severity::Critical,
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType],
    why: "The application sees the users' passwords, and neither single sign-on nor a second factor protects the accounts.",
    reference: "RFC 9700 section 2.4: \"MUST NOT be used\"",
    traps: "A baseline cannot approve this finding; an exemption can cover it.",
    remediation: "Move the application to the authorization code grant, or to client credentials if no user is involved.",
    ..BASE
};

pub(super) static UNKNOWN: Rule = Rule {
    slug: "unknown-grant",
    title: "Unknown grant type",
    severity: Severity::Medium,
    applies_to: AppliesTo::Every,
    reads: &[ClientField::GrantType],
    why: "The exporter does not know what tokens of this grant type may do. It evaluates the client by its scopes and also by its roles.",
    reference: "Python SDK, models/o_auth_client.py, authorized_grant_type",
    traps: "Old and new spellings of known grant types (CLIENT_CREDENTIALS, SAML2BEARER) do not count as unknown.",
    remediation: "Look up the grant type in the vendor's documentation, and update the exporter.",
    ..BASE
};

pub(super) static FORBIDDEN: Rule = Rule {
    slug: "forbidden-grant",
    title: "Grant type not allowed by the policy",
    severity: Severity::High,
    reads: &[ClientField::GrantType],
    why: "The policy allows only other grant types for this client.",
    reference: "the policy, [[expect]] allowed_grants",
    traps: "The rule finds nothing unless the policy has allowed_grants in an [[expect]] entry that selects the client.",
    remediation: "Create the client again with an allowed grant type, or extend allowed_grants in the policy.",
    ..BASE
};

pub(super) static INEFFECTIVE_REDIRECTS: Rule = Rule {
    slug: "ineffective-redirects",
    title: "Redirect URIs without effect",
    severity: Severity::Info,
    applies_to: AppliesTo::ClientCredentials,
    reads: &[ClientField::GrantType, ClientField::RedirectUris],
    why: "Client-credentials clients are never redirected. The list misleads its readers, and takes effect if the grant type changes.",
    reference: "RFC 6749 section 4.4",
    traps: "Nothing is sent to these URIs, however suspicious they look.",
    remediation: "Remove the redirect URIs from the client.",
    ..BASE
};

pub(super) fn implicit(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = of_grant(context, &IMPLICIT, GrantType::Implicit) {
        let critical = Timestamp::from_seconds(IMPLICIT_GRANT_ENDS.seconds() - IMPLICIT_GRANT_CRITICAL);
        let severity = if context.clock.has_reached(critical) { Severity::Critical } else { Severity::High };
        findings.push(context.finding_at(&IMPLICIT, severity, by_grant(client, "uses the implicit grant")));
    }
}

pub(super) fn password(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = of_grant(context, &PASSWORD, GrantType::Password) {
        findings.push(context.finding(&PASSWORD, by_grant(client, "uses the password grant")));
    }
}

pub(super) fn unknown(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered_without_gap(&UNKNOWN).filter(|client| client.grant_type == GrantType::Other) {
        let text = match &*client.grant_type_spelling {
            "" => "has no grant type".to_owned(),
            spelling => format!("has the grant type {spelling}"),
        };
        findings.push(context.finding(&UNKNOWN, by_grant(client, text)));
    }
}

pub(super) fn forbidden(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered_without_gap(&FORBIDDEN)
        && context.policy.allowed_grants(client).any(|allowed| !allowed.contains(&client.grant_type))
    {
        let text = format!("uses the grant type {}", client.grant_type.label());
        findings.push(context.finding(&FORBIDDEN, by_grant(client, text)));
    }
}

pub(super) fn ineffective_redirects(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&INEFFECTIVE_REDIRECTS).filter(|client| !client.redirect_uris.is_empty()) {
        let text = format!(
            "has redirect URIs that have no effect: {}",
            listed(client.redirect_uris.iter().map(|uri| &**uri), MOST_NAMES)
        );
        findings.push(context.finding(&INEFFECTIVE_REDIRECTS, Evidence::new(Kind::Client, "", text)));
    }
}

fn of_grant<'a>(context: &Context<'a>, rule: &Rule, grant: GrantType) -> Option<&'a Client> {
    context.covered(rule).filter(|client| client.grant_type == grant)
}

/// The grant type as evidence. The platform's spelling is part of the key only if the grant type is unknown: another
/// spelling of a known one is the same finding.
fn by_grant(client: &Client, text: impl Into<SharedText>) -> Evidence {
    let key = match client.grant_type {
        GrantType::Other => client.grant_type_spelling.to_ascii_uppercase().replace(['-', '_'], ""),
        known => known.label().to_owned(),
    };
    Evidence::new(Kind::GrantType, key, text)
}

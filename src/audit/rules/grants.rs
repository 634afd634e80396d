//! Rules on how clients obtain tokens.
//!
//! What the tokens permit is judged by scopes and roles.

use super::{AppliesTo, BASE, Context, Rule, any_of};
use crate::audit::{Evidence, Finding, Kind};
use crate::domain::{Client, GrantType, Severity, Timestamp};

/// 2027-03-31T00:00:00Z: by the end of March 2027 the implicit grant no longer works; new clients cannot choose it since
/// March 2026 (vendor's announcement, community.genesys.com, "Migrating from implicit grant").
const IMPLICIT_GRANT_ENDS: Timestamp = Timestamp::from_seconds(1_806_451_200);
/// From so long before its end on the implicit grant is critical.
const IMPLICIT_GRANT_CRITICAL: i64 = 90 * 86_400;

pub(super) static IMPLICIT: Rule = Rule {
    slug: "implicit-grant",
    title: "Implicit grant",
    severity: Severity::High,
    severity_note: "critical from 90 days before the grant's end on 2027-03-31",
    applies_to: AppliesTo::UserGrant,
    why: "Tokens are handed over in the address of a page, where scripts, histories and logs see them, and the grant ends on 2027-03-31.",
    reference: "RFC 9700 section 2.1.2; community.genesys.com, \"Migrating from implicit grant\"",
    traps: "The platform calls the grant TOKEN.",
    remediation: "Move the application to the authorization code grant with PKCE.",
    severities: |rule, policy| any_of(rule, policy, [Severity::Critical, Severity::High]),
    check: implicit,
    ..BASE
};

pub(super) static PASSWORD: Rule = Rule {
    slug: "password-grant",
    title: "Password grant",
    severity: Severity::Critical,
    applies_to: AppliesTo::UserGrant,
    why: "The application sees people's passwords, and neither single sign-on nor a second factor protects them.",
    reference: "RFC 9700 section 2.4: \"MUST NOT be used\"",
    traps: "A baseline does not approve it; an exemption can.",
    remediation: "Move the application to the authorization code grant, or to client credentials where no user is there.",
    check: password,
    ..BASE
};

pub(super) static UNKNOWN: Rule = Rule {
    slug: "unknown-grant",
    title: "Unknown grant type",
    severity: Severity::Medium,
    applies_to: AppliesTo::Every,
    why: "Nobody here knows what tokens of this grant may do: the client is judged by its scopes and by its roles.",
    reference: "Python SDK, models/o_auth_client.py, authorized_grant_type",
    traps: "Old and new spellings (CLIENT_CREDENTIALS, SAML2BEARER) are known.",
    remediation: "Look the grant type up in the vendor's documentation, and update the exporter.",
    check: unknown,
    ..BASE
};

pub(super) static FORBIDDEN: Rule = Rule {
    slug: "forbidden-grant",
    title: "Grant type that the policy does not allow",
    severity: Severity::High,
    why: "The policy allows this client other grant types only.",
    reference: "the policy, [[expect]] allowed_grants",
    traps: "Silent unless the policy says allowed_grants for a selector that picks the client.",
    remediation: "Make the client anew with an allowed grant type, or widen the policy's expectation.",
    check: forbidden,
    ..BASE
};

pub(super) static INEFFECTIVE_REDIRECTS: Rule = Rule {
    slug: "ineffective-redirects",
    title: "Redirect URIs without effect",
    severity: Severity::Info,
    applies_to: AppliesTo::ClientCredentials,
    why: "Client credentials are never redirected; the list misleads, and takes effect when the grant type changes.",
    reference: "RFC 6749 section 4.4",
    traps: "However odd the URIs are: nothing is sent to them.",
    remediation: "Remove the redirect URIs from the client.",
    check: ineffective_redirects,
    ..BASE
};

fn implicit(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let soon = context.now.seconds() >= IMPLICIT_GRANT_ENDS.seconds() - IMPLICIT_GRANT_CRITICAL;
    let severity = if soon { Severity::Critical } else { Severity::High };
    for client in of_grant(context, &IMPLICIT, GrantType::Implicit) {
        findings.push(context.finding_at(&IMPLICIT, severity, client, by_grant(client, "uses the implicit grant")));
    }
}

fn password(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in of_grant(context, &PASSWORD, GrantType::Password) {
        findings.push(context.finding(&PASSWORD, client, by_grant(client, "uses the password grant")));
    }
}

fn unknown(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in of_grant(context, &UNKNOWN, GrantType::Other) {
        let text = match &*client.grant_type_spelling {
            "" => "has no grant type".to_owned(),
            spelling => format!("has the grant type {spelling}"),
        };
        findings.push(context.finding(&UNKNOWN, client, by_grant(client, &text)));
    }
}

fn forbidden(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&FORBIDDEN) {
        if context.policy.allowed_grants(client).any(|allowed| !allowed.contains(&client.grant_type)) {
            let text = format!("uses the grant type {}", client.grant_type.label());
            findings.push(context.finding(&FORBIDDEN, client, by_grant(client, &text)));
        }
    }
}

fn ineffective_redirects(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&INEFFECTIVE_REDIRECTS).filter(|client| !client.redirect_uris.is_empty()) {
        let text = format!("has redirect URIs that have no effect: {}", client.redirect_uris.join(", "));
        findings.push(context.finding(&INEFFECTIVE_REDIRECTS, client, Evidence::new(Kind::Client, "", text)));
    }
}

fn of_grant<'a>(context: &Context<'a>, rule: &Rule, grant: GrantType) -> impl Iterator<Item = &'a Client> + use<'a> {
    context.covered(rule).filter(move |client| client.grant_type == grant)
}

/// The grant type as evidence: its spelling identifies nothing, unless nobody knows it.
fn by_grant(client: &Client, text: &str) -> Evidence {
    let key = match client.grant_type {
        GrantType::Other => client.grant_type_spelling.to_ascii_uppercase().replace(['-', '_'], ""),
        known => known.label().to_owned(),
    };
    Evidence::new(Kind::GrantType, key, text)
}

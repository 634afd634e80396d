//! Rules on where codes and tokens may be sent.
//!
//! `redirect_uri` parses the URIs.

use std::collections::BTreeSet;

use super::context::{Context, SuspectUris};
use super::redirect_uri::{Opened, RedirectUri, Wildcard};
use crate::audit::finding::{About, Evidence, Kind};
use crate::audit::rule::{AppliesTo, BASE, Confidence, Rule, any_of};
use crate::audit::sink::Sink;
use crate::domain::{Client, ClientField, Severity};
use crate::policy::{NamePattern, Policy};
use crate::text::is_masked;

const BEST_PRACTICE: &str = "RFC 9700 section 4.1: redirect URIs are compared exactly and use https";

pub(super) static INSECURE: Rule = Rule {
    slug: "insecure-redirect",
    title: "Redirect over http",
    severity: Severity::High,
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType, ClientField::RedirectUris],
    why: "Codes and tokens are sent unencrypted. Anybody on the network path can read and use them.",
    reference: BEST_PRACTICE,
    traps: "http to localhost, 127.0.0.0/8 or [::1] never leaves the machine.",
    remediation: "Register the https address, and remove the http address.",
    ..BASE
};

pub(super) static WILDCARD: Rule = Rule {
    slug: "wildcard-redirect",
    title: "Wildcard in a redirect URI",
    severity: Severity::High,
    severity_note: "critical if the wildcard is in the host, port or userinfo",
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType, ClientField::RedirectUris],
    why: "The pattern can match an address that an attacker controls, such as a forgotten subdomain, an upload or an open redirect.",
    reference: BEST_PRACTICE,
    traps: "%2A is also a *.",
    remediation: "Register each address in full.",
    severities: |rule, policy| any_of(rule, policy, [Severity::Critical, Severity::High]),
    ..BASE
};

pub(super) static EXECUTABLE: Rule = Rule {
    slug: "executable-redirect",
    title: "Redirect to code or to a local file",
    severity: Severity::Critical,
    severity_note: "high for file:, blob: and filesystem:",
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType, ClientField::RedirectUris],
    why: "A browser or the system runs or opens such an address itself. Code in it can run in the page that redirects, with the code or \
          token of the user who signs in.",
    reference: "RFC 9700 section 4.1; WHATWG URL, basic URL parser",
    traps: "Upper and lower case, white space and invisible characters in the scheme are ignored, as browsers ignore them. In \
            view-source:javascript:, the inner address counts. It may have been registered as a placeholder.",
    remediation: "Remove the address. Find out who registered it: no application needs it.",
    severities: |rule, policy| any_of(rule, policy, [Severity::Critical, Severity::High]),
    ..BASE
};

pub(super) static LOOPBACK: Rule = Rule {
    slug: "loopback-redirect",
    title: "Redirect to localhost",
    severity: Severity::Low,
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType, ClientField::RedirectUris],
    why: "This is a developer's address in a production organisation. Any program on the user's machine can listen there and receive the code.",
    reference: "RFC 8252 section 8.3",
    traps: "Native applications redirect to localhost by design. Not applicable if the policy marks the organisation as non-production.",
    remediation: "Use a separate organisation for development.",
    ..BASE
};

pub(super) static CUSTOM_SCHEME: Rule = Rule {
    slug: "custom-scheme-redirect",
    title: "Redirect to a custom scheme",
    severity: Severity::Medium,
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType, ClientField::RedirectUris],
    why: "Any application on the device can claim the scheme and receive the code.",
    reference: "RFC 8252 sections 7.1 and 8.6",
    traps: "Mobile applications use a custom scheme if they cannot claim an https address. PKCE then protects the code. \
            executable-redirect reports schemes that a browser runs or opens itself.",
    remediation: "Use a claimed https address, or make sure that the application uses PKCE.",
    ..BASE
};

pub(super) static FORBIDDEN_HOST: Rule = Rule {
    slug: "forbidden-redirect-host",
    title: "Redirect to a host not allowed by the policy",
    severity: Severity::High,
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType, ClientField::RedirectUris],
    why: "The policy allows redirects only to other hosts.",
    reference: "the policy, redirects.hosts",
    traps: "The rule finds nothing unless the policy lists hosts. The host is the one that a browser would contact, whatever the URI looks like. \
            A URI without such a host, for example one with a custom scheme, is not allowed either: a mobile application needs an exemption.",
    remediation: "Remove the address, add the host to the policy, or exempt the address.",
    ..BASE
};

pub(super) static TESTER_HOST: Rule = Rule {
    slug: "tester-redirect-host",
    title: "Redirect to a request bin, a tunnel or an API tester",
    severity: Severity::High,
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType, ClientField::RedirectUris],
    why: "Somebody else runs the host and can read the codes, or gives the host name to the next user who asks for it.",
    reference: "the policy, redirects.testers",
    traps: "The complete host name must match a pattern of the list.",
    remediation: "Remove the address.",
    ..BASE
};

pub(super) static MALFORMED: Rule = Rule {
    slug: "malformed-redirect",
    title: "Malformed redirect URI",
    severity: Severity::Medium,
    applies_to: AppliesTo::UserGrant,
    reads: &[ClientField::GrantType, ClientField::RedirectUris],
    why: "Servers and browsers disagree on what such an address means. Attackers use the difference to receive codes.",
    reference: "RFC 6749 section 3.1.2; RFC 9700 section 4.1",
    traps: "127.0.0.1, [::1], host names in punycode, a port other than the scheme's own, and an empty path are fine. Text in braces or \
            angle brackets counts as a template that nobody filled in.",
    remediation: "Register the address as a browser writes it: scheme, host name and path in full.",
    ..BASE
};

pub(super) static MISSING: Rule = Rule {
    slug: "missing-redirect",
    title: "No redirect URI",
    severity: Severity::Low,
    applies_to: AppliesTo::Redirecting,
    reads: &[ClientField::GrantType, ClientField::RedirectUris],
    why: "The grant type cannot be used without a redirect URI. The client is unfinished or forgotten.",
    reference: "RFC 6749 section 3.1.2.2",
    traps: "SAML2 bearer and password grants need no redirect URI.",
    remediation: "Delete the client, or register its redirect URI.",
    ..BASE
};

pub(super) static EXPOSED_SECRET: Rule = Rule {
    slug: "exposed-secret",
    title: "Secret in a redirect URI, a name or a description",
    severity: Severity::High,
    confidence: Confidence::Likely,
    applies_to: AppliesTo::Every,
    reads: &[ClientField::RedirectUris, ClientField::Name, ClientField::Description],
    why: "Everybody who can view OAuth clients can read the secret. A redirect URI also appears in the address bar and the history of \
          browsers, and in the logs of proxies and servers.",
    reference: "RFC 3986 section 3.2.1: a password in an address is a security risk; RFC 9700 section 4.2.4",
    traps: "The exporter masks the secret when it reads the record, so no output shows it. A parameter counts by its name, such as \
            client_secret, password, token or code, even if its value is not a secret. A secret in a path without a name is not found.",
    remediation: "Change the password or the key, because it must count as known. Then remove it from the client.",
    ..BASE
};

pub(super) fn exposed_secret(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&EXPOSED_SECRET) {
        let distinct: BTreeSet<&str> = client.redirect_uris.iter().map(|uri| &**uri).collect();
        for uri in distinct.into_iter().filter(|uri| is_masked(uri)) {
            let evidence = Evidence::new(Kind::RedirectUri, uri, format!("has a redirect URI with a secret: {uri}"));
            findings.push(context.finding(&EXPOSED_SECRET, evidence));
        }
        let description = client.description.as_deref().unwrap_or_default();
        for (field, text) in [(ClientField::Name, &*client.name), (ClientField::Description, description)] {
            if is_masked(text) {
                let evidence =
                    Evidence::new(Kind::Field, field.label(), format!("has a secret in its {}", field.words()));
                findings.push(context.finding(&EXPOSED_SECRET, evidence));
            }
        }
    }
}

/// The rules on single URIs, each with what it finds in one. Each URI is parsed once for all of them.
static ON_ONE_URI: [(&Rule, Evaluate); 8] = [
    (&INSECURE, |_, uri| {
        (uri.scheme == "http" && !uri.is_loopback)
            .then(|| (INSECURE.severity, "redirects over http to".to_owned(), None))
    }),
    (&WILDCARD, |_, uri| match uri.wildcard? {
        Wildcard::Authority => Some((Severity::Critical, "redirects to any host that matches".to_owned(), None)),
        Wildcard::Path => Some((Severity::High, "redirects to any address that matches".to_owned(), None)),
    }),
    (&EXECUTABLE, |_, uri| {
        Some(match uri.opened? {
            Opened::Code => (Severity::Critical, "redirects to code that a browser runs:".to_owned(), None),
            Opened::Local => (Severity::High, "redirects to a local file or object:".to_owned(), None),
        })
    }),
    (&LOOPBACK, |_, uri| {
        uri.is_loopback.then(|| (LOOPBACK.severity, "redirects to the user's own machine:".to_owned(), None))
    }),
    (&CUSTOM_SCHEME, |_, uri| {
        let custom = !uri.scheme.is_empty() && !uri.is_web() && uri.opened.is_none();
        custom.then(|| (CUSTOM_SCHEME.severity, format!("redirects to the scheme {}:", uri.scheme), None))
    }),
    (&FORBIDDEN_HOST, |policy, uri| {
        let hosts = &policy.redirects.hosts;
        let text = match uri.host.as_deref() {
            _ if hosts.is_empty() => return None,
            Some(host) if hosts.iter().any(|pattern| pattern.matches(host)) => return None,
            Some(host) => format!("redirects to the host {host}:"),
            None => "redirects to no host that the policy could allow:".to_owned(),
        };
        Some((FORBIDDEN_HOST.severity, text, None))
    }),
    (&TESTER_HOST, |policy, uri| {
        let host = uri.host.as_deref()?;
        let pattern = policy.redirects.testers.iter().find(|pattern| NamePattern::matches(pattern, host))?;
        Some((TESTER_HOST.severity, format!("redirects to {host}:"), Some(pattern.to_string())))
    }),
    (&MALFORMED, |_, uri| {
        let defects = uri.defects.join(", ");
        (!defects.is_empty()).then(|| (MALFORMED.severity, format!("has a redirect URI with {defects}:"), None))
    }),
];

pub(super) fn insecure(context: &Context<'_>, findings: &mut Sink<'_>) {
    each(context, &INSECURE, findings);
}

pub(super) fn wildcard(context: &Context<'_>, findings: &mut Sink<'_>) {
    each(context, &WILDCARD, findings);
}

pub(super) fn executable(context: &Context<'_>, findings: &mut Sink<'_>) {
    each(context, &EXECUTABLE, findings);
}

pub(super) fn loopback(context: &Context<'_>, findings: &mut Sink<'_>) {
    each(context, &LOOPBACK, findings);
}

pub(super) fn loopback_does_not_apply(context: &Context<'_>) -> Option<&'static str> {
    (!context.policy.org.production).then_some("the policy marks this organisation as non-production")
}

pub(super) fn custom_scheme(context: &Context<'_>, findings: &mut Sink<'_>) {
    each(context, &CUSTOM_SCHEME, findings);
}

pub(super) fn forbidden_host(context: &Context<'_>, findings: &mut Sink<'_>) {
    each(context, &FORBIDDEN_HOST, findings);
}

pub(super) fn tester_host(context: &Context<'_>, findings: &mut Sink<'_>) {
    each(context, &TESTER_HOST, findings);
}

pub(super) fn malformed(context: &Context<'_>, findings: &mut Sink<'_>) {
    each(context, &MALFORMED, findings);
}

pub(super) fn missing(context: &Context<'_>, findings: &mut Sink<'_>) {
    if context.covered_without_gap(&MISSING).is_some_and(|client| client.redirect_uris.is_empty()) {
        let text = "has a grant type that needs a redirect URI, but has none";
        findings.push(context.finding(&MISSING, Evidence::new(Kind::Client, "", text)));
    }
}

/// The severity, the text before the URI, and the policy's pattern that matched, if any.
type Match = (Severity, String, Option<String>);

type Evaluate = fn(&Policy, &RedirectUri) -> Option<Match>;

/// Adds the findings of one of the rules on single URIs.
fn each(context: &Context<'_>, rule: &'static Rule, findings: &mut Sink<'_>) {
    let Some((number, (_, evaluate))) = (0..).zip(&ON_ONE_URI).find(|(_, (other, _))| *other == rule) else { return };
    if let Some(client) = context.covered(rule) {
        for (uri, rules) in context.suspect_uris.get_or_init(|| suspect_uris(context.policy, client)) {
            // Only what a rule finds is kept, and not the parsed URI: there may be very many.
            let found = (rules & (1_u8 << number) != 0).then(|| evaluate(context.policy, &RedirectUri::parse(uri)));
            let Some((severity, text, pattern)) = found.flatten() else { continue };
            let evidence = Evidence::new(Kind::RedirectUri, *uri, format!("{text} {uri}"));
            let pattern = pattern.map(Into::into);
            findings.push(About { pattern, ..context.finding_at(rule, severity, evidence) });
        }
    }
}

/// The distinct URIs of a client in which a rule finds something, with one bit for each of these rules.
fn suspect_uris<'a>(policy: &Policy, client: &'a Client) -> SuspectUris<'a> {
    let rules_on = |uri: &str| {
        let uri = RedirectUri::parse(uri);
        let finds = ON_ONE_URI.iter().map(|(_, evaluate)| evaluate(policy, &uri).is_some());
        (0..).zip(finds).fold(0, |rules, (number, finds)| rules | (u8::from(finds) << number))
    };
    let distinct: BTreeSet<&str> = client.redirect_uris.iter().map(|uri| &**uri).collect();
    distinct.into_iter().map(|uri| (uri, rules_on(uri))).filter(|(_, rules)| *rules != 0).collect()
}

//! Rules on where codes and tokens may be sent.
//!
//! What a URI says is `redirect_uri`'s.

use std::collections::BTreeSet;

use super::redirect_uri::{RedirectUri, Wildcard};
use super::{AppliesTo, BASE, Context, Rule, any_of};
use crate::audit::{Evidence, Finding, Kind};
use crate::domain::Severity;
use crate::policy::NamePattern;

const BEST_PRACTICE: &str = "RFC 9700 section 4.1: redirect URIs are compared exactly and use https";

pub(super) static INSECURE: Rule = Rule {
    slug: "insecure-redirect",
    title: "Redirect over http",
    severity: Severity::High,
    applies_to: AppliesTo::UserGrant,
    why: "Codes and tokens are sent in clear text: whoever is on the way can take them.",
    reference: BEST_PRACTICE,
    traps: "http to the user's own machine (localhost, 127.0.0.0/8, [::1]) leaves no machine.",
    remediation: "Register the https address, and remove the http one.",
    check: |context, findings| {
        each(context, &INSECURE, findings, |uri| {
            (uri.scheme == "http" && !uri.is_loopback)
                .then(|| (INSECURE.severity, "redirects over http to".to_owned(), None))
        });
    },
    ..BASE
};

pub(super) static WILDCARD: Rule = Rule {
    slug: "wildcard-redirect",
    title: "Wildcard in a redirect URI",
    severity: Severity::High,
    severity_note: "critical in the host, port or userinfo",
    applies_to: AppliesTo::UserGrant,
    why: "A pattern can match an address that somebody else holds: a forgotten subdomain, an upload, an open redirect.",
    reference: BEST_PRACTICE,
    traps: "%2A is a * too.",
    remediation: "Register each address whole.",
    severities: |rule, policy| any_of(rule, policy, [Severity::Critical, Severity::High]),
    check: |context, findings| {
        each(context, &WILDCARD, findings, |uri| match uri.wildcard? {
            Wildcard::Authority => Some((Severity::Critical, "redirects to any host that matches".to_owned(), None)),
            Wildcard::Path => Some((Severity::High, "redirects to any address that matches".to_owned(), None)),
        });
    },
    ..BASE
};

pub(super) static LOOPBACK: Rule = Rule {
    slug: "loopback-redirect",
    title: "Redirect to the own machine",
    severity: Severity::Low,
    applies_to: AppliesTo::UserGrant,
    why: "A developer's address in a production organisation: any program on a user's machine can listen there.",
    reference: "RFC 8252 section 8.3",
    traps: "Native applications do so by design. Not applicable where the policy says that the organisation is none of production.",
    remediation: "Keep development to an organisation of its own.",
    not_applicable: |context| {
        (!context.policy.org.production).then_some("the policy says that this is no production organisation")
    },
    check: |context, findings| {
        each(context, &LOOPBACK, findings, |uri| {
            uri.is_loopback.then(|| (LOOPBACK.severity, "redirects to the user's own machine,".to_owned(), None))
        });
    },
    ..BASE
};

pub(super) static CUSTOM_SCHEME: Rule = Rule {
    slug: "custom-scheme-redirect",
    title: "Redirect to a custom scheme",
    severity: Severity::Medium,
    applies_to: AppliesTo::UserGrant,
    why: "Any application on the device can claim the scheme and receive the code.",
    reference: "RFC 8252 section 7.1 and 8.6",
    traps: "Mobile applications do so where they cannot claim an https address; then PKCE protects the code.",
    remediation: "Use a claimed https address, or make sure that the application uses PKCE.",
    check: |context, findings| {
        each(context, &CUSTOM_SCHEME, findings, |uri| {
            let custom = !uri.scheme.is_empty() && !uri.is_web();
            custom.then(|| (CUSTOM_SCHEME.severity, format!("redirects to the scheme {},", uri.scheme), None))
        });
    },
    ..BASE
};

pub(super) static FORBIDDEN_HOST: Rule = Rule {
    slug: "forbidden-redirect-host",
    title: "Redirect to a host that the policy does not allow",
    severity: Severity::High,
    applies_to: AppliesTo::UserGrant,
    why: "The policy allows redirects to other hosts only.",
    reference: "the policy, redirects.hosts",
    traps: "Silent unless the policy lists hosts. The host is what a browser would call, not what the text looks like.",
    remediation: "Remove the address, or add the host to the policy.",
    check: |context, findings| {
        let hosts = &context.policy.redirects.hosts;
        each(context, &FORBIDDEN_HOST, findings, |uri| {
            let host = uri.host.as_deref().filter(|_| !hosts.is_empty())?;
            let allowed = hosts.iter().any(|pattern| pattern.matches(host));
            (!allowed).then(|| (FORBIDDEN_HOST.severity, format!("redirects to the host {host},"), None))
        });
    },
    ..BASE
};

pub(super) static TESTER_HOST: Rule = Rule {
    slug: "tester-redirect-host",
    title: "Redirect to a request bin, a tunnel or an API tester",
    severity: Severity::High,
    applies_to: AppliesTo::UserGrant,
    why: "Somebody else runs the host and sees the codes, or hands its name to the next who asks.",
    reference: "the policy, redirects.testers",
    traps: "The whole host must match a pattern of the list.",
    remediation: "Remove the address.",
    check: |context, findings| {
        let testers = &context.policy.redirects.testers;
        each(context, &TESTER_HOST, findings, |uri| {
            let host = uri.host.as_deref()?;
            let pattern = testers.iter().find(|pattern| NamePattern::matches(pattern, host))?;
            Some((TESTER_HOST.severity, format!("redirects to {host}:"), Some(pattern.to_string())))
        });
    },
    ..BASE
};

pub(super) static MALFORMED: Rule = Rule {
    slug: "malformed-redirect",
    title: "Malformed redirect URI",
    severity: Severity::Medium,
    applies_to: AppliesTo::UserGrant,
    why: "Servers and browsers do not agree on what such an address means; attackers live on the difference.",
    reference: "RFC 6749 section 3.1.2; RFC 9700 section 4.1",
    traps: "127.0.0.1 and [::1] are in order, and so are hosts in punycode.",
    remediation: "Register the plain address: scheme, host name, path.",
    check: |context, findings| {
        each(context, &MALFORMED, findings, |uri| {
            let defects = uri.defects.join(", ");
            (!defects.is_empty()).then(|| (MALFORMED.severity, format!("has a redirect URI with {defects}:"), None))
        });
    },
    ..BASE
};

pub(super) static MISSING: Rule = Rule {
    slug: "missing-redirect",
    title: "No redirect URI",
    severity: Severity::Low,
    applies_to: AppliesTo::Redirecting,
    why: "The grant cannot be used without a redirect URI: the client is unfinished or forgotten.",
    reference: "RFC 6749 section 3.1.2.2",
    traps: "SAML2 bearer and password grants redirect nobody.",
    remediation: "Delete the client, or register its address.",
    check: |context, findings| {
        for client in context.covered(&MISSING).filter(|client| client.redirect_uris.is_empty()) {
            let text = "is of a grant type that redirects, and has no redirect URI";
            findings.push(context.finding(&MISSING, client, Evidence::new(Kind::Client, "", text)));
        }
    },
    ..BASE
};

/// Severity, the words before the URI, and the pattern that matched.
type Verdict = Option<(Severity, String, Option<String>)>;

/// Judges each redirect URI of each client once.
fn each(
    context: &Context<'_>,
    rule: &'static Rule,
    findings: &mut Vec<Finding>,
    judge: impl Fn(&RedirectUri) -> Verdict,
) {
    for client in context.covered(rule) {
        let distinct: BTreeSet<&str> = client.redirect_uris.iter().map(String::as_str).collect();
        for text in distinct {
            let Some((severity, words, pattern)) = judge(&RedirectUri::parse(text)) else { continue };
            let evidence = Evidence::new(Kind::RedirectUri, text, format!("{words} {text}"));
            findings.push(Finding { pattern, ..context.finding_at(rule, severity, client, evidence) });
        }
    }
}

//! Tests of the rules on scopes and redirect URIs of user-grant clients.

use std::sync::Arc;

use super::*;
use crate::policy::{NamePattern, ToxicCombination};

#[test]
fn all_scopes() {
    let world = |scopes: &[&str]| World::of("CODE").scopes(scopes).with(|w| w.policy.scopes.all_scopes_percent = 80);
    for (scopes, expected) in [
        (&["oauth", "oauth:readonly", "users", "users:readonly"][..], &[" high"][..]),
        (&["oauth", "users"], &[" high"]),
        (&["oauth", "upload"], &[]),
        (&["a", "b", "c", "d", "e"], &[]),
    ] {
        assert_eq!(world(scopes).found("all-scopes"), expected, "{scopes:?}");
    }
    let empty = world(&["oauth"]).with(|w| w.snapshot.registry = Input::Read(Arc::default()));
    assert_eq!(empty.found("all-scopes"), [""; 0]);
}

#[test]
fn scope_hygiene() {
    for (grant, scopes, rule, expected) in [
        ("CODE", &["oauht", "oauth"][..], "unknown-scope", &["oauht low"][..]),
        (CC, &["oauht"], "unknown-scope", &[]),
        ("CODE", &[], "no-scopes", &[" medium"]),
        ("DEVICE", &[], "no-scopes", &[" medium"]),
        (CC, &[], "no-scopes", &[]),
        (CC, &["oauth", "users"], "ineffective-scopes", &[" info"]),
        ("CODE", &["oauth"], "ineffective-scopes", &[]),
        ("DEVICE", &["oauth"], "ineffective-scopes", &[]),
        ("CODE", &["users", "users:readonly", "oauth:readonly"], "redundant-scope", &["users:readonly info"]),
        ("CODE", &["oauth", "users:readonly"], "redundant-scope", &[]),
    ] {
        assert_eq!(World::of(grant).scopes(scopes).found(rule), expected, "{grant} {scopes:?}");
    }
    let enforced = World::of("CODE").with(|w| w.policy.org.scope_enforcement = Some(true));
    assert_eq!((enforced.found("no-scopes"), enforced.state("no-scopes")), (vec![], "not_applicable"));
}

#[test]
fn toxic_scopes() {
    let combination = |scopes: &[&str]| ToxicCombination {
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        reason: "together".into(),
    };
    for (scopes, expected) in [
        (&["users", "oauth", "upload"][..], &["oauth+users critical"][..]),
        (&["oauth", "users:readonly"], &[]),
        (&["oauth"], &[]),
    ] {
        let world = World::of("CODE").scopes(scopes);
        // The order in the policy does not matter, and an empty combination matches no client.
        let toxic = vec![combination(&["users", "oauth"]), combination(&["oauth", "users"]), combination(&[])];
        assert_eq!(world.with(|w| w.policy.scopes.toxic = toxic).found("toxic-scopes"), expected, "{scopes:?}");
    }
}

#[test]
fn redirects() {
    for (uri, rule, expected) in [
        ("http://reports.example.com/login", "insecure-redirect", Some("high")),
        ("HTTP://reports.example.com/login", "insecure-redirect", Some("high")),
        ("http://localhost.evil.example/", "insecure-redirect", Some("high")),
        ("http://localhost:3000/cb", "insecure-redirect", None),
        ("http://[::1]/cb", "insecure-redirect", None),
        ("https://reports.example.com/login", "insecure-redirect", None),
        ("https://*.example.com/cb", "wildcard-redirect", Some("critical")),
        ("https://example.com/*", "wildcard-redirect", Some("high")),
        ("https://example.com/cb", "wildcard-redirect", None),
        ("http://127.0.0.1:8080/cb", "loopback-redirect", Some("low")),
        ("http://0x7f.1/cb", "loopback-redirect", Some("low")),
        ("https://desk.example.com/localhost", "loopback-redirect", None),
        ("com.example.app://oauth", "custom-scheme-redirect", Some("medium")),
        ("https://example.com/cb", "custom-scheme-redirect", None),
        ("nonsense", "custom-scheme-redirect", None),
        ("https://webhook.site/1", "tester-redirect-host", Some("high")),
        ("https://x.ngrok-free.app/1", "tester-redirect-host", Some("high")),
        ("https://good.example.com@webhook.site/1", "tester-redirect-host", Some("high")),
        ("https://webhook.site.example.com/1", "tester-redirect-host", None),
        ("https://example.com/webhook.site", "tester-redirect-host", None),
        ("https://a.example.com@evil.example.net/", "malformed-redirect", Some("medium")),
        ("https://203.0.113.17/cb", "malformed-redirect", Some("medium")),
        ("http://127.0.0.1/cb", "malformed-redirect", None),
    ] {
        let world = World::of("CODE").redirects(&[uri, uri]).with(|w| {
            w.policy.redirects.testers = ["webhook.site", "*.ngrok-free.app"].map(NamePattern::new).to_vec();
        });
        let expected: Vec<String> = expected.map(|severity| format!("{uri} {severity}")).into_iter().collect();
        assert_eq!(world.found(rule), expected, "{uri}");
        let credentials = World::of(CC).redirects(&[uri]);
        assert_eq!(credentials.found(rule), [""; 0], "client-credentials clients are never redirected");
        assert_eq!(credentials.found("ineffective-redirects"), [" info"]);
    }
    let sandbox = World::of("CODE").redirects(&["http://localhost/"]).with(|w| w.policy.org.production = false);
    assert_eq!((sandbox.found("loopback-redirect"), sandbox.state("loopback-redirect")), (vec![], "not_applicable"));
}

#[test]
fn forbidden_redirect_host() {
    let found = |uri: &str, hosts: &[&str]| {
        let hosts = hosts.iter().copied().map(NamePattern::new).collect();
        World::of("CODE")
            .redirects(&[uri])
            .with(|w| w.policy.redirects.hosts = hosts)
            .found("forbidden-redirect-host")
            .len()
    };
    assert_eq!(found("https://desk.example.com/cb", &["*.example.com"]), 0);
    assert_eq!(found("https://desk.example.com@evil.example.net/cb", &["*.example.com"]), 1);
    assert_eq!(found("https://evil.example.net/desk.example.com", &["*.example.com"]), 1);
    assert_eq!(found("https://anything.example.net/cb", &[]), 0, "without a list, every host is allowed");
}

#[test]
fn missing_redirect() {
    for (grant, expected) in [("CODE", 1), ("TOKEN", 1), ("PASSWORD", 0), ("SAML2-BEARER", 0), (CC, 0), ("DEVICE", 0)] {
        assert_eq!(World::of(grant).found("missing-redirect").len(), expected, "{grant}");
    }
    assert_eq!(World::of("CODE").redirects(&["https://a.example/"]).found("missing-redirect"), [""; 0]);
}

#[test]
fn a_secret_in_a_client_is_reported_for_every_grant_type() {
    for (uri, expected) in [
        ("https://joe:[masked]@a.example/cb", Some("high")),
        ("https://a.example/cb?token=[masked 2]", Some("high")),
        ("https://joe@a.example/cb", None),
        ("https://a.example/cb?token=", None),
    ] {
        for grant in ["CODE", CC] {
            let found = World::of(grant).redirects(&[uri]).found("exposed-secret");
            assert_eq!(found, expected.map(|severity| format!("{uri} {severity}")).as_slice(), "{grant}");
        }
    }
    let named = World::of("CODE").with(|w| {
        w.client().name = "password=[masked]".into();
        w.client().description = Some("see https://u:[masked]@a.example/".into());
    });
    assert_eq!(named.found("exposed-secret"), ["description high", "name high"]);
}

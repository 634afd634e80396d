//! Tests of the rules on grant types, lifetimes and owners.

use super::*;
use crate::policy::{Expectation, Owner, Selector};

#[test]
fn grants() {
    for (grant, rule, expected) in [
        ("TOKEN", "implicit-grant", &["implicit high"][..]),
        ("token", "implicit-grant", &["implicit high"]),
        ("CODE", "implicit-grant", &[]),
        ("PASSWORD", "password-grant", &["password critical"]),
        ("DEVICE", "unknown-grant", &["DEVICE medium"]),
        ("device", "unknown-grant", &["DEVICE medium"]),
        ("SAML2BEARER", "unknown-grant", &[]),
        ("CLIENT_CREDENTIALS", "unknown-grant", &[]),
    ] {
        assert_eq!(World::of(grant).found(rule), expected, "{grant}");
    }
}

#[test]
fn the_implicit_grant_is_critical_from_90_days_before_its_end() {
    // 2027-03-31T00:00:00Z less 90 days is 2026-12-31T00:00:00Z.
    for (now, expected) in
        [(1_798_675_199, "implicit high"), (1_798_675_200, "implicit critical"), (1_900_000_000, "implicit critical")]
    {
        let world = World::of("TOKEN").with(|w| w.now = Timestamp::from_seconds(now));
        assert_eq!(world.found("implicit-grant"), [expected], "{now}");
    }
}

#[test]
fn forbidden_grant() {
    let allow = |grants: &[GrantType]| Expectation { allowed_grants: Some(grants.to_vec()), ..Expectation::default() };
    let world = |grants: &[GrantType]| World::of("CODE").with(|w| w.policy.expectations = vec![allow(grants)]);
    assert_eq!(world(&[GrantType::ClientCredentials]).found("forbidden-grant"), ["code high"]);
    assert_eq!(world(&[GrantType::Code]).found("forbidden-grant"), [""; 0]);
    assert_eq!(World::of("CODE").found("forbidden-grant"), [""; 0]);
}

#[test]
fn token_lifetimes() {
    let world =
        |seconds, scopes: &[&str]| World::of("CODE").scopes(scopes).with(|w| w.client().token_validity = seconds);
    for (seconds, scopes, long, scim) in [
        (None, &["oauth"][..], &[][..], &[][..]),
        (Some(86_400), &["oauth"], &[], &[]),
        (Some(86_401), &["users:readonly"], &[" medium"], &[]),
        (Some(86_401), &["oauth"], &[" high"], &[]),
        (Some(172_800), &["oauth"], &[" high"], &[]),
        (Some(172_801), &["users:readonly"], &[" medium"], &[" high"]),
    ] {
        let world = world(seconds, scopes);
        assert_eq!(
            (world.found("long-lived-token"), world.found("scim-lived-token")),
            (owned(long), owned(scim)),
            "{seconds:?}"
        );
    }
    let strict = world(None, &[]).with(|w| w.policy.defaults.max_token_validity = 3_600);
    assert_eq!(strict.found("long-lived-token"), [" medium"], "a client without a value has the platform's default");
    let dangerous =
        World::of(CC).role("R", None, &["oauth:client:add"]).dangerous(&[("oauth:client:add", Severity::High)]);
    let dangerous = dangerous.with(|w| w.client().token_validity = Some(90_000));
    assert_eq!(dangerous.found("long-lived-token"), [" high"]);
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn disabled_and_deleted_clients() {
    for (state, deletion, disabled, scheduled) in [
        (ClientState::Active, None, &[][..], &[][..]),
        (ClientState::Inactive, Some(NOW), &[" info"], &[" info"]),
        (ClientState::Disabled, None, &[" info"], &[]),
        (ClientState::Other, None, &[], &[]),
    ] {
        let world = World::of("CODE").with(|w| {
            w.client().state = state;
            w.client().deletion = deletion;
        });
        let found = (world.found("disabled-client"), world.found("deletion-scheduled"));
        assert_eq!(found, (owned(disabled), owned(scheduled)), "{state:?}");
    }
    assert_eq!(World::of("CODE").state("unused-client"), "not_evaluated");
    assert!(!World::of("CODE").report().outcomes.iter().any(|outcome| outcome.state.is_failure()));
}

#[test]
fn owners_and_descriptions() {
    let of = |description: Option<&str>| {
        let world = World::of("CODE").with(|w| w.client().description = description.map(Into::into));
        (world.found("no-owner").len(), world.found("no-description").len())
    };
    assert_eq!(of(None), (1, 1));
    assert_eq!(of(Some(" ")), (1, 1));
    assert_eq!(of(Some("Floor 2 screens")), (1, 0));
    assert_eq!(of(Some("Owned by the platform team")), (0, 0));
    assert_eq!(of(Some("ask desk@example.com")), (0, 0));
    let owner =
        |id| Owner { client: Selector { ids: vec![ClientId::new(id)], ..Selector::default() }, team: "T".to_owned() };
    let listed = |id| {
        World::of("CODE").with(|w| {
            w.client().description = None;
            w.policy.owners = vec![owner(id)];
        })
    };
    assert_eq!(listed("c-1").found("no-owner"), [""; 0]);
    assert_eq!(listed("c-2").found("no-owner"), [" low"]);
}

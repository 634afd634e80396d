//! The file: every mistake in it is an error, and no damage to it makes the program panic.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::{Division, DivisionId, Input};
use crate::fixtures::not_read;

#[test]
fn errors_are_reported() {
    let text = text();
    for (from, to, expected) in [
        ("\"version\": 1", "\"version\": 2", "the file has version 2"),
        ("\"version\": 1,", "", "missing field `version`"),
        ("\"organisation\": \"o\"", "\"organisation\": \"\"", "organisation: must not be empty"),
        ("\"grant_type\": \"code\"", "\"grant_type\": \"cod\"", "\"cod\" is not a known grant type"),
        ("\"scopes\"", "\"scops\"", "unknown field `scops`"),
        ("2026", "yesterday", "is not a timestamp"),
        ("users:user:view", "users:user:edit", "the fingerprint does not match the permissions"),
        ("\"c-2\": {", "\"c-1\": {", "the key \"c-1\" appears twice"),
    ] {
        let wrong = text.replacen(from, to, if from == "2026" { 1 } else { usize::MAX });
        assert_ne!(wrong, text, "{from}");
        let error = Baseline::parse(&wrong).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn names_are_beside_ids_and_stay_if_they_cannot_be_read() {
    let holder = Case { roles: vec![("mild", "d-1"), ("wild", "*")], ..case(GrantType::ClientCredentials) };
    let mut there = snapshot(&[holder], ROLES);
    there.clients[0].name = "Sync of kim@example.com \u{202e}x".into();
    if let Input::Read(divisions) = &mut there.divisions {
        let id = DivisionId::new("d-1");
        Arc::make_mut(divisions).insert(id.clone(), Division { id, name: "Sales".to_owned(), home: false });
    }
    let mut baseline = Baseline::of(&there, &approval());
    let text = baseline.to_json();
    for expected in ["\"name\": \"Sync of [e-mail] [U+202E]x\"", "\"name\": \"R\"", "\"d-1\": \"Sales\""] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!text.contains("kim@") && !text.contains('\u{202e}'), "{text}");
    assert_eq!(Baseline::parse(&text).as_ref(), Ok(&baseline));
    let mut blind = there.clone();
    (blind.roles, blind.divisions) = (Input::Gap(not_read("403")), Input::Gap(not_read("403")));
    blind.clients = fixtures::snapshot().build().clients;
    baseline.refresh_names(&blind);
    assert_eq!(baseline.to_json(), text, "what cannot be read now keeps its name");
}

#[test]
fn removing_clients_is_recorded_as_an_approval_and_removing_none_is_not() {
    let there = snapshot(&[case(GrantType::Code), Case { id: "c-2", ..case(GrantType::Code) }], ROLES);
    let mut baseline = Baseline::of(&there, &approval());
    let by =
        Approval { at: Timestamp::from_seconds(NOW.seconds() + 60), by: "Sam".to_owned(), reason: "OPS-2".to_owned() };
    assert_eq!(baseline.prune(&there, &by), []);
    assert_eq!(baseline.approval, approval());
    let left = snapshot(&[case(GrantType::Code)], ROLES);
    let gone: Vec<String> = baseline.prune(&left, &by).into_iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(gone, ["c-2"]);
    assert_eq!(baseline.approval, by);
    assert!(baseline.clients.values().all(|client| client.approval == approval()), "the others are not approved again");
}

fn text() -> String {
    let first = Case { scopes: vec!["oauth"], uris: vec!["https://x/cb"], ..case(GrantType::Code) };
    let second = Case { id: "c-2", roles: vec![("mild", "*"), ("wild", "d")], ..case(GrantType::ClientCredentials) };
    Baseline::of(&snapshot(&[first, second], ROLES), &approval()).to_json()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes changed, lines lost, doubled or swapped: an error or a report, never a panic.
    #[test]
    fn a_mutated_baseline_gives_an_error_or_a_report(
        edits in prop::collection::vec((0..4_usize, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut lines: Vec<String> = text().lines().map(str::to_owned).collect();
        for (what, at, other, byte) in edits {
            let (at, other) = (at.index(lines.len()), other.index(lines.len()));
            match what {
                0 => { lines.remove(at); }
                1 => { let line = lines[other].clone(); lines.insert(at, line); }
                2 => lines.swap(at, other),
                _ => {
                    let mut bytes = lines[at].clone().into_bytes();
                    let position = other % bytes.len().max(1);
                    if let Some(old) = bytes.get_mut(position) { *old = byte; }
                    lines[at] = String::from_utf8_lossy(&bytes).into_owned();
                }
            }
            if lines.is_empty() { break; }
        }
        if let Ok(baseline) = Baseline::parse(&lines.join("\n")) {
            let there = snapshot(&[Case { scopes: vec!["oauth"], ..case(GrantType::Code) }], ROLES);
            let report = evaluated(&there, &baseline, NOW);
            prop_assert_eq!(report.verdicts().count(), 1);
        }
    }
}

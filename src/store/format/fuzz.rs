//! Any state is read back as it was written, and a damaged file is refused or has every client and every grant.
//!
//! A change within a value cannot be noticed, because the file has no checksum.

use proptest::prelude::*;

use super::tests::{decode, encode, saved};
use super::*;
use crate::domain::{Gap, GrantType};
use crate::fixtures::{Damage, client, corpus, damaged};
use crate::ledger::{Grant, Memory, Standing};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![r#"[a-z\\"\n🦀 ]{0,9}"#, "(?s).{0,6}"]
}

fn any_state() -> impl Strategy<Value = State> {
    let time = || prop::option::of(-10_i64..2_000_000_000);
    let client = (text(), text(), prop::collection::vec(text(), 0..4), 0..GrantType::ALL.len(), time(), any::<bool>());
    let memory = (text(), text(), time(), 0..3_usize, 0..2_u32);
    let organisation =
        (text(), text(), prop::collection::vec(client, 0..5), prop::collection::vec(memory, 0..5), text());
    prop::collection::vec(organisation, 0..3)
        .prop_map(|organisations| organisations.into_iter().map(organisation_of).collect())
}

type AnyClient = (String, String, Vec<String>, usize, Option<i64>, bool);
type AnyMemory = (String, String, Option<i64>, usize, u32);

fn organisation_of(
    (id, name, clients, memories, host): (String, String, Vec<AnyClient>, Vec<AnyMemory>, String),
) -> (OrgId, Saved) {
    let mut by_id = BTreeMap::new();
    for (id, name, scopes, grant, created, partial) in clients {
        let mut one = client(&id).named(name).grant(GrantType::ALL[grant]).scopes(scopes);
        if let Some(created) = created {
            one = one.created(created);
        }
        if partial {
            one = one.gap(crate::domain::ClientField::Scopes, Gap::Partial);
        }
        by_id.insert(id, one);
    }
    let snapshot = crate::fixtures::snapshot().organisation(&id, &name, "r").clients(by_id.into_values()).build();
    let standings = [Standing::Unapproved, Standing::Exempt, Standing::Settled];
    let entries = memories.into_iter().map(|(client, scope, seen, standing, missed)| {
        let first_seen = seen.map(Timestamp::from_seconds);
        let memory = Memory::Held { first_seen, standing: standings[standing], missed };
        (Grant::scope(&ClientId::new(client), &scope), memory)
    });
    let ledger = crate::ledger::Ledger::from_entries(entries, BTreeSet::new());
    let saved = Saved { client_id: name, api_host: host, snapshot: Arc::new(snapshot), ledger: Arc::new(ledger) };
    (OrgId::new(id.as_str()), saved)
}

/// The number of organisations, clients and remembered grants.
fn size(state: &State) -> (usize, usize, usize) {
    let clients = state.values().map(|saved| saved.snapshot.clients.iter().count()).sum();
    let grants = state.values().map(|saved| saved.ledger.entries().count()).sum();
    (state.len(), clients, grants)
}

fn whole() -> Vec<u8> {
    encode(&BTreeMap::from([(OrgId::new("o-1"), saved())]))
}

#[test]
fn the_corpus_of_state_files_is_read_or_refused() {
    for (name, bytes) in corpus("state") {
        assert_eq!(decode(&bytes).is_ok(), name.starts_with("valid-"), "{name}");
    }
}

#[test]
fn a_state_file_that_was_cut_off_anywhere_is_refused() {
    let whole = whole();
    for end in 0..whole.len() {
        assert!(decode(&whole[..end]).is_err(), "cut off after {end} of {} bytes", whole.len());
    }
}

/// The disk turned a bit. The file may read differently, but no client and no grant is missing from it.
#[test]
fn a_state_file_with_a_wrong_bit_is_refused_or_has_every_client_and_grant() {
    let whole = whole();
    let expected = size(&decode(&whole).expect("valid"));
    for position in 0..whole.len() * 8 {
        let mut file = whole.clone();
        file[position / 8] ^= 1 << (position % 8);
        if let Ok(state) = decode(&file) {
            assert_eq!(size(&state), expected, "bit {position}: {}", String::from_utf8_lossy(&file));
        }
    }
}

proptest! {
    #[test]
    fn any_state_is_read_back_as_it_was_written(state in any_state()) {
        let read = decode(&encode(&state));
        prop_assert_eq!(read.ok(), Some(state));
    }

    #[test]
    fn a_damaged_state_file_is_refused_or_is_a_state_that_can_be_written_again(
        which: prop::sample::Index, damage in prop::collection::vec(any::<Damage>(), 1..5),
    ) {
        let corpus = corpus("state");
        let file = damaged(&corpus[which.index(corpus.len())].1, &damage);
        if let Ok(state) = decode(&file) {
            prop_assert_eq!(decode(&encode(&state)).ok(), Some(state));
        }
    }
}

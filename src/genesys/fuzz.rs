//! Whatever the platform sends, the readers of pages, records and tokens answer without a panic, and within their limits.
//!
//! The inputs are those of `tests/corpus` and damaged copies of them.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::assembly::{ClientAssembly, KnownClients, ListedClients};
use super::convert::{self, ScopeRegistry};
use super::known::digest;
use super::listing::fields;
use super::page::Page;
use super::{token_response, wire};
use crate::domain::{Client, ScopeTable};
use crate::fixtures::{Damage, corpus, damaged};

/// Reads the bytes as every listing, and returns the records as clients if each has an id. `known` is from another reading.
fn read_after(bytes: &[u8], known: &KnownClients, scopes: &ScopeTable) -> Option<(ListedClients, KnownClients)> {
    let page: Page<'_> = serde_json::from_slice(bytes).ok()?;
    for record in &page.entities {
        read_record(record);
    }
    assert!(known.fits(&ScopeRegistry::default(), scopes));
    let mut clients = ClientAssembly::new(Arc::default(), scopes.clone(), known);
    for record in &page.entities {
        clients.add(record, digest(record)).ok()?;
    }
    for id in clients.wanted() {
        clients.complete(&id, None);
    }
    clients.finish(page.total).ok()
}

fn read(bytes: &[u8]) -> Option<(ListedClients, KnownClients)> {
    read_after(bytes, &KnownClients::default(), &ScopeTable::default())
}

fn read_record(record: &RawValue) {
    let Ok(record) = fields(record) else { return };
    if let Some(role) = wire::Role::read(&record) {
        convert::role(role);
    }
    if let Some(division) = wire::Division::read(&record) {
        convert::division(division);
    }
    if let Some(scope) = wire::RegisteredScope::read(&record) {
        ScopeRegistry::default().insert(&scope);
    }
}

fn check(bytes: &[u8]) {
    if let Some((listed, _)) = read(bytes) {
        let ids: Vec<_> = listed.clients.iter().map(|client| &client.id).collect();
        assert!(ids.is_sorted_by(|one, other| one < other), "each client once, in order");
        // Names and descriptions are cut, so that a platform cannot fill the memory with them.
        assert!(listed.clients.iter().all(|client| client.name.chars().count() <= 1_001));
    }
    if let Ok((header, lifetime)) = token_response::granted(bytes) {
        assert!(header.is_sensitive() && !lifetime.is_zero());
    }
    token_response::is_token_rate_limit(bytes);
}

#[test]
fn the_corpus_of_pages_is_read_or_refused() {
    let mut lists = 0;
    for (name, bytes) in corpus("page") {
        check(&bytes);
        let is_list = read(&bytes).is_some_and(|(listed, _)| !listed.clients.is_empty());
        assert_eq!(is_list, name.starts_with("list-"), "{name}");
        lists += usize::from(is_list);
    }
    assert!(lists > 2, "some of the corpus can be read");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_damaged_page_is_read_or_refused(which: prop::sample::Index, damage in prop::collection::vec(any::<Damage>(), 1..6)) {
        thread_local! { static CORPUS: Vec<(String, Vec<u8>)> = corpus("page"); }
        CORPUS.with(|corpus| check(&damaged(&corpus[which.index(corpus.len())].1, &damage)));
    }

    /// A client as text, because the indices of its scopes differ.
    #[test]
    fn a_page_read_after_another_is_the_same_as_one_read_alone(which: prop::sample::Index, damage in prop::collection::vec(any::<Damage>(), 0..3)) {
        thread_local! { static CORPUS: Vec<(String, Vec<u8>)> = corpus("page"); }
        let held = |listed: &ListedClients| -> Vec<String> {
            let client = |client: &Client| {
                let mut scopes: Vec<&str> = client.scopes.iter().map(|scope| listed.scopes.name(*scope)).collect();
                scopes.sort_unstable();
                format!("{:?} {scopes:?}", Client { scopes: Box::default(), ..client.clone() })
            };
            listed.clients.iter().map(client).chain([listed.duplicates.to_string()]).collect()
        };
        CORPUS.with(|corpus| {
            let before = &corpus[which.index(corpus.len())].1;
            let after = damaged(before, &damage);
            if let Some((earlier, known)) = read(before) {
                let again = read_after(&after, &known, &earlier.scopes).map(|(listed, _)| held(&listed));
                assert_eq!(again, read(&after).map(|(listed, _)| held(&listed)));
            }
        });
    }
}

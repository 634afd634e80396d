//! Whatever the platform sends, the readers of pages, records and tokens answer without a panic, and within their limits.
//!
//! The inputs are those of `tests/corpus` and damaged copies of them.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::convert::{self, ClientAssembly, ListedClients, ScopeRegistry};
use super::listing::fields;
use super::page::Page;
use super::{token_response, wire};
use crate::fixtures::{Damage, corpus, damaged};

/// Reads the bytes as every listing, and returns the records as clients if each has an id.
fn read(bytes: &[u8]) -> Option<ListedClients> {
    let page: Page<'_> = serde_json::from_slice(bytes).ok()?;
    let mut registry = ScopeRegistry::default();
    let mut clients = ClientAssembly::default();
    let mut complete = true;
    for record in &page.entities {
        complete &= read_record(record, &mut registry, &mut clients).is_some();
    }
    for id in clients.wanted() {
        clients.complete(&id, None, &registry);
    }
    let listed = clients.finish(page.total);
    complete.then_some(listed)
}

fn read_record(record: &RawValue, registry: &mut ScopeRegistry, clients: &mut ClientAssembly) -> Option<()> {
    let record = fields(record).ok()?;
    if let Some(role) = wire::Role::read(&record) {
        convert::role(role);
    }
    if let Some(division) = wire::Division::read(&record) {
        convert::division(division);
    }
    if let Some(scope) = wire::RegisteredScope::read(&record) {
        registry.insert(scope);
    }
    clients.add(&record, registry).ok()
}

fn check(bytes: &[u8]) {
    if let Some(listed) = read(bytes) {
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
        let is_list = read(&bytes).is_some_and(|listed| !listed.clients.is_empty());
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
}

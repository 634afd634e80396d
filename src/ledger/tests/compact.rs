//! What ledgers and clients share in memory.

use super::shown::{of, report};
use super::*;

fn shown(grants: &[(&str, &str)]) -> Report {
    report(grants.iter().map(|(client, scope)| Grant::scope(&ClientId::new(*client), scope)).collect())
}

fn entries<'a>(ledger: &'a Ledger, client: &str) -> &'a [Arc<entries::Entry>] {
    entries_of(&ledger.clients, &ClientId::new(client))
}

#[test]
fn a_refresh_in_which_no_grant_changed_keeps_every_entry_in_memory() {
    let same = shown(&[("c-1", "a"), ("c-2", "a"), ("c-2", "b")]);
    let first = Ledger::default().advance(&of(&same), Event::First, at(1), Duration::ZERO);
    let next = first.advance(&of(&same), Event::Refresh { before: &same }, at(2), Duration::from_secs(1));
    assert!(Arc::ptr_eq(&first.clients, &next.clients));
}

#[test]
fn clients_whose_grants_did_not_change_keep_their_entries_while_others_change() {
    let before = shown(&[("c-1", "a"), ("c-2", "a"), ("c-2", "b"), ("c-3", "c")]);
    let after = shown(&[("c-0", "a"), ("c-1", "a"), ("c-2", "a"), ("c-3", "b")]);
    let first = Ledger::default().advance(&of(&before), Event::First, at(1), Duration::ZERO);
    let next = first.advance(&of(&after), Event::Refresh { before: &before }, at(2), Duration::ZERO);
    assert!(std::ptr::eq(entries(&first, "c-1"), entries(&next, "c-1")));
    let changed = ["c-0", "c-2", "c-3"].map(|client| entries(&first, client) != entries(&next, client));
    assert_eq!(changed, [true; 3]);
}

#[test]
fn an_entry_that_several_clients_have_is_in_memory_once() {
    let before = shown(&[("c-1", "a"), ("c-2", "a"), ("c-2", "b")]);
    let first = Ledger::default().advance(&of(&before), Event::First, at(1), Duration::ZERO);
    let read = Ledger::from_entries(first.entries(), BTreeSet::new());
    for ledger in [&first, &read] {
        assert!(Arc::ptr_eq(&entries(ledger, "c-1")[0], &entries(ledger, "c-2")[0]));
    }
    let after = shown(&[("c-1", "a"), ("c-1", "b"), ("c-2", "a"), ("c-2", "b"), ("c-3", "a")]);
    let reloaded = read.advance(&of(&after), Event::PolicyChange { widens: true }, at(2), Duration::ZERO);
    let all = |client| entries(&reloaded, client);
    assert!(all("c-1").iter().zip(all("c-2")).all(|(a, b)| Arc::ptr_eq(a, b)), "with one of an earlier event");
    assert!(Arc::ptr_eq(&all("c-2")[0], &all("c-3")[0]));
    let refreshed = read.advance(&of(&after), Event::Refresh { before: &before }, at(2), Duration::ZERO);
    let (new, known) = (&entries(&refreshed, "c-1")[1], &entries(&refreshed, "c-2")[1]);
    assert_ne!(new.memory, known.memory);
    assert!(Arc::ptr_eq(&new.privilege, &known.privilege), "its privilege also with another memory");
}

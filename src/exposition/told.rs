//! What is told of dangerous grants: each scope on its own, permissions under the policy's patterns, those that are gone too.
//!
//! No text: that is written in `series`.

use std::collections::BTreeMap;

use crate::domain::{ClientId, Timestamp};
use crate::ledger::{GrantKind, Ledger};

/// The dangerous grants of an organisation as they are told, sorted by client and label.
#[derive(Debug, Default)]
pub(super) struct Told<'a> {
    pub(super) scopes: Vec<ToldGrant<'a>>,
    pub(super) permissions: Vec<ToldGrant<'a>>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct ToldGrant<'a> {
    pub(super) client: &'a ClientId,
    /// The scope, or the pattern that matches the permissions.
    pub(super) label: &'a str,
    /// Whether it is held, and neither approved nor exempt.
    pub(super) unapproved: bool,
    /// 0 where it must not page.
    pub(super) first_seen: Timestamp,
}

impl<'a> Told<'a> {
    pub(super) fn new(ledger: &'a Ledger) -> Self {
        let mut scopes = Vec::new();
        let mut permissions: BTreeMap<(&ClientId, &str), (bool, Timestamp)> = BTreeMap::new();
        for (grant, memory) in ledger.entries() {
            let (client, label) = (&grant.client, grant.label.as_str());
            let (unapproved, first_seen) = (memory.is_unapproved(), memory.first_seen());
            match grant.kind {
                GrantKind::Scope => scopes.push(ToldGrant { client, label, unapproved, first_seen }),
                GrantKind::Permission => {
                    let told = permissions.entry((client, label)).or_default();
                    *told = (told.0 | unapproved, told.1.max(first_seen));
                }
            }
        }
        let permission = |((client, label), (unapproved, first_seen)): ((&'a ClientId, &'a str), (bool, Timestamp))| {
            ToldGrant { client, label, unapproved, first_seen }
        };
        Self { scopes, permissions: permissions.into_iter().map(permission).collect() }
    }
}

//! The series on dangerous grants: one per scope, and one per policy pattern that matches permissions.
//!
//! Grants that are gone are included as long as the ledger keeps them. The text is written in `series`.

use std::collections::BTreeMap;

use crate::domain::{ClientId, Timestamp};
use crate::ledger::{GrantKind, Ledger};

/// The dangerous grants of an organisation as they are exported, sorted by client and label.
#[derive(Debug, Default)]
pub(super) struct GrantSeries<'a> {
    pub(super) scopes: Vec<GrantSample<'a>>,
    pub(super) permissions: Vec<GrantSample<'a>>,
}

/// The labels and values of one dangerous grant.
#[derive(Debug, Clone, Copy)]
pub(super) struct GrantSample<'a> {
    pub(super) client: &'a ClientId,
    /// The scope, or the policy pattern that matches the permissions.
    pub(super) label: &'a str,
    /// Whether it is held and neither approved nor exempt. True for a pattern if it is true for one of its permissions.
    pub(super) unapproved: bool,
    /// 0 if it must not page. The newest for a pattern with several permissions.
    pub(super) first_seen: Timestamp,
}

impl<'a> GrantSeries<'a> {
    pub(super) fn new(ledger: &'a Ledger) -> Self {
        let mut scopes = Vec::new();
        let mut permissions: BTreeMap<(&ClientId, &str), (bool, Timestamp)> = BTreeMap::new();
        for (grant, memory) in ledger.entries() {
            let (client, label) = (&grant.client, grant.label.as_str());
            let (unapproved, first_seen) = (memory.is_unapproved(), memory.first_seen());
            match grant.kind {
                GrantKind::Scope => scopes.push(GrantSample { client, label, unapproved, first_seen }),
                GrantKind::Permission => {
                    let values = permissions.entry((client, label)).or_default();
                    *values = (values.0 | unapproved, values.1.max(first_seen));
                }
            }
        }
        let permission = |((client, label), (unapproved, first_seen)): ((&'a ClientId, &'a str), (bool, Timestamp))| {
            GrantSample { client, label, unapproved, first_seen }
        };
        Self { scopes, permissions: permissions.into_iter().map(permission).collect() }
    }
}

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
        let (mut scopes, mut permissions) = (Vec::new(), Vec::new());
        let mut patterns: BTreeMap<&str, (bool, Timestamp)> = BTreeMap::new();
        for (client, entries) in ledger.clients() {
            for (privilege, memory) in entries {
                let label = privilege.label.as_str();
                let (unapproved, first_seen) = (memory.is_unapproved(), memory.first_seen());
                match privilege.kind {
                    GrantKind::Scope => scopes.push(GrantSample { client, label, unapproved, first_seen }),
                    GrantKind::Permission => {
                        let values = patterns.entry(label).or_default();
                        *values = (values.0 | unapproved, values.1.max(first_seen));
                    }
                }
            }
            let of_client = std::mem::take(&mut patterns).into_iter();
            permissions.extend(of_client.map(|(label, (unapproved, first_seen))| GrantSample {
                client,
                label,
                unapproved,
                first_seen,
            }));
        }
        Self { scopes, permissions }
    }
}

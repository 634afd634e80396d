//! What is told of dangerous grants: each scope on its own, permissions under the policy's patterns, those that are gone too.
//!
//! No text: that is written in `series`.

use std::collections::BTreeMap;

use crate::audit::{DangerousGrant, Report, Status};
use crate::domain::{ClientId, Power, Timestamp};
use crate::grants::{Grant, Ledger, Memory};

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
    pub(super) fn new(report: &'a Report, ledger: &'a Ledger) -> Self {
        let mut scopes = Vec::new();
        let mut permissions: BTreeMap<(&ClientId, &str), (bool, Timestamp)> = BTreeMap::new();
        // Both lists are sorted by client and power, so that one walk is enough.
        let mut rest = report.grants.as_slice();
        for (grant, memory) in ledger.entries() {
            let before = |held: &DangerousGrant| (&held.client, &held.power) < (&grant.client, &grant.power);
            rest = rest.get(rest.partition_point(before)..).unwrap_or_default();
            let this = |held: &&DangerousGrant| held.client == grant.client && held.power == grant.power;
            let held: Vec<&DangerousGrant> = rest.iter().take_while(this).collect();
            let unapproved = held.iter().any(|held| held.status == Status::Open);
            let first_seen = first_seen(&held, memory);
            match &grant.power {
                Power::Scope(scope) => {
                    scopes.push(ToldGrant { client: &grant.client, label: scope, unapproved, first_seen });
                }
                Power::Permission(_) => {
                    for pattern in patterns(report, &held, grant) {
                        let told = permissions.entry((&grant.client, pattern)).or_default();
                        *told = (told.0 | unapproved, told.1.max(first_seen));
                    }
                }
            }
        }
        let permission = |((client, label), (unapproved, first_seen)): ((&'a ClientId, &'a str), (bool, Timestamp))| {
            ToldGrant { client, label, unapproved, first_seen }
        };
        Self { scopes, permissions: permissions.into_iter().map(permission).collect() }
    }
}

/// An exempt grant must not page.
fn first_seen(held: &[&DangerousGrant], memory: Memory) -> Timestamp {
    let exempt = !held.is_empty() && held.iter().all(|held| held.status == Status::Exempt);
    if exempt { Timestamp::default() } else { memory.first_seen() }
}

/// The patterns that match a permission: those of the report, and where it is gone those that match it now.
fn patterns<'a>(report: &'a Report, held: &[&'a DangerousGrant], grant: &Grant) -> Vec<&'a str> {
    if let Some(held) = held.first() {
        return held.patterns.iter().map(String::as_str).collect();
    }
    let meeting = report.permission_patterns.iter().filter(|pattern| pattern.meets_text(grant.power.name()));
    meeting.map(crate::policy::PermissionPattern::as_str).collect()
}

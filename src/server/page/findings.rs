//! The worst findings, as the page shows them: whose, what, why, since when.
//!
//! Bounded; the whole is in the report.

use std::collections::HashMap;
use std::time::Duration;

use super::words::{Moment, grant_words, state_word};
use crate::audit::{Finding, Kind, Report, Status};
use crate::domain::{ClientId, ClientState, Snapshot, Timestamp};
use crate::grants::{Ledger, Memory};
use crate::output::{shortened, visible};

/// Findings that are shown; the rest is counted.
const WORST: usize = 50;
/// A longer name is cut, and told whole in its title.
const NAME: usize = 80;
/// What was first seen this shortly ago is marked as new.
const NEW: Duration = Duration::from_hours(24);

pub(super) struct Row {
    pub(super) severity: &'static str,
    pub(super) name: Name,
    pub(super) client_id: String,
    pub(super) kind: &'static str,
    /// Where it is not active.
    pub(super) state: Option<&'static str>,
    pub(super) rule: &'static str,
    pub(super) title: &'static str,
    pub(super) evidence: String,
    pub(super) value: Name,
    pub(super) reason: String,
    pub(super) since: Since,
    pub(super) is_new: bool,
}

pub(super) enum Since {
    At(Moment),
    /// It was there when the exporter first looked.
    BeforeUs,
    /// Nobody keeps that.
    Unknown,
}

/// A name that somebody else chose: what is shown, and the whole where that is more.
pub(super) struct Name {
    pub(super) shown: String,
    pub(super) whole: Option<String>,
}

/// The worst open findings, of equals the newest first, and how many of all are new.
pub(super) fn worst_findings(
    snapshot: &Snapshot,
    report: &Report,
    ledger: &Ledger,
    now: Timestamp,
) -> (Vec<Row>, usize) {
    let since: HashMap<(&ClientId, &str), Memory> =
        ledger.entries().map(|(grant, memory)| ((&grant.client, grant.power.name()), memory)).collect();
    let mut open: Vec<(&Finding, Option<Memory>)> = report
        .findings
        .iter()
        .filter(|finding| finding.status == Status::Open)
        .map(|finding| {
            let key =
                finding.client.as_ref().filter(|_| matches!(finding.evidence.kind, Kind::Scope | Kind::Permission));
            (finding, key.and_then(|client| since.get(&(client, finding.evidence.key.as_str())).copied()))
        })
        .collect();
    let first_seen = |memory: &Option<Memory>| memory.map(Memory::first_seen).unwrap_or_default();
    let is_new = |memory: &Option<Memory>| {
        let first_seen = first_seen(memory);
        first_seen != Timestamp::default() && now.since(first_seen) < NEW
    };
    let new = open.iter().filter(|(_, memory)| is_new(memory)).count();
    // Stable: within equals the report's order stays, by client, rule and evidence.
    open.sort_by_key(|(finding, memory)| std::cmp::Reverse((finding.severity, first_seen(memory))));
    let rows = open.iter().take(WORST).map(|(finding, memory)| {
        let since = match memory {
            Some(Memory::Held { first_seen: Some(time), .. }) => Since::At(Moment::new(*time, now)),
            Some(Memory::Held { first_seen: None, .. }) => Since::BeforeUs,
            Some(Memory::Gone(_)) | None => Since::Unknown,
        };
        Row::new(snapshot, finding, since, is_new(memory))
    });
    (rows.collect(), new)
}

impl Row {
    fn new(snapshot: &Snapshot, finding: &Finding, since: Since, is_new: bool) -> Self {
        let client = finding.client.as_ref().and_then(|id| snapshot.client(id));
        let text = finding.evidence.to_string();
        let value = finding.evidence.key.as_str();
        Self {
            severity: finding.severity.label(),
            name: Name::new(client.map_or("The organisation", |client| &client.name)),
            client_id: finding.client.as_ref().map_or(String::new(), |id| visible(id.as_str()).into_owned()),
            kind: client.map_or("", |client| grant_words(client.grant_type)),
            state: client.map(|client| client.state).filter(|s| *s != ClientState::Active).map(state_word),
            rule: finding.rule.slug,
            title: finding.rule.title,
            evidence: visible(text.strip_suffix(value).unwrap_or(&text)).into_owned(),
            value: Name::new(value),
            reason: visible(&finding.reason).into_owned(),
            since,
            is_new,
        }
    }
}

impl Name {
    pub(super) fn new(name: &str) -> Self {
        let whole = visible(name);
        let shown = shortened(&whole, NAME).into_owned();
        let is_cut = shown != whole;
        Self { shown, whole: is_cut.then(|| whole.into_owned()) }
    }
}

//! What the audit found, as the page shows it: counts, the worst findings, the inputs.
//!
//! Bounded however large the organisation is; the whole is in the report.

use std::collections::HashMap;
use std::time::Duration;

use super::words::{Moment, spoken};
use crate::audit::{Finding, Report, Status};
use crate::domain::{ClientId, ClientState, Collector, CollectorStatus, GrantType, Severity, Snapshot, Timestamp};
use crate::grants::{Ledger, Memory};
use crate::output::{Summary, shortened, visible};
use crate::publish::Judged;

/// Findings that are shown; the rest is counted.
const WORST: usize = 50;
/// Dangerous scopes that are shown.
const SCOPES: usize = 15;
/// A longer name is cut, and told whole in its title.
const NAME: usize = 80;
/// What was first seen this shortly ago is marked as new.
const NEW: Duration = Duration::from_hours(24);
/// The width of a bar, in its own units.
const BAR: usize = 1_000;

pub(super) struct Details {
    pub(super) tiles: Vec<Tile>,
    pub(super) bars: Vec<Bar>,
    pub(super) open: usize,
    pub(super) settled: Option<String>,
    pub(super) findings: Vec<Row>,
    pub(super) more_findings: usize,
    pub(super) new: usize,
    pub(super) scopes: Vec<ScopeRow>,
    pub(super) more_scopes: usize,
    pub(super) inputs: Vec<InputRow>,
}

/// A figure.
pub(super) struct Tile {
    pub(super) label: &'static str,
    pub(super) value: usize,
    pub(super) tone: &'static str,
    pub(super) note: String,
}

/// Clients by something.
pub(super) struct Bar {
    pub(super) title: &'static str,
    pub(super) segments: Vec<Segment>,
}

pub(super) struct Segment {
    pub(super) label: &'static str,
    pub(super) colour: &'static str,
    pub(super) count: usize,
    pub(super) x: usize,
    pub(super) width: usize,
}

/// A name that somebody else chose: what is shown, and the whole where that is more.
pub(super) struct Name {
    pub(super) shown: String,
    pub(super) whole: Option<String>,
}

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

pub(super) struct ScopeRow {
    pub(super) scope: Name,
    pub(super) severity: &'static str,
    pub(super) holders: usize,
    pub(super) width: usize,
}

pub(super) struct InputRow {
    pub(super) name: &'static str,
    pub(super) tone: &'static str,
    pub(super) word: &'static str,
    pub(super) message: Option<String>,
    pub(super) permission: Option<String>,
    pub(super) took: Option<String>,
}

impl Details {
    pub(super) fn new(judged: &Judged, collectors: &[CollectorStatus], now: Timestamp) -> Self {
        let Judged { snapshot, report, ledger } = judged;
        let summary = Summary::new(snapshot, report);
        let open = summary.findings(Status::Open);
        let (findings, new) = worst_findings(snapshot, report, ledger, now);
        let scopes = scope_rows(report);
        Self {
            tiles: tiles(&summary, report, snapshot),
            bars: bars(&summary),
            open,
            settled: settled(&summary),
            more_findings: open - findings.len(),
            findings,
            new,
            more_scopes: report.dangerous_scopes.iter().filter(|scope| scope.holders > 0).count() - scopes.len(),
            scopes,
            inputs: Collector::ALL.into_iter().map(|collector| input(collector, snapshot, collectors)).collect(),
        }
    }
}

fn tiles(summary: &Summary, report: &Report, snapshot: &Snapshot) -> Vec<Tile> {
    let worst: Vec<String> = (summary.flagged_by_severity.iter())
        .filter(|(_, clients)| *clients > 0)
        .map(|(severity, clients)| format!("{clients} {severity}"))
        .collect();
    let tone = summary.flagged_by_severity.iter().find(|(_, clients)| *clients > 0).map_or("good", |(s, _)| s.label());
    let held = report.dangerous_scopes.iter().filter(|scope| scope.holders > 0).count();
    let unread: Vec<&str> = crate::output::unread(snapshot).map(|(collector, _)| collector.label()).collect();
    vec![
        Tile {
            label: "Clients",
            value: summary.clients,
            tone: "plain",
            note: format!("{} compliant", summary.compliant),
        },
        Tile {
            label: "Flagged",
            value: summary.flagged,
            tone,
            note: if worst.is_empty() { format!("none at {} or above", report.flag_at) } else { worst.join(" · ") },
        },
        Tile {
            label: "Dangerous scopes held",
            value: summary.dangerous_scopes_held,
            tone: "plain",
            note: if held == 0 { "nobody holds one".to_owned() } else { format!("{held} different") },
        },
        Tile {
            label: "Not evaluated",
            value: summary.not_evaluated,
            tone: if summary.not_evaluated == 0 { "good" } else { "wait" },
            note: match (summary.not_evaluated, unread.is_empty()) {
                (0, _) => "everything was judged".to_owned(),
                (_, true) => "judged by no rule".to_owned(),
                (_, false) => format!("not read: {}", unread.join(", ")),
            },
        },
    ]
}

fn bars(summary: &Summary) -> Vec<Bar> {
    let grants = summary.by_grant_type.map(|(grant, count)| (grant_words(grant), grant.label(), count));
    let states = summary.by_state.map(|(state, count)| (state_word(state), state.label(), count));
    vec![
        Bar { title: "By grant type", segments: segments(&grants, summary.clients) },
        Bar { title: "By state", segments: segments(&states, summary.clients) },
    ]
}

fn segments(parts: &[(&'static str, &'static str, usize)], total: usize) -> Vec<Segment> {
    let mut before = 0;
    parts
        .iter()
        .map(|(label, colour, count)| {
            let edge = |clients: usize| (clients * BAR).checked_div(total).unwrap_or(0);
            let (x, end) = (edge(before), edge(before + count));
            before += count;
            Segment { label, colour, count: *count, x, width: end - x }
        })
        .collect()
}

/// Findings that do not count, in words.
fn settled(summary: &Summary) -> Option<String> {
    let words: Vec<String> = [Status::Exempt, Status::Approved, Status::NotEvaluated]
        .into_iter()
        .filter(|status| summary.findings(*status) > 0)
        .map(|status| format!("{} {}", summary.findings(status), status.label().replace('_', " ")))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// The worst open findings, of equals the newest first, and how many of all are new.
fn worst_findings(snapshot: &Snapshot, report: &Report, ledger: &Ledger, now: Timestamp) -> (Vec<Row>, usize) {
    let since: HashMap<(&ClientId, &str), Memory> =
        ledger.entries().map(|(grant, memory)| ((&grant.client, grant.scope.as_str()), memory)).collect();
    let mut open: Vec<(&Finding, Option<Memory>)> = report
        .findings
        .iter()
        .filter(|finding| finding.status == Status::Open)
        .map(|finding| {
            let key = finding.client.as_ref().filter(|_| finding.evidence.key().0 == "scope");
            (finding, key.and_then(|client| since.get(&(client, finding.evidence.key().1)).copied()))
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
        let value = finding.evidence.key().1;
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
    fn new(name: &str) -> Self {
        let whole = visible(name);
        let shown = shortened(&whole, NAME).into_owned();
        let is_cut = shown != whole;
        Self { shown, whole: is_cut.then(|| whole.into_owned()) }
    }
}

fn scope_rows(report: &Report) -> Vec<ScopeRow> {
    let mut held: Vec<_> = report.dangerous_scopes.iter().filter(|scope| scope.holders > 0).collect();
    held.sort_by_key(|scope| std::cmp::Reverse((scope.severity, scope.holders)));
    held.truncate(SCOPES);
    let most = held.iter().map(|scope| scope.holders).max().unwrap_or(1);
    let row = |scope: &crate::audit::DangerousScope| ScopeRow {
        scope: Name::new(&scope.scope),
        severity: Severity::label(scope.severity),
        holders: scope.holders,
        width: scope.holders * BAR / most,
    };
    held.into_iter().map(row).collect()
}

fn input(collector: Collector, snapshot: &Snapshot, collectors: &[CollectorStatus]) -> InputRow {
    let last = collectors.iter().find(|status| status.collector == collector);
    let not_read = snapshot.not_read(collector);
    let (tone, word, message) = match (not_read, last) {
        (Some(why), _) => ("bad", "Not read", Some(visible(&why.message).into_owned())),
        (None, Some(last)) if !last.success => {
            ("wait", "Failing", Some("Read before, and not in the last refresh.".to_owned()))
        }
        (None, _) => ("good", "Read", None),
    };
    let unsupported = last.is_some_and(|last| !last.supported);
    let permission = match not_read {
        Some(why) => why.missing_permission.as_deref(),
        None if unsupported => collector.permission(),
        None => None,
    };
    InputRow {
        name: collector.label(),
        tone,
        word,
        message,
        permission: permission.map(|permission| visible(permission).into_owned()),
        took: last.filter(|last| last.success).map(|last| match last.duration {
            short if short < Duration::from_secs(1) => format!("{} ms", short.as_millis()),
            long => spoken(long),
        }),
    }
}

const fn grant_words(grant: GrantType) -> &'static str {
    match grant {
        GrantType::ClientCredentials => "Client credentials",
        GrantType::Code => "Authorization code",
        GrantType::Implicit => "Implicit",
        GrantType::Password => "Password",
        GrantType::Saml2Bearer => "SAML 2 bearer",
        GrantType::Other => "Other grant",
    }
}

const fn state_word(state: ClientState) -> &'static str {
    match state {
        ClientState::Active => "Active",
        ClientState::Inactive => "Inactive",
        ClientState::Disabled => "Disabled",
        ClientState::Other => "Other state",
    }
}

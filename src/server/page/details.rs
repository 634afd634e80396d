//! The details of an organisation on the status page: counts, dangerous scopes and inputs.
//!
//! The size is limited however large the organisation is; the report has everything.

use std::time::Duration;

use super::clients::{ClientRow, client_rows};
use super::findings::{FindingRow, Name, worst_findings};
use super::search::Search;
use super::words::{grant_words, severity_word, spoken, state_word};
use super::worst::{WorstClient, worst_clients};
use crate::audit::{DangerousScope, Report, Status, rules};
use crate::domain::{Collector, CollectorStatus, Severity, Snapshot, Timestamp};
use crate::output::Summary;
use crate::publish::Evaluated;
use crate::text::{counted, visible};

/// Dangerous scopes that are shown; further ones are counted.
const SCOPES: usize = 15;
/// The width of a bar in SVG units.
const BAR: usize = 1_000;

pub(super) struct Details {
    /// `None` during a search: then the page shows only the clients that match.
    pub(super) overview: Option<Overview>,
    pub(super) total_clients: usize,
    /// The number of clients that match the search; all without one.
    pub(super) found: usize,
    pub(super) clients: Vec<ClientRow>,
    pub(super) more_clients: usize,
}

pub(super) struct Overview {
    pub(super) tiles: Vec<Tile>,
    pub(super) bars: Vec<Bar>,
    pub(super) open: usize,
    pub(super) settled: Option<String>,
    pub(super) findings: Vec<FindingRow>,
    pub(super) more_findings: usize,
    pub(super) new: usize,
    pub(super) scopes: Vec<ScopeRow>,
    pub(super) more_scopes: usize,
    pub(super) inputs: Vec<InputRow>,
    pub(super) worst: Vec<WorstClient>,
}

/// A number in large print.
pub(super) struct Tile {
    pub(super) label: &'static str,
    pub(super) value: usize,
    pub(super) tone: &'static str,
    pub(super) note: String,
}

/// A bar with one segment per value.
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
    pub(super) fn new(evaluated: &Evaluated, collectors: &[CollectorStatus], search: &Search, now: Timestamp) -> Self {
        let Evaluated { snapshot, report, .. } = evaluated;
        let hits = search.hits(snapshot, report);
        let clients = client_rows(snapshot, report, &hits);
        Self {
            overview: (!search.is_some()).then(|| Overview::new(evaluated, collectors, now)),
            total_clients: snapshot.clients.len(),
            found: hits.len(),
            more_clients: hits.len() - clients.len(),
            clients,
        }
    }
}

impl Overview {
    fn new(evaluated: &Evaluated, collectors: &[CollectorStatus], now: Timestamp) -> Self {
        let Evaluated { snapshot, report, ledger, .. } = evaluated;
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
            worst: worst_clients(snapshot, report),
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
    let mut found = report.findings.iter();
    let unknown_roles =
        !report.role_gaps.is_empty() || found.any(|finding| finding.rule.slug == rules::UNRESOLVED_ROLE);
    let not_read: Vec<&str> = snapshot.input_gaps().map(|(collector, _)| collector.label()).collect();
    let partial = snapshot.clients.partial().count();
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
            note: if held == 0 { "none held".to_owned() } else { counted(held, "different scope") },
        },
        Tile {
            label: "Not evaluated",
            value: summary.not_evaluated,
            tone: if summary.not_evaluated == 0 { "good" } else { "wait" },
            note: match (summary.not_evaluated, not_read.is_empty()) {
                (0, true) if unknown_roles => "but some roles are unknown".to_owned(),
                (0, true) => "everything was evaluated".to_owned(),
                (_, true) if partial > 0 => format!("{} read only in part", counted(partial, "record")),
                (_, true) => "could not be fully evaluated".to_owned(),
                (_, false) => format!("not read: {}", not_read.join(", ")),
            },
        },
    ]
}

fn bars(summary: &Summary) -> Vec<Bar> {
    let grants = summary.by_grant_type.map(|(grant, count)| (grant_words(grant), grant.label(), count));
    let states = summary.by_state.map(|(state, count)| (state_word(state), state.label(), count));
    let severities =
        summary.open_by_severity.map(|(severity, count)| (severity_word(severity), severity.label(), count));
    let open = summary.findings(Status::Open);
    vec![
        Bar { title: "Open findings by severity", segments: segments(&severities, open) },
        Bar { title: "Clients by grant type", segments: segments(&grants, summary.clients) },
        Bar { title: "Clients by state", segments: segments(&states, summary.clients) },
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

/// The counts of findings that are not open.
fn settled(summary: &Summary) -> Option<String> {
    let words: Vec<String> = [Status::Exempt, Status::Approved, Status::NotEvaluated]
        .into_iter()
        .filter(|status| summary.findings(*status) > 0)
        .map(|status| format!("{} {}", summary.findings(status), status.label().replace('_', " ")))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn scope_rows(report: &Report) -> Vec<ScopeRow> {
    let mut held: Vec<_> = report.dangerous_scopes.iter().filter(|scope| scope.holders > 0).collect();
    held.sort_by_key(|scope| std::cmp::Reverse((scope.severity, scope.holders)));
    held.truncate(SCOPES);
    let most = held.iter().map(|scope| scope.holders).max().unwrap_or(1);
    let row = |scope: &DangerousScope| ScopeRow {
        scope: Name::new(&scope.scope),
        severity: Severity::label(scope.severity),
        holders: scope.holders,
        width: scope.holders * BAR / most,
    };
    held.into_iter().map(row).collect()
}

fn input(collector: Collector, snapshot: &Snapshot, collectors: &[CollectorStatus]) -> InputRow {
    let last = collectors.iter().find(|status| status.collector == collector);
    let not_read = snapshot.gap(collector);
    let (tone, word, message) = match (not_read, last) {
        (Some(why), _) => ("bad", "Not read", Some(visible(&why.message).into_owned())),
        (None, Some(last)) if !last.success => {
            ("wait", "Failing", Some("Read earlier, but not in the last refresh.".to_owned()))
        }
        (None, _) => ("good", "Read", None),
    };
    let permission = not_read.and_then(|why| why.missing_permission.as_deref());
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

//! The details of an organisation on the status page: counts, dangerous scopes and inputs.
//!
//! The size is limited however large the organisation is; the report has everything.

use std::time::Duration;

use super::clients::{ClientRow, client_rows};
use super::findings::{FindingRow, Name, worst_findings};
use super::link::Links;
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
    /// The findings that are not open.
    pub(super) settled: Option<Vec<Settled>>,
    pub(super) findings: Vec<FindingRow>,
    pub(super) more_findings: usize,
    pub(super) all_findings: String,
    /// Those after the ones that are shown.
    pub(super) next_findings: String,
    pub(super) new_findings: String,
    pub(super) new: usize,
    pub(super) scopes: Vec<ScopeRow>,
    pub(super) more_scopes: usize,
    pub(super) inputs: Vec<InputRow>,
    pub(super) worst: Vec<WorstClient>,
}

/// The number of findings with a status that does not count.
pub(super) struct Settled {
    pub(super) link: String,
    pub(super) words: String,
}

/// A number in large print.
pub(super) struct Tile {
    pub(super) label: &'static str,
    pub(super) value: usize,
    pub(super) tone: &'static str,
    pub(super) note: String,
    /// What the number counts.
    pub(super) link: String,
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
    /// What the number counts.
    pub(super) link: String,
}

pub(super) struct ScopeRow {
    pub(super) scope: Name,
    pub(super) severity: &'static str,
    pub(super) holders: usize,
    pub(super) width: usize,
    /// The holders.
    pub(super) link: String,
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
    /// `is_current` is false for data that is older than the last attempt to refresh it: then nothing on the page may look as if it was
    /// checked now.
    pub(super) fn new(
        evaluated: &Evaluated,
        collectors: &[CollectorStatus],
        (search, links): (&Search, &Links),
        is_current: bool,
        now: Timestamp,
    ) -> Self {
        let Evaluated { snapshot, report, policy, .. } = evaluated;
        let hits = search.hits(snapshot, report, policy);
        let found = hits.len();
        let clients = client_rows(snapshot, report, hits);
        Self {
            overview: (!search.is_some()).then(|| Overview::new(evaluated, collectors, links, (is_current, now))),
            total_clients: snapshot.clients.len(),
            found,
            more_clients: found - clients.len(),
            clients,
        }
    }
}

impl Overview {
    fn new(
        evaluated: &Evaluated,
        collectors: &[CollectorStatus],
        links: &Links,
        (is_current, now): (bool, Timestamp),
    ) -> Self {
        let Evaluated { snapshot, report, .. } = evaluated;
        let summary = Summary::new(snapshot, report);
        let open = summary.findings(Status::Open);
        let (findings, new) = worst_findings(evaluated, links, now);
        let scopes = scope_rows(report, links);
        Self {
            tiles: tiles(&summary, (report, snapshot), links, is_current),
            bars: bars(&summary, links),
            open,
            settled: settled(&summary, links),
            more_findings: open - findings.len(),
            all_findings: links.findings([]),
            next_findings: links.findings([("page", "2")]),
            new_findings: links.findings([("new", "yes")]),
            findings,
            new,
            more_scopes: report.dangerous_scopes.iter().filter(|scope| scope.holders > 0).count() - scopes.len(),
            scopes,
            inputs: Collector::ALL
                .into_iter()
                .map(|collector| input(collector, snapshot, collectors, is_current))
                .collect(),
            worst: worst_clients(snapshot, report, links),
        }
    }
}

fn tiles(summary: &Summary, (report, snapshot): (&Report, &Snapshot), links: &Links, is_current: bool) -> Vec<Tile> {
    let worst: Vec<String> = (summary.flagged_by_severity.iter())
        .filter(|(_, clients)| *clients > 0)
        .map(|(severity, clients)| format!("{clients} {severity}"))
        .collect();
    let held = report.dangerous_scopes.iter().filter(|scope| scope.holders > 0).count();
    let not_evaluated = not_evaluated(summary, report, snapshot);
    // Green says that all is well, so nothing may be unknown.
    let is_certain = is_current && not_evaluated.is_none();
    let worst_tone = summary.flagged_by_severity.iter().find(|(_, clients)| *clients > 0).map(|(s, _)| s.label());
    vec![
        Tile {
            label: "Clients",
            value: summary.clients,
            tone: "plain",
            note: format!("{} compliant", summary.compliant),
            link: "#clients-1".to_owned(),
        },
        Tile {
            label: "Flagged",
            value: summary.flagged,
            tone: worst_tone.unwrap_or(if is_certain { "good" } else { "plain" }),
            note: match (worst.is_empty(), is_certain) {
                (false, _) => worst.join(" · "),
                (true, true) => format!("none at {} or above", report.flag_at),
                (true, false) => format!("none known at {} or above", report.flag_at),
            },
            link: links.clients([("status", "flagged")]),
        },
        Tile {
            label: "Dangerous scopes held",
            value: summary.dangerous_scopes_held,
            tone: "plain",
            note: if held == 0 { "none held".to_owned() } else { counted(held, "different scope") },
            link: links.findings([("status", "all"), ("rule", rules::DANGEROUS_SCOPE)]),
        },
        Tile {
            label: "Not evaluated",
            value: summary.not_evaluated,
            tone: if is_certain { "good" } else { "wait" },
            note: match not_evaluated {
                Some(what) => what,
                None if is_current => "everything was evaluated".to_owned(),
                None => "in the last complete data".to_owned(),
            },
            link: links.clients([("status", "not_evaluated")]),
        },
    ]
}

/// What could not be evaluated; `None` if everything was.
fn not_evaluated(summary: &Summary, report: &Report, snapshot: &Snapshot) -> Option<String> {
    let not_read: Vec<&str> = snapshot.input_gaps().map(|(collector, _)| collector.label()).collect();
    let mut found = report.findings();
    let unknown_roles =
        !report.role_gaps.is_empty() || found.any(|finding| finding.rule.slug == rules::UNRESOLVED_ROLE);
    let partial = snapshot.clients.partial().count();
    if !not_read.is_empty() {
        return Some(format!("not read: {}", not_read.join(", ")));
    }
    if partial > 0 {
        return Some(format!("{} read only in part", counted(partial, "record")));
    }
    if unknown_roles {
        return Some("some roles are unknown".to_owned());
    }
    (summary.not_evaluated > 0).then(|| "could not be fully evaluated".to_owned())
}

fn bars(summary: &Summary, links: &Links) -> Vec<Bar> {
    let grants = summary
        .by_grant_type
        .map(|(grant, count)| (grant_words(grant), grant.label(), count, links.clients([("grant", grant.label())])));
    let states = summary
        .by_state
        .map(|(state, count)| (state_word(state), state.label(), count, links.clients([("state", state.label())])));
    let severities = summary.open_by_severity.map(|(severity, count)| {
        let link = links.findings([("severity", severity.label())]);
        (severity_word(severity), severity.label(), count, link)
    });
    let open = summary.findings(Status::Open);
    vec![
        Bar { title: "Open findings by severity", segments: segments(severities, open) },
        Bar { title: "Clients by grant type", segments: segments(grants, summary.clients) },
        Bar { title: "Clients by state", segments: segments(states, summary.clients) },
    ]
}

fn segments<const N: usize>(parts: [(&'static str, &'static str, usize, String); N], total: usize) -> Vec<Segment> {
    let mut before = 0;
    parts
        .into_iter()
        .map(|(label, colour, count, link)| {
            let edge = |clients: usize| (clients * BAR).checked_div(total).unwrap_or(0);
            let (x, end) = (edge(before), edge(before + count));
            before += count;
            Segment { label, colour, count, x, width: end - x, link }
        })
        .collect()
}

/// The counts of findings that are not open.
fn settled(summary: &Summary, links: &Links) -> Option<Vec<Settled>> {
    let words: Vec<Settled> = [Status::Exempt, Status::Approved, Status::NotEvaluated]
        .into_iter()
        .filter(|status| summary.findings(*status) > 0)
        .map(|status| Settled {
            link: links.findings([("status", status.label())]),
            words: format!("{} {}", summary.findings(status), status.label().replace('_', " ")),
        })
        .collect();
    (!words.is_empty()).then_some(words)
}

fn scope_rows(report: &Report, links: &Links) -> Vec<ScopeRow> {
    let mut held: Vec<_> = report.dangerous_scopes.iter().filter(|scope| scope.holders > 0).collect();
    held.sort_by_key(|scope| std::cmp::Reverse((scope.severity, scope.holders)));
    held.truncate(SCOPES);
    let most = held.iter().map(|scope| scope.holders).max().unwrap_or(1);
    let row = |scope: &DangerousScope| ScopeRow {
        scope: Name::new(&scope.scope),
        severity: Severity::label(scope.severity),
        holders: scope.holders,
        width: scope.holders * BAR / most,
        link: links.clients([("scope", &scope.scope)]),
    };
    held.into_iter().map(row).collect()
}

fn input(collector: Collector, snapshot: &Snapshot, collectors: &[CollectorStatus], is_current: bool) -> InputRow {
    let last = collectors.iter().find(|status| status.collector == collector);
    let not_read = snapshot.gap(collector);
    let (tone, word, message) = match (not_read, last) {
        (Some(why), _) => ("bad", "Not read", Some(visible(&why.message).into_owned())),
        (None, Some(last)) if !last.success => {
            ("wait", "Failing", Some("Read earlier, but not in the last refresh.".to_owned()))
        }
        (None, _) if !is_current => ("wait", "Read earlier", None),
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

//! The page of all findings: filtered by its query, the worst first, in parts of fifty.
//!
//! The status page shows the worst of them, and the page of a client shows its own with advice.

use askama::Template;

use super::findings::{FindingRow, is_shown};
use super::form::{Choice, severities};
use super::frame::Frame;
use super::freshness::FreshnessView;
use super::query::{LONGEST, Query, written};
use super::since::{FirstSeen, Since};
use crate::audit::{Finding, Status, rules};
use crate::domain::{Severity, Timestamp};
use crate::publish::Published;
use crate::text::{counted, visible};

/// The findings on one page.
const PART: usize = 50;

/// Which findings are shown. A finding must match all criteria.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Filter {
    /// A part of the client's name or id, the rule or the evidence; empty matches all.
    text: String,
    severity: Option<Severity>,
    /// Open by default.
    status: Shown,
    /// The slug of a rule; empty matches all.
    rule: String,
    /// The id of a client; empty matches all.
    client: String,
    /// Only findings that were first seen within a day.
    is_new: bool,
    page: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Only(Status),
    All,
}

impl Shown {
    const ALL: [Self; 5] = [
        Self::Only(Status::Open),
        Self::Only(Status::Exempt),
        Self::Only(Status::Approved),
        Self::Only(Status::NotEvaluated),
        Self::All,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Only(status) => status.label(),
            Self::All => "all",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Only(status) => status_word(status),
            Self::All => "All",
        }
    }
}

const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Open => "Open",
        Status::Exempt => "Exempt",
        Status::Approved => "Approved",
        Status::NotEvaluated => "Not evaluated",
    }
}

impl Filter {
    /// Parses the query of a URL. The error lists what is unknown, and what is known instead.
    pub(in crate::server) fn parse(query: Option<&str>) -> Result<Self, String> {
        let mut query = Query::parse(query, &["q", "severity", "status", "rule", "client", "new", "page"]);
        let rule = query.text("rule");
        if !rule.is_empty() && rules::find(&rule).is_none() {
            query.unknown("rule", &["a slug of `rules list`"]);
        }
        let filter = Self {
            text: query.text("q"),
            severity: query.chosen("severity", &Severity::ALL, Severity::label),
            status: query.chosen("status", &Shown::ALL, Shown::label).unwrap_or(Shown::Only(Status::Open)),
            rule,
            client: query.text("client"),
            is_new: query.chosen("new", &["yes"], |word| word).is_some(),
            page: query.number("page"),
        };
        query.end(filter)
    }

    fn shows(&self, finding: &Finding, name: &str, first_seen: &FirstSeen<'_>) -> bool {
        let text = self.text.to_lowercase();
        let contains = |of: &str| of.to_lowercase().contains(&text);
        let id = finding.client.as_ref().map_or("", |id| id.as_str());
        is_shown(finding)
            && self.severity.is_none_or(|severity| finding.severity == severity)
            && (self.status == Shown::All || self.status == Shown::Only(finding.status))
            && (self.rule.is_empty() || self.rule == finding.rule.slug)
            && (self.client.is_empty() || self.client == id)
            && (!self.is_new || first_seen.is_new(finding))
            && (text.is_empty()
                || contains(name)
                || contains(id)
                || contains(finding.rule.slug)
                || contains(finding.rule.title)
                || contains(&finding.evidence.text))
    }

    /// The query that shows the same findings, from this page on.
    fn link(&self, page: usize) -> String {
        let page = page.to_string();
        let query = written([
            ("q", self.text.as_str()),
            ("severity", self.severity.map_or("", Severity::label)),
            ("status", if self.status == Shown::Only(Status::Open) { "" } else { self.status.label() }),
            ("rule", &self.rule),
            ("client", &self.client),
            ("new", if self.is_new { "yes" } else { "" }),
            ("page", if page == "1" { "" } else { &page }),
        ]);
        format!("findings?{query}")
    }
}

/// A finding with its organisation and its status.
struct ListedFinding {
    org: String,
    /// The status, unless it is open.
    status: Option<&'static str>,
    finding: FindingRow,
}

/// Renders the page.
pub(in crate::server) fn page(
    published: &Published,
    filter: &Filter,
    now: Timestamp,
    telemetry_path: &str,
) -> askama::Result<String> {
    let mut found: Vec<(&str, FirstSeen<'_>, &crate::domain::Snapshot, Vec<&Finding>)> = Vec::new();
    let (mut unlisted, mut stale) = (0, Vec::new());
    for organisation in &published.organisations {
        let Some(evaluated) = organisation.evaluated.as_deref() else { continue };
        let first_seen = FirstSeen::new(&evaluated.ledger, now);
        let name = |finding: &Finding| {
            let client = finding.client.as_ref().and_then(|id| evaluated.snapshot.client(id));
            client.map_or("The organisation", |client| &*client.name)
        };
        let findings = evaluated.report.findings();
        let shown: Vec<&Finding> =
            findings.filter(|finding| filter.shows(finding, name(finding), &first_seen)).collect();
        unlisted += evaluated.report.findings().filter(|finding| !is_shown(finding)).map(Finding::count).sum::<usize>();
        let freshness = FreshnessView::new(&organisation.freshness, true, now);
        if !freshness.is_current() {
            stale.push(format!("{}: {}", visible(&organisation.org), freshness.sentence()));
        }
        found.push((&organisation.org, first_seen, &evaluated.snapshot, shown));
    }
    let mut all: Vec<(usize, &Finding)> = Vec::new();
    for (position, (.., findings)) in found.iter().enumerate() {
        all.extend(findings.iter().map(|finding| (position, *finding)));
    }
    all.sort_by_cached_key(|(position, finding)| {
        let time = found.get(*position).map(|(_, first_seen, ..)| first_seen.time(finding));
        (finding.status, std::cmp::Reverse((finding.severity, time)))
    });
    let (total, pages) = (all.len(), all.len().div_ceil(PART).max(1));
    let page = filter.page.min(pages);
    let row = |(position, finding): &(usize, &Finding)| {
        let (org, first_seen, snapshot, _) = found.get(*position)?;
        Some(ListedFinding {
            org: visible(org).into_owned(),
            status: (finding.status != Status::Open).then_some(status_word(finding.status)),
            finding: FindingRow::new(snapshot, finding, first_seen),
        })
    };
    let statuses = Shown::ALL.map(|status| Choice {
        value: status.label(),
        words: status.words(),
        is_chosen: filter.status == status,
    });
    Page {
        frame: Frame::new("/findings", telemetry_path, true, now),
        text: visible(&filter.text).into_owned(),
        longest: LONGEST,
        severities: severities(filter.severity),
        statuses,
        rule: (!filter.rule.is_empty()).then(|| filter.rule.clone()),
        client: (!filter.client.is_empty()).then(|| visible(&filter.client).into_owned()),
        is_new: filter.is_new,
        total,
        unlisted: (unlisted > 0).then(|| counted(unlisted, "finding")),
        stale,
        has_orgs: published.organisations.len() > 1,
        number: page,
        pages,
        rows: all.iter().skip((page - 1) * PART).take(PART).filter_map(row).collect(),
        previous: (page > 1).then(|| filter.link(page - 1)),
        next: (page < pages).then(|| filter.link(page + 1)),
    }
    .render()
}

#[derive(Template)]
#[template(path = "findings.html")]
struct Page<'a> {
    frame: Frame<'a>,
    text: String,
    longest: usize,
    severities: [Choice; 5],
    statuses: [Choice; 5],
    rule: Option<String>,
    client: Option<String>,
    is_new: bool,
    total: usize,
    /// The number of findings that the report counts but does not list one by one.
    unlisted: Option<String>,
    stale: Vec<String>,
    has_orgs: bool,
    number: usize,
    pages: usize,
    rows: Vec<ListedFinding>,
    previous: Option<String>,
    next: Option<String>,
}

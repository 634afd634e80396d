//! The page of all findings: filtered by its query, the worst first, in parts of fifty.
//!
//! The status page shows the worst of them, and the page of a client shows its own with advice.

use askama::Template;

use super::findings::{FindingRow, is_shown};
use super::form::{Choice, severities};
use super::frame::Frame;
use super::link::{self, Links};
use super::paging::Paging;
use super::query::{LONGEST, Query, written};
use super::since::{FirstSeen, Since};
use super::stale::notices;
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
    /// Only findings on grants that page.
    is_paging: bool,
    /// The label of an organisation; empty matches all.
    org: String,
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
        let mut query =
            Query::parse(query, &["q", "severity", "status", "rule", "client", "org", "new", "paging", "page"]);
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
            is_paging: query.chosen("paging", &["yes"], |word| word).is_some(),
            org: query.exact("org"),
            page: query.number("page"),
        };
        query.end(filter)
    }

    /// The label of the only organisation that is asked for.
    pub(in crate::server) fn org(&self) -> Option<&str> {
        Some(self.org.as_str()).filter(|org| !org.is_empty())
    }

    fn shows(&self, finding: &Finding, name: &str, (first_seen, paging): (&FirstSeen<'_>, Paging<'_>)) -> bool {
        let text = self.text.to_lowercase();
        let contains = |of: &str| of.to_lowercase().contains(&text);
        let id = finding.client.as_ref().map_or("", |id| id.as_str());
        is_shown(finding)
            && self.severity.is_none_or(|severity| finding.severity == severity)
            && (self.status == Shown::All || self.status == Shown::Only(finding.status))
            && (self.rule.is_empty() || self.rule == finding.rule.slug)
            && (self.client.is_empty() || self.client == id)
            && (!self.is_new || first_seen.is_new(finding))
            && (!self.is_paging || paging.is_about(finding))
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
            ("org", &self.org),
            ("new", if self.is_new { "yes" } else { "" }),
            ("paging", if self.is_paging { "yes" } else { "" }),
            ("page", if page == "1" { "" } else { &page }),
        ]);
        format!("findings?{query}")
    }
}

/// A finding with its organisation and its status.
struct ListedFinding {
    org: OrganisationLink,
    /// The status, unless it is open.
    status: Option<&'static str>,
    finding: FindingRow,
}

/// An organisation and its page.
pub(super) struct OrganisationLink {
    pub(super) label: String,
    /// Relative to the status page.
    pub(super) link: String,
}

impl OrganisationLink {
    pub(super) fn new(label: &str) -> Self {
        Self { label: visible(label).into_owned(), link: link::to_organisation(label) }
    }
}

/// Renders the page.
pub(in crate::server) fn page(
    published: &Published,
    filter: &Filter,
    now: Timestamp,
    telemetry_path: &str,
) -> askama::Result<String> {
    let mut found: Vec<(&str, FirstSeen<'_>, &crate::domain::Snapshot, Vec<&Finding>)> = Vec::new();
    let mut unlisted = 0;
    let asked = || published.organisations.iter().filter(|of| filter.org().is_none_or(|org| of.org == org));
    for organisation in asked() {
        let Some(evaluated) = organisation.evaluated.as_deref() else { continue };
        let first_seen = FirstSeen::new(&evaluated.ledger, now);
        let paging = Paging::new(evaluated, now);
        let name = |finding: &Finding| {
            let client = finding.client.as_ref().and_then(|id| evaluated.snapshot.client(id));
            client.map_or("The organisation", |client| &*client.name)
        };
        let findings = evaluated.report.findings();
        let shown: Vec<&Finding> =
            findings.filter(|finding| filter.shows(finding, name(finding), (&first_seen, paging))).collect();
        unlisted += evaluated.report.findings().filter(|finding| !is_shown(finding)).map(Finding::count).sum::<usize>();
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
    let has_orgs = published.organisations.len() > 1;
    let links = match filter.org().filter(|_| has_orgs) {
        Some(org) => Links::of_one("", org),
        None => Links::of_all(),
    };
    let (total, pages) = (all.len(), all.len().div_ceil(PART).max(1));
    let page = filter.page.min(pages);
    let row = |(position, finding): &(usize, &Finding)| {
        let (org, first_seen, snapshot, _) = found.get(*position)?;
        Some(ListedFinding {
            org: OrganisationLink::new(org),
            status: (finding.status != Status::Open).then_some(status_word(finding.status)),
            finding: FindingRow::new(snapshot, finding, first_seen, &links),
        })
    };
    let statuses = Shown::ALL.map(|status| Choice {
        value: status.label(),
        words: status.words(),
        is_chosen: filter.status == status,
    });
    Page {
        frame: Frame::new("/findings", telemetry_path, true, now).about(links.org()),
        text: visible(&filter.text).into_owned(),
        longest: LONGEST,
        severities: severities(filter.severity),
        statuses,
        rule: (!filter.rule.is_empty()).then(|| filter.rule.clone()),
        client: (!filter.client.is_empty()).then(|| visible(&filter.client).into_owned()),
        is_new: filter.is_new,
        is_paging: filter.is_paging,
        org: visible(&filter.org).into_owned(),
        of_org: links.org().map(OrganisationLink::new),
        total,
        unlisted: (unlisted > 0).then(|| counted(unlisted, "finding")),
        stale: notices(asked(), now),
        has_orgs,
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
    is_paging: bool,
    org: String,
    /// The organisation, if the list is restricted to one of several.
    of_org: Option<OrganisationLink>,
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

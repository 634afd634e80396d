//! The report as text for people: findings by severity, then what was evaluated and what was not.
//!
//! The caller detects the terminal, its width and its support for colours. `grid` lays out the findings.

mod comparison;
mod grid;
#[cfg(test)]
mod tests;
mod totals;

use grid::Row;

use super::{Audited, ReportedOrganisation, Resolved};
use crate::audit::{Finding, Status};
use crate::domain::{ClientState, Severity, Snapshot};
use crate::text::{counted, rfc3339, utc, visible};

/// The layout of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// The width of the terminal in columns; `None` without a terminal, where no line is wrapped.
    pub width: Option<usize>,
    /// Whether to use ANSI colours.
    pub colour: bool,
    /// At most this many findings or records are listed under one heading. The others are counted.
    pub most: usize,
}

/// The usual limit of a list. `--all` lists everything.
pub const MOST: usize = 50;

/// The table of all organisations.
pub fn render(organisations: &[ReportedOrganisation<'_>], style: Style) -> String {
    let mut table = Table { text: String::new(), style };
    for (position, organisation) in organisations.iter().enumerate() {
        if position > 0 {
            table.line("");
        }
        table.organisation(organisation);
    }
    if organisations.is_empty() {
        table.line("No organisation was audited.");
    }
    table.comparison(organisations);
    table.text
}

struct Table {
    text: String,
    style: Style,
}

impl Table {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A sentence, wrapped if it is longer than a line of the terminal.
    fn sentence(&mut self, indent: usize, text: &str) {
        for line in grid::paragraph(text, indent, self.style.width) {
            self.line(&line);
        }
    }

    fn heading(&mut self, text: &str) {
        for line in grid::paragraph(text, 0, self.style.width) {
            let line = self.painted(&line, "1");
            self.line(&line);
        }
    }

    /// A sentence that starts with a coloured word.
    fn warning(&mut self, label: &str, ansi: &str, text: &str) {
        let painted = self.painted(label, ansi);
        for line in grid::paragraph(&format!("{label}{text}"), 0, self.style.width) {
            let rest = line.strip_prefix(label).map(|rest| format!("{painted}{rest}"));
            self.line(&rest.unwrap_or(line));
        }
    }

    fn painted(&self, text: &str, ansi: &str) -> String {
        if self.style.colour { format!("\u{1b}[{ansi}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn organisation(&mut self, organisation: &ReportedOrganisation<'_>) {
        let org = visible(organisation.org);
        let Some(audited) = organisation.audited else {
            self.heading(&format!("Organisation {org}"));
            let why = organisation.failure.map_or("no reason was given".into(), visible);
            self.warning("NOT AUDITED", "1;31", &format!(": {why}"));
            return;
        };
        let snapshot = audited.snapshot;
        let of = &snapshot.organisation;
        self.heading(&format!("{} (org {org}, {})", visible(&of.name), visible(&of.region)));
        let id = visible(of.id.as_str());
        self.sentence(0, &format!("Read {}. Organisation id {id}.", rfc3339(snapshot.taken_at)));
        if let Some(comparison) = organisation.comparison() {
            self.sentence(0, &comparison);
        }
        self.findings(snapshot, organisation);
        self.resolved(organisation);
        self.settled(audited, organisation);
        self.line("");
        self.summary(organisation, audited);
    }

    fn findings(&mut self, snapshot: &Snapshot, organisation: &ReportedOrganisation<'_>) {
        for severity in Severity::ALL {
            let open = organisation.findings().filter(|f| f.status == Status::Open && f.severity == severity);
            let rows: Vec<Row> = open.map(|finding| Row::new(snapshot, finding)).collect();
            if rows.is_empty() {
                continue;
            }
            let ansi = match severity {
                Severity::Critical => "1;31",
                Severity::High => "31",
                Severity::Medium => "33",
                Severity::Low => "36",
                Severity::Info => "2",
            };
            let heading = self.painted(&severity.label().to_uppercase(), ansi);
            self.line("");
            self.line(&format!(
                "{heading}  {}",
                counted(stands_for(&rows), &format!("{} finding", organisation.open_word()))
            ));
            self.rows(rows);
        }
    }

    /// The findings that ended since the earlier audit.
    fn resolved(&mut self, organisation: &ReportedOrganisation<'_>) {
        let rows: Vec<Row> = organisation
            .resolved()
            .into_iter()
            .map(|Resolved { finding, client_name, count, how }| Row {
                name: if finding.client.is_some() {
                    visible(client_name).into_owned()
                } else {
                    "(organisation)".to_owned()
                },
                id: finding.client.as_ref().map_or_else(String::new, |id| visible(id.as_str()).into_owned()),
                rule: finding.rule.slug,
                evidence: format!("{}, {how}: {}", finding.severity, visible(&finding.evidence.text)),
                count,
                then: None,
            })
            .collect();
        if !rows.is_empty() {
            let heading = self.painted("RESOLVED", "32");
            self.line("");
            self.line(&format!("{heading}  {}", counted(stands_for(&rows), "finding")));
            self.rows(rows);
        }
    }

    /// The findings that do not count, and why.
    fn settled(&mut self, audited: Audited<'_>, organisation: &ReportedOrganisation<'_>) {
        for status in [Status::Exempt, Status::Approved, Status::NotEvaluated] {
            let of_status = organisation.findings().filter(|finding| finding.status == status);
            let rows: Vec<Row> = of_status
                .map(|finding| {
                    let mut row = Row::new(audited.snapshot, finding);
                    if let Some(permission) = cure(finding) {
                        // The full reason is shown once, in the summary.
                        let input = visible(&finding.evidence.key);
                        row.evidence = format!("{input} could not be read; grant {}", visible(permission));
                    }
                    row.evidence.insert_str(0, &format!("{}: ", finding.severity));
                    if let Some(exemption) = audited.exemption_of(finding) {
                        let end = exemption
                            .expires
                            .map_or("without an expiry date".to_owned(), |end| format!("until {}", utc(end)));
                        let (owner, reason) = (visible(&exemption.owner), visible(&exemption.reason));
                        row.then = Some(format!("{end}, {owner}: {reason}"));
                    }
                    row
                })
                .collect();
            if rows.is_empty() {
                continue;
            }
            let heading = self.painted(&status.label().replace('_', " ").to_uppercase(), "2");
            self.line("");
            self.line(&format!("{heading}  {}", counted(stands_for(&rows), "finding")));
            self.rows(rows);
        }
    }

    fn rows(&mut self, mut rows: Vec<Row>) {
        rows.sort_by(|a, b| (&a.name, &a.id, a.rule).cmp(&(&b.name, &b.id, b.rule)));
        let beyond = rows.iter().skip(self.style.most).map(|row| row.count).sum();
        rows.truncate(self.style.most);
        for line in grid::lines(&rows, self.style.width) {
            self.line(&line);
        }
        self.beyond(beyond);
    }

    /// Says how many entries of a list are left out.
    fn beyond(&mut self, count: usize) {
        if count > 0 {
            self.line(&format!("  … and {count} more; --all lists them"));
        }
    }
}

/// The number of findings that the rows stand for.
fn stands_for(rows: &[Row]) -> usize {
    rows.iter().map(|row| row.count).sum()
}

impl Row {
    fn new(snapshot: &Snapshot, finding: &Finding) -> Self {
        let client = finding.client.as_ref();
        let known = client.and_then(|id| snapshot.client(id));
        let name = known.map_or("", |client| &client.name);
        let state = known.map(|client| client.state).filter(|state| *state != ClientState::Active);
        let state = state.map_or(String::new(), |state| format!(" ({} client)", state.label()));
        Self {
            name: if client.is_some() { visible(name).into_owned() } else { "(organisation)".to_owned() },
            id: client.map_or_else(String::new, |id| visible(id.as_str()).into_owned()),
            rule: finding.rule.slug,
            evidence: visible(&finding.evidence.to_string()).into_owned() + &state,
            count: finding.count(),
            then: None,
        }
    }
}

/// The missing permission because of which the finding was not evaluated.
fn cure(finding: &Finding) -> Option<&str> {
    let details = finding.evidence.details.iter().filter(|_| finding.status == Status::NotEvaluated);
    details.filter(|(name, _)| *name == "missing_permission").map(|(_, permission)| permission.as_str()).next()
}

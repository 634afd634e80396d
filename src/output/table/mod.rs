//! The report as text for a terminal: findings by severity, then what was evaluated and what was not.
//!
//! The caller detects the terminal, its width and its support for colours.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::rule_outcomes::RuleOutcomes;
use super::{Audited, ReportedOrganisation, Summary};
use crate::audit::{Finding, Status, describe_client_gaps, describe_input_gap};
use crate::domain::{ClientState, Severity, Snapshot};
use crate::text::{counted, rfc3339, shortened, utc, visible, wrapped};

/// The layout of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Maximum characters per line. A line can be longer, because ids and important sentences are never truncated.
    pub width: usize,
    /// Whether to use ANSI colours.
    pub colour: bool,
}

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
    table.text
}

struct Table {
    text: String,
    style: Style,
}

/// Spaces between two columns, and before the first.
const GAP: usize = 2;
/// The client's name and the evidence are never truncated to fewer characters.
const NARROWEST: usize = 16;
/// The widest column for the client's name, in characters.
const WIDEST_NAME: usize = 40;

/// Widths of the columns in characters. The id column is as wide as the longest id, since ids are never truncated.
#[derive(Clone, Copy)]
struct Columns {
    name: usize,
    id: usize,
    rule: usize,
    evidence: usize,
}

/// A finding as text.
struct TableRow {
    name: String,
    id: String,
    rule: &'static str,
    evidence: String,
    /// Whether evidence that is too long is wrapped instead of truncated.
    whole: bool,
    /// A line below the row, with the exemption of the finding.
    then: Option<String>,
}

impl Table {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn painted(&self, text: &str, ansi: &str) -> String {
        if self.style.colour { format!("\u{1b}[{ansi}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn organisation(&mut self, organisation: &ReportedOrganisation<'_>) {
        let org = visible(organisation.org);
        let Some(audited) = organisation.audited else {
            let heading = self.painted(&format!("Organisation {org}"), "1");
            self.line(&heading);
            let why = organisation.failure.map_or("no reason was given".into(), visible);
            let verdict = self.painted("NOT AUDITED", "1;31");
            self.line(&format!("{verdict}: {why}"));
            return;
        };
        let snapshot = audited.snapshot;
        let of = &snapshot.organisation;
        let heading = self.painted(&format!("{} (org {org}, {})", visible(&of.name), visible(&of.region)), "1");
        self.line(&heading);
        self.line(&format!("Read {}. Organisation id {}.", rfc3339(snapshot.taken_at), visible(of.id.as_str())));
        self.findings(snapshot, organisation);
        self.settled(audited, organisation);
        self.line("");
        self.summary(organisation, audited);
    }

    fn findings(&mut self, snapshot: &Snapshot, organisation: &ReportedOrganisation<'_>) {
        for severity in Severity::ALL {
            let open = organisation.findings().filter(|f| f.status == Status::Open && f.severity == severity);
            let mut count = 0;
            let row = |finding: &Finding| {
                count += finding.count();
                TableRow::new(snapshot, finding)
            };
            let mut rows: Vec<TableRow> = open.map(row).collect();
            if rows.is_empty() {
                continue;
            }
            rows.sort_by(|a, b| (&a.name, &a.id, a.rule).cmp(&(&b.name, &b.id, b.rule)));
            let ansi = match severity {
                Severity::Critical => "1;31",
                Severity::High => "31",
                Severity::Medium => "33",
                Severity::Low => "36",
                Severity::Info => "2",
            };
            let heading = self.painted(&severity.label().to_uppercase(), ansi);
            self.line("");
            self.line(&format!("{heading}  {}", counted(count, "open finding")));
            self.rows(&rows);
        }
    }

    /// The findings that do not count, and why.
    fn settled(&mut self, audited: Audited<'_>, organisation: &ReportedOrganisation<'_>) {
        for status in [Status::Exempt, Status::Approved, Status::NotEvaluated] {
            let of_status = organisation.findings().filter(|finding| finding.status == status);
            let mut count = 0;
            let mut rows: Vec<TableRow> = of_status
                .map(|finding| {
                    count += finding.count();
                    let mut row = TableRow::new(audited.snapshot, finding);
                    if let Some(permission) = cure(finding) {
                        // The full reason is shown once, in the summary.
                        let input = visible(&finding.evidence.key);
                        row.evidence = format!("{input} could not be read; grant {}", visible(permission));
                    }
                    row.whole = status == Status::NotEvaluated;
                    // The severity comes first, so that a narrow column still shows it.
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
            rows.sort_by(|a, b| (&a.name, &a.id, a.rule).cmp(&(&b.name, &b.id, b.rule)));
            let heading = self.painted(&status.label().replace('_', " ").to_uppercase(), "2");
            self.line("");
            self.line(&format!("{heading}  {}", counted(count, "finding")));
            self.rows(&rows);
        }
    }

    fn rows(&mut self, rows: &[TableRow]) {
        let Some(columns) = Columns::fit(rows, self.style.width) else {
            for row in rows {
                self.line(&format!("  {}", row.name));
                if !row.id.is_empty() {
                    self.line(&format!("    {}", row.id));
                }
                self.line(&format!("    {}: {}", row.rule, row.evidence));
                self.then(row);
            }
            return;
        };
        self.row(columns, ["CLIENT", "CLIENT ID", "RULE", "EVIDENCE"]);
        for row in rows {
            if row.whole {
                let mut lines = wrapped(&row.evidence, columns.evidence).into_iter();
                self.row(columns, [&row.name, &row.id, row.rule, &lines.next().unwrap_or_default()]);
                for line in lines {
                    self.row(columns, ["", "", "", &line]);
                }
            } else {
                self.row(columns, [&row.name, &row.id, row.rule, &shortened(&row.evidence, columns.evidence)]);
            }
            self.then(row);
        }
    }

    fn then(&mut self, row: &TableRow) {
        if let Some(then) = &row.then {
            self.line(&format!("    {then}"));
        }
    }

    fn row(&mut self, columns: Columns, [name, id, rule, evidence]: [&str; 4]) {
        let name = shortened(name, columns.name);
        let mut line = String::new();
        for (text, width) in [(&*name, columns.name), (id, columns.id), (rule, columns.rule), (evidence, 0)] {
            // Writing to a String cannot fail.
            let _ = write!(line, "{:GAP$}{text:width$}", "");
        }
        self.line(&line);
    }

    /// The counts, and everything that could not be evaluated: a report never says only that all is well.
    fn summary(&mut self, organisation: &ReportedOrganisation<'_>, audited: Audited<'_>) {
        let Audited { snapshot, report, .. } = audited;
        let summary = Summary::new(snapshot, report);
        let worst: Vec<String> = (summary.flagged_by_severity.iter())
            .filter(|(_, clients)| *clients > 0)
            .map(|(severity, clients)| format!("{clients} {severity}"))
            .collect();
        let worst = if worst.is_empty() { String::new() } else { format!(" ({})", worst.join(", ")) };
        self.line(&format!(
            "{}: {} flagged{worst}, {} not evaluated, {} compliant.",
            counted(summary.clients, "client"),
            summary.flagged,
            summary.not_evaluated,
            summary.compliant,
        ));
        self.line(&format!(
            "{}: {} open, {} exempt, {} approved, {} not evaluated.",
            counted(summary.findings_by_status.iter().map(|(_, count)| count).sum::<usize>(), "finding"),
            summary.findings(Status::Open),
            summary.findings(Status::Exempt),
            summary.findings(Status::Approved),
            summary.findings(Status::NotEvaluated),
        ));
        let rules = RuleOutcomes::of(report);
        self.line(&rules.sentence());
        for ((state, why), slugs) in rules.idle() {
            let state = state.replace('_', " ");
            match slugs.as_slice() {
                [one] => self.line(&format!("  {state}, {why}: {one}")),
                several => self.line(&format!("  {state}, {why}: {}", counted(several.len(), "rule"))),
            }
        }
        let left_out = organisation.left_out();
        if left_out > 0 {
            self.line(&format!("The filters of this run hide {}.", counted(left_out, "finding")));
        }
        for (collector, why) in snapshot.input_gaps() {
            let not_read = self.painted("NOT READ", "33");
            let cure = why
                .missing_permission
                .as_deref()
                .map_or(String::new(), |p| format!(" Grant {} to the exporter's role.", visible(p)));
            self.line(&format!("{not_read} {}.{cure}", visible(&describe_input_gap(collector, why))));
            let without = rules.without(collector);
            if !without.is_empty() {
                self.line(&format!("  rules that were not evaluated because of this: {}", without.join(", ")));
            }
        }
        for client in snapshot.clients.partial() {
            let partial = self.painted("PARTIAL RECORD", "33");
            let gaps = describe_client_gaps(client, report.evaluated_at);
            self.line(&format!("{partial} {}: {gaps}.", visible(client.id.as_str())));
        }
        for role in &report.role_gaps {
            let unknown = self.painted("UNKNOWN ROLE", "33");
            let role = visible(role.as_str());
            self.line(&format!(
                "{unknown} {role}: clients hold it, but not everything about it is known; --strict fails because of it."
            ));
        }
        if !organisation.complete {
            let incomplete = self.painted("INCOMPLETE", "1;31");
            let why = organisation.failure.map_or("clients are missing".into(), visible);
            self.line(&format!("{incomplete}: {why}. Clients that are not listed were not evaluated."));
        }
    }
}

impl TableRow {
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
            whole: false,
            then: None,
        }
    }
}

impl Columns {
    /// The widths of the columns; `None` if `width` is too small for all of them.
    fn fit(rows: &[TableRow], width: usize) -> Option<Self> {
        let widest = |text: fn(&TableRow) -> &str, heading: &str| {
            rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0).max(heading.len())
        };
        let id = widest(|row| &row.id, "CLIENT ID");
        let rule = widest(|row| row.rule, "RULE");
        let room = width.checked_sub(4 * GAP + id + rule).filter(|room| *room >= 2 * NARROWEST)?;
        let evidence = widest(|row| &row.evidence, "EVIDENCE");
        // Evidence takes precedence over the name: a row is useless without it, and the id still identifies the client.
        let name = widest(|row| &row.name, "CLIENT").min(WIDEST_NAME).min(room.saturating_sub(evidence).max(NARROWEST));
        Some(Self { name, id, rule, evidence: room - name })
    }
}

/// The missing permission because of which the finding was not evaluated.
fn cure(finding: &Finding) -> Option<&str> {
    let details = finding.evidence.details.iter().filter(|_| finding.status == Status::NotEvaluated);
    details.filter(|(name, _)| *name == "missing_permission").map(|(_, permission)| permission.as_str()).next()
}

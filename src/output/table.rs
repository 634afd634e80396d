//! The report for people at a terminal: grouped by severity, ending with what was judged and what was not.
//!
//! Whether there is a terminal, how wide it is and whether it may have colours is the caller's to know.

use std::fmt::Write as _;

use super::{Audited, ReportedOrganisation, Summary, excuse, judged::Rules, unread};
use crate::audit::{Finding, Status, why_not_read};
use crate::domain::{ClientState, Severity, Snapshot};
use crate::text::{counted, rfc3339, shortened, utc, visible, wrapped};

/// How the table may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Characters in a line. Ids and sentences that matter are never cut, so that a line can be longer.
    pub width: usize,
    /// Whether ANSI colours may be used.
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

/// Between two columns, and before the first.
const GAP: usize = 2;
/// The client's name and the evidence are cut to no less.
const NARROWEST: usize = 16;
/// The client's name takes no more.
const WIDEST_NAME: usize = 40;

/// Widths of the columns in characters; the id is as wide as the widest, since it is never cut.
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
    /// Whether the evidence is wrapped where it would be cut.
    whole: bool,
    /// A line of its own below: who settled it.
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
            let mut rows: Vec<TableRow> = open.map(|finding| TableRow::new(snapshot, finding)).collect();
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
            self.line(&format!("{heading}  {}", counted(rows.len(), "open finding")));
            self.rows(&rows);
        }
    }

    /// What does not count, and why.
    fn settled(&mut self, audited: Audited<'_>, organisation: &ReportedOrganisation<'_>) {
        for status in [Status::Exempt, Status::Approved, Status::NotEvaluated] {
            let of_status = organisation.findings().filter(|finding| finding.status == status);
            let mut rows: Vec<TableRow> = of_status
                .map(|finding| {
                    let mut row = TableRow::new(audited.snapshot, finding);
                    if let Some(permission) = cure(finding) {
                        // The whole reason is told once, below.
                        let input = visible(&finding.evidence.key);
                        row.evidence = format!("{input} were not read; grant {}", visible(permission));
                    }
                    row.whole = status == Status::NotEvaluated;
                    // The severity comes first, so that a narrow column still tells it.
                    row.evidence.insert_str(0, &format!("{}: ", finding.severity));
                    if let Some(exemption) = excuse(audited, finding) {
                        let end =
                            exemption.expires.map_or("without end".to_owned(), |end| format!("until {}", utc(end)));
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
            self.line(&format!("{heading}  {}", counted(rows.len(), "finding")));
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

    /// What was judged and what was not: never only that all is well.
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
        let rules = Rules::of(report);
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
            self.line(&format!("{} left out by the filters of this run.", counted(left_out, "finding")));
        }
        for (collector, why) in unread(snapshot) {
            let not_read = self.painted("NOT READ", "33");
            let cure = why
                .missing_permission
                .as_deref()
                .map_or(String::new(), |p| format!(" Grant {} to the exporter's role.", visible(p)));
            self.line(&format!("{not_read} {}.{cure}", visible(&why_not_read(collector, why))));
            let without = rules.without(collector);
            if !without.is_empty() {
                self.line(&format!("  not evaluated without it: {}", without.join(", ")));
            }
        }
        for client in &snapshot.unread {
            let unreadable = self.painted("UNREADABLE CLIENT", "33");
            let client = visible(client.as_str());
            self.line(&format!("{unreadable} {client}: its record cannot be read, so that nothing of it was judged."));
        }
        for role in &report.unjudged_roles {
            let unknown = self.painted("UNKNOWN ROLE", "33");
            let role = visible(role.as_str());
            self.line(&format!("{unknown} {role}: nobody knows what it permits; --strict fails by it."));
        }
        if !organisation.complete {
            let incomplete = self.painted("INCOMPLETE", "1;31");
            let why = organisation.failure.map_or("clients are missing".into(), visible);
            self.line(&format!("{incomplete}: {why}. What is not listed was not judged."));
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
    /// The widths, where every column finds room.
    fn fit(rows: &[TableRow], width: usize) -> Option<Self> {
        let widest = |text: fn(&TableRow) -> &str, heading: &str| {
            rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0).max(heading.len())
        };
        let id = widest(|row| &row.id, "CLIENT ID");
        let rule = widest(|row| row.rule, "RULE");
        let room = width.checked_sub(4 * GAP + id + rule).filter(|room| *room >= 2 * NARROWEST)?;
        let evidence = widest(|row| &row.evidence, "EVIDENCE");
        // The evidence first: without it the row says nothing, and the id still names the client.
        let name = widest(|row| &row.name, "CLIENT").min(WIDEST_NAME).min(room.saturating_sub(evidence).max(NARROWEST));
        Some(Self { name, id, rule, evidence: room - name })
    }
}

/// The permission that would have a finding that was not evaluated be judged.
fn cure(finding: &Finding) -> Option<&str> {
    let details = finding.evidence.details.iter().filter(|_| finding.status == Status::NotEvaluated);
    details.filter(|(name, _)| *name == "missing_permission").map(|(_, permission)| permission.as_str()).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;

    const PLAIN: Style = Style { width: 120, colour: false };

    #[test]
    fn the_table_reads_like_this() {
        let (planted, clean) = (sample::planted(), sample::clean());
        let incomplete =
            ReportedOrganisation { complete: false, failure: Some("page 2 of 3 never came"), ..clean.organisation() };
        insta::assert_snapshot!(render(&[planted.organisation(), incomplete, sample::failed()], PLAIN));
    }

    #[test]
    fn what_is_settled_is_shown_with_who_settled_it() {
        let mut sample = sample::settled();
        let keep = ["Partner provisioning portal", "Batch password sync"].map(|name| sample.id(name).clone());
        sample.report.findings.retain(|finding| finding.client.as_ref().is_some_and(|id| keep.contains(id)));
        let selection = crate::output::Selection { least: Some(Severity::Critical), ..Default::default() };
        insta::assert_snapshot!(render(&[ReportedOrganisation { selection, ..sample.organisation() }], PLAIN));
    }

    #[test]
    fn no_line_is_wider_than_asked_where_everything_finds_room() {
        let planted = sample::planted();
        for width in [110, 140, 200] {
            let table = render(&[planted.organisation()], Style { width, colour: false });
            let findings = table.lines().filter(|line| line.starts_with("  "));
            assert!(findings.clone().count() > 20);
            for line in findings {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn what_cures_an_input_that_was_not_read_is_never_cut() {
        let mut sample = sample::planted();
        let policy = crate::policy::Policy::built_in(&crate::audit::rules::slugs()).expect("it is valid");
        sample.report = crate::audit::evaluate(&sample.snapshot, &policy, None, sample::NOW);
        for width in [60, 82, 90, 120, 200] {
            let table = render(&[sample.organisation()], Style { width, ..PLAIN });
            let (_, settled) = table.split_once("NOT EVALUATED  ").expect("roles were not read");
            let (settled, _) = settled.split_once("\n\n").expect("the summary");
            let rules = settled.lines().count();
            assert!(rules > 5 && !settled.contains('…'), "{width}: {settled}");
            assert!(settled.matches("authorization:role:view").count() > 5, "{width}: {settled}");
        }
    }

    #[test]
    fn what_nobody_could_read_is_named() {
        let mut sample = sample::clean();
        sample.snapshot.unread.insert(crate::domain::ClientId::new("unreadable"));
        sample.report.unjudged_roles.insert(crate::domain::RoleId::new("unknown"));
        let table = render(&[sample.organisation()], PLAIN);
        assert!(table.contains("2 clients: 0 flagged, 1 not evaluated, 1 compliant."), "{table}");
        assert!(
            table.contains("UNREADABLE CLIENT unreadable: ") && table.contains("UNKNOWN ROLE unknown: "),
            "{table}"
        );
    }

    #[test]
    fn a_narrow_terminal_gets_one_fact_a_line_and_whole_ids() {
        let planted = sample::planted();
        let table = render(&[planted.organisation()], Style { width: 60, colour: false });
        let id = planted.snapshot.clients[0].id.as_str();
        assert!(table.contains("\n    dangerous-scope: holds the scope oauth\n"), "{table}");
        assert!(table.lines().any(|line| line.trim() == id), "{table}");
    }

    #[test]
    fn colours_come_only_where_allowed_and_names_bring_none_in() {
        let planted = sample::planted();
        assert!(render(&[planted.organisation()], Style { colour: true, ..PLAIN }).contains("\u{1b}[1;31mCRITICAL"));
        let plain = render(&[planted.organisation()], Style { width: 180, ..PLAIN });
        assert!(!plain.contains(['\u{1b}', '\u{202e}']));
        assert!(plain.contains("[U+202E]"), "the hostile name is shown as what it is");
    }

    #[test]
    fn nothing_to_show_is_not_all_clear() {
        assert_eq!(render(&[], PLAIN), "No organisation was audited.\n");
    }
}

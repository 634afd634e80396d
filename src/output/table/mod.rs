//! The report as text for people: findings by severity, then what was evaluated and what was not.
//!
//! The caller detects the terminal, its width and its support for colours. `grid` lays out the findings.

mod grid;

use grid::Row;

use super::rule_outcomes::RuleOutcomes;
use super::{Audited, ReportedOrganisation, Summary};
use crate::audit::{Finding, Status, describe_client_gaps, describe_input_gap};
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
        self.findings(snapshot, organisation);
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
            self.line(&format!("{heading}  {}", counted(rows.len(), "open finding")));
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
            self.line(&format!("{heading}  {}", counted(rows.len(), "finding")));
            self.rows(rows);
        }
    }

    fn rows(&mut self, mut rows: Vec<Row>) {
        rows.sort_by(|a, b| (&a.name, &a.id, a.rule).cmp(&(&b.name, &b.id, b.rule)));
        let beyond = rows.len().saturating_sub(self.style.most);
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

    /// The counts, and everything that could not be evaluated: a report never says only that all is well.
    fn summary(&mut self, organisation: &ReportedOrganisation<'_>, audited: Audited<'_>) {
        let Audited { snapshot, report, .. } = audited;
        let summary = Summary::new(snapshot, report);
        let worst: Vec<String> = (summary.flagged_by_severity.iter())
            .filter(|(_, clients)| *clients > 0)
            .map(|(severity, clients)| format!("{clients} {severity}"))
            .collect();
        let worst = if worst.is_empty() { String::new() } else { format!(" ({})", worst.join(", ")) };
        self.sentence(
            0,
            &format!(
                "{}: {} flagged{worst}, {} not evaluated, {} compliant.",
                counted(summary.clients, "client"),
                summary.flagged,
                summary.not_evaluated,
                summary.compliant,
            ),
        );
        self.sentence(
            0,
            &format!(
                "{}: {} open, {} exempt, {} approved, {} not evaluated.",
                counted(summary.findings_by_status.iter().map(|(_, count)| count).sum::<usize>(), "finding"),
                summary.findings(Status::Open),
                summary.findings(Status::Exempt),
                summary.findings(Status::Approved),
                summary.findings(Status::NotEvaluated),
            ),
        );
        let rules = RuleOutcomes::of(report);
        self.sentence(0, &rules.sentence());
        for ((state, why), slugs) in rules.idle() {
            let state = state.replace('_', " ");
            let which = match slugs.as_slice() {
                [one] => (*one).to_owned(),
                several => counted(several.len(), "rule"),
            };
            self.sentence(2, &format!("{state}, {why}: {which}"));
        }
        let left_out = organisation.left_out();
        if left_out > 0 {
            self.sentence(0, &format!("The filters of this run hide {}.", counted(left_out, "finding")));
        }
        self.gaps(audited);
        if !organisation.complete {
            let why = organisation.failure.map_or("clients are missing".into(), visible);
            let sentence = format!(": {why}. Clients that are not listed were not evaluated.");
            self.warning("INCOMPLETE", "1;31", &sentence);
        }
    }

    /// Everything that could not be read.
    fn gaps(&mut self, Audited { snapshot, report, .. }: Audited<'_>) {
        for (collector, why) in snapshot.input_gaps() {
            let cure = why
                .missing_permission
                .as_deref()
                .map_or(String::new(), |p| format!(" Grant {} to the exporter's role.", visible(p)));
            let sentence = format!(" {}.{cure}", visible(&describe_input_gap(collector, why)));
            self.warning("NOT READ", "33", &sentence);
            let without = RuleOutcomes::of(report).without(collector);
            if !without.is_empty() {
                let without = without.join(", ");
                self.sentence(2, &format!("rules that were not evaluated because of this: {without}"));
            }
        }
        for client in snapshot.clients.partial().take(self.style.most) {
            let gaps = describe_client_gaps(client, report.evaluated_at);
            self.warning("PARTIAL RECORD", "33", &format!(" {}: {gaps}.", visible(client.id.as_str())));
        }
        self.beyond(snapshot.clients.partial().count().saturating_sub(self.style.most));
        for role in report.role_gaps.iter().take(self.style.most) {
            let role = visible(role.as_str());
            let why = "clients hold it, but not everything about it is known; --strict fails because of it.";
            self.warning("UNKNOWN ROLE", "33", &format!(" {role}: {why}"));
        }
        self.beyond(report.role_gaps.len().saturating_sub(self.style.most));
    }
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
            then: None,
        }
    }
}

/// The missing permission because of which the finding was not evaluated.
fn cure(finding: &Finding) -> Option<&str> {
    let details = finding.evidence.details.iter().filter(|_| finding.status == Status::NotEvaluated);
    details.filter(|(name, _)| *name == "missing_permission").map(|(_, permission)| permission.as_str()).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;
    use crate::text::columns;

    const PIPE: Style = Style { width: None, colour: false, most: MOST };

    fn terminal(width: usize) -> Style {
        Style { width: Some(width), ..PIPE }
    }

    #[test]
    fn the_table_reads_like_this() {
        let (planted, clean) = (sample::planted(), sample::clean());
        let incomplete =
            ReportedOrganisation { complete: false, failure: Some("page 2 of 3 never came"), ..clean.organisation() };
        insta::assert_snapshot!(render(&[planted.organisation(), incomplete, sample::failed()], terminal(120)));
    }

    #[test]
    fn exempt_and_approved_findings_are_shown_with_their_exemption() {
        let mut sample = sample::settled();
        let keep = ["Partner provisioning portal", "Batch password sync"].map(|name| sample.id(name).clone());
        sample.report.findings.retain(|finding| finding.client.as_ref().is_some_and(|id| keep.contains(id)));
        let selection = crate::output::Selection { least: Some(Severity::Critical), ..Default::default() };
        insta::assert_snapshot!(render(&[ReportedOrganisation { selection, ..sample.organisation() }], PIPE));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_nothing_is_truncated() {
        let mut sample = sample::planted();
        sample.snapshot.clients[0].name = "a name of many words ".repeat(12) + &"x".repeat(300);
        let evidence = |sample: &sample::Sample| {
            sample
                .report
                .findings
                .iter()
                .flat_map(|finding| finding.evidence.text.split_whitespace().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        for width in [40, 60, 80, 82, 90, 110, 120, 140, 200, 400] {
            let table = render(&[sample.organisation()], Style { most: usize::MAX, ..terminal(width) });
            assert!(table.lines().count() > 20);
            for line in table.lines() {
                assert!(columns(line) <= width, "{width}: {line}");
            }
            assert!(!table.contains('…'), "{width}: {table}");
            // At 60 columns, every word of the sample fits into a line.
            for word in evidence(&sample).iter().filter(|_| width >= 60) {
                assert!(table.contains(&*visible(word)), "{width}: {word}");
            }
        }
    }

    #[test]
    fn in_a_pipe_each_finding_is_one_line_with_its_full_name_and_evidence() {
        let mut sample = sample::planted();
        let (name, evidence) =
            ("name ".repeat(100).trim_end().to_owned(), "evidence ".repeat(200).trim_end().to_owned());
        let id = sample.report.findings.iter().find_map(|finding| finding.client.clone()).expect("a client");
        sample.report.findings.retain(|finding| finding.client.as_ref() == Some(&id));
        sample.report.findings[0].evidence.text.clone_from(&evidence);
        let at = sample.snapshot.clients.iter().position(|client| client.id == id).expect("it exists");
        sample.snapshot.clients[at].name.clone_from(&name);
        let table = render(&[sample.organisation()], PIPE);
        let line = table.lines().find(|line| line.contains(&evidence)).expect("one line with all of the evidence");
        assert!(line.contains(&name) && line.contains(id.as_str()), "{line}");
    }

    #[test]
    fn a_list_is_bounded_and_counts_what_it_leaves_out_unless_all_is_asked_for() {
        let mut sample = sample::planted();
        let finding = sample.report.findings.iter().find(|f| f.status == Status::Open).expect("one is open").clone();
        sample.report.findings = vec![finding; 5_000];
        for role in 0..70 {
            sample.report.role_gaps.insert(crate::domain::RoleId::new(&*format!("role-{role}")));
        }
        for client in sample.snapshot.clients.iter_mut() {
            client.gaps.insert(crate::domain::ClientField::Scopes, crate::domain::Gap::Unread);
        }
        let count = |table: &str, part: &str| table.matches(part).count();
        for (style, rows, left_out) in [
            (PIPE, 50, Some(["4950", "11", "20"])),
            (terminal(60), 50, Some(["4950", "11", "20"])),
            (Style { most: usize::MAX, ..PIPE }, 5_000, None),
        ] {
            let table = render(&[sample.organisation()], style);
            assert_eq!(count(&table, "dangerous-scope"), rows, "{style:?}");
            assert!(table.contains("5000 open finding"), "the heading counts every finding");
            assert_eq!(count(&table, "PARTIAL RECORD"), 61.min(style.most), "{style:?}");
            assert_eq!(count(&table, "UNKNOWN ROLE"), 70.min(style.most), "{style:?}");
            assert_eq!(count(&table, "more; --all lists them"), if left_out.is_some() { 3 } else { 0 });
            for number in left_out.into_iter().flatten() {
                assert!(table.contains(&format!("\n  … and {number} more; --all lists them\n")), "{number}: {table}");
            }
        }
    }

    #[test]
    fn the_missing_permission_of_an_input_is_shown_at_every_width() {
        let mut sample = sample::planted();
        let policy = crate::policy::Policy::built_in(&crate::audit::rules::slugs()).expect("it is valid");
        sample.report = crate::audit::evaluate(&sample.snapshot, &policy, None, sample::NOW);
        for width in [60, 82, 90, 120, 200] {
            let table = render(&[sample.organisation()], terminal(width));
            let (_, settled) = table.split_once("NOT EVALUATED  ").expect("roles could not be read");
            let (settled, _) = settled.split_once("\n\n").expect("the summary");
            assert!(settled.matches("authorization:role:view").count() > 5, "{width}: {settled}");
        }
    }

    #[test]
    fn partial_records_and_unknown_roles_are_named() {
        let mut sample = sample::clean();
        let client = &mut sample.snapshot.clients[0];
        client.gaps.insert(crate::domain::ClientField::Scopes, crate::domain::Gap::Unread);
        let id = client.id.to_string();
        sample.report.role_gaps.insert(crate::domain::RoleId::new("unknown"));
        let table = render(&[sample.organisation()], PIPE);
        assert!(table.contains(&format!("PARTIAL RECORD {id}: its scopes could not be read.")), "{table}");
        assert!(table.contains("UNKNOWN ROLE unknown: "), "{table}");
    }

    #[test]
    fn a_narrow_terminal_gets_one_fact_per_line_and_full_ids() {
        let planted = sample::planted();
        let table = render(&[planted.organisation()], terminal(60));
        let id = planted.snapshot.clients[0].id.as_str();
        assert!(table.contains("\n    dangerous-scope: holds the scope oauth\n"), "{table}");
        assert!(table.lines().any(|line| line.trim() == id), "{table}");
    }

    #[test]
    fn colours_are_used_only_if_allowed_and_names_cannot_add_any() {
        let planted = sample::planted();
        assert!(
            render(&[planted.organisation()], Style { colour: true, ..terminal(120) }).contains("\u{1b}[1;31mCRITICAL")
        );
        let plain = render(&[planted.organisation()], terminal(180));
        assert!(!plain.contains(['\u{1b}', '\u{202e}']));
        assert!(plain.contains("[U+202E]"), "invisible characters of the hostile name are shown");
    }

    #[test]
    fn a_report_without_organisations_says_so() {
        assert_eq!(render(&[], PIPE), "No organisation was audited.\n");
    }
}

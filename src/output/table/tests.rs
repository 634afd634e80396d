//! The table as people see it: its text, its width, and its limits.

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
    sample.report.edit_findings(|findings| {
        findings.retain(|finding| finding.client.as_ref().is_some_and(|id| keep.contains(id)));
    });
    let selection = crate::output::Selection { least: Some(Severity::Critical), ..Default::default() };
    insta::assert_snapshot!(render(&[ReportedOrganisation { selection, ..sample.organisation() }], PIPE));
}

#[test]
fn no_line_is_wider_than_the_terminal_and_nothing_is_truncated() {
    let mut sample = sample::planted();
    sample.snapshot.clients[0].name = ("a name of many words ".repeat(12) + &"x".repeat(300)).into();
    let evidence = |sample: &sample::Sample| {
        sample
            .report
            .findings()
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
    let (name, evidence) = ("name ".repeat(100).trim_end().to_owned(), "evidence ".repeat(200).trim_end().to_owned());
    let id = sample.report.findings().find_map(|finding| finding.client.clone()).expect("a client");
    sample.report.edit_findings(|findings| findings.retain(|finding| finding.client.as_ref() == Some(&id)));
    sample.report.edit_findings(|findings| findings[0].about_mut().evidence.text = evidence.clone().into());
    let at = sample.snapshot.clients.iter().position(|client| client.id == id).expect("it exists");
    sample.snapshot.clients[at].name = name.as_str().into();
    let table = render(&[sample.organisation()], PIPE);
    let line = table.lines().find(|line| line.contains(&evidence)).expect("one line with all of the evidence");
    assert!(line.contains(&name) && line.contains(id.as_str()), "{line}");
}

#[test]
fn a_list_is_bounded_and_counts_what_it_leaves_out_unless_all_is_asked_for() {
    let mut sample = sample::planted();
    let finding = sample.report.findings().find(|f| f.status == Status::Open).expect("one is open").clone();
    sample.report.edit_findings(|findings| *findings = vec![finding; 5_000]);
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

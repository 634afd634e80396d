//! Tests of the table: what it shows, and that it fits the width.

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
fn exempt_and_approved_findings_are_shown_with_their_exemption() {
    let mut sample = sample::settled();
    let keep = ["Partner provisioning portal", "Batch password sync"].map(|name| sample.id(name).clone());
    sample.report.findings.retain(|finding| finding.client.as_ref().is_some_and(|id| keep.contains(id)));
    let selection = crate::output::Selection { least: Some(Severity::Critical), ..Default::default() };
    insta::assert_snapshot!(render(&[ReportedOrganisation { selection, ..sample.organisation() }], PLAIN));
}

#[test]
fn no_line_is_wider_than_the_width_if_all_columns_fit() {
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
fn the_missing_permission_of_an_input_is_never_truncated() {
    let mut sample = sample::planted();
    let policy = crate::policy::Policy::built_in(&crate::audit::rules::slugs()).expect("it is valid");
    sample.report = crate::audit::evaluate(&sample.snapshot, &policy, None, sample::NOW);
    for width in [60, 82, 90, 120, 200] {
        let table = render(&[sample.organisation()], Style { width, ..PLAIN });
        let (_, settled) = table.split_once("NOT EVALUATED  ").expect("roles could not be read");
        let (settled, _) = settled.split_once("\n\n").expect("the summary");
        let rules = settled.lines().count();
        assert!(rules > 5 && !settled.contains('…'), "{width}: {settled}");
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
    let table = render(&[sample.organisation()], PLAIN);
    assert!(table.contains(&format!("PARTIAL RECORD {id}: its scopes could not be read.")), "{table}");
    assert!(table.contains("UNKNOWN ROLE unknown: "), "{table}");
}

#[test]
fn a_narrow_terminal_gets_one_fact_per_line_and_full_ids() {
    let planted = sample::planted();
    let table = render(&[planted.organisation()], Style { width: 60, colour: false });
    let id = planted.snapshot.clients[0].id.as_str();
    assert!(table.contains("\n    dangerous-scope: holds the scope oauth\n"), "{table}");
    assert!(table.lines().any(|line| line.trim() == id), "{table}");
}

#[test]
fn colours_are_used_only_if_allowed_and_names_cannot_add_any() {
    let planted = sample::planted();
    assert!(render(&[planted.organisation()], Style { colour: true, ..PLAIN }).contains("\u{1b}[1;31mCRITICAL"));
    let plain = render(&[planted.organisation()], Style { width: 180, ..PLAIN });
    assert!(!plain.contains(['\u{1b}', '\u{202e}']));
    assert!(plain.contains("[U+202E]"), "invisible characters of the hostile name are shown");
}

#[test]
fn a_report_without_organisations_says_so() {
    assert_eq!(render(&[], PLAIN), "No organisation was audited.\n");
}

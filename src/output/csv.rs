//! The findings as CSV (RFC 4180), one row per finding, for spreadsheets and auditors.
//!
//! With an earlier audit, the findings that ended since then have rows too. A client without a finding has no row: see `inventory`. The other formats show how many clients there are and what was not evaluated.

use std::borrow::Cow;
use std::io;

use ::csv::{Terminator, WriterBuilder};

use super::json::confidence;
use super::{Audited, Earlier, ReportedOrganisation};
use crate::audit::Finding;
use crate::text::{rfc3339, visible};

const HEADER: [&str; 28] = [
    "org",
    "org_id",
    "client_id",
    "client_name",
    "client_type",
    "grant_type",
    "client_state",
    "client_status",
    "rule",
    "title",
    "severity",
    "status",
    "confidence",
    "evidence_kind",
    "evidence",
    "evidence_text",
    "details",
    "matched_pattern",
    "reason",
    "remediation",
    "fingerprint",
    "exemption",
    "exemption_owner",
    "exemption_reason",
    "exemption_expires",
    "first_seen",
    "change",
    "compared_with",
];

/// Writes the header and the rows. Fails only if the writer fails.
pub fn write(organisations: &[ReportedOrganisation<'_>], writer: impl io::Write) -> io::Result<()> {
    let mut rows = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(writer);
    rows.write_record(HEADER)?;
    for organisation in organisations {
        if let Some(failure) = organisation.failure {
            rows.write_record(failed(organisation, failure).map(|cell| guarded(&cell).into_owned()))?;
        }
        let Some(audited) = organisation.audited else { continue };
        for finding in organisation.findings() {
            rows.write_record(row(organisation, audited, finding).map(|cell| guarded(&cell).into_owned()))?;
        }
        for resolved in organisation.resolved() {
            let mut row = row(organisation, audited, resolved.finding);
            // The client may be gone, so its name is that of the earlier snapshot.
            (row[3], row[11], row[26]) = (resolved.client_name.into(), resolved.how.into(), "resolved".into());
            rows.write_record(row.map(|cell| guarded(&cell).into_owned()))?;
        }
    }
    rows.flush()
}

/// The row of an organisation that was not audited, or whose list of clients is incomplete: without it, the file would look like that of
/// an organisation without findings.
fn failed<'a>(organisation: &ReportedOrganisation<'a>, failure: &'a str) -> [Cow<'a, str>; HEADER.len()] {
    let mut row = [const { Cow::Borrowed("") }; HEADER.len()];
    row[0] = organisation.org.into();
    if let Some(audited) = organisation.audited {
        row[1] = audited.snapshot.organisation.id.as_str().into();
    }
    row[11] = if organisation.audited.is_some() { "incomplete" } else { "not_audited" }.into();
    row[15] = failure.into();
    row
}

fn row<'a>(
    organisation: &ReportedOrganisation<'a>,
    audited: Audited<'a>,
    finding: &'a Finding,
) -> [Cow<'a, str>; HEADER.len()] {
    let id = finding.client.as_ref();
    let client = id.and_then(|id| audited.snapshot.client(id));
    let verdict = id.and_then(|id| audited.report.verdict_of(id));
    let exemption = audited.exemption_of(finding);
    let details = finding.evidence.details.iter().map(|(name, value)| format!("{name}={value}"));
    [
        organisation.org.into(),
        audited.snapshot.organisation.id.as_str().into(),
        id.map_or("", |id| id.as_str()).into(),
        client.map_or("", |client| &client.name).into(),
        client.map_or("", |client| &client.grant_type_spelling).into(),
        client.map_or("", |client| client.grant_type.label()).into(),
        client.map_or("", |client| client.state.label()).into(),
        verdict.map_or("", |verdict| verdict.verdict.label()).into(),
        finding.rule.slug.into(),
        finding.rule.title.into(),
        finding.severity.label().into(),
        finding.status.label().into(),
        confidence(finding.rule.confidence).into(),
        finding.evidence.kind.label().into(),
        finding.evidence.key.as_str().into(),
        finding.evidence.text.as_str().into(),
        details.collect::<Vec<_>>().join("; ").into(),
        finding.pattern.as_deref().unwrap_or_default().into(),
        finding.reason.as_str().into(),
        finding.rule.remediation.into(),
        finding.fingerprint().to_string().into(),
        exemption.map_or("", |exemption| &exemption.id).into(),
        exemption.map_or("", |exemption| &exemption.owner).into(),
        exemption.map_or("", |exemption| &exemption.reason).into(),
        exemption.and_then(|exemption| exemption.expires).map(rfc3339).unwrap_or_default().into(),
        audited.first_seen(finding).map(rfc3339).unwrap_or_default().into(),
        if organisation.selection.before.is_some() { "new" } else { "" }.into(),
        organisation.selection.before.and_then(Earlier::taken_at).map(rfc3339).unwrap_or_default().into(),
    ]
}

/// The cell in a form that is safe to open in a spreadsheet: without invisible characters, and never a formula.
///
/// Spreadsheets evaluate a cell that begins with one of these characters, even if it is quoted (OWASP, CSV injection).
/// They evaluate the fullwidth and small forms in East Asian locales, and some ignore white space before the character.
pub(super) fn guarded(cell: &str) -> Cow<'_, str> {
    let is_formula = |first: char| {
        matches!(
            first,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠' | '﹦' | '﹢' | '﹣' | '﹫' | '−'
        )
    };
    // Checked before invisible characters are replaced: otherwise a leading tab would no longer be recognised.
    let begins = cell.chars().find(|c| is_formula(*c) || !is_ignored(*c)).is_some_and(is_formula);
    let shown = visible(cell);
    if begins { Cow::Owned(format!("'{shown}")) } else { shown }
}

/// Whether a spreadsheet may ignore the character at the start of a cell: white space, and what takes no space.
fn is_ignored(character: char) -> bool {
    character.is_whitespace() || !matches!(visible(character.encode_utf8(&mut [0; 4])), Cow::Borrowed(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample::{self, Sample};

    fn text(sample: &Sample) -> String {
        let mut bytes = Vec::new();
        write(&[sample.organisation(), sample::failed()], &mut bytes).expect("written");
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn the_rows_read_like_this() {
        let mut sample = sample::settled();
        let ids = ["Partner provisioning portal", sample::HOSTILE].map(|name| sample.id(name).clone());
        sample.report.edit_findings(|findings| {
            findings.retain(|finding| finding.client.as_ref().is_some_and(|id| ids.contains(id)));
        });
        insta::assert_snapshot!(text(&sample).replace("\r\n", "\n"));
    }

    #[test]
    fn every_finding_has_a_row_and_every_row_has_every_cell() {
        let sample = sample::settled();
        let text = text(&sample);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().expect("a header"), &HEADER[..]);
        let rows: Vec<_> = reader.records().flatten().collect();
        assert_eq!(rows.len(), sample.report.findings().count() + 1);
        let failed = rows.last().expect("the organisation that was not audited is not left out");
        assert_eq!((&failed[0], &failed[11]), (sample::failed().org, "not_audited"));
        assert!(!failed[15].is_empty());
        assert!(text.ends_with("\r\n"), "RFC 4180, section 2, 1");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, expected) in [
            ("=HYPERLINK(\"https://example.com\")", "'=HYPERLINK(\"https://example.com\")"),
            ("+1", "'+1"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'[U+0009]=1"),
            ("\r=1", "'[U+000D]=1"),
            ("  =1", "'  =1"),
            ("\n=1", "'[U+000A]=1"),
            ("\u{a0}=1", "'\u{a0}=1"),
            ("\u{3000}=1", "'\u{3000}=1"),
            ("\u{2003}\u{2009}+1", "'\u{2003}\u{2009}+1"),
            ("\u{1680}\u{202f}\u{205f}@A", "'\u{1680}\u{202f}\u{205f}@A"),
            ("\u{85}=1", "'[U+0085]=1"),
            ("\u{2028}=1", "'[U+2028]=1"),
            ("\u{b}\u{c}-1", "'[U+000B][U+000C]-1"),
            ("\u{feff}=1", "'[U+FEFF]=1"),
            ("\u{200b} \u{202e}=1", "'[U+200B] [U+202E]=1"),
            ("\0=1", "'[U+0000]=1"),
            ("＝1", "'＝1"),
            ("\u{fe66}1", "'\u{fe66}1"),
            ("\u{2212}1", "'\u{2212}1"),
            ("\u{a0}a=1", "\u{a0}a=1"),
            ("\u{3000}", "\u{3000}"),
            ("a=1", "a=1"),
            ("a-b", "a-b"),
            ("", ""),
        ] {
            assert_eq!(guarded(cell), expected);
        }
        let mut sample = sample::planted();
        for client in sample.snapshot.clients.iter_mut() {
            client.name = "=cmd|'/c calc'!A1, \"quoted\"\nnext".into();
        }
        let text = text(&sample);
        assert!(text.contains(",\"'=cmd|'/c calc'!A1, \"\"quoted\"\"[U+000A]next\","), "{text}");
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.expect("a row");
            assert!(record.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{record:?}");
        }
    }
}

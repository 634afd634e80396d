//! The clients as CSV (RFC 4180), one row per client, for spreadsheets and auditors. An organisation that was not audited has a row too.
//!
//! The findings are in `csv`.

use std::borrow::Cow;
use std::io;

use ::csv::{Terminator, WriterBuilder};

use super::csv::guarded;
use super::json::MOST_PARTS;
use super::{Audited, ReportedOrganisation};
use crate::audit::{ClientVerdict, describe_client_gaps};
use crate::domain::{Client, RoleGrant, Severity, Snapshot, Timestamp};
use crate::text::rfc3339;

const HEADER: [&str; 25] = [
    "org",
    "org_id",
    "client_id",
    "client_name",
    "description",
    "owner",
    "client_type",
    "grant_type",
    "client_state",
    "client_status",
    "worst_severity",
    "open_findings",
    "scopes",
    "roles",
    "redirect_uris",
    "token_validity_seconds",
    "created",
    "created_by",
    "modified",
    "modified_by",
    "deletion",
    "not_read",
    "taken_at",
    "complete",
    "failure",
];

/// Writes the header and the rows. Fails only if the writer fails.
pub fn write(organisations: &[ReportedOrganisation<'_>], writer: impl io::Write) -> io::Result<()> {
    let mut rows = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(writer);
    rows.write_record(HEADER)?;
    for organisation in organisations {
        let Some(audited) = organisation.audited else {
            let mut row = [const { Cow::Borrowed("") }; HEADER.len()];
            (row[0], row[23], row[24]) =
                (organisation.org.into(), "no".into(), organisation.failure.unwrap_or_default().into());
            rows.write_record(row.map(|cell| guarded(&cell).into_owned()))?;
            continue;
        };
        // There is one verdict per client, in the snapshot's order.
        for (client, verdict) in audited.snapshot.clients.iter().zip(audited.report.verdicts()) {
            let row = row(organisation, audited, client, verdict);
            rows.write_record(row.map(|cell| guarded(&cell).into_owned()))?;
        }
    }
    rows.flush()
}

fn row<'a>(
    organisation: &ReportedOrganisation<'a>,
    audited: Audited<'a>,
    client: &'a Client,
    verdict: &'a ClientVerdict,
) -> [Cow<'a, str>; HEADER.len()] {
    let snapshot = audited.snapshot;
    let mut scopes: Vec<&str> = client.scopes.iter().map(|scope| snapshot.scopes.name(*scope)).collect();
    scopes.sort_unstable();
    let roles = client.role_grants.iter().map(|grant| role(snapshot, grant));
    let time = |time: Option<Timestamp>| Cow::from(time.map(rfc3339).unwrap_or_default());
    [
        organisation.org.into(),
        snapshot.organisation.id.as_str().into(),
        client.id.as_str().into(),
        (&*client.name).into(),
        client.description.as_deref().unwrap_or_default().into(),
        audited.policy.owner(client).unwrap_or_default().into(),
        (&*client.grant_type_spelling).into(),
        client.grant_type.label().into(),
        client.state.label().into(),
        verdict.verdict.label().into(),
        verdict.worst.map_or("", Severity::label).into(),
        verdict.open.to_string().into(),
        joined(scopes.iter(), " ").into(),
        joined(roles, "; ").into(),
        joined(client.redirect_uris.iter(), " ").into(),
        client.effective_token_validity().to_string().into(),
        time(client.created),
        client.created_by.as_deref().unwrap_or_default().into(),
        time(client.modified),
        client.modified_by.as_deref().unwrap_or_default().into(),
        time(client.deletion),
        describe_client_gaps(client, audited.report.evaluated_at).into(),
        rfc3339(snapshot.taken_at).into(),
        if organisation.complete { "yes" } else { "no" }.into(),
        organisation.failure.unwrap_or_default().into(),
    ]
}

/// The first parts as one text, and the number of the others.
fn joined(parts: impl ExactSizeIterator<Item = impl ToString>, separator: &str) -> String {
    let more = parts.len().saturating_sub(MOST_PARTS);
    let mut texts: Vec<String> = parts.take(MOST_PARTS).map(|part| part.to_string()).collect();
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    texts.join(separator)
}

/// The name of a role and of the division in which it is held; ids for what could not be read.
fn role(snapshot: &Snapshot, grant: &RoleGrant) -> String {
    let role = snapshot.role(&grant.role).map_or(grant.role.as_str(), |role| &role.name);
    let division = match &grant.division {
        Some(all) if all.is_all() => "all divisions",
        Some(id) => {
            let known = snapshot.divisions.read().and_then(|divisions| divisions.get(id));
            known.map_or(id.as_str(), |division| &division.name)
        }
        None => "an unknown division",
    };
    format!("{role} in {division}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;

    #[test]
    fn every_client_has_a_row_with_what_it_may_do() {
        let sample = sample::planted();
        let mut bytes = Vec::new();
        write(&[sample.organisation(), sample::failed()], &mut bytes).expect("written");
        let mut reader = ::csv::Reader::from_reader(&*bytes);
        assert_eq!(reader.headers().expect("a header"), &HEADER[..]);
        let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
        assert_eq!(rows.len(), sample.snapshot.clients.len() + 1);
        let failed =
            rows.iter().find(|row| row[2].is_empty()).expect("an organisation that was not audited is not left out");
        assert_eq!((&failed[0], &failed[23]), (sample::failed().org, "no"));
        assert!(!failed[24].is_empty());
        let portal = rows.iter().find(|row| &row[3] == "Partner provisioning portal").expect("a row");
        assert_eq!((&portal[9], &portal[12]), ("FLAGGED", "authorization oauth users:readonly"));
        assert!(rows.iter().all(|row| row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@']))));
    }
}

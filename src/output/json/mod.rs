//! The report as one JSON document.
//!
//! The state file has a format of its own, in `store`. Under one `schema_version`, fields are only added.

mod counts;
mod finding;

use std::io;

use serde::{Serialize, Serializer};

use super::{Audited, Earlier, ReportedOrganisation, Resolved, Summary};
use crate::audit::{ClientVerdict, Finding, RuleOutcome, RuleState, Status, Verdict};
use crate::domain::{Client, ClientId, DivisionId, RoleGrant, RoleId, Snapshot};
use crate::text::rfc3339;
use counts::SummaryDto;
use finding::Findings;
pub(in crate::output) use finding::confidence;

/// Increased when a field is removed or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// The largest number of roles and of redirect URIs that are listed for one client.
pub(in crate::output) const MOST_PARTS: usize = 1_000;

/// Streams the document, indented and with a final line break. Fails only if the writer fails.
///
/// The document is `complete` if there is at least one organisation and every organisation is complete.
pub fn write(organisations: &[ReportedOrganisation<'_>], exit_code: u8, mut writer: impl io::Write) -> io::Result<()> {
    let document = DocumentDto {
        schema_version: SCHEMA_VERSION,
        complete: !organisations.is_empty() && organisations.iter().all(|o| o.complete && o.audited.is_some()),
        exit_code,
        organisations: organisations.iter().map(OrganisationDto::new).collect(),
    };
    serde_json::to_writer_pretty(&mut writer, &document)?;
    writer.write_all(b"\n")
}

#[derive(Serialize)]
struct DocumentDto<'a> {
    schema_version: u32,
    complete: bool,
    exit_code: u8,
    organisations: Vec<OrganisationDto<'a>>,
}

#[derive(Serialize)]
struct OrganisationDto<'a> {
    org: &'a str,
    org_id: Option<&'a str>,
    org_name: Option<&'a str>,
    region: Option<&'a str>,
    taken_at: Option<String>,
    evaluated_at: Option<String>,
    complete: bool,
    failure: Option<&'a str>,
    calls: Vec<CallDto<'a>>,
    clients: Clients<'a>,
    findings: Findings<'a>,
    /// The number of findings that a filter of the command line hides.
    findings_left_out: usize,
    /// When the earlier snapshot was taken that this report compares with; null without one.
    compared_with: Option<String>,
    /// The findings that ended since the earlier snapshot; null if the report compares with none.
    resolved: Option<Vec<ResolvedDto<'a>>>,
    rules: Vec<RuleDto<'a>>,
    inputs: Vec<InputDto<'a>>,
    /// Clients whose record could not be read in full. None of them is compliant, and `--strict` fails because of them.
    unreadable_clients: Vec<&'a str>,
    /// Roles that clients hold and whose permissions are unknown or not fully known. `--strict` fails because of them.
    unknown_roles: Vec<&'a str>,
    summary: Option<SummaryDto>,
}

impl<'a> OrganisationDto<'a> {
    fn new(organisation: &ReportedOrganisation<'a>) -> Self {
        let ReportedOrganisation { org, audited, complete, failure, calls, selection: _, external_url: _ } =
            *organisation;
        let snapshot = audited.map(|audited| audited.snapshot);
        let of = snapshot.map(|snapshot| &snapshot.organisation);
        Self {
            org,
            org_id: of.map(|of| of.id.as_str()),
            org_name: of.map(|of| of.name.as_str()),
            region: of.map(|of| of.region.as_str()),
            taken_at: snapshot.map(|snapshot| rfc3339(snapshot.taken_at)),
            evaluated_at: audited.map(|audited| rfc3339(audited.report.evaluated_at)),
            complete: complete && audited.is_some(),
            failure,
            calls: calls.iter().map(|(endpoint, count)| CallDto { endpoint, count: *count }).collect(),
            clients: Clients(*organisation),
            findings: Findings(*organisation),
            findings_left_out: organisation.left_out(),
            compared_with: organisation.selection.before.and_then(Earlier::taken_at).map(rfc3339),
            resolved: organisation
                .selection
                .before
                .map(|_| organisation.resolved().into_iter().map(ResolvedDto::from).collect()),
            rules: audited.map(|audited| rules(audited, organisation)).unwrap_or_default(),
            inputs: snapshot.map(inputs).unwrap_or_default(),
            unreadable_clients: snapshot
                .map(|snapshot| snapshot.clients.partial().map(|client| client.id.as_str()).collect())
                .unwrap_or_default(),
            unknown_roles: audited
                .map(|audited| audited.report.role_gaps.iter().map(RoleId::as_str).collect())
                .unwrap_or_default(),
            summary: audited.map(|audited| SummaryDto::new(&Summary::new(audited.snapshot, audited.report))),
        }
    }
}

/// A finding of the earlier snapshot that is not open any more.
#[derive(Serialize)]
struct ResolvedDto<'a> {
    rule: &'static str,
    title: &'static str,
    client_id: Option<&'a str>,
    client_name: &'a str,
    severity: &'static str,
    evidence: &'a str,
    count: usize,
    /// `gone`, `approved` or `exempt`.
    how: &'static str,
    fingerprint: String,
}

impl<'a> From<Resolved<'a>> for ResolvedDto<'a> {
    fn from(Resolved { finding, client_name, count, how }: Resolved<'a>) -> Self {
        Self {
            rule: finding.rule.slug,
            title: finding.rule.title,
            client_id: finding.client.as_ref().map(ClientId::as_str),
            client_name,
            severity: finding.severity.label(),
            evidence: &finding.evidence.text,
            count,
            how,
            fingerprint: finding.fingerprint().to_string(),
        }
    }
}

#[derive(Serialize)]
struct CallDto<'a> {
    endpoint: &'a str,
    count: u64,
}

/// An input that could not be read. Inputs that were read are not listed.
#[derive(Serialize)]
struct InputDto<'a> {
    input: &'static str,
    missing_permission: Option<&'a str>,
    message: &'a str,
}

fn inputs(snapshot: &Snapshot) -> Vec<InputDto<'_>> {
    snapshot
        .input_gaps()
        .map(|(collector, why)| InputDto {
            input: collector.label(),
            missing_permission: why.missing_permission.as_deref(),
            message: &why.message,
        })
        .collect()
}

/// Whether a rule was evaluated, and why not.
#[derive(Serialize)]
struct RuleDto<'a> {
    rule: &'static str,
    /// `evaluated`, `not_evaluated`, `not_applicable` or `disabled`.
    state: &'static str,
    evaluated: bool,
    /// The reason if it was not evaluated.
    reason: Option<&'a str>,
    /// The first of its inputs that could not be read.
    missing_input: Option<&'static str>,
    missing_permission: Option<&'a str>,
    /// The page of the rule; null without `--web.external-url`.
    help_uri: Option<String>,
}

fn rules<'a>(audited: Audited<'a>, organisation: &ReportedOrganisation<'_>) -> Vec<RuleDto<'a>> {
    let snapshot = audited.snapshot;
    let outcomes = audited.report.outcomes.iter();
    outcomes.map(|of| RuleDto::new(snapshot, of, organisation.rule_link(of.rule.slug))).collect()
}

impl<'a> RuleDto<'a> {
    fn new(snapshot: &Snapshot, RuleOutcome { rule, state }: &'a RuleOutcome, help_uri: Option<String>) -> Self {
        let (lacks, missing_permission) = match state {
            RuleState::NotEvaluated { missing_permission, .. } => (true, missing_permission.as_deref()),
            _ => (false, None),
        };
        let gap = rule.needs.iter().find(|input| lacks && snapshot.gap(**input).is_some());
        Self {
            rule: rule.slug,
            state: state.label(),
            evaluated: *state == RuleState::Evaluated,
            reason: state.reason(),
            missing_input: gap.map(|input| input.label()),
            missing_permission,
            help_uri,
        }
    }
}

/// Serialises one client at a time: a list of all would be as large as the snapshot.
struct Clients<'a>(ReportedOrganisation<'a>);

impl Serialize for Clients<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let clients = self.0.audited.iter().flat_map(|audited| {
            // There is one verdict per client, in the snapshot's order.
            audited
                .snapshot
                .clients
                .iter()
                .zip(audited.report.verdicts())
                .map(|(client, verdict)| ClientDto::new(client, verdict, audited, &self.0))
        });
        serializer.collect_seq(clients)
    }
}

#[derive(Serialize)]
struct ClientDto<'a> {
    client_id: &'a str,
    client_name: &'a str,
    /// The grant type as the platform spells it. Older scripts read this field.
    client_type: &'a str,
    grant_type: &'static str,
    state: &'static str,
    total_scopes: usize,
    scopes: Vec<&'a str>,
    /// The first of them, as many as [`MOST_PARTS`].
    roles: Vec<RoleDto<'a>>,
    roles_left_out: usize,
    /// The first of them, as many as [`MOST_PARTS`].
    redirect_uris: &'a [Box<str>],
    redirect_uris_left_out: usize,
    created: Option<String>,
    modified: Option<String>,
    status: &'static str,
    issues: Vec<String>,
}

impl<'a> ClientDto<'a> {
    fn new(
        client: &'a Client,
        verdict: &'a ClientVerdict,
        audited: &Audited<'a>,
        organisation: &ReportedOrganisation<'a>,
    ) -> Self {
        let Audited { snapshot, report, .. } = *audited;
        let mut scopes: Vec<&str> = client.scopes.iter().map(|scope| snapshot.scopes.name(*scope)).collect();
        scopes.sort_unstable();
        let open = report.findings_of(&client.id).iter().filter(|finding| finding.status == Status::Open);
        let open = open.filter(|finding| organisation.selection.shows(finding));
        let mut issues: Vec<String> = open.map(issue).collect();
        if let Verdict::NotEvaluated(what) = &verdict.verdict {
            issues.push(format!("Not evaluated: {what}"));
        }
        Self {
            client_id: client.id.as_str(),
            client_name: &client.name,
            client_type: &client.grant_type_spelling,
            grant_type: client.grant_type.label(),
            state: client.state.label(),
            total_scopes: client.scopes.len(),
            scopes,
            roles: client.role_grants.iter().take(MOST_PARTS).map(|grant| RoleDto::new(snapshot, grant)).collect(),
            roles_left_out: client.role_grants.len().saturating_sub(MOST_PARTS),
            redirect_uris: client.redirect_uris.get(..MOST_PARTS).unwrap_or(&client.redirect_uris),
            redirect_uris_left_out: client.redirect_uris.len().saturating_sub(MOST_PARTS),
            created: client.created.map(rfc3339),
            modified: client.modified.map(rfc3339),
            status: verdict.verdict.label(),
            issues,
        }
    }
}

/// A role that the client holds in a division. Names are null if they could not be read.
#[derive(Serialize)]
struct RoleDto<'a> {
    role_id: &'a str,
    role_name: Option<&'a str>,
    /// `*` for all divisions; null if the platform does not say which.
    division_id: Option<&'a str>,
    division_name: Option<&'a str>,
}

impl<'a> RoleDto<'a> {
    fn new(snapshot: &'a Snapshot, grant: &'a RoleGrant) -> Self {
        let division = grant.division.as_ref();
        let known = division.and_then(|id| snapshot.divisions.read()?.get(id));
        Self {
            role_id: grant.role.as_str(),
            role_name: snapshot.role(&grant.role).map(|role| role.name.as_str()),
            division_id: division.map(DivisionId::as_str),
            division_name: known.map(|division| division.name.as_str()),
        }
    }
}

/// A finding as text, for older scripts that read `issues`.
fn issue(finding: &Finding) -> String {
    format!("{} ({}): {}. {}", finding.rule.title, finding.severity, finding.evidence, finding.reason)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::fixtures::sample;

    fn document(organisations: &[ReportedOrganisation<'_>], exit_code: u8) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        write(organisations, exit_code, &mut bytes)?;
        Ok(bytes)
    }

    fn parsed(organisations: &[ReportedOrganisation<'_>], exit_code: u8) -> Value {
        serde_json::from_slice(&document(organisations, exit_code).expect("a document")).expect("JSON")
    }

    #[test]
    fn the_document_reads_like_this() {
        let mut sample = sample::planted();
        // Clients with every verdict: flagged, not evaluated and compliant.
        sample.keep_clients(&[
            "Partner provisioning portal",
            sample::HOSTILE,
            "Wallboard Zürich",
            "Terraform (production)",
        ]);
        let text = document(&[sample.organisation(), sample::failed()], 3).expect("a document");
        insta::assert_snapshot!(String::from_utf8(text).expect("UTF-8"));
    }

    #[test]
    fn an_exempt_finding_names_its_owner_and_a_filter_counts_what_it_hides() {
        let sample = sample::settled();
        let least = Some(crate::domain::Severity::Critical);
        let selection = crate::output::Selection { least, ..Default::default() };
        let document = parsed(&[sample.organisation(), ReportedOrganisation { selection, ..sample.organisation() }], 1);
        let [all, few] = [&document["organisations"][0], &document["organisations"][1]];
        let findings = all["findings"].as_array().expect("findings");
        let exempt: Vec<_> = findings.iter().filter(|finding| finding["status"] == "exempt").collect();
        assert_eq!(exempt.len(), 1);
        assert_eq!(exempt[0]["exemption"]["owner"], "integrations team");
        assert_eq!(exempt[0]["exemption"]["expires"], "2027-06-30T00:00:00Z");
        assert!(findings.iter().all(|f| (f["status"] == "exempt") != f["exemption"].is_null()), "{findings:?}");
        let shown = few["findings"].as_array().expect("findings");
        assert!(shown.iter().all(|finding| finding["severity"] == "critical") && shown.len() < findings.len());
        assert_eq!(few["findings_left_out"], findings.len() - shown.len());
        assert_eq!(few["summary"], all["summary"], "a filter does not change the counts");
    }

    #[test]
    fn the_document_is_complete_only_if_every_organisation_is_and_there_is_one() {
        let sample = sample::clean();
        let incomplete = ReportedOrganisation { complete: false, ..sample.organisation() };
        for (organisations, expected) in [
            (vec![sample.organisation()], true),
            (vec![sample.organisation(), incomplete], false),
            (vec![sample.organisation(), sample::failed()], false),
            (vec![], false),
        ] {
            assert_eq!(parsed(&organisations, 0)["complete"], expected, "{organisations:?}");
        }
    }

    #[test]
    fn every_client_is_listed_and_one_that_was_not_evaluated_is_not_compliant() {
        let sample = sample::planted();
        let document = parsed(&[sample.organisation()], 1);
        let organisation = &document["organisations"][0];
        let clients = organisation["clients"].as_array().expect("clients");
        assert_eq!(clients.len(), 61);
        assert_eq!(organisation["findings"].as_array().map(Vec::len), Some(sample.report.findings().count()));
        for client in clients {
            let evaluated = client["grant_type"] != "client_credentials";
            assert!(evaluated || client["status"] == "NOT_EVALUATED", "{client}");
            assert_eq!(client["status"] == "COMPLIANT", client["issues"] == serde_json::json!([]), "{client}");
        }
    }
}

//! The list of clients on the status page: name, grant type, scopes and verdict.
//!
//! The number of rows is limited; the report has all clients.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::browse::OrganisationLink;
use super::findings::Name;
use super::link;
use super::search::Hit;
use super::words::{grant_words, state_word};
use crate::audit::{ClientVerdict, Report, Status, Verdict};
use crate::domain::{Client, ClientId, ClientState, Snapshot};
use crate::text::visible;

/// Clients that are shown; further ones are counted.
pub(super) const MOST: usize = 500;
/// Scopes per client that are shown; further ones are counted.
const SCOPES: usize = 12;

pub(super) struct ClientRow {
    pub(super) name: Name,
    pub(super) link: String,
    pub(super) client_id: String,
    pub(super) grant: &'static str,
    pub(super) state: &'static str,
    pub(super) is_active: bool,
    pub(super) scopes: Vec<HeldScope>,
    pub(super) more_scopes: usize,
    pub(super) roles: usize,
    /// The CSS class of the verdict's badge.
    pub(super) tone: &'static str,
    pub(super) verdict: &'static str,
    /// Why the client was not fully evaluated.
    pub(super) why: Option<String>,
    /// Why a client with dangerous privileges is not flagged.
    pub(super) settled: Option<&'static str>,
    /// What of the client contains the text of the search.
    pub(super) found: Option<String>,
    /// Its organisation, on a page about several.
    pub(super) org: Option<OrganisationLink>,
}

pub(super) struct HeldScope {
    pub(super) name: Name,
    /// The CSS class: of a dangerous scope, whether it is open or somebody has approved it.
    pub(super) class: &'static str,
    /// Why a dangerous scope is not open.
    pub(super) settled: Option<&'static str>,
}

/// A client that was found.
pub(super) struct Candidate<'a> {
    client: &'a Client,
    verdict: &'a ClientVerdict,
    /// What of it contains the text of the search.
    found: Option<String>,
}

/// The clients that were found.
pub(super) fn candidates<'a>(
    snapshot: &'a Snapshot,
    report: &'a Report,
    hits: Vec<Hit>,
) -> impl Iterator<Item = Candidate<'a>> {
    hits.into_iter().filter_map(|hit| {
        let client = snapshot.clients.get(hit.position)?;
        Some(Candidate { client, verdict: report.verdict_of(&client.id)?, found: hit.why })
    })
}

/// The clients that were found, the worst first, then by name.
pub(super) fn client_rows(snapshot: &Snapshot, report: &Report, hits: Vec<Hit>) -> Vec<ClientRow> {
    let dangerous = dangerous(report);
    let mut found: Vec<Candidate<'_>> = candidates(snapshot, report, hits).collect();
    found.sort_by_cached_key(Candidate::rank);
    found.into_iter().take(MOST).map(|candidate| candidate.row(snapshot, report, &dangerous)).collect()
}

/// The dangerous scopes in effect, with their status.
pub(super) type Dangerous<'a> = HashMap<(&'a ClientId, &'a str), Status>;

pub(super) fn dangerous(report: &Report) -> Dangerous<'_> {
    report.dangerous_scope_grants().map(|(client, scope, status)| ((client, scope), status)).collect()
}

/// Why a client or a privilege that is dangerous is not open; `None` if it is.
pub(super) const fn settled(status: Status) -> Option<&'static str> {
    match status {
        Status::Approved => Some("approved"),
        Status::Exempt => Some("exempt"),
        Status::Open | Status::NotEvaluated => None,
    }
}

/// Why a compliant client is compliant although it has findings that would flag it.
pub(super) fn of_compliant(report: &Report, client: &Client, verdict: &Verdict) -> Option<&'static str> {
    let findings = report.findings_of(&client.id).iter().filter(|finding| finding.severity >= report.flag_at);
    findings.filter(|_| *verdict == Verdict::Compliant).find_map(|finding| settled(finding.status))
}

impl Candidate<'_> {
    /// The worst comes first, then the order of the names.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        let rank = match self.verdict.verdict {
            Verdict::Flagged(severity) => (0, Some(Reverse(severity))),
            Verdict::NotEvaluated(_) => (1, None),
            Verdict::Compliant => (2, None),
        };
        (rank, self.client.name.to_lowercase(), self.client.id.clone())
    }

    pub(super) fn row(self, snapshot: &Snapshot, report: &Report, dangerous: &Dangerous<'_>) -> ClientRow {
        let Self { client, verdict, found } = self;
        ClientRow { found, ..row(snapshot, report, (client, verdict), dangerous) }
    }
}

fn row(
    snapshot: &Snapshot,
    report: &Report,
    (client, verdict): (&Client, &ClientVerdict),
    dangerous: &Dangerous<'_>,
) -> ClientRow {
    let mut scopes: Vec<(Option<Status>, &str)> = client
        .scopes
        .iter()
        .map(|scope| snapshot.scopes.name(*scope))
        .map(|scope| (dangerous.get(&(&client.id, scope)).copied(), scope))
        .collect();
    scopes.sort_by_key(|(status, scope)| (status.is_none(), *status, *scope));
    let (tone, word, why) = match &verdict.verdict {
        Verdict::Flagged(severity) => (severity.label(), severity.label(), None),
        Verdict::NotEvaluated(why) => ("wait", "not evaluated", Some(visible(why).into_owned())),
        Verdict::Compliant => ("good", "compliant", None),
    };
    ClientRow {
        name: Name::new(&client.name),
        link: link::to_client(&client.id),
        client_id: visible(client.id.as_str()).into_owned(),
        grant: grant_words(client.grant_type),
        state: state_word(client.state),
        is_active: client.state == ClientState::Active,
        more_scopes: scopes.len().saturating_sub(SCOPES),
        scopes: scopes
            .into_iter()
            .take(SCOPES)
            .map(|(status, scope)| HeldScope {
                name: Name::new(scope),
                class: match status.map(settled) {
                    None => "",
                    Some(None) => "danger",
                    Some(Some(_)) => "settled",
                },
                settled: status.and_then(settled),
            })
            .collect(),
        roles: client.role_grants.len(),
        tone,
        verdict: word,
        why,
        settled: of_compliant(report, client, &verdict.verdict),
        found: None,
        org: None,
    }
}

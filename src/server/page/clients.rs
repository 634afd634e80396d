//! The list of clients on the status page: name, grant type, scopes and verdict.
//!
//! The number of rows is limited; the report has all clients.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::findings::Name;
use super::link;
use super::words::{grant_words, state_word};
use crate::audit::{ClientVerdict, Report, Verdict};
use crate::domain::{Client, ClientId, ClientState, Snapshot};
use crate::text::visible;

/// Clients that are shown; further ones are counted.
const CLIENTS: usize = 500;
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
}

pub(super) struct HeldScope {
    pub(super) name: Name,
    pub(super) is_dangerous: bool,
}

/// The clients at these positions of the snapshot, the worst first, then by name.
pub(super) fn client_rows(snapshot: &Snapshot, report: &Report, hits: &[usize]) -> Vec<ClientRow> {
    let dangerous: HashSet<(&ClientId, &str)> =
        report.dangerous_scope_grants().map(|(client, scope, _)| (client, scope)).collect();
    let at = |&position: &usize| Some((snapshot.clients.get(position)?, report.verdicts.get(position)?));
    let mut found: Vec<(&Client, &ClientVerdict)> = hits.iter().filter_map(at).collect();
    found.sort_by_cached_key(|(client, verdict)| {
        let rank = match verdict.verdict {
            Verdict::Flagged(severity) => (0, Some(Reverse(severity))),
            Verdict::NotEvaluated(_) => (1, None),
            Verdict::Compliant => (2, None),
        };
        (rank, client.name.to_lowercase(), client.id.clone())
    });
    found.into_iter().take(CLIENTS).map(|(client, verdict)| row(snapshot, client, verdict, &dangerous)).collect()
}

fn row(
    snapshot: &Snapshot,
    client: &Client,
    verdict: &ClientVerdict,
    dangerous: &HashSet<(&ClientId, &str)>,
) -> ClientRow {
    let mut scopes: Vec<(bool, &str)> = client
        .scopes
        .iter()
        .map(|scope| snapshot.scopes.name(*scope))
        .map(|scope| (dangerous.contains(&(&client.id, scope)), scope))
        .collect();
    scopes.sort_by_key(|(is_dangerous, scope)| (Reverse(*is_dangerous), *scope));
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
            .map(|(is_dangerous, scope)| HeldScope { name: Name::new(scope), is_dangerous })
            .collect(),
        roles: client.role_grants.len(),
        tone,
        verdict: word,
        why,
    }
}

//! Where the series of an audited family come from, and how many they are.
//!
//! Not which families there are (`families`), nor the counts over an organisation (`organisation`).

use super::label::Escaped;
use super::render::Block;
use super::view::View;
use crate::audit::Status;
use crate::domain::{Client, Timestamp};

/// Where a family's series come from.
pub(super) enum Series {
    /// Few, counted over the organisation; always rendered.
    Organisation(fn(&View<'_>, &mut Block<'_>)),
    /// Some for each client; may be switched off, and dropped by the cap.
    PerClient {
        /// Under the cap the lowest goes first; `None` is never dropped, since somebody is paged by it.
        priority: Option<u8>,
        /// What is written.
        source: Source,
    },
}

/// The series of a per-client family.
pub(super) enum Source {
    /// At most one number a client.
    Number(fn(&Client) -> Option<i64>),
    /// The names and words that describe it.
    Info,
    /// Its open findings.
    OpenFindings,
    /// When its dangerous scopes were first seen.
    FirstSeen,
}

impl Series {
    pub(super) fn write(&self, view: &View<'_>, block: &mut Block<'_>) {
        match self {
            Self::Organisation(count) => count(view, block),
            Self::PerClient { source, .. } => source.write(view, block),
        }
    }
}

impl Source {
    /// How many series [`Source::write`] adds.
    pub(super) fn count(&self, view: &View<'_>) -> usize {
        match self {
            Self::Number(number) => view.clients().filter(|(_, client)| number(client).is_some()).count(),
            Self::Info => view.clients().count(),
            Self::OpenFindings => view.open_findings.len(),
            Self::FirstSeen => view.audited.ledger.entries().count(),
        }
    }

    fn write(&self, view: &View<'_>, block: &mut Block<'_>) {
        match self {
            Self::Number(number) => {
                for (id, client) in view.clients() {
                    if let Some(number) = number(client) {
                        block.add([&id], number);
                    }
                }
            }
            Self::Info => {
                for (id, client) in view.clients() {
                    let grant_type = Escaped::word(client.grant_type.label());
                    let state = Escaped::word(client.state.label());
                    block.add([&id, &Escaped::new(&client.name), &grant_type, &state], true);
                }
            }
            Self::OpenFindings => {
                for findings in &view.open_findings {
                    let (rule, severity) = (Escaped::word(findings.rule), Escaped::word(findings.severity.label()));
                    block.add([&view.id_of(findings), &rule, &severity], findings.count);
                }
            }
            Self::FirstSeen => write_first_seen(view, block),
        }
    }
}

/// Grants that are gone are told too, so that the ids are not all in the snapshot. An exempt grant must not page.
fn write_first_seen(view: &View<'_>, block: &mut Block<'_>) {
    let grants = view.audited.report.dangerous_scope_grants();
    // Both lists are sorted by client and scope, so that one walk is enough.
    let mut exempt = grants.filter(|(_, _, status)| *status == Status::Exempt).peekable();
    for (grant, memory) in view.audited.ledger.entries() {
        let this = (&grant.client, grant.scope.as_str());
        while exempt.next_if(|(client, scope, _)| (*client, *scope) < this).is_some() {}
        let is_exempt = exempt.peek().is_some_and(|(client, scope, _)| (*client, *scope) == this);
        let first_seen = if is_exempt { Timestamp::default() } else { memory.first_seen() };
        block.add([&Escaped::new(grant.client.as_str()), &Escaped::new(&grant.scope)], first_seen);
    }
}

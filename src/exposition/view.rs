//! One organisation, prepared for rendering: its ids are escaped, the numbers of its clients are side by side, and its open
//! findings are counted by client.
//!
//! The text is written in `render`. This is part of the hot path: a client's record and its id are heap allocations of their own, and
//! a dozen families need them. They are read once; then each family reads memory from its start to its end.

use super::Audited;
use super::grant_series::GrantSeries;
use super::label::Escaped;
use crate::audit::{Finding, Report, Status};
use crate::domain::{Client, ClientState, GrantType, Records, Severity, Timestamp};

#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) audited: Audited<'a>,
    /// The value of the label `org`.
    pub(super) org: Escaped<'a>,
    ids: Ids,
    /// In the snapshot's order.
    pub(super) numbers: Vec<Numbers>,
    /// Sorted by client, rule and severity, the worst severity first.
    pub(super) open_findings: Vec<OpenFindings>,
    pub(super) grants: GrantSeries<'a>,
}

/// What the families with a number per client, and the counts of clients, read of a client.
#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) created: Option<Timestamp>,
    pub(super) modified: Option<Timestamp>,
    pub(super) deletion: Option<Timestamp>,
    pub(super) scopes: u32,
    pub(super) role_grants: u32,
    pub(super) token_validity: u32,
    pub(super) grant_type: GrantType,
    pub(super) state: ClientState,
    pub(super) partial: bool,
}

impl Numbers {
    fn of(client: &Client) -> Self {
        let count = |length| u32::try_from(length).unwrap_or(u32::MAX);
        Self {
            created: client.created,
            modified: client.modified,
            deletion: client.deletion,
            scopes: count(client.scopes.len()),
            role_grants: count(client.role_grants.len()),
            token_validity: client.effective_token_validity(),
            grant_type: client.grant_type,
            state: client.state,
            partial: !client.gaps.is_empty(),
        }
    }
}

/// The open findings of one rule and severity on one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenFindings {
    /// The client's position in the snapshot.
    position: usize,
    pub(super) rule: &'static str,
    pub(super) severity: Severity,
    /// Never 0.
    pub(super) count: usize,
}

impl<'a> View<'a> {
    pub(super) fn new(audited: Audited<'a>) -> Self {
        let (ids, numbers) = read(&audited.snapshot.clients);
        let open_findings = open_findings(audited.report);
        let grants = GrantSeries::new(audited.ledger);
        Self { audited, org: Escaped::new(audited.org), ids, numbers, open_findings, grants }
    }

    /// The clients with their ids, in the snapshot's order.
    pub(super) fn clients(&self) -> impl Iterator<Item = (Escaped<'_>, &'a Client)> {
        self.ids.iter().zip(&self.audited.snapshot.clients)
    }

    /// The numbers of the clients with their ids, in the snapshot's order.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (Escaped<'_>, &Numbers)> {
        self.ids.iter().zip(&self.numbers)
    }

    /// The escaped id of the client with these findings.
    pub(super) fn id_of(&self, findings: &OpenFindings) -> Escaped<'_> {
        self.ids.get(findings.position)
    }
}

/// The clients' escaped ids, in the snapshot's order and in one string.
#[derive(Debug)]
struct Ids {
    text: String,
    /// The start of each id in `text`, followed by the end of the last one.
    bounds: Vec<usize>,
}

impl Ids {
    fn iter(&self) -> impl Iterator<Item = Escaped<'_>> {
        let bounds = self.bounds.array_windows();
        bounds.map(|&[start, end]| Escaped::again(self.text.get(start..end).unwrap_or_default()))
    }

    /// Empty if no client has this position.
    fn get(&self, position: usize) -> Escaped<'_> {
        match self.bounds.get(position..position + 2) {
            Some(&[start, end]) => Escaped::again(self.text.get(start..end).unwrap_or_default()),
            _ => Escaped::again(""),
        }
    }
}

/// Reads each client once.
fn read(clients: &Records<Client>) -> (Ids, Vec<Numbers>) {
    let mut text = String::new();
    let mut bounds = Vec::with_capacity(clients.len() + 1);
    let mut numbers = Vec::with_capacity(clients.len());
    bounds.push(0);
    for client in clients {
        text.push_str(Escaped::new(client.id.as_str()).as_str());
        bounds.push(text.len());
        numbers.push(Numbers::of(client));
    }
    (Ids { text, bounds }, numbers)
}

fn open_findings(report: &Report) -> Vec<OpenFindings> {
    let mut open = Vec::new();
    for (position, (_, findings)) in report.clients().enumerate() {
        for of_rule in findings.chunk_by(|a, b| a.rule == b.rule) {
            let Some(rule) = of_rule.first().map(|finding| finding.rule.slug) else { continue };
            for severity in Severity::ALL {
                let counted =
                    of_rule.iter().filter(|finding| finding.status == Status::Open && finding.severity == severity);
                let count = counted.map(Finding::count).sum();
                if count > 0 {
                    open.push(OpenFindings { position, rule, severity, count });
                }
            }
        }
    }
    open
}

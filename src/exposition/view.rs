//! One organisation as the audited families read it: with its ids escaped, and its findings counted by client.
//!
//! No text: that is written in `render`.

use super::Audited;
use super::label::Escaped;
use super::told::Told;
use crate::audit::{Finding, Status};
use crate::domain::{Client, ClientId, Severity};

/// An organisation, prepared for rendering.
#[derive(Debug)]
pub(super) struct View<'a> {
    /// What is there, and what we think of it.
    pub(super) audited: Audited<'a>,
    /// The value of the label `org`.
    pub(super) org: Escaped<'a>,
    /// The ids of the clients, in the snapshot's order.
    ids: Ids,
    /// Sorted by client, rule and severity, the worst first.
    pub(super) open_findings: Vec<OpenFindings>,
    /// What is told of dangerous grants, held and gone.
    pub(super) told: Told<'a>,
}

/// The open findings of one rule on one client, of one severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenFindings {
    /// Where the client stands in the snapshot.
    position: usize,
    /// The rule's slug.
    pub(super) rule: &'static str,
    /// How bad.
    pub(super) severity: Severity,
    /// How many; not 0.
    pub(super) count: usize,
}

impl<'a> View<'a> {
    pub(super) fn new(audited: Audited<'a>) -> Self {
        let ids = Ids::new(&audited.snapshot.clients);
        let open_findings = open_findings(&audited.snapshot.clients, &audited.report.findings);
        let told = Told::new(audited.ledger);
        Self { audited, org: Escaped::new(audited.org), ids, open_findings, told }
    }

    /// The clients with their ids, in the snapshot's order.
    pub(super) fn clients(&self) -> impl Iterator<Item = (Escaped<'_>, &'a Client)> {
        (0..).map(|position| self.ids.get(position)).zip(&self.audited.snapshot.clients)
    }

    /// The id of the client that these findings are on.
    pub(super) fn id_of(&self, findings: &OpenFindings) -> Escaped<'_> {
        self.ids.get(findings.position)
    }
}

/// Escaped ids, one behind the other: a client's own is a heap block of its own, and each family would look it up again.
#[derive(Debug)]
struct Ids {
    text: String,
    /// Where each begins, and where the last ends.
    bounds: Vec<usize>,
}

impl Ids {
    fn new(clients: &[Client]) -> Self {
        let mut text = String::new();
        let mut bounds = Vec::with_capacity(clients.len() + 1);
        bounds.push(0);
        for client in clients {
            text.push_str(Escaped::new(client.id.as_str()).as_str());
            bounds.push(text.len());
        }
        Self { text, bounds }
    }

    /// Empty for a position that no client has.
    fn get(&self, position: usize) -> Escaped<'_> {
        match self.bounds.get(position..position + 2) {
            Some(&[start, end]) => Escaped::again(self.text.get(start..end).unwrap_or_default()),
            _ => Escaped::again(""),
        }
    }
}

/// Whether `a` sorts before `b`. Ids are mostly shared, and equal ones are told without looking at their text.
fn before(a: &ClientId, b: &ClientId) -> bool {
    a != b && a < b
}

/// Both lists are sorted by client id, so that one walk is enough; findings on the organisation come first.
fn open_findings(clients: &[Client], findings: &[Finding]) -> Vec<OpenFindings> {
    let mut open = Vec::new();
    let mut positions = clients.iter().enumerate().peekable();
    for of_rule in findings.chunk_by(|a, b| a.client == b.client && a.rule.slug == b.rule.slug) {
        let Some(id) = of_rule.first().and_then(|finding| finding.client.as_ref()) else { continue };
        while positions.next_if(|(_, client)| before(&client.id, id)).is_some() {}
        let Some((position, _)) = positions.peek().filter(|(_, client)| client.id == *id) else { continue };
        for severity in Severity::ALL {
            let count = of_rule.iter().filter(|f| f.status == Status::Open && f.severity == severity).count();
            if let Some(rule) = of_rule.first().map(|finding| finding.rule.slug).filter(|_| count > 0) {
                open.push(OpenFindings { position: *position, rule, severity, count });
            }
        }
    }
    open
}

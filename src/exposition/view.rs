//! One organisation as the audited families read it: with its ids escaped, and its findings counted by client.
//!
//! No text: that is written in `render`.

use super::Audited;
use super::label::Escaped;
use crate::audit::{Finding, Status};
use crate::domain::{Client, Severity};

/// An organisation, prepared for rendering.
#[derive(Debug)]
pub(super) struct View<'a> {
    /// What is there, and what we think of it.
    pub(super) audited: Audited<'a>,
    /// The value of the label `org`.
    pub(super) org: Escaped<'a>,
    /// The ids of the clients, in the snapshot's order.
    ids: Vec<Escaped<'a>>,
    /// Sorted by client, rule and severity, the worst first.
    pub(super) open_findings: Vec<OpenFindings>,
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
        let ids = audited.snapshot.clients.iter().map(|client| Escaped::new(client.id.as_str())).collect();
        let open_findings = open_findings(&audited.snapshot.clients, &audited.report.findings);
        Self { audited, org: Escaped::new(audited.org), ids, open_findings }
    }

    /// The clients with their ids, in the snapshot's order.
    pub(super) fn clients(&self) -> impl Iterator<Item = (&Escaped<'a>, &'a Client)> {
        self.ids.iter().zip(&self.audited.snapshot.clients)
    }

    /// The id of the client that these findings are on.
    pub(super) fn id_of(&self, findings: &OpenFindings) -> Option<&Escaped<'a>> {
        self.ids.get(findings.position)
    }
}

/// Both lists are sorted by client id, so that one walk is enough; findings on the organisation come first.
fn open_findings(clients: &[Client], findings: &[Finding]) -> Vec<OpenFindings> {
    let mut open = Vec::new();
    let mut positions = clients.iter().enumerate().peekable();
    for of_rule in findings.chunk_by(|a, b| a.client == b.client && a.rule.slug == b.rule.slug) {
        let Some(id) = of_rule.first().and_then(|finding| finding.client.as_ref()) else { continue };
        while positions.next_if(|(_, client)| client.id < *id).is_some() {}
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

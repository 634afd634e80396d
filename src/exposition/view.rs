//! One organisation, prepared for rendering: its ids are escaped and its open findings are counted by client.
//!
//! The text is written in `render`.

use super::Audited;
use super::grant_series::GrantSeries;
use super::label::Escaped;
use crate::audit::{Finding, Report, Status};
use crate::domain::{Client, Records, Severity};

#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) audited: Audited<'a>,
    /// The value of the label `org`.
    pub(super) org: Escaped<'a>,
    ids: Ids,
    /// Sorted by client, rule and severity, the worst severity first.
    pub(super) open_findings: Vec<OpenFindings>,
    pub(super) grants: GrantSeries<'a>,
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
        let ids = Ids::new(&audited.snapshot.clients);
        let open_findings = open_findings(audited.report);
        let grants = GrantSeries::new(audited.ledger);
        Self { audited, org: Escaped::new(audited.org), ids, open_findings, grants }
    }

    /// The clients with their ids, in the snapshot's order.
    pub(super) fn clients(&self) -> impl Iterator<Item = (Escaped<'_>, &'a Client)> {
        (0..).map(|position| self.ids.get(position)).zip(&self.audited.snapshot.clients)
    }

    /// The escaped id of the client with these findings.
    pub(super) fn id_of(&self, findings: &OpenFindings) -> Escaped<'_> {
        self.ids.get(findings.position)
    }
}

/// The clients' escaped ids, in the snapshot's order and in one string. Each client's own id is a separate heap allocation,
/// and every family would have to follow that pointer again.
#[derive(Debug)]
struct Ids {
    text: String,
    /// The start of each id in `text`, followed by the end of the last one.
    bounds: Vec<usize>,
}

impl Ids {
    fn new(clients: &Records<Client>) -> Self {
        let mut text = String::new();
        let mut bounds = Vec::with_capacity(clients.len() + 1);
        bounds.push(0);
        for client in clients {
            text.push_str(Escaped::new(client.id.as_str()).as_str());
            bounds.push(text.len());
        }
        Self { text, bounds }
    }

    /// Empty if no client has this position.
    fn get(&self, position: usize) -> Escaped<'_> {
        match self.bounds.get(position..position + 2) {
            Some(&[start, end]) => Escaped::again(self.text.get(start..end).unwrap_or_default()),
            _ => Escaped::again(""),
        }
    }
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

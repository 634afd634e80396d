//! The clients with the worst open findings, for the status page.

use super::findings::Name;
use super::link::{self, Links};
use super::words::grant_words;
use crate::audit::{Report, Status, Verdict};
use crate::domain::{Client, Severity, Snapshot};

/// Clients that are shown.
const WORST: usize = 8;

pub(super) struct WorstClient {
    pub(super) name: Name,
    pub(super) link: String,
    pub(super) grant: &'static str,
    pub(super) counts: Vec<OpenOfSeverity>,
}

/// The number of open findings of one severity.
pub(super) struct OpenOfSeverity {
    pub(super) severity: &'static str,
    pub(super) count: usize,
    /// The findings.
    pub(super) link: String,
}

/// The flagged clients, sorted by the number of critical findings, then of high findings, and so on.
pub(super) fn worst_clients(snapshot: &Snapshot, report: &Report, links: &Links) -> Vec<WorstClient> {
    let flagged = report.verdicts().filter(|verdict| matches!(verdict.verdict, Verdict::Flagged(_)));
    let mut clients: Vec<([usize; 5], &Client)> = flagged
        .filter_map(|verdict| {
            let mut counts = [0; 5];
            for finding in report.findings_of(&verdict.client).iter().filter(|finding| finding.status == Status::Open) {
                let place = Severity::ALL.iter().position(|severity| *severity == finding.severity);
                if let Some(place) = place {
                    counts[place] += finding.count();
                }
            }
            Some((counts, snapshot.client(&verdict.client)?))
        })
        .collect();
    // A stable sort: equal clients stay sorted by id.
    clients.sort_by_key(|(counts, _)| std::cmp::Reverse(*counts));
    clients
        .into_iter()
        .take(WORST)
        .map(|(counts, client)| WorstClient {
            name: Name::new(&client.name),
            link: link::to_client(&client.id),
            grant: grant_words(client.grant_type),
            counts: Severity::ALL
                .iter()
                .zip(counts)
                .filter(|(_, count)| *count > 0)
                .map(|(severity, count)| {
                    let link = links.findings([("client", client.id.as_str()), ("severity", severity.label())]);
                    OpenOfSeverity { severity: severity.label(), count, link }
                })
                .collect(),
        })
        .collect()
}

//! Audit reports: the data that they are made from, and one file per format.
//!
//! The status page is in `server`, the metrics are in `exposition`.

pub mod csv;
mod earlier;
mod exit_code;
pub mod inventory;
pub mod json;
pub mod markdown;
mod rule_outcomes;
pub mod sarif;
mod selection;
mod standing;
mod summary;
pub mod table;
pub mod textfile;

pub use earlier::{Earlier, Resolved};
pub use exit_code::{FailOn, FailWhen, exit_code};
pub use selection::Selection;
pub use summary::Summary;

use crate::audit::{Finding, Report, Status};
use crate::domain::{Snapshot, Timestamp};
use crate::ledger::Ledger;
use crate::policy::{Exemption, Policy};
use crate::text::{counted, utc};

/// The audit of one organisation, to be reported.
#[derive(Debug, Clone, Copy)]
pub struct ReportedOrganisation<'a> {
    /// The value of the label `org`.
    pub org: &'a str,
    /// The evaluated snapshot; `None` if there is none, for example because the refresh failed.
    pub audited: Option<Audited<'a>>,
    /// Whether the snapshot has every client. False without a snapshot.
    pub complete: bool,
    /// Why there is no snapshot, or why it is incomplete: a message for people.
    pub failure: Option<&'a str>,
    /// The number of requests sent to the platform by endpoint, including retries. Empty if they were not counted, as for a
    /// restored snapshot.
    pub calls: &'a [(String, u64)],
    /// Which findings are shown, and which affect the exit code.
    pub selection: Selection<'a>,
    /// The URL at which people reach the exporter, without a slash at its end; `None` if the report has no links to it.
    pub external_url: Option<&'a str>,
}

impl<'a> ReportedOrganisation<'a> {
    /// The findings to show, in the order of the report.
    pub fn findings(&self) -> impl Iterator<Item = &'a Finding> + use<'a> {
        let selection = self.selection;
        let findings = self.audited.into_iter().flat_map(|audited| audited.report.findings());
        findings.filter(move |finding| selection.shows(finding))
    }

    /// The findings that ended since the earlier audit, with the least severity that is shown. Empty without one.
    pub fn resolved(&self) -> Vec<Resolved<'a>> {
        let resolved = self
            .selection
            .before
            .zip(self.audited)
            .map(|(earlier, audited)| earlier.resolved(audited.snapshot, audited.report, self.complete));
        let resolved = resolved.unwrap_or_default();
        resolved.into_iter().filter(|resolved| self.selection.is_severe(resolved.finding)).collect()
    }

    /// The page of a rule at the exporter; `None` without the exporter's URL.
    pub(crate) fn rule_link(&self, slug: &str) -> Option<String> {
        self.external_url.map(|base| format!("{base}/rules/{slug}"))
    }

    /// What an open finding is called: new, if the report compares with an earlier one.
    pub(crate) fn open_word(&self) -> &'static str {
        if self.selection.before.is_some() { "new" } else { "open" }
    }

    /// A sentence about the comparison with the earlier audit; `None` without one.
    pub(crate) fn comparison(&self) -> Option<String> {
        let earlier = self.selection.before?;
        let Some(taken_at) = earlier.taken_at() else {
            return Some(
                "Compared with nothing: there is no earlier snapshot of this organisation, so every finding is new."
                    .to_owned(),
            );
        };
        let new: usize = self.findings().filter(|finding| finding.status == Status::Open).map(Finding::count).sum();
        let resolved: usize = self.resolved().iter().map(|resolved| resolved.count).sum();
        let (new, resolved) = (counted(new, "new open finding"), counted(resolved, "resolved finding"));
        Some(format!("Compared with the snapshot of {}: {new}, {resolved}.", utc(taken_at)))
    }

    /// The number of findings that the selection hides.
    pub fn left_out(&self) -> usize {
        let selection = self.selection;
        let findings = self.audited.into_iter().flat_map(|audited| audited.report.findings());
        findings.filter(|finding| !selection.shows(finding)).map(Finding::count).sum()
    }
}

/// A snapshot and its evaluation.
#[derive(Debug, Clone, Copy)]
pub struct Audited<'a> {
    /// The snapshot that was evaluated.
    pub snapshot: &'a Snapshot,
    /// The findings and verdicts.
    pub report: &'a Report,
    /// The policy that the report follows.
    pub policy: &'a Policy,
    /// When each dangerous grant was first seen.
    pub ledger: &'a Ledger,
}

impl<'a> Audited<'a> {
    /// When the dangerous scope or permission of a finding was first seen; `None` for any other finding, and if it was held before the
    /// first refresh.
    pub fn first_seen(self, finding: &Finding) -> Option<Timestamp> {
        let memory = self.ledger.memory(finding)?;
        Some(memory.first_seen()).filter(|time| *time != Timestamp::default())
    }

    /// The name of a finding's client; empty for a finding on the organisation.
    pub fn client_name(self, finding: &Finding) -> &'a str {
        let client = finding.client.as_ref().and_then(|id| self.snapshot.client(id));
        client.map_or("", |client| &client.name)
    }

    /// The exemption that covers a finding; `None` if none does.
    pub fn exemption_of(self, finding: &Finding) -> Option<&'a Exemption> {
        let id = finding.exemption.as_ref()?;
        self.policy.exemptions.iter().find(|exemption| exemption.id == **id)
    }
}

//! How the organisations of one report compare, the worst first: for the formats that people read.
//!
//! Not the counts of one organisation (`summary`).

use std::cmp::Reverse;

use super::{ReportedOrganisation, Summary};
use crate::audit::{Finding, Status};
use crate::domain::Severity;
use crate::text::counted;

/// The counts, in the order of [`Standing::counts`].
pub(super) const COLUMNS: [&str; 6] =
    ["clients", "flagged", "not evaluated", "compliant", "open critical", "open high"];

/// One organisation beside the others.
pub(super) struct Standing<'a> {
    pub(super) organisation: &'a ReportedOrganisation<'a>,
    pub(super) outcome: Audit,
    /// `None` if it was not audited. The open findings are those that decide about the exit code.
    pub(super) counts: Option<[usize; COLUMNS.len()]>,
}

/// The result of the audit of an organisation. The order is from the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Audit {
    Missing,
    Incomplete,
    Flagged,
    NotEvaluated,
    Compliant,
}

impl Audit {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Missing => "NOT AUDITED",
            Self::Incomplete => "INCOMPLETE",
            Self::Flagged => "flagged",
            Self::NotEvaluated => "not evaluated",
            Self::Compliant => "compliant",
        }
    }
}

/// The organisations, the worst first; otherwise in the order of the report.
pub(super) fn standings<'a>(organisations: &'a [ReportedOrganisation<'a>]) -> Vec<Standing<'a>> {
    let mut all: Vec<Standing<'a>> = organisations.iter().map(standing).collect();
    all.sort_by_key(|standing| {
        let [_, flagged, _, _, critical, high] = standing.counts.unwrap_or_default();
        (standing.outcome, Reverse((critical, high, flagged)))
    });
    all
}

fn standing<'a>(organisation: &'a ReportedOrganisation<'a>) -> Standing<'a> {
    let Some(audited) = organisation.audited else {
        return Standing { organisation, outcome: Audit::Missing, counts: None };
    };
    let Summary { clients, flagged, not_evaluated, compliant, .. } = Summary::new(audited.snapshot, audited.report);
    let open = |severity: Severity| {
        let open = audited.report.findings().filter(|finding| finding.status == Status::Open);
        let counted = open.filter(|f| f.severity == severity && organisation.selection.is_counted(f));
        counted.map(Finding::count).sum::<usize>()
    };
    let outcome = match (organisation.complete, flagged, not_evaluated) {
        (false, ..) => Audit::Incomplete,
        (true, 1.., _) => Audit::Flagged,
        (true, 0, 1..) => Audit::NotEvaluated,
        (true, 0, 0) => Audit::Compliant,
    };
    let (critical, high) = (open(Severity::Critical), open(Severity::High));
    let counts = Some([clients, flagged, not_evaluated, compliant, critical, high]);
    Standing { organisation, outcome, counts }
}

/// For example `3 organisations: 1 audited, 1 incomplete, 1 not audited.`
pub(super) fn sentence(standings: &[Standing<'_>]) -> String {
    let count = |outcome: Audit| standings.iter().filter(|standing| standing.outcome == outcome).count();
    let (missing, incomplete) = (count(Audit::Missing), count(Audit::Incomplete));
    let audited = standings.len() - missing - incomplete;
    let all = counted(standings.len(), "organisation");
    format!("{all}: {audited} audited, {incomplete} incomplete, {missing} not audited.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;

    #[test]
    fn what_was_not_audited_comes_first_and_what_is_compliant_last() {
        let (planted, clean) = (sample::planted(), sample::clean());
        let incomplete = ReportedOrganisation { complete: false, failure: Some("cut"), ..clean.organisation() };
        let all = [clean.organisation(), planted.organisation(), incomplete, sample::failed()];
        let standings = standings(&all);
        let labels: Vec<&str> = standings.iter().map(|standing| standing.outcome.label()).collect();
        assert_eq!(labels, ["NOT AUDITED", "INCOMPLETE", "flagged", "compliant"]);
        assert_eq!(sentence(&standings), "4 organisations: 2 audited, 1 incomplete, 1 not audited.");
        assert_eq!(standings[0].counts, None, "nothing is known of it");
        let [clients, flagged, not_evaluated, compliant, critical, high] = standings[2].counts.expect("audited");
        assert_eq!(flagged + not_evaluated + compliant, clients);
        assert!(critical > 0 && high > 0);
    }
}

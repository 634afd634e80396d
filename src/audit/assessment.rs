//! What was found about one subject: the organisation, or a client of the snapshot or of the baseline.
//!
//! It is kept as long as nothing changes that it depends on (`incremental`), so that an evaluation costs the work of what changed.

use super::clock::Clock;
use super::exempt::Exemptions;
use super::finding::{Finding, Status};
use super::grant::DangerousGrant;
use super::role_gaps::unreported_gaps;
use super::rules::{Context, Entry, Facts, Subject};
use super::sink::{Shared, Sink};
use super::{approve, gaps};
use crate::domain::{Client, ClientId, RoleId, Severity, Timestamp};

/// The findings on one subject, and the verdict that follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assessment {
    /// The client; `None` for the organisation.
    pub(super) client: Option<ClientId>,
    /// Sorted by rule and evidence.
    pub(super) findings: Box<[Finding]>,
    /// The verdict; `None` if the snapshot does not have the client.
    pub(super) verdict: Option<ClientVerdict>,
    /// The client's roles about which not everything is known, unless a finding already flags the client because of the role.
    pub(super) role_gaps: Box<[RoleId]>,
    /// The positions, in the policy, of the exemptions that cover a finding. Sorted, without duplicates.
    pub(super) exemptions: Box<[usize]>,
    /// The first time at which the evaluation can differ although nothing else changes.
    pub(super) until: Timestamp,
}

/// A client and its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientVerdict {
    /// The client.
    pub client: ClientId,
    /// The verdict.
    pub verdict: Verdict,
    /// The worst severity of the client's open findings, even below `flag_at`; `None` if there are none.
    pub worst: Option<Severity>,
    /// The number of open findings.
    pub open: usize,
}

/// The verdict on a client. Each client has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// An open finding has a severity of at least `flag_at`. Contains the worst severity.
    Flagged(Severity),
    /// Not flagged, but part of what the client may do could not be read or evaluated; the text says which part and why.
    NotEvaluated(Box<str>),
    /// Everything was read and evaluated, and no open finding has a severity of at least `flag_at`.
    Compliant,
}

impl Verdict {
    /// The value in reports.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Flagged(_) => "FLAGGED",
            Self::NotEvaluated(_) => "NOT_EVALUATED",
            Self::Compliant => "COMPLIANT",
        }
    }
}

impl Assessment {
    /// Evaluates a subject by these rules.
    pub(super) fn new<'a>(
        facts: &'a Facts<'a>,
        subject: Subject<'a>,
        rules: &[&'static Entry],
        exemptions: &Exemptions<'_>,
        shared: &mut Shared,
    ) -> Self {
        let context = Context::new(facts, subject);
        let mut used = Vec::new();
        let findings = {
            let mut sink = Sink::new(subject.client_id().cloned(), shared, |finding| {
                // Approvals first: an approved finding needs no exemption.
                if approve::approves(&context, finding) {
                    super::sink::Decision { status: Status::Approved, exemption: None }
                } else {
                    exemptions.decide(subject, finding, &mut used)
                }
            });
            for entry in rules {
                (entry.check)(&context, &mut sink);
            }
            sink.finish()
        };
        used.sort_unstable();
        used.dedup();
        let verdict = context.client().map(|client| verdict(facts, client, &findings, &context.clock));
        let role_gaps = context
            .client()
            .map(|client| unreported_gaps(facts.snapshot, facts.policy, client, &findings))
            .unwrap_or_default();
        let until = context.clock.until();
        Self {
            client: subject.client_id().cloned(),
            findings,
            verdict,
            role_gaps: role_gaps.into(),
            exemptions: used.into(),
            until,
        }
    }

    /// The dangerous grants of the client.
    pub(super) fn grants(&self) -> impl Iterator<Item = DangerousGrant<'_>> {
        self.findings.iter().filter_map(DangerousGrant::of)
    }
}

fn verdict(facts: &Facts<'_>, client: &Client, findings: &[Finding], clock: &Clock) -> ClientVerdict {
    let open = || findings.iter().filter(|finding| finding.status == Status::Open);
    let worst = open().map(|finding| finding.severity).max();
    let verdict = match worst {
        Some(worst) if worst >= facts.policy.defaults.flag_at => Verdict::Flagged(worst),
        _ => match gaps::not_evaluated(facts.snapshot, facts.policy, client, clock) {
            Some(what) => Verdict::NotEvaluated(what.into()),
            None => Verdict::Compliant,
        },
    };
    ClientVerdict { client: client.id.clone(), verdict, worst, open: open().map(Finding::count).sum() }
}

//! Applies the exemptions: the findings that they cover become exempt, and exemptions with a defect become findings.
//!
//! An exempt finding stays in the report, with the id of the exemption.

use std::collections::HashMap;

use super::clock::Clock;
use super::finding::{About, Evidence, Kind, Status};
use super::role_gaps::is_hidden_from;
use super::rule::{Rule, is_enabled};
use super::rules::{self, Context, Facts, Subject, exemptions};
use super::sink::{Decision, Sink};
use super::state::{RuleOutcome, RuleState};
use crate::baseline::names_permission;
use crate::domain::{ClientId, Snapshot, Timestamp};
use crate::policy::Exemption;
use crate::text::{SharedText, masked};

/// An exemption that covers findings of more clients than this is too broad, no matter how it selects them.
const MOST_CLIENTS: usize = 10;

/// What one exemption covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Use {
    pub(super) clients: usize,
    pub(super) organisation: bool,
}

/// The exemptions that have not ended, by rule.
pub(super) struct Exemptions<'c> {
    facts: &'c Facts<'c>,
    /// By position in the policy.
    ended: Vec<bool>,
    /// When the next exemption ends.
    until: Timestamp,
    /// The ids, by position in the policy, to be shared by the findings.
    ids: Vec<SharedText>,
    /// Positions of the exemptions that name clients by id, in the order of the policy.
    by_id: HashMap<(&'c str, &'c ClientId), Vec<usize>>,
    /// Positions of the others, in the order of the policy.
    others: HashMap<&'c str, Vec<usize>>,
}

impl<'c> Exemptions<'c> {
    pub(super) fn new(facts: &'c Facts<'c>) -> Self {
        let exemptions = &facts.policy.exemptions;
        let clock = Clock::new(facts.now);
        let ended: Vec<bool> = exemptions
            .iter()
            .map(|exemption| exemption.expires.is_some_and(|expires| clock.has_reached(expires)))
            .collect();
        let (mut by_id, mut others) = (HashMap::<_, Vec<usize>>::new(), HashMap::<_, Vec<usize>>::new());
        for (position, exemption) in exemptions.iter().enumerate().filter(|(position, _)| !ended[*position]) {
            let rule = exemption.rule.as_str();
            if exemption.ids().is_empty() {
                others.entry(rule).or_default().push(position);
            }
            for client in exemption.ids() {
                by_id.entry((rule, client)).or_default().push(position);
            }
        }
        let ids = exemptions.iter().map(|exemption| (&exemption.id).into()).collect();
        Self { facts, ended, until: clock.until(), ids, by_id, others }
    }

    /// The first time at which another exemption ends.
    pub(super) const fn until(&self) -> Timestamp {
        self.until
    }

    /// The status of a finding on this subject. Of the exemptions that cover it, the first in the file is named. All of them
    /// count as used: their positions are added to `used`.
    pub(super) fn decide(&self, subject: Subject<'_>, finding: &About, used: &mut Vec<usize>) -> Decision {
        let mut decision = Decision { status: finding.status, exemption: None };
        if self.ids.is_empty() || finding.status != Status::Open {
            return decision;
        }
        let client = subject.client_id();
        let rule = finding.rule.slug;
        let of_id = client.and_then(|client| self.by_id.get(&(rule, client)));
        let mut candidates: Vec<usize> = of_id.into_iter().chain(self.others.get(rule)).flatten().copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        for position in candidates {
            let Some(exemption) = self.facts.policy.exemptions.get(position) else { continue };
            let selected = match subject {
                Subject::Organisation => exemption.is_about_organisation(),
                Subject::Client(client) => exemption.is_about(client),
                // The name and grant type of a removed client are not known, so only its id can select it.
                Subject::Removed(id) => exemption.is_about_id(id),
            };
            if !selected || !covers(exemption, &finding.evidence) {
                continue;
            }
            used.push(position);
            decision.status = Status::Exempt;
            if decision.exemption.is_none() {
                decision.exemption = self.ids.get(position).map(|id| (position, id.clone()));
            }
        }
        decision
    }

    /// Adds the findings on the exemptions themselves. `uses` says what each exemption of the policy covers.
    pub(super) fn finish(
        &self,
        uses: &[Use],
        outcomes: &[RuleOutcome],
        context: &Context<'_>,
        findings: &mut Sink<'_>,
    ) {
        for ((exemption, used), ended) in context.policy.exemptions.iter().zip(uses).zip(&self.ended) {
            if *ended {
                add(&exemptions::EXPIRED, context, exemption, "has ended", findings);
                continue;
            }
            let covers_nothing = used.clients == 0 && !used.organisation;
            if covers_nothing && is_evaluated(exemption, outcomes) && !may_cover_a_gap(exemption, context.snapshot) {
                add(&exemptions::UNUSED, context, exemption, "covers nothing that is open", findings);
            }
            if let Some(text) = too_broad(exemption, *used) {
                add(&exemptions::TOO_BROAD, context, exemption, &text, findings);
            }
        }
    }
}

/// Whether the exemption covers this evidence. A permission alone covers it in every role and division; with a role and a division,
/// it covers only that grant.
fn covers(exemption: &Exemption, evidence: &Evidence) -> bool {
    let Some(only) = &exemption.only else { return true };
    match &evidence.permission {
        Some(granted) => {
            only.eq_ignore_ascii_case(&evidence.key) || names_permission(only, &granted.name, granted.conditional)
        }
        // The policy may still have the address with its secret.
        None if evidence.kind == Kind::RedirectUri => masked(only) == *evidence.key,
        None => *only == *evidence.key,
    }
}

/// Whether the exemption's rule was evaluated or is disabled. Otherwise it is unknown which findings the exemption covers.
fn is_evaluated(exemption: &Exemption, outcomes: &[RuleOutcome]) -> bool {
    let outcome = outcomes.iter().find(|outcome| outcome.rule.slug == exemption.rule);
    outcome.is_none_or(|outcome| matches!(outcome.state, RuleState::Evaluated | RuleState::Disabled))
}

/// Whether a gap in the data of one of the exemption's clients may hide a finding that the exemption covers.
fn may_cover_a_gap(exemption: &Exemption, snapshot: &Snapshot) -> bool {
    let Some(rule) = rules::find(&exemption.rule) else { return false };
    let mut clients = snapshot.clients.iter();
    clients.any(|client| exemption.is_about(client) && is_hidden_from(rule, snapshot, client))
}

fn too_broad(exemption: &Exemption, used: Use) -> Option<String> {
    if used.clients > MOST_CLIENTS {
        return Some(format!("covers {} clients", used.clients));
    }
    let for_organisation = used.organisation && used.clients == 0;
    (exemption.only.is_none() && !exemption.names_clients() && !for_organisation)
        .then(|| "names neither a piece of evidence nor clients".to_owned())
}

fn add(rule: &'static Rule, context: &Context<'_>, exemption: &Exemption, text: &str, findings: &mut Sink<'_>) {
    if !is_enabled(rule, context.policy) {
        return;
    }
    let mut evidence = Evidence::new(Kind::Exemption, exemption.id.as_str(), format!("{} {text}", exemption.id));
    evidence.details = vec![
        ("rule", exemption.rule.clone().into()),
        ("owner", exemption.owner.clone().into()),
        ("line", exemption.line.to_string().into()),
    ];
    findings.push(context.finding(rule, evidence));
}

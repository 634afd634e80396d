//! Applies the exemptions: the findings that they cover become exempt, and exemptions with a defect become findings.
//!
//! An exempt finding stays in the report, with the id of the exemption.

use std::collections::{BTreeSet, HashMap};

use super::finding::{Evidence, Finding, Kind, Status};
use super::role_gaps::is_hidden_from;
use super::rule::{Rule, is_enabled};
use super::rules::{self, Context, exemptions};
use super::state::{RuleOutcome, RuleState};
use crate::baseline::names_permission;
use crate::domain::{ClientId, Snapshot};
use crate::policy::Exemption;
use crate::text::{SharedText, masked};

/// An exemption that covers findings of more clients than this is too broad, no matter how it selects them.
const MOST_CLIENTS: usize = 10;

/// What one exemption covers.
#[derive(Default)]
struct Use {
    clients: BTreeSet<ClientId>,
    organisation: bool,
}

/// The exemptions that have not ended, by rule, and what they cover.
pub(super) struct Exemptions<'c> {
    context: &'c Context<'c>,
    /// By position in the policy.
    used: Vec<Use>,
    /// The ids, by position in the policy, to be shared by the findings.
    ids: Vec<SharedText>,
    /// Positions of the exemptions that name clients by id, in the order of the policy.
    by_id: HashMap<(&'c str, &'c ClientId), Vec<usize>>,
    /// Positions of the others, in the order of the policy.
    others: HashMap<&'c str, Vec<usize>>,
}

impl<'c> Exemptions<'c> {
    pub(super) fn new(context: &'c Context<'c>) -> Self {
        let exemptions = &context.policy.exemptions;
        let (mut by_id, mut others) = (HashMap::<_, Vec<usize>>::new(), HashMap::<_, Vec<usize>>::new());
        for (position, exemption) in exemptions.iter().enumerate().filter(|(_, e)| !e.has_ended(context.now)) {
            let rule = exemption.rule.as_str();
            if exemption.ids().is_empty() {
                others.entry(rule).or_default().push(position);
            }
            for client in exemption.ids() {
                by_id.entry((rule, client)).or_default().push(position);
            }
        }
        let ids = exemptions.iter().map(|exemption| (&exemption.id).into()).collect();
        Self { context, used: exemptions.iter().map(|_| Use::default()).collect(), ids, by_id, others }
    }

    /// Marks an open finding that exemptions cover. It names the first of them in the file; all of them count as used.
    pub(super) fn apply(&mut self, finding: &mut Finding) {
        if self.used.is_empty() || finding.status != Status::Open {
            return;
        }
        let rule = finding.rule.slug;
        let of_id = finding.client.as_ref().and_then(|client| self.by_id.get(&(rule, client)));
        let mut candidates: Vec<usize> = of_id.into_iter().chain(self.others.get(rule)).flatten().copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        for position in candidates {
            let Some(exemption) = self.context.policy.exemptions.get(position) else { continue };
            let is_about = |client| selects(exemption, client, self.context.snapshot);
            let selected = finding.client.as_ref().map_or(exemption.is_about_organisation(), is_about);
            if !selected || !covers(exemption, &finding.evidence) {
                continue;
            }
            if let Some(used) = self.used.get_mut(position) {
                used.organisation |= finding.client.is_none();
                used.clients.extend(finding.client.clone());
            }
            finding.status = Status::Exempt;
            if finding.exemption.is_none() {
                finding.exemption = self.ids.get(position).cloned();
            }
        }
    }

    /// Adds the findings on the exemptions themselves.
    pub(super) fn finish(&self, outcomes: &[RuleOutcome], findings: &mut Vec<Finding>) {
        let context = self.context;
        for (exemption, used) in context.policy.exemptions.iter().zip(&self.used) {
            if exemption.has_ended(context.now) {
                add(&exemptions::EXPIRED, context, exemption, "has ended", findings);
                continue;
            }
            let covers_nothing = used.clients.is_empty() && !used.organisation;
            if covers_nothing && is_evaluated(exemption, outcomes) && !may_cover_a_gap(exemption, context) {
                add(&exemptions::UNUSED, context, exemption, "covers nothing that is open", findings);
            }
            if let Some(text) = too_broad(exemption, used) {
                add(&exemptions::TOO_BROAD, context, exemption, &text, findings);
            }
        }
    }
}

fn selects(exemption: &Exemption, client: &ClientId, snapshot: &Snapshot) -> bool {
    // The name and grant type of a removed client are not known, so only its id can select it.
    snapshot.client(client).map_or_else(|| exemption.is_about_id(client), |client| exemption.is_about(client))
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
fn may_cover_a_gap(exemption: &Exemption, context: &Context<'_>) -> bool {
    let Some(rule) = rules::find(&exemption.rule) else { return false };
    let mut clients = context.snapshot.clients.iter();
    clients.any(|client| is_hidden_from(rule, context.snapshot, client) && exemption.is_about(client))
}

fn too_broad(exemption: &Exemption, used: &Use) -> Option<String> {
    if used.clients.len() > MOST_CLIENTS {
        return Some(format!("covers {} clients", used.clients.len()));
    }
    let for_organisation = used.organisation && used.clients.is_empty();
    (exemption.only.is_none() && !exemption.names_clients() && !for_organisation)
        .then(|| "names neither a piece of evidence nor clients".to_owned())
}

fn add(rule: &'static Rule, context: &Context<'_>, exemption: &Exemption, text: &str, findings: &mut Vec<Finding>) {
    if !is_enabled(rule, context.policy) {
        return;
    }
    let mut evidence = Evidence::new(Kind::Exemption, exemption.id.as_str(), format!("{} {text}", exemption.id));
    evidence.details = vec![
        ("rule", exemption.rule.clone().into()),
        ("owner", exemption.owner.clone().into()),
        ("line", exemption.line.to_string().into()),
    ];
    findings.push(context.finding_on_organisation(rule, rule.severity, evidence));
}

//! Applies the exemptions: the findings that they cover become exempt, and exemptions with a defect become findings.
//!
//! An exempt finding stays in the report, with the id of the exemption.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::finding::{Evidence, Finding, Kind, Status};
use super::role_gaps::is_hidden_from;
use super::rule::{Rule, is_enabled};
use super::rules::{self, Context, exemptions};
use super::state::{RuleOutcome, RuleState};
use crate::baseline::names_permission;
use crate::domain::{ClientId, Snapshot};
use crate::policy::Exemption;
use crate::text::masked;

/// An exemption that covers findings of more clients than this is too broad, no matter how it selects them.
const MOST_CLIENTS: usize = 10;

/// The findings and clients that one exemption covers.
#[derive(Default)]
struct Use<'a> {
    clients: BTreeSet<&'a ClientId>,
    organisation: bool,
    /// Indices of the covered findings.
    covered: Vec<usize>,
}

/// Indices of the findings by rule, then by client; `None` is the organisation.
type Places<'a> = HashMap<&'a str, BTreeMap<Option<&'a ClientId>, Vec<usize>>>;

/// Marks the open findings that a live exemption covers, and adds the findings on the exemptions themselves.
///
/// If several exemptions cover a finding, it names the first in the file. The others count as used as well.
pub(super) fn apply(context: &Context<'_>, outcomes: &[RuleOutcome], findings: &mut Vec<Finding>) {
    let exemptions = &context.policy.exemptions;
    let named: BTreeSet<&str> = exemptions.iter().map(|exemption| exemption.rule.as_str()).collect();
    let mut places: Places<'_> = HashMap::new();
    for (place, finding) in findings.iter().enumerate().filter(|(_, finding)| named.contains(finding.rule.slug)) {
        let of_rule = places.entry(finding.rule.slug).or_default();
        of_rule.entry(finding.client.as_ref()).or_default().push(place);
    }
    let (mut more, mut marks) = (Vec::new(), Vec::new());
    for exemption in exemptions {
        if exemption.has_ended(context.now) {
            add(&exemptions::EXPIRED, context, exemption, "has ended", &mut more);
            continue;
        }
        let used = use_of(exemption, context.snapshot, &places, findings);
        if used.covered.is_empty() && is_evaluated(exemption, outcomes) && !may_cover_a_gap(exemption, context) {
            add(&exemptions::UNUSED, context, exemption, "covers nothing that is open", &mut more);
        }
        if let Some(text) = too_broad(exemption, &used) {
            add(&exemptions::TOO_BROAD, context, exemption, &text, &mut more);
        }
        marks.push((exemption.id.clone(), used.covered));
    }
    for (id, place) in marks.into_iter().flat_map(|(id, covered)| covered.into_iter().map(move |at| (id.clone(), at))) {
        if let Some(finding) = findings.get_mut(place) {
            finding.status = Status::Exempt;
            finding.exemption.get_or_insert(id);
        }
    }
    findings.append(&mut more);
}

fn use_of<'a>(exemption: &'a Exemption, snapshot: &Snapshot, places: &Places<'a>, findings: &[Finding]) -> Use<'a> {
    let mut used = Use::default();
    let Some(of_rule) = places.get(exemption.rule.as_str()) else { return used };
    let mut look = |client: Option<&'a ClientId>, places: &[usize]| {
        if !client.map_or(exemption.is_about_organisation(), |client| selects(exemption, client, snapshot)) {
            return;
        }
        for (place, finding) in places.iter().filter_map(|place| Some((*place, findings.get(*place)?))) {
            if finding.status == Status::Open && covers(exemption, &finding.evidence) {
                used.clients.extend(client);
                used.organisation |= client.is_none();
                used.covered.push(place);
            }
        }
    };
    if exemption.ids().is_empty() {
        for (client, places) in of_rule {
            look(*client, places);
        }
    } else {
        // Fast path: most exemptions name their clients by id.
        for client in exemption.ids() {
            look(Some(client), of_rule.get(&Some(client)).map_or(&[], Vec::as_slice));
        }
    }
    used
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
        None if evidence.kind == Kind::RedirectUri => masked(only) == evidence.key,
        None => *only == evidence.key,
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

fn too_broad(exemption: &Exemption, used: &Use<'_>) -> Option<String> {
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
        ("rule", exemption.rule.clone()),
        ("owner", exemption.owner.clone()),
        ("line", exemption.line.to_string()),
    ];
    findings.push(context.finding_on_organisation(rule, rule.severity, evidence));
}

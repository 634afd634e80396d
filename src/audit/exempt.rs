//! Exemptions laid over findings: what they cover is exempt, and what is wrong with them is found.
//!
//! Nothing is hidden: an exempt finding stays where it was, with the exemption's id.

use std::collections::BTreeSet;

use super::rules::{self, configured_severity, exemptions};
use super::{Evidence, Finding, Kind, Rule, Status};
use crate::domain::{ClientId, Snapshot, Timestamp};
use crate::policy::{Exemption, Policy};

/// An exemption that covers findings of more clients than this is too broad, however it picks them.
const MOST_CLIENTS: usize = 10;

/// What one exemption did.
#[derive(Default)]
struct Use<'a> {
    clients: BTreeSet<&'a ClientId>,
    organisation: bool,
    /// A finding that it could have covered was not evaluated.
    unclear: bool,
}

/// Marks the open findings that a live exemption covers, and adds the findings on the exemptions themselves.
///
/// The first exemption of the file that covers a finding is the one that counts; the others are used as well.
pub(super) fn apply(snapshot: &Snapshot, policy: &Policy, now: Timestamp, findings: &mut Vec<Finding>) {
    let mut more = Vec::new();
    let mut marks: Vec<(usize, String)> = Vec::new();
    for exemption in &policy.exemptions {
        if exemption.has_ended(now) {
            report(&exemptions::EXPIRED, policy, exemption, "has ended", &mut more);
            continue;
        }
        let mut used = Use::default();
        for (index, finding) in
            findings.iter().enumerate().filter(|(_, finding)| is_about(exemption, finding, snapshot))
        {
            match finding.status {
                Status::Open if covers(exemption, finding) => {
                    match &finding.client {
                        Some(client) => _ = used.clients.insert(client),
                        None => used.organisation = true,
                    }
                    marks.push((index, exemption.id.clone()));
                }
                Status::NotEvaluated => used.unclear = true,
                Status::Open | Status::Exempt | Status::Approved => {}
            }
        }
        if used.clients.is_empty() && !used.organisation && !used.unclear {
            report(&exemptions::UNUSED, policy, exemption, "covers nothing that is open", &mut more);
        }
        if let Some(text) = too_broad(exemption, &used) {
            report(&exemptions::TOO_BROAD, policy, exemption, &text, &mut more);
        }
    }
    for (index, id) in marks {
        if let Some(finding) = findings.get_mut(index) {
            finding.status = Status::Exempt;
            finding.exemption.get_or_insert(id);
        }
    }
    findings.append(&mut more);
}

fn is_about(exemption: &Exemption, finding: &Finding, snapshot: &Snapshot) -> bool {
    exemption.rule == finding.rule.slug
        && match &finding.client {
            // A client that is gone has no name or grant type any more: only its id can pick it.
            Some(id) => {
                snapshot.client(id).map_or_else(|| exemption.is_about_id(id), |client| exemption.is_about(client))
            }
            // A rule that could not be evaluated at all says so once, for every client.
            None => exemption.is_about_organisation() || finding.status == Status::NotEvaluated,
        }
}

fn covers(exemption: &Exemption, finding: &Finding) -> bool {
    exemption.only.as_ref().is_none_or(|only| *only == finding.evidence.key)
}

fn too_broad(exemption: &Exemption, used: &Use<'_>) -> Option<String> {
    if used.clients.len() > MOST_CLIENTS {
        return Some(format!("covers {} clients", used.clients.len()));
    }
    let for_organisation = used.organisation && used.clients.is_empty();
    (exemption.only.is_none() && !exemption.names_clients() && !for_organisation)
        .then(|| "names neither a piece of evidence nor clients".to_owned())
}

fn report(rule: &'static Rule, policy: &Policy, exemption: &Exemption, text: &str, findings: &mut Vec<Finding>) {
    if !rules::enabled(policy).any(|enabled| enabled == rule) {
        return;
    }
    let mut evidence = Evidence::new(Kind::Exemption, exemption.id.as_str(), format!("{} {text}", exemption.id));
    evidence.details = vec![
        ("rule", exemption.rule.clone()),
        ("owner", exemption.owner.clone()),
        ("line", exemption.line.to_string()),
    ];
    findings.push(Finding {
        rule,
        client: None,
        severity: configured_severity(rule, policy),
        status: Status::Open,
        evidence,
        pattern: None,
        reason: rule.why.to_owned(),
        exemption: None,
    });
}

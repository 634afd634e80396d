//! The worst open findings on the status page, with client, evidence, reason and age.
//!
//! The number of rows is limited; the report has all findings.

use super::link::{self, Links};
use super::since::{FirstSeen, Since};
use super::words::{grant_words, state_word};
use crate::audit::{Finding, Status};
use crate::domain::{ClientState, Snapshot, Timestamp};
use crate::publish::Evaluated;
use crate::text::{shortened, visible};

/// Findings that are shown; further ones are counted.
const WORST: usize = 50;
/// Characters of a name that are shown. A longer name is truncated, and its title attribute has the full name.
const NAME: usize = 80;

pub(super) struct FindingRow {
    pub(super) severity: &'static str,
    pub(super) name: Name,
    /// The path of the client's page.
    pub(super) link: Option<String>,
    pub(super) client_id: String,
    pub(super) kind: &'static str,
    /// The client's state, unless it is active.
    pub(super) state: Option<&'static str>,
    pub(super) rule: &'static str,
    /// All open findings of the rule.
    pub(super) of_rule: String,
    pub(super) title: &'static str,
    pub(super) evidence: String,
    /// The scope, permission or other value at the end of the evidence, if it has one.
    pub(super) value: Option<Name>,
    pub(super) reason: String,
    pub(super) since: Since,
    pub(super) is_new: bool,
}

/// An untrusted name: the text to show, and the full name if the text is truncated.
pub(super) struct Name {
    pub(super) shown: String,
    pub(super) whole: Option<String>,
}

/// The worst open findings, the newest first within a severity, and the number of all open findings that are new.
pub(super) fn worst_findings(evaluated: &Evaluated, links: &Links, now: Timestamp) -> (Vec<FindingRow>, usize) {
    let Evaluated { snapshot, report, ledger, .. } = evaluated;
    let first_seen = FirstSeen::new(ledger, now);
    let mut open: Vec<&Finding> = report.findings().filter(|finding| finding.status == Status::Open).collect();
    // The page counts what is not listed together with what has no row.
    open.retain(|finding| is_shown(finding));
    let new = open.iter().filter(|finding| first_seen.is_new(finding)).count();
    // A stable sort: equal findings keep the report's order, by client, rule and evidence.
    open.sort_by_cached_key(|finding| std::cmp::Reverse((finding.severity, first_seen.time(finding))));
    (open.iter().take(WORST).map(|finding| FindingRow::new(snapshot, finding, &first_seen, links)).collect(), new)
}

/// Whether the finding is one, and not the number of those that are not listed.
pub(super) fn is_shown(finding: &Finding) -> bool {
    finding.unlisted.is_empty()
}

impl FindingRow {
    pub(super) fn new(snapshot: &Snapshot, finding: &Finding, first_seen: &FirstSeen<'_>, links: &Links) -> Self {
        let client = finding.client.as_ref().and_then(|id| snapshot.client(id));
        let text = finding.evidence.to_string();
        let key = finding.evidence.key.as_str();
        let (text, value) = match text.strip_suffix(key).filter(|_| !key.is_empty()) {
            Some(start) => (start, Some(Name::new(key))),
            None => (text.as_str(), None),
        };
        Self {
            severity: finding.severity.label(),
            name: Name::new(client.map_or("The organisation", |client| &client.name)),
            link: client.map(|client| link::to_client(&client.id)),
            client_id: finding.client.as_ref().map_or(String::new(), |id| visible(id.as_str()).into_owned()),
            kind: client.map_or("", |client| grant_words(client.grant_type)),
            state: client.map(|client| client.state).filter(|s| *s != ClientState::Active).map(state_word),
            rule: finding.rule.slug,
            of_rule: links.findings([("rule", finding.rule.slug)]),
            title: finding.rule.title,
            evidence: visible(text).into_owned(),
            value,
            reason: visible(&finding.reason).into_owned(),
            since: first_seen.since(finding),
            is_new: first_seen.is_new(finding),
        }
    }
}

impl Name {
    pub(super) fn new(name: &str) -> Self {
        let whole = visible(name);
        let shown = shortened(&whole, NAME).into_owned();
        let is_cut = shown != whole;
        Self { shown, whole: is_cut.then(|| whole.into_owned()) }
    }
}

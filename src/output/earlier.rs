//! An earlier audit of the same organisation, under the current policy: what was open then decides what is new and what is resolved.
//!
//! `selection` hides what is not new.

use std::collections::BTreeSet;

use crate::audit::{Finding, Fingerprint, Report, RuleState, Status, Verdict};
use crate::domain::{Snapshot, Timestamp};

/// The earlier audit that `--only-new` compares with.
#[derive(Debug, Default)]
pub struct Earlier<'a> {
    /// Its snapshot and report; `None` if there is no earlier snapshot of this organisation, so that every finding is new.
    audited: Option<(&'a Snapshot, &'a Report)>,
    open: BTreeSet<Fingerprint>,
}

/// A finding that was open in the earlier audit and is not open any more.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The finding, as it was then.
    pub finding: &'a Finding,
    /// The client's name at that time; empty for a finding on the organisation.
    pub client_name: &'a str,
    /// The number of findings that it stands for.
    pub count: usize,
    /// `gone`, `approved` or `exempt`.
    pub how: &'static str,
}

impl<'a> Earlier<'a> {
    /// The findings of an earlier snapshot, evaluated with the current policy and as of its own time: a finding that was exempt or
    /// approved then and is open now is new.
    pub fn new(snapshot: &'a Snapshot, report: &'a Report) -> Self {
        Self { audited: Some((snapshot, report)), open: of_status(report, Status::Open) }
    }

    /// When the earlier snapshot was taken; `None` if there is none.
    pub fn taken_at(&self) -> Option<Timestamp> {
        self.audited.map(|(snapshot, _)| snapshot.taken_at)
    }

    /// Whether the finding, or one of those that it counts as, was not open then.
    pub(super) fn lacks(&self, finding: &Finding) -> bool {
        finding.fingerprints().iter().any(|fingerprint| !self.open.contains(fingerprint))
    }

    /// The findings that were open then and are not open now, in the order of the earlier report. What cannot be evaluated now is
    /// not among them, nor are the findings on clients that are missing from a list that is not `complete`.
    pub fn resolved(&self, snapshot: &Snapshot, now: &Report, complete: bool) -> Vec<Resolved<'a>> {
        let Some((then, report)) = self.audited else { return Vec::new() };
        let open = of_status(now, Status::Open);
        let [approved, exempt] = [Status::Approved, Status::Exempt].map(|status| of_status(now, status));
        let is_evaluated = |finding: &Finding| {
            let mut outcomes = now.outcomes.iter();
            let rule = outcomes.find(|outcome| outcome.rule == finding.rule);
            let client = finding.client.as_ref();
            let verdict = client.and_then(|id| now.verdict_of(id));
            let is_listed = verdict.is_some() || client.is_none();
            let is_known = verdict.is_none_or(|verdict| !matches!(verdict.verdict, Verdict::NotEvaluated(_)))
                && client.and_then(|id| snapshot.client(id)).is_none_or(|client| client.gaps.is_empty());
            rule.is_none_or(|outcome| !matches!(outcome.state, RuleState::NotEvaluated { .. }))
                && is_known
                && (is_listed || complete)
        };
        let of = |finding: &'a Finding| {
            let prints = finding.fingerprints();
            let ended: Vec<_> = prints.iter().filter(|print| !open.contains(print)).collect();
            let how = match ended.first()? {
                first if approved.contains(first) => "approved",
                first if exempt.contains(first) => "exempt",
                _ => "gone",
            };
            let client = finding.client.as_ref().and_then(|id| then.client(id));
            let client_name = client.map_or("", |client| &client.name);
            Some(Resolved { finding, client_name, count: ended.len(), how })
        };
        let were_open = report.findings().filter(|finding| finding.status == Status::Open);
        were_open.filter(|finding| is_evaluated(finding)).filter_map(of).collect()
    }
}

/// The fingerprints of the findings with this status.
fn of_status(report: &Report, status: Status) -> BTreeSet<Fingerprint> {
    report.findings().filter(|finding| finding.status == status).flat_map(Finding::fingerprints).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit;
    use crate::domain::{ClientField, Gap};
    use crate::fixtures::{TAKEN_AT, client, policy_of, snapshot};

    fn resolved(before: &Snapshot, now: &Snapshot, lines: &str, complete: bool) -> Vec<String> {
        let rules = ["dangerous-scope", "unknown-scope"];
        let (policy, exempting) = (policy_of(&rules, ""), policy_of(&rules, lines));
        let then = audit::evaluate(before, &policy, None, TAKEN_AT);
        let report = audit::evaluate(now, &exempting, None, TAKEN_AT);
        let earlier = Earlier::new(before, &then);
        let line = |resolved: &Resolved<'_>| {
            format!("{} {} {}", resolved.client_name, resolved.finding.evidence.key, resolved.how)
        };
        earlier.resolved(now, &report, complete).iter().map(line).collect()
    }

    #[test]
    fn resolved_is_what_ended_and_never_what_cannot_be_evaluated_now() {
        let holder = |scopes: &[&str]| client("c-1").named("One").scopes(scopes.iter().copied());
        let with = |builder| snapshot().registry(&["oauth", "scim"]).client(builder).build();
        let before = with(holder(&["oauth", "scim"]));
        let exempt = "[selectors.all]\ngrant = \"code\"\n[[exemption]]\nid = \"e\"\nrule = \"dangerous-scope\"\nclient = \"all\"\nonly = \
                      \"scim\"\nowner = \"o\"\nreason = \"r\"\n";
        let both = ["One oauth gone".to_owned(), "One scim gone".to_owned()];
        assert_eq!(resolved(&before, &before, "", true), Vec::<String>::new());
        assert_eq!(resolved(&before, &with(holder(&["scim"])), "", true), both[..1]);
        assert_eq!(resolved(&before, &with(holder(&["oauth", "scim"])), exempt, true), ["One scim exempt"]);
        let unread = with(holder(&[]).gap(ClientField::Scopes, Gap::Unread));
        assert_eq!(resolved(&before, &unread, "", true), Vec::<String>::new(), "not evaluated is not resolved");
        let removed = snapshot().registry(&["oauth", "scim"]).build();
        assert_eq!(resolved(&before, &removed, "", true), both);
        assert_eq!(resolved(&before, &removed, "", false), Vec::<String>::new(), "the list is incomplete");
    }
}

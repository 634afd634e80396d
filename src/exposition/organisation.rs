//! The series that are counted over an organisation, one function a family.
//!
//! Nothing per client, and no names or meanings: those are in `families`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::label::Escaped;
use super::render::Block;
use super::view::View;
use crate::audit::{Status, Verdict};
use crate::domain::{ClientState, GrantType, Organisation, Severity};

pub(super) fn info(view: &View<'_>, block: &mut Block<'_>) {
    let Organisation { id, name, region } = &view.audited.snapshot.organisation;
    block.add([&Escaped::new(id.as_str()), &Escaped::new(name), &Escaped::new(region)], true);
}

pub(super) fn clients(view: &View<'_>, block: &mut Block<'_>) {
    let mut counts: BTreeMap<(GrantType, ClientState), usize> = BTreeMap::new();
    for client in &view.audited.snapshot.clients {
        *counts.entry((client.grant_type, client.state)).or_default() += 1;
    }
    for grant_type in GrantType::ALL {
        for state in ClientState::ALL {
            let count = counts.get(&(grant_type, state)).copied().unwrap_or(0);
            block.add([&Escaped::word(grant_type.label()), &Escaped::word(state.label())], count);
        }
    }
}

pub(super) fn flagged(view: &View<'_>, block: &mut Block<'_>) {
    for severity in Severity::ALL {
        let count = count_verdicts(view, |verdict| *verdict == Verdict::Flagged(severity));
        block.add([&Escaped::word(severity.label())], count);
    }
}

pub(super) fn not_evaluated(view: &View<'_>, block: &mut Block<'_>) {
    block.add([], count_verdicts(view, |verdict| matches!(verdict, Verdict::NotEvaluated(_))));
}

pub(super) fn compliant(view: &View<'_>, block: &mut Block<'_>) {
    block.add([], count_verdicts(view, |verdict| matches!(verdict, Verdict::Compliant)));
}

fn count_verdicts(view: &View<'_>, is: impl Fn(&Verdict) -> bool) -> usize {
    view.audited.report.verdicts.iter().filter(|client| is(&client.verdict)).count()
}

pub(super) fn findings(view: &View<'_>, block: &mut Block<'_>) {
    let report = view.audited.report;
    let mut counts: BTreeMap<(&'static str, Reverse<Severity>, Status), usize> = BTreeMap::new();
    for enabled in &report.rules {
        for severity in &enabled.severities {
            counts.insert((enabled.rule.slug, Reverse(*severity), Status::Open), 0);
        }
    }
    for finding in &report.findings {
        *counts.entry((finding.rule.slug, Reverse(finding.severity), finding.status)).or_default() += 1;
    }
    for ((rule, Reverse(severity), status), count) in counts {
        block.add([&Escaped::word(rule), &Escaped::word(severity.label()), &Escaped::word(status.label())], count);
    }
}

pub(super) fn dangerous_scope_occurrences(view: &View<'_>, block: &mut Block<'_>) {
    for severity in Severity::ALL {
        let of_severity = view.audited.report.dangerous_scopes.iter().filter(|scope| scope.severity == severity);
        block.add([&Escaped::word(severity.label())], of_severity.map(|scope| scope.holders).sum::<usize>());
    }
}

pub(super) fn dangerous_scope_clients(view: &View<'_>, block: &mut Block<'_>) {
    for scope in &view.audited.report.dangerous_scopes {
        block.add([&Escaped::new(&scope.scope), &Escaped::word(scope.severity.label())], scope.holders);
    }
}

pub(super) fn scopes_known(view: &View<'_>, block: &mut Block<'_>) {
    if let Some(registry) = view.audited.snapshot.registry.read() {
        block.add([], registry.len());
    }
}

/// There is no way to load a baseline yet.
pub(super) fn baseline_loaded(_view: &View<'_>, block: &mut Block<'_>) {
    block.add([], false);
}

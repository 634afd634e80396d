//! The series that describe an organisation as a whole: one function per family.
//!
//! Per-client series are written in `series`; names and HELP texts are in `families`.

use super::label::Escaped;
use super::render::Block;
use super::view::View;
use crate::audit::{DriftCount, Status, Verdict};
use crate::domain::{ClientState, GrantType, Organisation, Severity};

pub(super) fn info(view: &View<'_>, block: &mut Block<'_>) {
    let Organisation { id, name, region } = &view.audited.snapshot.organisation;
    block.add([&Escaped::new(id.as_str()), &Escaped::new(name), &Escaped::new(region)], true);
}

pub(super) fn clients(view: &View<'_>, block: &mut Block<'_>) {
    let mut counts = [[0_usize; ClientState::ALL.len()]; GrantType::ALL.len()];
    for client in &view.numbers {
        counts[client.grant_type as usize][client.state as usize] += 1;
    }
    for grant_type in GrantType::ALL {
        for state in ClientState::ALL {
            let count = counts[grant_type as usize][state as usize];
            block.add([&Escaped::word(grant_type.label()), &Escaped::word(state.label())], count);
        }
    }
}

pub(super) fn flagged(view: &View<'_>, block: &mut Block<'_>) {
    let mut counts = [0_usize; Severity::ALL.len()];
    for client in view.audited.report.verdicts() {
        if let Verdict::Flagged(severity) = client.verdict {
            counts[severity as usize] += 1;
        }
    }
    for severity in Severity::ALL {
        block.add([&Escaped::word(severity.label())], counts[severity as usize]);
    }
}

pub(super) fn not_evaluated(view: &View<'_>, block: &mut Block<'_>) {
    block.add([], count_verdicts(view, |verdict| matches!(verdict, Verdict::NotEvaluated(_))));
}

pub(super) fn partial(view: &View<'_>, block: &mut Block<'_>) {
    block.add([], view.numbers.iter().filter(|client| client.partial).count());
}

pub(super) fn compliant(view: &View<'_>, block: &mut Block<'_>) {
    block.add([], count_verdicts(view, |verdict| matches!(verdict, Verdict::Compliant)));
}

fn count_verdicts(view: &View<'_>, is: impl Fn(&Verdict) -> bool) -> usize {
    view.audited.report.verdicts().filter(|client| is(&client.verdict)).count()
}

pub(super) fn findings(view: &View<'_>, block: &mut Block<'_>) {
    let report = view.audited.report;
    let zero = [[0_usize; Status::ALL.len()]; Severity::ALL.len()];
    let mut rules: Vec<_> = report.rules.iter().map(|enabled| (enabled, zero)).collect();
    rules.sort_by_key(|(enabled, _)| enabled.rule.slug);
    for finding in report.findings() {
        // Only enabled rules have findings.
        if let Some((_, counts)) = rules.iter_mut().find(|(enabled, _)| std::ptr::eq(enabled.rule, finding.rule)) {
            counts[finding.severity as usize][finding.status as usize] += finding.count();
        }
    }
    for (enabled, counts) in &rules {
        for severity in Severity::ALL {
            for status in Status::ALL {
                let count = counts[severity as usize][status as usize];
                if count > 0 || (status == Status::Open && enabled.severities.contains(&severity)) {
                    let (severity, status) = (Escaped::word(severity.label()), Escaped::word(status.label()));
                    block.add([&Escaped::word(enabled.rule.slug), &severity, &status], count);
                }
            }
        }
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

pub(super) fn dangerous_scope_info(view: &View<'_>, block: &mut Block<'_>) {
    for scope in view.audited.report.dangerous_scopes.iter().filter(|scope| scope.holders > 0) {
        let severity = Escaped::word(scope.severity.label());
        block.add([&Escaped::new(&scope.scope), &severity, &Escaped::new(&scope.reason)], true);
    }
}

pub(super) fn dangerous_permission_info(view: &View<'_>, block: &mut Block<'_>) {
    for permission in &view.audited.report.dangerous_permissions {
        let severity = Escaped::word(permission.severity.label());
        block.add([&Escaped::new(&permission.pattern), &severity, &Escaped::new(&permission.reason)], true);
    }
}

pub(super) fn scopes_known(view: &View<'_>, block: &mut Block<'_>) {
    if let Some(registry) = view.audited.snapshot.registry.read() {
        block.add([], registry.len());
    }
}

pub(super) fn dangerous_permission_clients(view: &View<'_>, block: &mut Block<'_>) {
    for permission in &view.audited.report.dangerous_permissions {
        block
            .add([&Escaped::new(&permission.pattern), &Escaped::word(permission.severity.label())], permission.holders);
    }
}

pub(super) fn baseline_loaded(view: &View<'_>, block: &mut Block<'_>) {
    block.add([], view.audited.report.baseline.is_some());
}

pub(super) fn baseline_timestamp(view: &View<'_>, block: &mut Block<'_>) {
    if let Some(baseline) = &view.audited.report.baseline {
        block.add([], baseline.approved_at);
    }
}

pub(super) fn baseline_drift(view: &View<'_>, block: &mut Block<'_>) {
    for DriftCount { kind, dangerous, count } in
        view.audited.report.baseline.iter().flat_map(|baseline| &baseline.drift)
    {
        block.add([&Escaped::word(kind), &Escaped::word(if *dangerous { "true" } else { "false" })], *count);
    }
}

pub(super) fn exemption_expiry(view: &View<'_>, block: &mut Block<'_>) {
    for (exemption, expires) in &view.audited.report.exemptions {
        block.add([&Escaped::new(exemption)], *expires);
    }
}

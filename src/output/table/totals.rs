//! The end of the table: the counts, and everything that could not be evaluated.

use super::Table;
use crate::audit::{Status, describe_client_gaps, describe_input_gap};
use crate::output::rule_outcomes::RuleOutcomes;
use crate::output::{Audited, ReportedOrganisation, Summary};
use crate::text::{counted, visible};

impl Table {
    /// The counts, and everything that could not be evaluated: a report never says only that all is well.
    pub(super) fn summary(&mut self, organisation: &ReportedOrganisation<'_>, audited: Audited<'_>) {
        let Audited { snapshot, report, .. } = audited;
        let summary = Summary::new(snapshot, report);
        let worst: Vec<String> = (summary.flagged_by_severity.iter())
            .filter(|(_, clients)| *clients > 0)
            .map(|(severity, clients)| format!("{clients} {severity}"))
            .collect();
        let worst = if worst.is_empty() { String::new() } else { format!(" ({})", worst.join(", ")) };
        self.sentence(
            0,
            &format!(
                "{}: {} flagged{worst}, {} not evaluated, {} compliant.",
                counted(summary.clients, "client"),
                summary.flagged,
                summary.not_evaluated,
                summary.compliant,
            ),
        );
        self.sentence(
            0,
            &format!(
                "{}: {} open, {} exempt, {} approved, {} not evaluated.",
                counted(summary.findings_by_status.iter().map(|(_, count)| count).sum::<usize>(), "finding"),
                summary.findings(Status::Open),
                summary.findings(Status::Exempt),
                summary.findings(Status::Approved),
                summary.findings(Status::NotEvaluated),
            ),
        );
        let rules = RuleOutcomes::of(report);
        self.sentence(0, &rules.sentence());
        for ((state, why), slugs) in rules.idle() {
            let state = state.replace('_', " ");
            let which = match slugs.as_slice() {
                [one] => (*one).to_owned(),
                several => counted(several.len(), "rule"),
            };
            self.sentence(2, &format!("{state}, {why}: {which}"));
        }
        let left_out = organisation.left_out();
        if left_out > 0 {
            self.sentence(0, &format!("The filters of this run hide {}.", counted(left_out, "finding")));
        }
        if let Some(link) = organisation.rule_link("") {
            self.sentence(0, &format!("What each rule means: {link}"));
        }
        self.gaps(audited);
        if !organisation.complete {
            let why = organisation.failure.map_or("clients are missing".into(), visible);
            let sentence = format!(": {why}. Clients that are not listed were not evaluated.");
            self.warning("INCOMPLETE", "1;31", &sentence);
        }
    }

    /// Everything that could not be read.
    fn gaps(&mut self, Audited { snapshot, report, .. }: Audited<'_>) {
        for (collector, why) in snapshot.input_gaps() {
            let cure = why
                .missing_permission
                .as_deref()
                .map_or(String::new(), |p| format!(" Grant {} to the exporter's role.", visible(p)));
            let sentence = format!(" {}.{cure}", visible(&describe_input_gap(collector, why)));
            self.warning("NOT READ", "33", &sentence);
            let without = RuleOutcomes::of(report).without(collector);
            if !without.is_empty() {
                let without = without.join(", ");
                self.sentence(2, &format!("rules that were not evaluated because of this: {without}"));
            }
        }
        for client in snapshot.clients.partial().take(self.style.most) {
            let gaps = describe_client_gaps(client, report.evaluated_at);
            self.warning("PARTIAL RECORD", "33", &format!(" {}: {gaps}.", visible(client.id.as_str())));
        }
        self.beyond(snapshot.clients.partial().count().saturating_sub(self.style.most));
        for role in report.role_gaps.iter().take(self.style.most) {
            let role = visible(role.as_str());
            let why = "clients hold it, but not everything about it is known; --strict fails because of it.";
            self.warning("UNKNOWN ROLE", "33", &format!(" {role}: {why}"));
        }
        self.beyond(report.role_gaps.len().saturating_sub(self.style.most));
    }
}

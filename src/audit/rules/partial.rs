//! The rule on records of which part could not be read.
//!
//! What follows from a gap for verdicts and for other rules is in `audit::gaps` and `audit::role_gaps`.

use super::context::Context;
use crate::audit::finding::{Evidence, Kind};
use crate::audit::rule::{BASE, Rule};
use crate::audit::sink::Sink;
use crate::domain::{Collector, Gap, Records, Severity};

pub(super) static PARTIAL_RECORD: Rule = Rule {
    slug: "partial-record",
    title: "Record that could be read only in part",
    severity: Severity::Medium,
    needs: &[Collector::Clients, Collector::Roles],
    runs_without_all_inputs: true,
    why: "The platform sent a field with an unexpected type, or left out a field that decides what the client may do. A dangerous \
          scope, role or redirect URI can be in the part that could not be read.",
    reference: "Python SDK, OAuthClient.md and DomainOrganizationRole.md: the types that the platform documents",
    traps: "Everything that was read is evaluated: a dangerous scope beside an odd field is reported as usual. The client is not \
            compliant while it has a gap, even if this rule is disabled.",
    remediation: "Read the record with the vendor's API explorer and compare it with the documented types. If a gateway between the \
                  exporter and the platform changes answers, correct the gateway. Otherwise report the record to the exporter's \
                  maintainers.",
    ..BASE
};

/// One finding for each field: on the client, or on the organisation if it is a role's.
pub(super) fn partial_record(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.client() {
        for (field, gap) in client.gaps.iter() {
            let text = sentence("has a record whose", field.words(), gap);
            findings.push(context.finding(&PARTIAL_RECORD, Evidence::new(Kind::Field, field.label(), text)));
        }
    }
    if !context.is_about_organisation() {
        return;
    }
    for role in context.snapshot.roles.read().into_iter().flat_map(Records::partial) {
        // The name itself can be the field that could not be read.
        let name = if role.name.is_empty() { role.id.as_str() } else { &role.name };
        for (field, gap) in role.gaps.iter() {
            let text = sentence(&format!("the role {name} has a record whose"), field.words(), gap);
            let key = format!("role={} {}", role.id, field.label());
            let evidence = Evidence {
                details: vec![("role", role.name.clone().into()), ("role_id", role.id.shared().into())],
                ..Evidence::new(Kind::Field, key, text)
            };
            findings.push(context.finding_at(&PARTIAL_RECORD, PARTIAL_RECORD.severity, evidence));
        }
    }
}

fn sentence(what: &str, field: &str, gap: Gap) -> String {
    match gap {
        Gap::Partial => format!("{what} {field} could be read only in part"),
        Gap::Unread => format!("{what} {field} could not be read"),
        Gap::LastKnown(_) => format!("{what} {field} could not be read; the last known value is evaluated"),
    }
}

//! The page of one client: who it is, what it may do, what the audit says of it, and what was not judged.
//!
//! Bounded like the status page; the whole is in the report.

mod facts;
mod findings;
mod power;

use askama::Template;

use super::since::{FirstSeen, Since};
use super::style;
use super::words::Moment;
use crate::audit::Verdict;
use crate::domain::{Client, ClientId, Timestamp};
use crate::publish::{Judged, Published, ServedOrganisation};
use crate::text::visible;
use facts::{Fact, facts};
use findings::{FoundRow, found};
use power::{PermissionRow, Power, RoleRow, ScopeRow};

/// Rows of each list that are shown; the rest is counted.
const ROWS: usize = 500;

/// The page of that client, as it looks at `now`; `None` where no organisation has it.
pub(in crate::server) fn page(
    published: &Published,
    id: &ClientId,
    now: Timestamp,
    telemetry_path: &str,
) -> Option<askama::Result<String>> {
    published.organisations.iter().find_map(|organisation| {
        let judged = organisation.judged.as_deref()?;
        let position = judged.snapshot.clients.binary_search_by(|client| client.id.cmp(id)).ok()?;
        let client = judged.snapshot.clients.get(position)?;
        let page = Page {
            style: style::STYLE,
            icon: &style::icon_uri(),
            version: env!("CARGO_PKG_VERSION"),
            now: Moment::new(now, now),
            telemetry_path,
            has_report: true,
            c: View::new(organisation, judged, client, judged.report.verdicts.get(position).map(|v| &v.verdict), now),
        };
        Some(page.render())
    })
}

#[derive(Template)]
#[template(path = "client.html")]
struct Page<'a> {
    style: &'static str,
    icon: &'a str,
    version: &'static str,
    now: Moment,
    telemetry_path: &'a str,
    has_report: bool,
    c: View,
}

struct View {
    org: String,
    org_name: String,
    name: String,
    /// The class of the verdict's badge.
    tone: &'static str,
    verdict: String,
    why: Option<String>,
    facts: Vec<Fact>,
    findings: Vec<FoundRow>,
    total_findings: usize,
    more_findings: usize,
    scopes: Vec<ScopeRow>,
    scopes_note: Option<&'static str>,
    total_scopes: usize,
    more_scopes: usize,
    permissions: Vec<PermissionRow>,
    permissions_note: Option<String>,
    total_permissions: usize,
    more_permissions: usize,
    roles: Vec<RoleRow>,
    roles_note: Option<String>,
}

impl View {
    fn new(
        organisation: &ServedOrganisation,
        judged: &Judged,
        client: &Client,
        verdict: Option<&Verdict>,
        now: Timestamp,
    ) -> Self {
        let (tone, word, why) = match verdict {
            Some(Verdict::Flagged(severity)) => (severity.label(), format!("flagged, {severity}"), None),
            Some(Verdict::NotEvaluated(why)) => ("wait", "not evaluated".to_owned(), Some(why.as_str())),
            Some(Verdict::Compliant) => ("good", "compliant".to_owned(), None),
            None => ("wait", "not judged".to_owned(), None),
        };
        let (mut findings, total_findings) = found(judged, client, &FirstSeen::new(&judged.ledger, now));
        findings.truncate(ROWS);
        let power = Power::new(judged, client);
        Self {
            org: visible(&organisation.org).into_owned(),
            org_name: visible(&judged.snapshot.organisation.name).into_owned(),
            name: visible(&client.name).into_owned(),
            tone,
            verdict: word,
            why: why.map(|why| format!("Not evaluated: {}.", visible(why))),
            facts: facts(judged, client, now),
            more_findings: total_findings - findings.len(),
            total_findings,
            findings,
            more_scopes: client.scopes.len() - power.scopes.len(),
            total_scopes: client.scopes.len(),
            scopes: power.scopes,
            scopes_note: (!client.grant_type.scopes_count())
                .then_some("without effect: scopes do not bound client credentials"),
            more_permissions: power.total_permissions - power.permissions.len(),
            total_permissions: power.total_permissions,
            permissions: power.permissions,
            permissions_note: power.permissions_note,
            roles: power.roles,
            roles_note: power.roles_note,
        }
    }
}

#[cfg(test)]
mod tests;

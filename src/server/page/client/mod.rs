//! The page of one client: identity, findings, privileges, and what could not be evaluated.
//!
//! The number of rows is limited, as on the status page; the report has everything.

mod bound;
mod facts;
mod findings;
mod privileges;

use askama::Template;

use super::browse::OrganisationLink;
use super::clients::of_compliant;
use super::frame::Frame;
use super::freshness::FreshnessView;
use super::link::Links;
use super::since::{FirstSeen, Since};
use crate::audit::Verdict;
use crate::domain::{Client, ClientId, Timestamp};
use crate::publish::{Evaluated, Published, ServedOrganisation};
use crate::text::visible;
use facts::{Fact, facts};
use findings::{Group, found};
use privileges::{PermissionRow, Privileges, RoleRow, ScopeRow};

/// Renders the page of this client; `None` if no organisation has it.
pub(in crate::server) fn page(
    published: &Published,
    id: &ClientId,
    now: Timestamp,
    telemetry_path: &str,
) -> Option<askama::Result<String>> {
    published.organisations.iter().find_map(|organisation| {
        let evaluated = organisation.evaluated.as_deref()?;
        let client = evaluated.snapshot.client(id)?;
        let links = match published.organisations.as_slice() {
            [_] => Links::of_only(),
            _ => Links::of_one("../", &organisation.org),
        };
        let page = Page {
            frame: Frame::new("/clients/ID", telemetry_path, true, now).about(links.org()),
            of_org: links.org().map(OrganisationLink::new),
            c: View::new(
                organisation,
                evaluated,
                client,
                evaluated.report.verdict_of(id).map(|client| &client.verdict),
                now,
            ),
        };
        Some(page.render())
    })
}

#[derive(Template)]
#[template(path = "client.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// The organisation, if it is one of several.
    of_org: Option<OrganisationLink>,
    c: View,
}

struct View {
    org: String,
    org_name: String,
    name: String,
    /// The CSS class of the verdict's badge.
    tone: &'static str,
    verdict: String,
    why: Option<String>,
    /// Why a compliant client with dangerous privileges is compliant.
    settled: Option<&'static str>,
    /// Says that the data is not current, if it is not.
    stale: Option<String>,
    /// The platform's own page of OAuth clients, if its address is known.
    administration: Option<String>,
    facts: Vec<Fact>,
    findings: Vec<Group>,
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
        evaluated: &Evaluated,
        client: &Client,
        verdict: Option<&Verdict>,
        now: Timestamp,
    ) -> Self {
        let freshness = FreshnessView::new(&organisation.freshness, true, now);
        let is_current = freshness.is_current();
        let (tone, word, why) = match verdict {
            Some(Verdict::Flagged(severity)) => (severity.label(), format!("flagged, {severity}"), None),
            Some(Verdict::NotEvaluated(why)) => ("wait", "not evaluated".to_owned(), Some(&**why)),
            Some(Verdict::Compliant) if is_current => ("good", "compliant".to_owned(), None),
            Some(Verdict::Compliant) => ("settled", "was compliant".to_owned(), None),
            None => ("wait", "not evaluated".to_owned(), None),
        };
        let (findings, total_findings, more_findings) =
            found(evaluated, client, &FirstSeen::new(&evaluated.ledger, now));
        let privileges = Privileges::new(evaluated, client);
        Self {
            org: visible(&organisation.org).into_owned(),
            org_name: visible(&evaluated.snapshot.organisation.name).into_owned(),
            name: visible(&client.name).into_owned(),
            tone,
            verdict: word,
            why: why.map(|why| format!("Not evaluated: {}.", visible(why))),
            settled: verdict.and_then(|verdict| of_compliant(&evaluated.report, client, verdict)),
            stale: (!is_current).then(|| freshness.sentence()),
            administration: administration(&evaluated.snapshot.organisation.region),
            facts: facts(evaluated, client, now),
            more_findings,
            total_findings,
            findings,
            more_scopes: client.scopes.len() - privileges.scopes.len(),
            total_scopes: client.scopes.len(),
            scopes: privileges.scopes,
            scopes_note: (!client.grant_type.scopes_count())
                .then_some("not in effect: scopes do not limit client credentials"),
            more_permissions: privileges.total_permissions - privileges.permissions.len(),
            total_permissions: privileges.total_permissions,
            permissions: privileges.permissions,
            permissions_note: privileges.permissions_note,
            roles: privileges.roles,
            roles_note: privileges.roles_note,
        }
    }
}

/// The platform's page of OAuth clients, for a region of the vendor. The address of a single client is not documented.
fn administration(region: &str) -> Option<String> {
    let is_vendors = region.ends_with(".pure.cloud")
        || region.ends_with("-pure.cloud")
        || ["com", "ie", "de", "jp", "com.au"].iter().any(|domain| region.strip_prefix("mypurecloud.") == Some(domain));
    is_vendors.then(|| format!("https://apps.{region}/directory/#/admin/integrations/oauth"))
}

#[cfg(test)]
mod tests;

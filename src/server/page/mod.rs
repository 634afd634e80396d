//! The status page or the index of the organisations, the lists of findings and clients, a page for each organisation and client, the
//! runbooks and rules, and the page of a refusal.
//!
//! Pure: the HTML depends only on the published data and the current time. The pages have no script and load nothing
//! external; reloading them in the browser shows the current data.

pub(super) mod all_clients;
pub(super) mod browse;
pub(super) mod client;
mod clients;
mod details;
pub(super) mod documents;
mod findings;
mod form;
mod frame;
mod freshness;
pub(super) mod index;
pub(super) mod link;
mod options;
mod paging;
pub(super) mod problem;
mod query;
mod search;
mod since;
mod stale;
mod style;
mod unknown;
mod words;
mod worst;

use askama::Template;

pub(super) use options::Options;
pub(super) use search::Search;
pub(super) use style::{ICON, security_policy};
pub(super) use unknown::unknown_organisation;

use crate::domain::Timestamp;
use crate::publish::{Published, ServedOrganisation};
use crate::text::visible;
use details::Details;
use form::Form;
use frame::Frame;
use freshness::{FreshnessView, files_in_force};
use link::Links;
use since::Since;
use words::Moment;

/// What a request for `/` shows: the only organisation, or the index of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Home {
    Only(Search),
    Index(index::Filter),
}

impl Home {
    /// Parses the query of a URL. The error lists what is unknown, and what is known instead.
    pub(super) fn parse(published: &Published, query: Option<&str>) -> Result<Self, String> {
        match published.organisations.as_slice() {
            [_] => Search::parse(query).map(Self::Only),
            _ => index::Filter::parse(query).map(Self::Index),
        }
    }
}

/// Renders the page of `/`.
pub(super) fn home(
    published: &Published,
    wanted: &Home,
    now: Timestamp,
    options: &Options<'_>,
) -> askama::Result<String> {
    match (wanted, published.organisations.as_slice()) {
        (Home::Only(search), [only]) => one(published, (only, Links::of_only()), search, now, options),
        (Home::Only(_), _) => index::page(published, &index::Filter::default(), now, options),
        (Home::Index(filter), _) => index::page(published, filter, now, options),
    }
}

/// Renders the page of the organisation with this label; `None` if there is none.
pub(super) fn organisation(
    published: &Published,
    label: &str,
    search: &Search,
    now: Timestamp,
    options: &Options<'_>,
) -> Option<askama::Result<String>> {
    let organisation = published.organisations.iter().find(|organisation| organisation.org == label)?;
    Some(one(published, (organisation, Links::of_one("../", label)), search, now, options))
}

/// The label of the only organisation that the query of a URL asks for, in a field `org`, its only one.
pub(super) fn organisation_of(query: Option<&str>) -> Result<Option<String>, String> {
    let query = query::Query::parse(query, &["org"]);
    let org = query.exact("org");
    query.end(Some(org).filter(|org| !org.is_empty()))
}

/// Renders the status page of one organisation.
fn one(
    published: &Published,
    (organisation, links): (&ServedOrganisation, Links),
    search: &Search,
    now: Timestamp,
    options: &Options<'_>,
) -> askama::Result<String> {
    let has_details = options.closed.is_none() && organisation.evaluated.is_some();
    let path = if links.org().is_some() { "/organisations/LABEL" } else { "/" };
    Page {
        frame: Frame::new(path, options.telemetry_path, has_details, now).about(links.org()),
        closed: options.closed,
        form: has_details.then(|| Form::new(search)),
        files_in_force: files_in_force(published.reload, now),
        one_of_several: published.organisations.len() > 1,
        clients: links.all_clients().to_owned(),
        o: OrganisationView::new(organisation, (search, &links), now, options),
    }
    .render()
}

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    frame: Frame<'a>,
    closed: Option<&'static str>,
    form: Option<Form>,
    files_in_force: Option<Moment>,
    one_of_several: bool,
    /// This page, which lists and searches the clients.
    clients: String,
    o: OrganisationView,
}

struct OrganisationView {
    org: String,
    identity: Option<Identity>,
    freshness: FreshnessView,
    details: Option<Details>,
}

/// The organisation as the platform describes it.
struct Identity {
    name: String,
    id: String,
    region: String,
}

impl OrganisationView {
    fn new(
        organisation: &ServedOrganisation,
        searched: (&Search, &Links),
        now: Timestamp,
        options: &Options<'_>,
    ) -> Self {
        let open = options.closed.is_none();
        let ServedOrganisation { org, freshness, evaluated, .. } = organisation;
        let evaluated = evaluated.as_deref();
        let view = FreshnessView::new(freshness, evaluated.is_some(), now);
        let is_current = view.is_current();
        Self {
            org: visible(org).into_owned(),
            identity: evaluated.filter(|_| open).map(|evaluated| {
                let of = &evaluated.snapshot.organisation;
                Identity {
                    name: visible(&of.name).into_owned(),
                    id: visible(of.id.as_str()).into_owned(),
                    region: visible(&of.region).into_owned(),
                }
            }),
            freshness: view,
            details: evaluated
                .filter(|_| open)
                .map(|evaluated| Details::new(evaluated, &freshness.collectors, searched, is_current, now)),
        }
    }
}

#[cfg(test)]
mod tests;

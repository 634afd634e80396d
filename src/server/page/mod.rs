//! The status page, the list of all findings, a page for each client, the runbooks and rules, and the page of a refusal.
//!
//! Pure: the HTML depends only on the published data and the current time. The pages have no script and load nothing
//! external; reloading them in the browser shows the current data.

pub(super) mod browse;
pub(super) mod client;
mod clients;
mod details;
pub(super) mod documents;
mod findings;
mod form;
mod frame;
mod freshness;
pub(super) mod link;
pub(super) mod problem;
mod query;
mod search;
mod since;
mod style;
mod words;
mod worst;

use askama::Template;

pub(super) use search::Search;
pub(super) use style::{ICON, security_policy};

use crate::domain::Timestamp;
use crate::publish::{Published, ServedOrganisation};
use crate::text::visible;
use details::Details;
use form::Form;
use frame::Frame;
use freshness::FreshnessView;
use since::Since;
use words::Moment;

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options<'a> {
    /// The path of the metrics, for the link.
    pub(super) telemetry_path: &'a str,
    /// Why details are hidden, a message for people; `None` if they are shown.
    pub(super) closed: Option<&'static str>,
    /// Which clients to show.
    pub(super) search: &'a Search,
}

/// Renders the status page.
pub(super) fn page(published: &Published, now: Timestamp, options: &Options<'_>) -> askama::Result<String> {
    let organisations = &published.organisations;
    let has_data = organisations.iter().any(|organisation| organisation.evaluated.is_some());
    let has_details = options.closed.is_none() && has_data;
    let reload_failed = !published.reload.last_successful;
    Page {
        frame: Frame::new("/", options.telemetry_path, has_details, now),
        closed: options.closed,
        form: has_details.then(|| Form::new(options.search)),
        files_in_force: reload_failed.then(|| Moment::new(published.reload.last_success, now)),
        organisations: organisations.iter().map(|o| OrganisationView::new(o, now, options)).collect(),
    }
    .render()
}

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    frame: Frame<'a>,
    closed: Option<&'static str>,
    form: Option<Form>,
    /// When the policy and baseline in force were read; `None` if their last load succeeded.
    files_in_force: Option<Moment>,
    organisations: Vec<OrganisationView>,
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
    fn new(organisation: &ServedOrganisation, now: Timestamp, options: &Options<'_>) -> Self {
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
                .map(|evaluated| Details::new(evaluated, &freshness.collectors, options.search, is_current, now)),
        }
    }
}

#[cfg(test)]
mod tests;

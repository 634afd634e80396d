//! The status page, and a page for each client: for the engineer who opens it in the morning.
//!
//! Pure: what was published and the time become HTML. No script, nothing external; the browser's own reload renews it.

pub(super) mod client;
mod clients;
mod details;
mod findings;
mod form;
mod freshness;
pub(super) mod link;
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
use freshness::FreshnessView;
use since::Since;
use words::Moment;

/// How the page is to be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options<'a> {
    /// The path of the metrics.
    pub(super) telemetry_path: &'a str,
    /// Why there is freshness only, a sentence for people; `None` where there are details.
    pub(super) closed: Option<&'static str>,
    /// Which clients are shown.
    pub(super) search: &'a Search,
}

/// The page, as it looks at `now`.
pub(super) fn page(published: &Published, now: Timestamp, options: &Options<'_>) -> askama::Result<String> {
    let organisations = &published.organisations;
    let has_data = organisations.iter().any(|organisation| organisation.judged.is_some());
    let has_details = options.closed.is_none() && has_data;
    let reload_failed = !published.reload.last_successful;
    Page {
        style: style::STYLE,
        icon: &style::icon_uri(),
        version: env!("CARGO_PKG_VERSION"),
        now: Moment::new(now, now),
        telemetry_path: options.telemetry_path,
        closed: options.closed,
        has_report: has_details,
        form: has_details.then(|| Form::new(options.search)),
        files_in_force: reload_failed.then(|| Moment::new(published.reload.last_success, now)),
        organisations: organisations.iter().map(|o| OrganisationView::new(o, now, options)).collect(),
    }
    .render()
}

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    style: &'static str,
    icon: &'a str,
    version: &'static str,
    now: Moment,
    telemetry_path: &'a str,
    closed: Option<&'static str>,
    has_report: bool,
    form: Option<Form>,
    /// When the policy in force was read, where a later one could not be.
    files_in_force: Option<Moment>,
    organisations: Vec<OrganisationView>,
}

struct OrganisationView {
    org: String,
    identity: Option<Identity>,
    freshness: FreshnessView,
    details: Option<Details>,
}

/// Who the organisation is, once the platform told.
struct Identity {
    name: String,
    id: String,
    region: String,
}

impl OrganisationView {
    fn new(organisation: &ServedOrganisation, now: Timestamp, options: &Options<'_>) -> Self {
        let open = options.closed.is_none();
        let ServedOrganisation { org, freshness, judged } = organisation;
        let judged = judged.as_deref();
        Self {
            org: visible(org).into_owned(),
            identity: judged.filter(|_| open).map(|judged| {
                let of = &judged.snapshot.organisation;
                Identity {
                    name: visible(&of.name).into_owned(),
                    id: visible(of.id.as_str()).into_owned(),
                    region: visible(&of.region).into_owned(),
                }
            }),
            freshness: FreshnessView::new(freshness, judged.is_some(), now),
            details: judged
                .filter(|_| open)
                .map(|judged| Details::new(judged, &freshness.collectors, options.search, now)),
        }
    }
}

#[cfg(test)]
mod tests;

//! The search for clients in all organisations: the worst first, with the organisation of each.
//!
//! The page of an organisation has the same search for its own clients.

use std::collections::HashMap;

use askama::Template;

use super::browse::OrganisationLink;
use super::clients::{Candidate, ClientRow, MOST, candidates, dangerous};
use super::form::Form;
use super::frame::Frame;
use super::search::Search;
use super::stale::notices;
use crate::domain::Timestamp;
use crate::publish::{Evaluated, Published};

/// Renders the page.
pub(in crate::server) fn page(
    published: &Published,
    search: &Search,
    now: Timestamp,
    telemetry_path: &str,
) -> askama::Result<String> {
    let organisations: Vec<(&str, &Evaluated)> =
        published.organisations.iter().filter_map(|of| Some((of.org.as_str(), of.evaluated.as_deref()?))).collect();
    let mut found: Vec<(usize, Candidate<'_>)> = Vec::new();
    for (position, (_, Evaluated { snapshot, report, policy, .. })) in organisations.iter().enumerate() {
        let hits = search.hits(snapshot, report, policy);
        found.extend(candidates(snapshot, report, hits).map(|candidate| (position, candidate)));
    }
    let count = found.len();
    found.sort_by_cached_key(|(position, candidate)| (candidate.rank(), *position));
    found.truncate(MOST);
    let mut dangerous_of = HashMap::new();
    let row = |(position, candidate): (usize, Candidate<'_>)| {
        let (org, Evaluated { snapshot, report, .. }) = organisations.get(position).copied()?;
        let dangerous = dangerous_of.entry(position).or_insert_with(|| dangerous(report));
        let row = candidate.row(snapshot, report, dangerous);
        Some(ClientRow { org: Some(OrganisationLink::new(org)), ..row })
    };
    let clients: Vec<ClientRow> = found.into_iter().filter_map(row).collect();
    Page {
        frame: Frame::new("/clients", telemetry_path, true, now),
        is_search: search.is_some(),
        form: Form::new(search),
        stale: notices(published.organisations.iter(), now),
        organisations: published.organisations.len(),
        total: organisations.iter().map(|(_, evaluated)| evaluated.snapshot.clients.len()).sum(),
        count,
        more: count - clients.len(),
        clients,
    }
    .render()
}

#[derive(Template)]
#[template(path = "clients.html")]
struct Page<'a> {
    frame: Frame<'a>,
    is_search: bool,
    form: Form,
    stale: Vec<String>,
    organisations: usize,
    total: usize,
    count: usize,
    clients: Vec<ClientRow>,
    more: usize,
}

//! Listings: every page, every record, once.
//!
//! How a listing leads from page to page is `paging`'s; what its records mean is `convert`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;
use tracing::{info, warn};

use super::answer::{malformed, unreadable};
use super::api::Api;
use super::convert::{Listed, WITHOUT_ID};
use super::endpoint::Endpoint;
use super::error::ApiError;
use super::fields::Fields;
use super::page::Page;
use super::paging::Walk;
use super::redact::printable;
use crate::domain::{Collector, Record};

/// A listing that takes longer than this logs how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// As many ids as a log line names.
const NAMED: usize = 5;

/// Reads every record of a listing. `read` makes a value of a record, with its id; it answers `None` to a record without an id.
///
/// Pages that shift while they are read repeat records. An id with two contents is an error.
pub(super) async fn list<T: PartialEq>(
    api: &Api,
    endpoint: Endpoint,
    path: &str,
    read: impl Fn(&Fields) -> Option<(String, T)>,
) -> Result<Listed<Vec<T>>, ApiError> {
    let mut records: BTreeMap<String, T> = BTreeMap::new();
    let total = pages(api, endpoint, path, |raw| {
        let (id, record) = read(&fields(raw)?).ok_or(WITHOUT_ID)?;
        match records.get(&id) {
            Some(known) if *known != record => Err(format!("two records with the id {} differ", printable(&id))),
            Some(_) => Ok(()),
            None => {
                records.insert(id, record);
                Ok(())
            }
        }
    })
    .await?;
    let distinct = records.len();
    Ok(Listed { records: records.into_values().collect(), total, distinct })
}

/// The fields of a raw record.
pub(super) fn fields(raw: &RawValue) -> Result<Fields, String> {
    serde_json::from_str(raw.get()).map_err(|_| WITHOUT_ID.to_owned())
}

/// Walks through a listing and hands out its raw records. Returns the `total` that the platform claims.
pub(super) async fn pages(
    api: &Api,
    endpoint: Endpoint,
    path: &str,
    mut take: impl FnMut(&RawValue) -> Result<(), String>,
) -> Result<Option<u64>, ApiError> {
    let mut walk = Walk::new(&api.config.api_url, api.url(path)?, api.config.limits.max_pages);
    let mut next = Some(walk.first());
    let mut total = None;
    let mut progress = Progress::new();
    let (mut pages, mut records) = (0_u32, 0_usize);
    while let Some(url) = next {
        let answer = api.get(endpoint, url).await?;
        let page: Page<'_> =
            serde_json::from_slice(&answer.body).map_err(|error| unreadable(endpoint, &answer, &error))?;
        let contradiction = |message| malformed(endpoint, message, answer.correlation_id.clone());
        next = walk.next(&page).map_err(|error| contradiction(error.to_string()))?;
        total = page.total.or(total);
        for raw in &page.entities {
            take(raw).map_err(contradiction)?;
        }
        pages += 1;
        records += page.entities.len();
        progress.log(|| info!(endpoint = endpoint.label(), pages, records, "still listing"));
    }
    Ok(total)
}

/// Logs and counts the records of a list that could not be read in full: one line a list, however many they are.
pub(super) fn report_partial<'a, R: Record + 'a>(api: &Api, collector: Collector, records: impl Iterator<Item = &'a R>)
where
    R::Id: std::fmt::Display,
{
    let partial: Vec<&R> = records.filter(|record| !record.gaps().is_empty()).collect();
    if partial.is_empty() {
        return;
    }
    let named = partial.iter().take(NAMED).map(|record| printable(&record.id().to_string()));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = partial.len().saturating_sub(NAMED);
    let ids = if more == 0 { named } else { format!("{named} and {more} more") };
    warn!(
        collector = collector.label(),
        records = partial.len(),
        ids,
        "some records could not be read in full; what was read is evaluated, and no such client counts as compliant"
    );
    api.transport.metrics.rejected(collector, partial.len());
}

/// Logs from time to time how far a long listing is.
pub(super) struct Progress {
    logged: Instant,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { logged: Instant::now() }
    }

    pub(super) fn log(&mut self, line: impl FnOnce()) {
        if self.logged.elapsed() >= PROGRESS_EVERY {
            self.logged = Instant::now();
            line();
        }
    }
}

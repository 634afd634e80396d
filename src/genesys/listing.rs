//! Reads listings: all pages, and each record once.
//!
//! `paging` finds the next page, and `convert` reads the records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;
use tracing::{info, warn};

use super::answer::{malformed, parse};
use super::api::Api;
use super::convert::{Listed, WITHOUT_ID};
use super::endpoint::Endpoint;
use super::error::ApiError;
use super::fields::Fields;
use super::known::{Known, Last, Reading, digest};
use super::page::Page;
use super::paging::Walk;
use super::redact::printable;
use crate::domain::{Collector, Record};

/// The records of the last listing of an endpoint, with their ids.
pub(super) type LastList<T> = Last<Known<(Arc<str>, Arc<T>)>>;

/// The time between two log lines about the progress of a long listing.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// The largest number of ids in a log line.
const NAMED: usize = 5;

/// Reads every record of a listing. `read` returns the id and the value of a record, or `None` if the record has no id.
///
/// If the list changes while its pages are read, records can repeat. Two different records with the same id are an error.
pub(super) async fn list<T: PartialEq>(
    api: &Api,
    endpoint: Endpoint,
    path: &str,
    last: &LastList<T>,
    read: impl Fn(&Fields<'_>) -> Option<(String, T)>,
) -> Result<Listed<Vec<Arc<T>>>, ApiError> {
    let known = last.get();
    let mut reading = Reading::new(&known);
    let mut records: BTreeMap<Arc<str>, Arc<T>> = BTreeMap::new();
    let total = pages(api, endpoint, path, |raw, digest| {
        let (id, record) = if let Some(known) = reading.find(digest) {
            known.clone()
        } else {
            let (id, record) = read(&fields(raw)?).ok_or(WITHOUT_ID)?;
            let value = (id.into(), Arc::new(record));
            reading.push(digest, Some(value.clone()));
            value
        };
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
    last.set(reading.finish());
    let distinct = records.len();
    Ok(Listed { records: records.into_values().collect(), total, distinct })
}

/// The fields of a raw record.
pub(super) fn fields(raw: &RawValue) -> Result<Fields<'_>, String> {
    serde_json::from_str(raw.get()).map_err(|_| WITHOUT_ID.to_owned())
}

/// Reads all pages of a listing and passes each raw record with its digest to `take`. Returns the largest `total` that a page states.
pub(super) async fn pages(
    api: &Api,
    endpoint: Endpoint,
    path: &str,
    mut take: impl FnMut(&RawValue, u64) -> Result<(), String>,
) -> Result<Option<u64>, ApiError> {
    let mut walk = Walk::new(&api.config.api_url, api.url(path)?, api.config.limits.max_pages);
    let mut next = Some(walk.first());
    let mut progress = Progress::new();
    let (mut pages, mut records) = (0_u32, 0_usize);
    while let Some(url) = next {
        let answer = api.get(endpoint, url).await?;
        let page: Page<'_> = parse(endpoint, &answer)?;
        let contradiction = |message| malformed(endpoint, message, answer.correlation_id.clone());
        let digests: Vec<u64> = page.entities.iter().map(|raw| digest(raw)).collect();
        next = walk.next(&page, &digests).map_err(|error| contradiction(error.to_string()))?;
        for (raw, digest) in page.entities.iter().zip(digests) {
            take(raw, digest).map_err(contradiction)?;
        }
        pages += 1;
        records += page.entities.len();
        progress.log(|| info!(endpoint = endpoint.label(), pages, records, "still listing"));
    }
    Ok(walk.total())
}

/// Logs and counts the records of a list that could not be read in full, with one log line for the list.
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
        "some records could not be read in full; what was read is evaluated, but no client that depends on them counts as compliant"
    );
    api.transport.metrics.rejected(collector, partial.len());
}

/// Logs the progress of a long listing from time to time.
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

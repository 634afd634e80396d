//! Listings: every page, every record, and a word now and then where that takes long.
//!
//! Which way a listing pages is `paging`'s; what its records mean is `convert`'s.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::Instant;
use tracing::{info, warn};

use super::answer::{malformed, unreadable};
use super::convert::{self, Listed, Record};
use super::paging::Walk;
use super::{ApiError, Endpoint, Platform, wire};
use crate::domain::Collector;

/// A listing that takes longer than this says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

impl Platform {
    /// A listing whose records are taken one by one; those that cannot be read are counted and named.
    ///
    /// `take` says whether the record is the same as one that came before under its id, if one did: pages that shift while
    /// they are read repeat records, and an id with two contents is an error.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        collector: Collector,
        path: &str,
        mut take: impl FnMut(T) -> bool,
    ) -> Result<Listed<()>, ApiError> {
        let mut seen = BTreeSet::new();
        let mut rejected = Vec::new();
        let total = self
            .pages(endpoint, path, |raw| {
                let identified: wire::Identified =
                    serde_json::from_str(raw.get()).map_err(|_| "a record's id cannot be read".to_owned())?;
                let first = seen.insert(identified.id);
                match convert::record::<T>(raw)? {
                    Record::Read(record) => {
                        if !take(record) {
                            return Err("two records with the same id differ".to_owned());
                        }
                    }
                    Record::Rejected(_) if !first => {}
                    Record::Rejected(id) => {
                        warn!(collector = collector.label(), id, "a record cannot be read");
                        self.transport.metrics.rejected(collector);
                        rejected.push(id);
                    }
                }
                Ok(())
            })
            .await?;
        Ok(Listed { records: (), rejected, total, distinct: seen.len() })
    }

    /// Walks through a listing and hands out its raw records; the `total` that the platform claims.
    pub(super) async fn pages(
        &self,
        endpoint: Endpoint,
        path: &str,
        mut take: impl FnMut(&RawValue) -> Result<(), String>,
    ) -> Result<Option<u64>, ApiError> {
        let mut walk = Walk::new(&self.config.api_url, self.url(path)?, self.config.limits.max_pages);
        let mut next = Some(walk.first());
        let mut total = None;
        let mut progress = Progress::new();
        let (mut pages, mut records) = (0_u32, 0_usize);
        while let Some(url) = next {
            let answer = self.get(endpoint, url).await?;
            let page: wire::Page<'_> =
                serde_json::from_slice(&answer.body).map_err(|error| unreadable(endpoint, &answer, &error))?;
            total = page.total.or(total);
            for raw in &page.entities {
                take(raw).map_err(|message| malformed(endpoint, message, answer.correlation_id.clone()))?;
            }
            pages += 1;
            records += page.entities.len();
            progress.say(|| info!(endpoint = endpoint.label(), pages, records, "still listing"));
            next = walk
                .next(&page)
                .map_err(|error| malformed(endpoint, error.to_string(), answer.correlation_id.clone()))?;
        }
        Ok(total)
    }
}

impl Listed<()> {
    pub(super) fn with<T>(self, records: T) -> Listed<T> {
        Listed { records, rejected: self.rejected, total: self.total, distinct: self.distinct }
    }
}

/// Says now and then how far a long listing is.
pub(super) struct Progress {
    said: Instant,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { said: Instant::now() }
    }

    pub(super) fn say(&mut self, line: impl FnOnce()) {
        if self.said.elapsed() >= PROGRESS_EVERY {
            self.said = Instant::now();
            line();
        }
    }
}

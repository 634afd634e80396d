//! Serves the JSON report: written while it is sent, off the async workers, for a few requests at a time.
//!
//! The format is defined in `output::json`, and the document is the one that `audit --format json` writes.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use hyper::{Method, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Content;
use super::peers::Place;
use super::streamed::{measure, stream};
use crate::exposition::Encoding;
use crate::output::{Audited, FailWhen, ReportedOrganisation, Selection, exit_code, json};
use crate::publish::{Evaluated, Published, Reader, ServedOrganisation};

/// The maximum number of reports that are sent at the same time.
const AT_ONCE: usize = 4;
/// The maximum number of generations that they are about: each is in memory until its last report is sent.
const GENERATIONS: usize = 2;

/// The turns of the reports.
#[derive(Debug)]
pub(super) struct Reports {
    turns: Arc<Semaphore>,
    generations: Arc<Semaphore>,
    /// The newest generation of which reports are sent, and the permit that they share.
    newest: Mutex<(u64, Weak<OwnedSemaphorePermit>)>,
}

impl Default for Reports {
    fn default() -> Self {
        let permits = |number| Arc::new(Semaphore::new(number));
        Self { turns: permits(AT_ONCE), generations: permits(GENERATIONS), newest: Mutex::default() }
    }
}

/// The right to send a report of the generation. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    published: Arc<Published>,
    _permit: OwnedSemaphorePermit,
    _shared: Arc<OwnedSemaphorePermit>,
}

/// What a report costs its peer: nothing is written for HEAD.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) encoding: Encoding,
    pub(super) is_head: bool,
    /// Whether the length is sent first. HTTP/1.0 has no chunks: without a length, a part looks like the whole.
    pub(super) needs_length: bool,
}

impl Wanted {
    pub(super) fn new(method: &Method, version: Version, encoding: Encoding) -> Self {
        Self { encoding, is_head: method == Method::HEAD, needs_length: version < Version::HTTP_11 }
    }
}

impl Reports {
    /// Waits for the turn of a report of the newest generation; `None` if there is none in time.
    pub(super) async fn turn(&self, place: &Place, reader: &Reader) -> Option<Turn> {
        let turn = place.queue_until_sent(&self.turns).await?;
        let mut free = None;
        loop {
            let published = reader.current();
            if let Some(generation) = self.share(published.generation, free.take()) {
                place.holds(&self.generations);
                return Some(Turn { published, _permit: turn, _shared: generation });
            }
            free = Some(place.queue(&self.generations).await?);
        }
    }

    /// The permit of this generation: that of the reports that are being sent, or else the free one.
    fn share(&self, generation: u64, free: Option<OwnedSemaphorePermit>) -> Option<Arc<OwnedSemaphorePermit>> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.0 == generation
            && let Some(shared) = newest.1.upgrade()
        {
            return Some(shared);
        }
        let own = Arc::new(free?);
        *newest = (generation, Arc::downgrade(&own));
        Some(own)
    }

    /// Starts writing the report of all organisations or of the one with this label; `None` while none of them has data. The error is meant for the log.
    pub(super) async fn start(
        turn: Turn,
        (wanted, org): (Wanted, Option<String>),
        external_url: Option<String>,
    ) -> Result<Option<Content>, String> {
        let published = Arc::clone(&turn.published);
        if asked(&published, org.as_deref()).all(|organisation| organisation.evaluated.is_none()) {
            return Ok(None);
        }
        if wanted.is_head {
            return Ok(Some(Content::Unsent));
        }
        let encoding = wanted.encoding;
        let length = if wanted.needs_length {
            let (published, url, org) = (Arc::clone(&published), external_url.clone(), org.clone());
            let measuring = tokio::task::spawn_blocking(move || {
                measure(encoding, |target| write((&published, org.as_deref()), url.as_deref(), target))
            });
            let length = measuring.await.map_err(|cause| cause.to_string())?;
            Some(length.map_err(|cause| cause.to_string())?)
        } else {
            None
        };
        Ok(Some(Content::Streamed(stream(encoding, length, move |target| {
            let written = write((&published, org.as_deref()), external_url.as_deref(), target);
            drop(turn);
            written
        }))))
    }
}

/// The organisation with this label, or all.
fn asked<'a>(published: &'a Published, org: Option<&'a str>) -> impl Iterator<Item = &'a ServedOrganisation> {
    published.organisations.iter().filter(move |organisation| org.is_none_or(|org| organisation.org == org))
}

fn write(
    (published, org): (&Published, Option<&str>),
    external_url: Option<&str>,
    target: &mut dyn Write,
) -> io::Result<()> {
    let organisations: Vec<_> = asked(published, org)
        .map(|organisation| {
            let evaluated = organisation.evaluated.as_deref();
            ReportedOrganisation {
                org: &organisation.org,
                audited: evaluated.map(|evaluated| {
                    let Evaluated { snapshot, report, policy, ledger, .. } = evaluated;
                    Audited { snapshot, report, policy, ledger }
                }),
                complete: evaluated.is_some(),
                failure: organisation.freshness.failure.as_deref(),
                calls: evaluated.map_or(&[], |evaluated| &evaluated.calls),
                selection: Selection::default(),
                external_url,
            }
        })
        .collect();
    json::write(&organisations, exit_code(&organisations, FailWhen::default()), target)
}

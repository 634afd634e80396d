//! Renders the pages off the async workers, a few at a time, from the published data.
//!
//! What is on them is in `page`, and which request gets which in `routes`.

use std::sync::Arc;

use hyper::StatusCode;
use tokio::sync::Semaphore;
use tracing::error;

use super::View;
use super::answer::{self, Answer};
use super::page;
use super::peers::Place;
use crate::domain::Timestamp;
use crate::publish::{Published, Reader};

/// The maximum number of pages that are rendered at the same time.
const AT_ONCE: usize = 2;

/// Makes the pages.
#[derive(Debug)]
pub(super) struct Pages {
    reader: Reader,
    now: fn() -> Timestamp,
    telemetry_path: String,
    turns: Arc<Semaphore>,
}

/// The request got no turn in time.
pub(super) struct Busy;

impl Pages {
    /// The pages about the data that the view has.
    pub(super) fn new(view: &View) -> Self {
        Self {
            reader: view.reader.clone(),
            now: view.now,
            telemetry_path: view.config.telemetry_path.clone(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    pub(super) async fn page(
        &self,
        closed: Option<&'static str>,
        query: Option<&str>,
        place: &Place,
    ) -> Result<Option<Answer>, Busy> {
        let published = self.reader.current();
        let wanted = match page::Home::parse(&published, query) {
            Ok(wanted) => wanted,
            Err(mistake) => return Ok(Some(answer::text(StatusCode::BAD_REQUEST, mistake))),
        };
        let (now, path) = ((self.now)(), self.telemetry_path.clone());
        let making = self.make(place, move || {
            Some(page::home(&published, &wanted, now, &page::Options { telemetry_path: &path, closed }))
        });
        making.await
    }

    pub(super) async fn organisation(
        &self,
        closed: Option<&'static str>,
        path: &str,
        search: page::Search,
        place: &Place,
    ) -> Result<Option<Answer>, Busy> {
        let published = self.reader.current();
        let label = page::link::organisation(path).unwrap_or_default();
        if let Some(unknown) = unknown_organisation(&published, Some(&label)) {
            return Ok(Some(unknown));
        }
        let (now, path) = ((self.now)(), self.telemetry_path.clone());
        let making = self.make(place, move || {
            page::organisation(&published, &label, &search, now, &page::Options { telemetry_path: &path, closed })
        });
        making.await
    }

    pub(super) async fn clients(&self, search: page::Search, place: &Place) -> Result<Option<Answer>, Busy> {
        let published = self.reader.current();
        let (now, path) = ((self.now)(), self.telemetry_path.clone());
        let making = self.make(place, move || Some(page::all_clients::page(&published, &search, now, &path)));
        making.await
    }

    pub(super) async fn findings(&self, filter: page::browse::Filter, place: &Place) -> Result<Option<Answer>, Busy> {
        let published = self.reader.current();
        if let Some(unknown) = unknown_organisation(&published, filter.org()) {
            return Ok(Some(unknown));
        }
        let (now, path) = ((self.now)(), self.telemetry_path.clone());
        let making = self.make(place, move || Some(page::browse::page(&published, &filter, now, &path)));
        making.await
    }

    /// A refusal or an error as a page, for a browser. Its status and its other headers stay.
    pub(super) fn for_people(&self, mut answer: Answer, path: &str) -> Answer {
        let status = answer.status();
        if !status.is_client_error() && !status.is_server_error() {
            return answer;
        }
        let Some(text) = answer.body().as_text() else { return answer };
        let (now, metrics) = ((self.now)(), &self.telemetry_path);
        let page = match page::documents::Wanted::parse(path).filter(|_| status == StatusCode::NOT_FOUND) {
            Some(wanted) => page::documents::page(&wanted, now, metrics),
            None => page::problem::page(status, &text, path, now, metrics),
        };
        match page {
            Ok(page) => answer::replace_with_html(&mut answer, page, page::security_policy()),
            Err(cause) => error!(%cause, "cannot render the page of a refusal"),
        }
        answer
    }

    pub(super) async fn client(&self, path: &str, place: &Place) -> Result<Option<Answer>, Busy> {
        let unknown = || answer::text(StatusCode::NOT_FOUND, "No organisation has a client with this id.");
        let Some(id) = page::link::client_id(path) else { return Ok(Some(unknown())) };
        let published = self.reader.current();
        let (now, path) = ((self.now)(), self.telemetry_path.clone());
        let making = self.make(place, move || page::client::page(&published, &id, now, &path));
        Ok(Some(making.await?.unwrap_or_else(unknown)))
    }

    /// The page of a runbook or a rule. If there is none, programs get the names that exist, and people the list.
    pub(super) async fn document(&self, path: &str, place: &Place) -> Result<Option<Answer>, Busy> {
        let Some(wanted) = page::documents::Wanted::parse(path) else { return Ok(None) };
        if !wanted.exists() {
            return Ok(Some(answer::text(StatusCode::NOT_FOUND, wanted.unknown())));
        }
        let (now, path) = ((self.now)(), self.telemetry_path.clone());
        let making = self.make(place, move || Some(page::documents::page(&wanted, now, &path)));
        making.await
    }

    /// Renders a page off the async workers, up to `AT_ONCE` at a time. `None` if `page` returns `None`.
    async fn make(
        &self,
        place: &Place,
        page: impl FnOnce() -> Option<askama::Result<String>> + Send + 'static,
    ) -> Result<Option<Answer>, Busy> {
        let page_turn = place.queue(&self.turns).await.ok_or(Busy)?;
        turn(place).await?;
        let making = tokio::task::spawn_blocking(move || {
            let page = page();
            drop(page_turn);
            page
        });
        Ok(match making.await {
            Ok(page) => page.map(|page| match page {
                Ok(page) => answer::html(page, page::security_policy()),
                Err(cause) => failed("page", &cause.to_string()),
            }),
            Err(cause) => Some(failed("page", &cause.to_string())),
        })
    }
}

/// The answer to a request about an organisation that does not exist; `None` if it does, or if the request is about all.
pub(super) fn unknown_organisation(published: &Published, label: Option<&str>) -> Option<Answer> {
    let label = label?;
    let exists = published.organisations.iter().any(|organisation| organisation.org == label);
    (!exists).then(|| answer::text(StatusCode::NOT_FOUND, page::unknown_organisation(published, label)))
}

pub(super) async fn turn(place: &Place) -> Result<(), Busy> {
    if place.turn().await { Ok(()) } else { Err(Busy) }
}

pub(super) fn failed(what: &'static str, cause: &str) -> Answer {
    error!(what, cause, "cannot render a response");
    answer::text(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("The {what} could not be rendered; the log of the exporter shows the cause."),
    )
}

//! Maps requests to handlers.
//!
//! | path | methods | response |
//! |---|---|---|
//! | the telemetry path | GET, HEAD | the metrics, always 200 |
//! | `/` | GET, HEAD | the status page; the query `q`, `severity`, `grant`, `status` searches clients |
//! | `/clients/ID` | GET, HEAD | the page of one client |
//! | `/api/v1/report` | GET, HEAD | the last complete audit as JSON |
//! | `/-/healthy` | GET, HEAD | 200 while all tasks of the process run and get on |
//! | `/-/ready` | GET, HEAD | 200 once every organisation had a first refresh and one has data |
//! | `/-/reload` | POST | reads policy and baseline again |
//! | `/favicon.ico` | GET, HEAD | the icon, which browsers request on their own |

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Body;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, VARY};
use hyper::{Request, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::error;

use super::answer::{self, Answer};
use super::metrics::Handler;
use super::report::Prepared;
use super::{Limits, View, access, health, page};
use crate::exposition::{self, Encoding};

/// The maximum number of pages that are rendered at the same time.
const PAGES_AT_ONCE: usize = 2;

/// Answers the requests of all connections.
#[derive(Debug)]
pub struct Routes {
    view: View,
    report: Prepared,
    page_turns: Arc<Semaphore>,
}

impl Routes {
    /// Serves this view.
    pub fn new(view: View) -> Self {
        Self { view, report: Prepared::default(), page_turns: Arc::new(Semaphore::new(PAGES_AT_ONCE)) }
    }

    pub(super) fn bound(&self) -> SocketAddr {
        self.view.bound
    }

    /// Answers one request and counts it. The request body is not read; for HEAD, hyper does not send the response body.
    pub(super) async fn answer<B: Body>(&self, request: Request<B>) -> Answer {
        let (handler, answer) = self.dispatch(&request).await;
        self.view.metrics.answered(handler, answer.status());
        answer
    }

    async fn dispatch<B: Body>(&self, request: &Request<B>) -> (Handler, Answer) {
        let Some(handler) = self.handler(request.uri().path()) else { return (Handler::None, self.not_found()) };
        let allowed = if handler == Handler::Reload { "POST" } else { "GET, HEAD" };
        if !allowed.split(", ").any(|method| method == request.method().as_str()) {
            return (Handler::None, not_allowed(allowed));
        }
        if request.body().size_hint().upper().is_none_or(|length| length > Limits::MAX_BODY) {
            let refusal = answer::text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "The request body is too large. No route of the exporter reads a body.",
            );
            return (Handler::None, refusal);
        }
        let closed = || access::details_closed(&self.view.config, self.view.bound, request);
        let answer = match handler {
            Handler::Metrics => self.metrics(request.headers()),
            Handler::Page => match page::Search::parse(request.uri().query()) {
                Ok(search) => self.page(closed(), search).await,
                Err(mistake) => answer::text(StatusCode::BAD_REQUEST, mistake),
            },
            Handler::Client => self.client(closed(), request.uri().path()).await,
            Handler::Report => self.report(closed()).await,
            Handler::Healthy => self.healthy(),
            Handler::Ready => self.ready(),
            Handler::Reload => self.reload(access::is_cross_site(request)).await,
            Handler::Icon => answer::icon(page::ICON),
            Handler::None => self.not_found(),
        };
        (handler, answer)
    }

    fn handler(&self, path: &str) -> Option<Handler> {
        if path == self.view.config.telemetry_path {
            return Some(Handler::Metrics);
        }
        match path {
            "/" => Some(Handler::Page),
            "/api/v1/report" => Some(Handler::Report),
            "/-/healthy" => Some(Handler::Healthy),
            "/-/ready" => Some(Handler::Ready),
            "/-/reload" => Some(Handler::Reload),
            "/favicon.ico" => Some(Handler::Icon),
            _ if path.starts_with(page::link::CLIENTS) => Some(Handler::Client),
            _ => None,
        }
    }

    fn metrics(&self, headers: &HeaderMap) -> Answer {
        let (accept, accept_encoding) = (list(headers, &ACCEPT), list(headers, &ACCEPT_ENCODING));
        let (format, encoding) = exposition::negotiate(accept.as_deref(), accept_encoding.as_deref());
        let published = self.view.reader.current();
        let body = exposition::scrape(&published.audited, &published.status, &self.view.registry, format, encoding);
        let mut answer = answer::parts(StatusCode::OK, HeaderValue::from_static(format.content_type()), body);
        answer.headers_mut().insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if encoding == Encoding::Gzip {
            answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        answer
    }

    async fn page(&self, closed: Option<&'static str>, search: page::Search) -> Answer {
        let published = self.view.reader.current();
        let (now, path) = ((self.view.now)(), self.view.config.telemetry_path.clone());
        let making = self.make(move || {
            Some(page::page(&published, now, &page::Options { telemetry_path: &path, closed, search: &search }))
        });
        making.await.unwrap_or_else(|| self.not_found())
    }

    async fn client(&self, closed: Option<&'static str>, path: &str) -> Answer {
        if let Some(reason) = closed {
            return answer::text(StatusCode::FORBIDDEN, reason);
        }
        let unknown = || answer::text(StatusCode::NOT_FOUND, "No organisation has a client with this id.");
        let Some(id) = page::link::client_id(path) else { return unknown() };
        let published = self.view.reader.current();
        let (now, path) = ((self.view.now)(), self.view.config.telemetry_path.clone());
        self.make(move || page::client::page(&published, &id, now, &path)).await.unwrap_or_else(unknown)
    }

    /// Renders a page off the async workers, up to `PAGES_AT_ONCE` at a time. `None` if `page` returns `None`.
    async fn make(&self, page: impl FnOnce() -> Option<askama::Result<String>> + Send + 'static) -> Option<Answer> {
        // The semaphore is never closed. If it were, only the limit would be lost.
        let turn = Arc::clone(&self.page_turns).acquire_owned().await;
        let making = tokio::task::spawn_blocking(move || {
            let page = page();
            drop(turn);
            page
        });
        Some(match making.await {
            Ok(page) => match page? {
                Ok(page) => answer::html(page, page::security_policy()),
                Err(cause) => failed("page", &cause.to_string()),
            },
            Err(cause) => failed("page", &cause.to_string()),
        })
    }

    async fn report(&self, closed: Option<&'static str>) -> Answer {
        if let Some(reason) = closed {
            return answer::text(StatusCode::FORBIDDEN, reason);
        }
        match self.report.document(self.view.reader.current()).await {
            Ok(Some(document)) => answer::json(document),
            Ok(None) => {
                answer::text(StatusCode::NOT_FOUND, "There is no complete audit yet; the status page at / shows why.")
            }
            Err(cause) => failed("report", &cause),
        }
    }

    fn healthy(&self) -> Answer {
        let stuck = self.view.liveness.stuck(Instant::now());
        if stuck.is_empty() {
            answer::text(StatusCode::OK, "healthy")
        } else {
            let stuck: Vec<String> = stuck.iter().map(ToString::to_string).collect();
            answer::text(StatusCode::SERVICE_UNAVAILABLE, format!("not healthy:\n{}", stuck.join("\n")))
        }
    }

    fn ready(&self) -> Answer {
        match health::not_ready(&self.view.reader.current()) {
            None => answer::text(StatusCode::OK, "ready"),
            Some(why) => answer::text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}")),
        }
    }

    async fn reload(&self, cross_site: bool) -> Answer {
        if !self.view.config.enable_lifecycle {
            let reason =
                "Reloading over HTTP is disabled. Start the exporter with --web.enable-lifecycle, or send SIGHUP.";
            return answer::text(StatusCode::FORBIDDEN, reason);
        }
        if cross_site {
            return answer::text(StatusCode::FORBIDDEN, "A web page of another origin must not reload the exporter.");
        }
        match self.view.reload.request().await {
            Ok(()) => answer::text(StatusCode::OK, "reloaded"),
            Err(reason) => answer::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("not reloaded; the previous policy and baseline stay in force: {reason}"),
            ),
        }
    }

    fn not_found(&self) -> Answer {
        let metrics = &self.view.config.telemetry_path;
        let paths = format!(
            "Not found. The paths of the exporter are:\n{metrics}\n/\n/clients/ID\n/api/v1/report\n/-/healthy\n/-/ready\n/-/reload (POST)"
        );
        answer::text(StatusCode::NOT_FOUND, paths)
    }
}

fn not_allowed(allowed: &'static str) -> Answer {
    let mut answer = answer::text(StatusCode::METHOD_NOT_ALLOWED, format!("Method not allowed. Use {allowed}."));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

fn failed(what: &'static str, cause: &str) -> Answer {
    error!(what, cause, "cannot render a response");
    answer::text(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("The {what} could not be rendered; the log of the exporter shows the cause."),
    )
}

/// Joins the lines of a header that can occur several times.
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

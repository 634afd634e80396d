//! Maps requests to handlers.
//!
//! | path | methods | response |
//! |---|---|---|
//! | the telemetry path | GET, HEAD | the metrics, always 200 |
//! | `/` | GET, HEAD | the status page of the only organisation, or the index of several, searched by `q`, `show` |
//! | `/organisations/LABEL` | GET, HEAD | the status page of one organisation; the query `q`, `severity`, `grant`, `status`, `state`, `scope` searches clients, as on the status page of the only one |
//! | `/clients` | GET, HEAD | the same search in all organisations |
//! | `/findings` | GET, HEAD | all findings, 50 on a page; filtered by `q`, `severity`, `status`, `rule`, `client`, `org`, `new`, `paging` |
//! | `/clients/ID` | GET, HEAD | the page of one client |
//! | `/runbooks/ALERT`, `/rules/SLUG` | GET, HEAD | what an alert or a rule means and what to do; `/runbooks/` and `/rules/` list them |
//! | `/api/v1/report` | GET, HEAD | the last complete audit as JSON; with `org`, of one organisation |
//! | `/-/healthy` | GET, HEAD | 200 while all tasks of the process run and get on |
//! | `/-/ready` | GET, HEAD | 200 once every organisation had a first refresh and one has data |
//! | `/-/reload` | POST | reads policy, baseline and web configuration again |
//! | `/favicon.ico` | GET, HEAD | the icon, which browsers request on their own |

use std::sync::Arc;

use hyper::body::Body;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::access::{self, Access};
use super::answer::{self, Answer};
use super::gate::{self, Admitted};
use super::metrics::{Handler, Metrics};
use super::pages::{Busy, Pages, failed, turn, unknown_organisation};
use super::peers::Place;
use super::report::{Reports, Wanted};
use super::visitor::Visitor;
use super::web::Transport;
use super::{Limits, View, health, page};
use crate::exposition;

/// The maximum number of reloads over HTTP that wait for their result at the same time.
const RELOADS_AT_ONCE: usize = 1;

/// Answers the requests of all connections.
#[derive(Debug)]
pub struct Routes {
    view: View,
    reports: Reports,
    pages: Pages,
    reload_turns: Arc<Semaphore>,
}

impl Routes {
    /// Serves this view.
    pub fn new(view: View) -> Self {
        Self {
            pages: Pages::new(&view),
            view,
            reports: Reports::default(),
            reload_turns: Arc::new(Semaphore::new(RELOADS_AT_ONCE)),
        }
    }

    /// How connections are made now.
    pub(super) fn transport(&self) -> Arc<Transport> {
        self.view.config.web.in_force().transport()
    }

    pub(super) fn server_metrics(&self) -> &Metrics {
        &self.view.metrics
    }

    /// Answers one request and counts it. The request body is not read; for HEAD, hyper does not send the response body.
    pub(super) async fn answer<B: Body>(&self, request: Request<B>, visitor: &Visitor, place: &Place) -> Answer {
        let doors = self.view.config.web.in_force();
        let path = request.uri().path();
        let of_path = self.handler(path);
        let is_about_health = matches!(of_path, Some(Handler::Healthy | Handler::Ready));
        let admitted =
            gate::admit(&self.view.config.web, &doors, (visitor, place), request.headers(), is_about_health).await;
        let (handler, answer) = match admitted {
            Ok(admitted) => {
                let (handler, access) = self.check(&request, admitted, visitor, place);
                let answer = match access {
                    Ok(access) => {
                        let answer = self.dispatch(handler, access, &request, place).await;
                        answer.unwrap_or_else(|Busy| answer::busy())
                    }
                    Err(refusal) => refusal,
                };
                (handler, if admitted == Admitted::Unproven { answer::without_reasons(answer) } else { answer })
            }
            Err(refusal) => (of_path.unwrap_or(Handler::None), refusal),
        };
        let mut answer = if handler.is_for_people() && wants_html(request.headers()) {
            self.pages.for_people(answer, request.uri().path())
        } else {
            answer
        };
        doors.add_headers(answer.headers_mut());
        self.view.metrics.answered(handler, answer.status());
        answer
    }

    /// Checks what is the same for every route: where the request comes from, its path, its method and its body.
    fn check<B: Body>(
        &self,
        request: &Request<B>,
        admitted: Admitted,
        visitor: &Visitor,
        place: &Place,
    ) -> (Handler, Result<Access, Answer>) {
        let access = match admitted {
            Admitted::Authenticated => Access::Open,
            Admitted::Anybody | Admitted::Unproven => {
                access::of(&self.view.config, visitor.bound, place.peer(), request)
            }
        };
        let handler = self.handler(request.uri().path());
        if let Access::Refused(reason) = access {
            return (handler.unwrap_or(Handler::None), Err(answer::text(StatusCode::FORBIDDEN, reason)));
        }
        let Some(handler) = handler else { return (Handler::None, Err(self.not_found())) };
        let allowed = if handler == Handler::Reload { "POST" } else { "GET, HEAD" };
        if !allowed.split(", ").any(|method| method == request.method().as_str()) {
            return (Handler::None, Err(not_allowed(allowed)));
        }
        if request.body().size_hint().upper().is_none_or(|length| length > Limits::MAX_BODY) {
            let refusal = answer::text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "The request body is too large. No route of the exporter reads a body.",
            );
            return (Handler::None, Err(refusal));
        }
        (handler, Ok(access))
    }

    /// Requests about health are answered at once. All others take turns, so that they leave room for those about health, and
    /// those that take long take turns among themselves first, so that they leave room for scrapes.
    async fn dispatch<B>(
        &self,
        handler: Handler,
        access: Access,
        request: &Request<B>,
        place: &Place,
    ) -> Result<Answer, Busy> {
        let path = request.uri().path();
        Ok(match handler {
            Handler::Healthy => self.healthy(),
            Handler::Ready => self.ready(),
            Handler::Metrics => {
                turn(place).await?;
                self.metrics(request.headers())
            }
            Handler::Page => self.found(self.pages.page(access.details_closed(), request.uri().query(), place).await?),
            Handler::Organisation => match page::Search::parse(request.uri().query()) {
                Ok(search) => self.found(self.pages.organisation(access.details_closed(), path, search, place).await?),
                Err(mistake) => answer::text(StatusCode::BAD_REQUEST, mistake),
            },
            Handler::Findings | Handler::Clients | Handler::Client | Handler::Report
                if access.details_closed().is_some() =>
            {
                answer::text(StatusCode::FORBIDDEN, access.details_closed().unwrap_or_default())
            }
            Handler::Findings => match page::browse::Filter::parse(request.uri().query()) {
                Ok(filter) => self.found(self.pages.findings(filter, place).await?),
                Err(mistake) => answer::text(StatusCode::BAD_REQUEST, mistake),
            },
            Handler::Clients => match page::Search::parse(request.uri().query()) {
                Ok(search) => self.found(self.pages.clients(search, place).await?),
                Err(mistake) => answer::text(StatusCode::BAD_REQUEST, mistake),
            },
            Handler::Client => match request.uri().query().filter(|query| !query.is_empty()) {
                None => self.found(self.pages.client(path, place).await?),
                Some(_) => answer::text(StatusCode::BAD_REQUEST, "The page of a client has no fields in its address."),
            },
            Handler::Document => self.found(self.pages.document(path, place).await?),
            Handler::Report => self.report(request, place).await?,
            Handler::Reload => {
                self.reload(access.reload_closed().or_else(|| access::from_browser(request)), place).await?
            }
            Handler::Icon => answer::icon(page::ICON),
            Handler::None => self.not_found(),
        })
    }

    fn handler(&self, path: &str) -> Option<Handler> {
        if path == self.view.config.telemetry_path {
            return Some(Handler::Metrics);
        }
        match path {
            "/" => Some(Handler::Page),
            "/findings" => Some(Handler::Findings),
            "/clients" => Some(Handler::Clients),
            "/api/v1/report" => Some(Handler::Report),
            "/-/healthy" => Some(Handler::Healthy),
            "/-/ready" => Some(Handler::Ready),
            "/-/reload" => Some(Handler::Reload),
            "/favicon.ico" => Some(Handler::Icon),
            _ if path.starts_with(page::link::ORGANISATIONS) => Some(Handler::Organisation),
            _ if path.starts_with(page::link::CLIENTS) => Some(Handler::Client),
            _ if page::documents::Wanted::parse(path).is_some() => Some(Handler::Document),
            _ => None,
        }
    }

    fn metrics(&self, headers: &HeaderMap) -> Answer {
        let (accept, accept_encoding) = (list(headers, &ACCEPT), list(headers, &ACCEPT_ENCODING));
        let (format, encoding) = exposition::negotiate(accept.as_deref(), accept_encoding.as_deref());
        let published = self.view.reader.current();
        let own = (&self.view.own, Instant::now());
        let body = exposition::scrape(&published.audited, &published.status, own, format, encoding);
        answer::metrics(body, format, encoding)
    }

    async fn report<B>(&self, request: &Request<B>, place: &Place) -> Result<Answer, Busy> {
        let org = match page::organisation_of(request.uri().query()) {
            Ok(org) => org,
            Err(mistake) => return Ok(answer::text(StatusCode::BAD_REQUEST, mistake)),
        };
        if let Some(unknown) = unknown_organisation(&self.view.reader.current(), org.as_deref()) {
            return Ok(unknown);
        }
        let report_turn = self.reports.turn(place, &self.view.reader).await.ok_or(Busy)?;
        turn(place).await?;
        let (_, encoding) = exposition::negotiate(None, list(request.headers(), &ACCEPT_ENCODING).as_deref());
        let wanted = Wanted::new(request.method(), request.version(), encoding);
        Ok(match Reports::start(report_turn, (wanted, org), self.view.external_url.clone()).await {
            Ok(Some(document)) => answer::json(document, encoding),
            Ok(None) => {
                answer::text(StatusCode::NOT_FOUND, "There is no complete audit yet; the status page at / shows why.")
            }
            Err(cause) => failed("report", &cause),
        })
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

    async fn reload(&self, closed: Option<&'static str>, place: &Place) -> Result<Answer, Busy> {
        if !self.view.config.enable_lifecycle {
            let reason =
                "Reloading over HTTP is disabled. Start the exporter with --web.enable-lifecycle, or send SIGHUP.";
            return Ok(answer::text(StatusCode::FORBIDDEN, reason));
        }
        if let Some(reason) = closed {
            return Ok(answer::text(StatusCode::FORBIDDEN, reason));
        }
        let _reload_turn = place.queue(&self.reload_turns).await.ok_or(Busy)?;
        turn(place).await?;
        let web = Arc::clone(&self.view.config.web);
        let refreshed = tokio::task::spawn_blocking(move || web.refresh(true));
        let files = self.view.reload.request().await;
        let web = refreshed.await.unwrap_or_else(|_| Err(vec!["the log says why".to_owned()]));
        let mut failures = Vec::new();
        if let Err(reason) = files {
            failures
                .push(format!("not reloaded; the previous configuration, policy and baseline stay in force: {reason}"));
        }
        if let Err(mistakes) = web {
            let mistakes = mistakes.join("\n");
            failures.push(format!("not reloaded; the previous TLS settings and passwords stay in force: {mistakes}"));
        }
        Ok(if failures.is_empty() {
            answer::text(StatusCode::OK, "reloaded")
        } else {
            answer::text(StatusCode::INTERNAL_SERVER_ERROR, failures.join("\n"))
        })
    }

    fn found(&self, answer: Option<Answer>) -> Answer {
        answer.unwrap_or_else(|| self.not_found())
    }

    fn not_found(&self) -> Answer {
        let metrics = &self.view.config.telemetry_path;
        let paths = format!(
            "Not found. The paths of the exporter are:\n{metrics}\n/\n/organisations/LABEL\n/findings\n/clients\n/clients/ID\n/runbooks/\n/rules/\n/api/v1/report\n/-/healthy\n/-/ready\n/-/reload (POST)"
        );
        answer::text(StatusCode::NOT_FOUND, paths)
    }
}

/// Whether the client prefers a page: a browser. A program that accepts anything gets text.
fn wants_html(headers: &HeaderMap) -> bool {
    list(headers, &ACCEPT).is_some_and(|accept| accept.to_ascii_lowercase().contains("text/html"))
}

fn not_allowed(allowed: &'static str) -> Answer {
    let mut answer = answer::text(StatusCode::METHOD_NOT_ALLOWED, format!("Method not allowed. Use {allowed}."));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// Joins the lines of a header that can occur several times.
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

//! Counts the requests to the server by handler and status, and the connections that it had to close.

use hyper::StatusCode;

use crate::metric::{Counter, Family, Gauge, Kind, Labelled, RegisterError, Registry};

const REQUESTS: Family = Family {
    name: "genesyscloud_oauth_exporter_http_requests_total",
    kind: Kind::Counter,
    labels: &["handler", "code"],
    help: "Number of HTTP requests that the exporter answered, by handler and status; malformed requests are not counted. The usual statuses of a handler start at 0, others are absent until they occur.",
};

const CLOSED: Family = Family {
    name: "genesyscloud_oauth_exporter_http_connections_closed_total",
    kind: Kind::Counter,
    labels: &["reason"],
    help: "Number of connections that the exporter closed, by reason: evicted (it had no request, and another connection needed its place), slow_head (no complete request in time), idle (no further request in time), slow_reader (the peer did not read the response in time).",
};

const LIMIT_REACHED: Family = Family {
    name: "genesyscloud_oauth_exporter_http_connection_limit_reached_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Number of connections that arrived while --web.max-connections others were open.",
};

const WEB_INFO: Family = Family {
    name: "genesyscloud_oauth_exporter_web_info",
    kind: Kind::Gauge,
    labels: &["external_url"],
    help: "1, with the URL of --web.external-url as a label, to which links in alerts lead. The label is empty if the setting is not set. Always present.",
};

/// The families that this module exports.
pub const FAMILIES: &[Family] = &[REQUESTS, CLOSED, LIMIT_REACHED, WEB_INFO];

/// Why the server closed a connection: the value of the label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    Evicted,
    SlowHead,
    Idle,
    SlowReader,
}

impl Closed {
    const ALL: [Self; 4] = [Self::Evicted, Self::SlowHead, Self::Idle, Self::SlowReader];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::SlowHead => "slow_head",
            Self::Idle => "idle",
            Self::SlowReader => "slow_reader",
        }
    }
}

/// The handler of a request: the value of the label `handler`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handler {
    Metrics,
    Page,
    Organisation,
    Findings,
    Clients,
    Client,
    Document,
    Report,
    Healthy,
    Ready,
    Reload,
    Icon,
    /// An unknown path, or a request with a method or a body that the handler refuses.
    None,
}

impl Handler {
    const ALL: [Self; 13] = [
        Self::Metrics,
        Self::Page,
        Self::Organisation,
        Self::Findings,
        Self::Clients,
        Self::Client,
        Self::Document,
        Self::Report,
        Self::Healthy,
        Self::Ready,
        Self::Reload,
        Self::Icon,
        Self::None,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Page => "page",
            Self::Organisation => "organisation",
            Self::Findings => "findings",
            Self::Clients => "clients",
            Self::Client => "client",
            Self::Document => "document",
            Self::Report => "report",
            Self::Healthy => "healthy",
            Self::Ready => "ready",
            Self::Reload => "reload",
            Self::Icon => "icon",
            Self::None => "none",
        }
    }

    /// Whether people open it in a browser. The others are for programs, also if a person asks.
    pub(super) const fn is_for_people(self) -> bool {
        matches!(
            self,
            Self::Page
                | Self::Organisation
                | Self::Findings
                | Self::Clients
                | Self::Client
                | Self::Document
                | Self::Report
                | Self::None
        )
    }

    /// The usual status codes of the handler. Their counters start at 0, so that `increase()` sees the first response.
    const fn codes(self) -> &'static [StatusCode] {
        use StatusCode as Code;
        match self {
            Self::Metrics => &[Code::OK, Code::FORBIDDEN, Code::SERVICE_UNAVAILABLE],
            Self::Icon => &[Code::OK],
            Self::Page | Self::Findings | Self::Clients => {
                &[Code::OK, Code::FORBIDDEN, Code::INTERNAL_SERVER_ERROR, Code::SERVICE_UNAVAILABLE]
            }
            Self::Organisation | Self::Client | Self::Document | Self::Report => {
                &[Code::OK, Code::FORBIDDEN, Code::NOT_FOUND, Code::INTERNAL_SERVER_ERROR, Code::SERVICE_UNAVAILABLE]
            }
            Self::Healthy | Self::Ready => &[Code::OK, Code::SERVICE_UNAVAILABLE],
            Self::Reload => &[Code::OK, Code::FORBIDDEN, Code::INTERNAL_SERVER_ERROR],
            Self::None => &[Code::FORBIDDEN, Code::NOT_FOUND, Code::METHOD_NOT_ALLOWED, Code::PAYLOAD_TOO_LARGE],
        }
    }
}

/// The counters of the server.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: Labelled<Counter, 2>,
    closed: Labelled<Counter, 1>,
    limit_reached: Counter,
}

impl Metrics {
    /// Registers the families. Fails if a name is already registered.
    pub fn register(registry: &Registry, external_url: Option<&str>) -> Result<Self, RegisterError> {
        let web_info: Labelled<Gauge, 1> = registry.add(&WEB_INFO)?;
        web_info.with([external_url.unwrap_or_default()]).set(1);
        let metrics = Self {
            requests: registry.add(&REQUESTS)?,
            closed: registry.add(&CLOSED)?,
            limit_reached: registry.add_single(&LIMIT_REACHED)?,
        };
        for handler in Handler::ALL {
            for code in handler.codes() {
                metrics.requests.with([handler.label(), code.as_str()]);
            }
        }
        for reason in Closed::ALL {
            metrics.closed.with([reason.label()]);
        }
        Ok(metrics)
    }

    pub(super) fn answered(&self, handler: Handler, code: StatusCode) {
        self.requests.with([handler.label(), code.as_str()]).inc();
    }

    pub(super) fn closed(&self, why: Closed) {
        self.closed.with([why.label()]).inc();
    }

    pub(super) fn limit_reached(&self) {
        self.limit_reached.inc();
    }
}

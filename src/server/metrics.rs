//! Counts the requests to the server by handler and status.

use hyper::StatusCode;
use prometheus::{IntCounterVec, Opts, Registry};

use crate::metric::{Family, Kind};

const REQUESTS: Family = Family {
    name: "genesyscloud_oauth_exporter_http_requests_total",
    kind: Kind::Counter,
    labels: &["handler", "code"],
    help: "Number of HTTP requests that the exporter answered, by handler and status; malformed requests are not counted. The usual statuses of a handler start at 0, others are absent until they occur.",
};

/// The families that this module exports.
pub const FAMILIES: &[Family] = &[REQUESTS];

/// The handler of a request: the value of the label `handler`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handler {
    Metrics,
    Page,
    Client,
    Report,
    Healthy,
    Ready,
    Reload,
    Icon,
    /// An unknown path, or a request with a method or a body that the handler refuses.
    None,
}

impl Handler {
    const ALL: [Self; 9] = [
        Self::Metrics,
        Self::Page,
        Self::Client,
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
            Self::Client => "client",
            Self::Report => "report",
            Self::Healthy => "healthy",
            Self::Ready => "ready",
            Self::Reload => "reload",
            Self::Icon => "icon",
            Self::None => "none",
        }
    }

    /// The usual status codes of the handler. Their counters start at 0, so that `increase()` sees the first response.
    const fn codes(self) -> &'static [StatusCode] {
        match self {
            Self::Metrics | Self::Icon => &[StatusCode::OK],
            Self::Page => &[StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR],
            Self::Client | Self::Report => {
                &[StatusCode::OK, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::INTERNAL_SERVER_ERROR]
            }
            Self::Healthy | Self::Ready => &[StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE],
            Self::Reload => &[StatusCode::OK, StatusCode::FORBIDDEN, StatusCode::INTERNAL_SERVER_ERROR],
            Self::None => &[StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::PAYLOAD_TOO_LARGE],
        }
    }
}

/// The counter of responses.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: IntCounterVec,
}

impl Metrics {
    /// Registers the family. Fails if its name is already registered.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let requests = IntCounterVec::new(Opts::new(REQUESTS.name, REQUESTS.help), REQUESTS.labels)?;
        registry.register(Box::new(requests.clone()))?;
        for handler in Handler::ALL {
            for code in handler.codes() {
                requests.with_label_values(&[handler.label(), code.as_str()]);
            }
        }
        Ok(Self { requests })
    }

    pub(super) fn answered(&self, handler: Handler, code: StatusCode) {
        self.requests.with_label_values(&[handler.label(), code.as_str()]).inc();
    }
}

//! The HTTP server: its configuration, its limits, and the parts of the program that it can see.
//!
//! It never calls the platform: every response is made from published data. Each route is a row in `routes`.

mod accept;
mod access;
mod answer;
mod connection;
mod descriptors;
mod gate;
mod health;
mod listen;
mod metrics;
mod page;
mod pages;
mod peers;
mod reload;
mod report;
mod routes;
mod streamed;
mod visitor;
mod web;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use accept::run;
pub use descriptors::connections_within_limit;
pub use listen::{Listener, listen};
pub use metrics::{FAMILIES, Metrics};
pub use reload::{ReloadHandle, ReloadRequest, ReloadRequests, reload_channel};
pub use routes::Routes;
pub use web::WebConfig;

use crate::domain::Timestamp;
use crate::exposition::Own;
use crate::liveness::Liveness;
use crate::publish::Reader;

/// The settings of the server.
#[derive(Debug, Clone)]
pub struct Config {
    /// The addresses to listen on; at least one.
    pub listen_addresses: Vec<SocketAddr>,
    /// TLS, client certificates and passwords.
    pub web: Arc<WebConfig>,
    /// The path of the metrics, by default `/metrics`.
    pub telemetry_path: String,
    /// Whether `POST /-/reload` is served.
    pub enable_lifecycle: bool,
    /// Whether details of the pages and the report are served on any address, under any host name and through proxies.
    pub expose_report: bool,
    /// The maximum number of simultaneous connections.
    pub max_connections: usize,
}

/// The parts of the program that the server can see.
#[derive(Debug, Clone)]
pub struct View {
    /// The settings of the server.
    pub config: Config,
    /// The URL at which people reach the exporter, without a slash at its end; `None` if the report has no links to it.
    pub external_url: Option<String>,
    /// The published data.
    pub reader: Reader,
    /// The exporter's own families.
    pub own: Own,
    /// Counts the responses.
    pub metrics: Metrics,
    /// Knows which tasks have ended or are stuck.
    pub liveness: Liveness,
    /// Requests a reload.
    pub reload: ReloadHandle,
    /// The clock for relative times on the pages.
    pub now: fn() -> Timestamp,
}

/// Limits on the resources that a peer can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Simultaneous connections. For a further one, a connection gives way that waits or reads slowly.
    pub connections: usize,
    /// Further connections while all of `connections` are busy. On them, requests about health are answered at once, and others
    /// wait for a turn.
    pub reserve: usize,
    /// The time in which a connection without a request keeps its place as long as there is room in the reserve: the request of
    /// a new connection is on its way.
    pub grace: Duration,
    /// The time to receive a complete request head: from the start of the connection, or from the first byte of a later head.
    pub head: Duration,
    /// The time between two requests on a connection. Prometheus keeps connections between scrapes.
    pub idle: Duration,
    /// The time for which a peer may take no byte of a response that is ready for it.
    pub blocked: Duration,
    /// The same in total, over all pauses of one response.
    pub blocked_in_total: Duration,
    /// The same in total for a peer whose place or turn another one waits for.
    pub stalled: Duration,
    /// The same if the reserve is full, or if very many wait.
    pub stalled_at_least: Duration,
    /// The time for which a request may wait for a turn. Then the answer is 503.
    pub turn: Duration,
    /// The time that responses in progress may take at shutdown before they are cut off.
    pub drain: Duration,
}

impl Limits {
    /// The largest request head, in bytes.
    pub const MAX_HEAD: usize = 16 << 10;
    /// The maximum number of header fields in a request.
    pub const MAX_HEADERS: usize = 64;
    /// The largest accepted request body, in bytes. No route reads the body.
    pub const MAX_BODY: u64 = 1 << 10;

    /// The default limits, with this number of connections.
    pub const fn new(connections: usize) -> Self {
        Self {
            connections,
            reserve: 16,
            grace: Duration::from_millis(500),
            head: Duration::from_secs(5),
            idle: Duration::from_secs(90),
            blocked: Duration::from_secs(5),
            blocked_in_total: Duration::from_secs(30),
            stalled: Duration::from_secs(2),
            stalled_at_least: Duration::from_millis(500),
            turn: Duration::from_secs(5),
            drain: Duration::from_secs(2),
        }
    }
}

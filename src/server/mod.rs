//! The HTTP server: what it may see, and where it listens.
//!
//! It calls nothing upstream: every answer is made from what was published. Each route is a row in `routes`.

mod accept;
mod access;
mod answer;
mod connection;
mod health;
mod metrics;
mod page;
mod reload;
mod report;
mod routes;

use std::net::SocketAddr;
use std::time::Duration;

pub use accept::run;
pub use health::{Latch, Liveness};
pub use metrics::{FAMILIES, Metrics};
pub use reload::{ReloadHandle, ReloadRequest, ReloadRequests, reload_channel};
pub use routes::Routes;

use crate::domain::Timestamp;
use crate::publish::Reader;

/// Where and what to serve.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on.
    pub listen_address: SocketAddr,
    /// The path of the metrics, `/metrics`.
    pub telemetry_path: String,
    /// Whether `POST /-/reload` is served.
    pub enable_lifecycle: bool,
    /// Whether page details and the report are served off loopback.
    pub expose_report: bool,
    /// Connections at the same time.
    pub max_connections: usize,
}

/// What the server may see of the rest of the program.
#[derive(Debug, Clone)]
pub struct View {
    /// What to serve.
    pub config: Config,
    /// The address that the listener is bound to; it decides whether details are shown.
    pub bound: SocketAddr,
    /// What was published.
    pub reader: Reader,
    /// The exporter's own families.
    pub registry: prometheus::Registry,
    /// Counts what was served.
    pub metrics: Metrics,
    /// Whether the refresh tasks live.
    pub liveness: Liveness,
    /// Asks for a reload.
    pub reload: ReloadHandle,
    /// The clock of the status page.
    pub now: fn() -> Timestamp,
}

/// Bounds on what a peer can take from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time; more wait in the listener's backlog.
    pub connections: usize,
    /// From the first byte awaited to a whole request head, idle time between two requests included.
    pub header_read: Duration,
    /// A connection takes no new request after this.
    pub connection: Duration,
    /// An answer under way is cut when it takes longer than this after `connection`: slow readers end here.
    pub last_answer: Duration,
    /// At the end of the process answers under way are cut after this.
    pub drain: Duration,
}

impl Limits {
    /// The largest request head, in bytes.
    pub const MAX_HEAD: usize = 16 << 10;
    /// The most header fields of a request.
    pub const MAX_HEADERS: usize = 64;
    /// The largest request body that is waved through unread, in bytes. No route reads one.
    pub const MAX_BODY: u64 = 1 << 10;

    /// The limits of a process, with the connections of its settings.
    pub const fn new(connections: usize) -> Self {
        Self {
            connections,
            header_read: Duration::from_secs(30),
            connection: Duration::from_mins(1),
            last_answer: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

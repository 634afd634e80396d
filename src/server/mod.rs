//! The HTTP server: its configuration, its limits, and the parts of the program that it can see.
//!
//! It never calls the platform: every response is made from published data. Each route is a row in `routes`.

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
pub use metrics::{FAMILIES, Metrics};
pub use reload::{ReloadHandle, ReloadRequest, ReloadRequests, reload_channel};
pub use routes::Routes;

use crate::domain::Timestamp;
use crate::liveness::Liveness;
use crate::publish::Reader;

/// The settings of the server.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on.
    pub listen_address: SocketAddr,
    /// The path of the metrics, by default `/metrics`.
    pub telemetry_path: String,
    /// Whether `POST /-/reload` is served.
    pub enable_lifecycle: bool,
    /// Whether details of the pages and the report are served on addresses that are not loopback.
    pub expose_report: bool,
    /// The maximum number of simultaneous connections.
    pub max_connections: usize,
}

/// The parts of the program that the server can see.
#[derive(Debug, Clone)]
pub struct View {
    /// The settings of the server.
    pub config: Config,
    /// The address that the listener is bound to. Details are hidden if it is not loopback.
    pub bound: SocketAddr,
    /// The published data.
    pub reader: Reader,
    /// The exporter's own families.
    pub registry: prometheus::Registry,
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
    /// Simultaneous connections. Further ones wait in the listener's backlog.
    pub connections: usize,
    /// The time to receive a complete request head, including the idle time before its first byte.
    pub header_read: Duration,
    /// The age at which a connection accepts no further request.
    pub connection: Duration,
    /// The time that a response may still take after `connection` has passed. Then it is cut off, against slow readers.
    pub last_answer: Duration,
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
            header_read: Duration::from_secs(30),
            connection: Duration::from_mins(1),
            last_answer: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

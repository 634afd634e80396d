//! The HTTP server: routes, limits, graceful stop.

use std::net::SocketAddr;

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

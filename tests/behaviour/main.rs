//! What the program does, tested from outside: through its public library, its HTTP interface and its command line, against the
//! simulated organisation. Needs `python3` with `prometheus_client` and `jsonschema`, `promtool` and `bash`; no server of others runs.
//!
//! Where a test belongs:
//!
//! - What one module does alone is tested beside it, in `src/`. Tests here combine modules, open sockets or start the program.
//! - What needs a real Prometheus, Alertmanager or Grafana is in `tests/servers`.
//! - What can be seen in the sources without running them is in `tests/architecture.rs`.

#![allow(clippy::expect_used, reason = "clippy.toml allows it in #[test] functions, not in what they call")]

#[path = "../support/mod.rs"]
mod support;

// The simulated organisation, and the exporter's side of the platform's API.
mod planted;
mod refresh;
mod simulator;

// The exporter as it runs: its HTTP server, what a scrape shows and when, what systemd hears.
mod exporter;
mod exposition;
mod server;
mod systemd;

// The commands, as a shell or a CI job runs them.
mod approvals;
mod baseline;
mod cli;
mod manual;
mod policy_commands;
mod reports;

// Documents and examples: they say what the code does, and the program accepts them.
mod documents;
mod kubernetes;
mod policy;

//! What the program does, tested from outside: through its public library, its HTTP interface and its command line, against the
//! simulated organisation. Needs `python3` with `prometheus_client` and `jsonschema`, `promtool`, `bash` and `npm`, but no other
//! server.
//!
//! Where a test belongs:
//!
//! - Tests of one module are in that module, in `src/`. Tests here combine modules, open sockets or start the program.
//! - Tests that need a real Prometheus, Alertmanager or Grafana are in `tests/servers`.
//! - Tests that read the sources without running them are in `tests/architecture.rs`.

#![allow(clippy::expect_used, reason = "clippy.toml allows it in #[test] functions, not in what they call")]

#[path = "../support/mod.rs"]
mod support;

// The simulated organisation, and the exporter's side of the platform's API.
mod odd_records;
mod pages;
mod partial;
mod planted;
mod platform;
mod proxy;
mod refresh;
mod refusals;
mod scenarios;
mod simulator;
mod swap;
mod tls;
mod unchanged;

// The exporter as it runs: its HTTP server, what a scrape shows and when, what it reports to systemd.
mod blocking;
mod crash;
mod descriptors;
mod error_texts;
mod exporter;
mod exposition;
mod families;
mod hardening;
mod index_page;
mod local;
mod log_formats;
mod organisations;
mod outbound;
mod peers;
mod report_stream;
mod served;
mod server;
mod shards;
mod signals;
mod soak;
mod state;
mod systemd;
mod web_config;

// The commands, as a shell or a CI job runs them.
mod approvals;
mod audit_all;
mod baseline;
mod changes;
mod check_all;
mod cli;
mod help;
mod manual;
mod marks;
mod masked;
mod pipes;
mod policy_commands;
mod reports;
mod runbooks;
mod sarif;
mod size;
mod table;

// Readers, fed with what they do not expect.
mod fuzz;

// Documents and examples: they say what the code does, and the program accepts them.
mod config_schema;
mod documents;
mod kubernetes;
mod policy;

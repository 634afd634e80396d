//! A Prometheus exporter that audits the OAuth clients of Genesys Cloud organisations.
//!
//! The modules in reading order, by floor; a module imports from lower floors only (`tests/architecture.rs`).
//! `ARCHITECTURE.md` tells the data flow and the invariants.

// Floor 0, vocabulary: ids, enums, the snapshot of an organisation.
pub mod domain;
pub mod metric;
pub mod secret;
pub mod text;

// Floor 1, decisions: pure and total.
pub mod audit;
pub mod baseline;
pub mod grants;
pub mod policy;

// Floor 2, adapters: one foreign format or system each.
pub mod exposition;
pub mod genesys;
pub mod output;
pub mod store;

// Floor 3, running: tasks, sockets, time.
pub mod publish;
pub mod refresh;
pub mod server;
pub mod signals;
pub mod systemd;
pub mod telemetry;

// Floor 4, composition: flags and environment become settings; everything is wired once.
pub mod app;
pub mod cli;
pub mod config;

// Beside: a simulated organisation for `demo` and the tests. Imports nothing of ours.
pub mod simulator;

// For tests only: records and snapshots from builders.
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;

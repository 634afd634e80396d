//! A Prometheus exporter that audits the OAuth clients of Genesys Cloud organisations.
//!
//! The modules in reading order: a module imports only modules that come before it (`tests/architecture.rs`).
//! `ARCHITECTURE.md` describes the data flow and the invariants.

// Vocabulary: ids, enums, the snapshot of an organisation, text for people.
pub mod domain;
pub mod metric;
pub mod secret;
pub mod text;

// Decisions: pure and total.
pub mod policy;

pub mod baseline;

pub mod audit;
pub mod ledger;

// Adapters: one foreign format or system each.
pub mod blocking;
pub mod file;
pub mod genesys;
pub mod store;

pub mod exposition;
pub mod output;

// Running: tasks, sockets, time.
pub mod hardening;
pub mod liveness;
pub mod publish;
pub mod refresh;
pub mod server;
pub mod signals;
pub mod systemd;
pub mod telemetry;

// Composition: flags and environment become settings; everything is wired once.
pub mod config;

pub mod app;

// A simulated organisation for `demo` and the tests. Imports nothing else of this crate.
pub mod simulator;

pub mod cli;

// For tests only: records and snapshots from builders.
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;

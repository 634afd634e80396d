//! The alerts, by Prometheus' own tools: valid, tested, and tested so that no wrong one passes.
//!
//! Not end to end: what a person is sent is told by the test that runs the real servers.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

#[path = "alerts/alertmanager.rs"]
mod alertmanager;
#[path = "alerts/documents.rs"]
mod documents;
#[path = "alerts/mutants.rs"]
mod mutants;
#[path = "alerts/promql.rs"]
mod promql;
#[path = "alerts/rules.rs"]
mod rules;
#[path = "alerts/table.rs"]
mod table;
#[path = "alerts/tools.rs"]
mod tools;
#[path = "alerts/unit.rs"]
mod unit;

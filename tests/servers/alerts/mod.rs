//! The alerts, by Prometheus' own tools: valid, tested, and tested so that no wrong one passes.
//!
//! Not end to end: what a person is sent is told by the test that runs the real servers.

mod alertmanager;
mod documents;
mod mutants;
mod promql;
mod rules;
mod table;
mod tools;
mod unit;

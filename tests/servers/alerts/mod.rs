//! The alerts, checked with Prometheus' own tools: they are valid, and their unit tests pass and detect changed expressions.
//!
//! Not end to end: `end_to_end` tests with the real servers which notifications are sent.

mod alertmanager;
mod documents;
mod fit;
mod mutants;
mod promql;
mod rules;
mod table;
mod tools;
mod unit;

//! The exporter together with the real Prometheus, Alertmanager and Grafana: the alerts, the dashboards, and the pages that are sent.
//!
//! `scripts/check` installs what they need. Tests that keep servers running take a turn ([`programs::turn`]), so that two of them run
//! at a time, however many threads the test runner has.

#![allow(clippy::expect_used, clippy::cast_precision_loss, reason = "a test that cannot be set up has failed")]

mod programs;
#[path = "../support/mod.rs"]
mod support;

mod alerts;
mod dashboards;
mod end_to_end;
mod prometheus;

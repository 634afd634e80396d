//! The exporter together with the real Prometheus, Alertmanager and Grafana: the alerts, the dashboards, and the notifications.
//!
//! `scripts/check` installs these programs. Tests that start servers wait for a turn ([`programs::turn`]), so that two of them run at a
//! time, regardless of the number of test threads.

#![allow(clippy::expect_used, clippy::cast_precision_loss, reason = "a test that cannot be set up has failed")]

mod paged;
mod programs;
#[path = "../support/mod.rs"]
mod support;

mod alerts;
mod dashboards;
mod end_to_end;
mod prometheus;
mod shards;
mod walkthrough;
mod web_config;

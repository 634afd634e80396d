//! The dashboards: as generated, known to Grafana, by the rules of a good mixin, and with data from the real Prometheus.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod support;

#[path = "dashboards/data.rs"]
mod data;
#[path = "dashboards/families.rs"]
mod families;
#[path = "dashboards/grafana.rs"]
mod grafana;
#[path = "dashboards/lint.rs"]
mod lint;
#[path = "dashboards/model.rs"]
mod model;
#[path = "dashboards/organisations.rs"]
mod organisations;
#[path = "dashboards/programs.rs"]
mod programs;

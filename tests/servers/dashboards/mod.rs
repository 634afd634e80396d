//! The dashboards are up to date, valid for Grafana, follow the rules for mixins, and show data of a real Prometheus.

mod data;
mod exporters;
mod families;
mod grafana;
mod lint;
mod look;
mod model;
mod organisations;

//! The dashboards: as generated, known to Grafana, by the rules of a good mixin, and with data from the real Prometheus.

mod data;
mod exporters;
mod families;
mod grafana;
mod lint;
mod model;
mod organisations;

//! Metrics text: the audited world rendered once, the exporter's own per scrape.

/// Which per-client families to render, and how much.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names of per-client families that are switched off.
    pub disabled_families: Vec<String>,
    /// Series of per-client families per organisation; over it whole families are dropped.
    pub max_client_series: usize,
}

//! Which per-client families are rendered, and how many series.
//!
//! Not the choice itself (`cap`).

use super::families;

/// Which per-client families to render, and up to how many series.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names of per-client families that are not rendered.
    pub disabled_families: Vec<String>,
    /// The maximum number of series in the per-client families of one organisation. Above it, entire families are dropped.
    pub max_client_series: usize,
}

impl Config {
    /// The default of `max_client_series`.
    pub const DEFAULT_MAX_CLIENT_SERIES: usize = 200_000;

    /// Checks that these are names of per-client families. Returns one message for each name that is not.
    pub fn check(disabled_families: &[String]) -> Result<(), Vec<String>> {
        let known: Vec<&str> = families::per_client().collect();
        let unknown: Vec<String> = disabled_families
            .iter()
            .filter(|name| !known.contains(&name.as_str()))
            .map(|name| format!("no per-client family is called {name:?}; choose from {}", known.join(", ")))
            .collect();
        if unknown.is_empty() { Ok(()) } else { Err(unknown) }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { disabled_families: Vec::new(), max_client_series: Self::DEFAULT_MAX_CLIENT_SERIES }
    }
}

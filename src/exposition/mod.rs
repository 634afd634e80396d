//! Metrics text: the audited world rendered once when it is published, the exporter's own families per scrape.
//!
//! No HTTP and no clock. In `audited` a family's values come from one snapshot and one report.

use prometheus::Registry;

use crate::audit::Report;
use crate::domain::{Freshness, Snapshot, Timestamp};
use crate::grants::Ledger;

/// Which per-client families to render, and how much.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Names of per-client families that are switched off.
    pub disabled_families: Vec<String>,
    /// Series of per-client families per organisation; over it whole families are dropped.
    pub max_client_series: usize,
}

/// One organisation's data, as it is rendered.
#[derive(Debug, Clone, Copy)]
pub struct Audited<'a> {
    /// The value of the label `org`.
    pub org: &'a str,
    /// What is there.
    pub snapshot: &'a Snapshot,
    /// What we think of it.
    pub report: &'a Report,
    /// Since when the dangerous grants are there.
    pub ledger: &'a Ledger,
}

/// How one organisation's refreshes fare, as it is rendered.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The value of the label `org`.
    pub org: &'a str,
    /// The outcome of its refreshes.
    pub freshness: &'a Freshness,
}

/// How the last reload of policy and baseline went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reload {
    /// Whether the last one was in order; true after a start.
    pub last_successful: bool,
    /// When the files in force were read.
    pub last_success: Timestamp,
}

/// The audited families of all organisations, rendered and deflated. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct AuditedPart {}

/// The families on freshness, rendered with the data that they speak of. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StatusPart {}

/// Renders the audited families. Takes a while and much memory bandwidth: not for an async worker.
pub fn audited(_organisations: &[Audited<'_>], _config: &Config) -> AuditedPart {
    AuditedPart {}
}

/// Renders the families on freshness, and on the size of the audited part.
pub fn status(_organisations: &[Watched<'_>], _audited: &AuditedPart, _reload: Reload) -> StatusPart {
    StatusPart {}
}

/// The text format of a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

/// The encoding of a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// One gzip member.
    Gzip,
}

/// What a scraper accepts, from its `Accept` and `Accept-Encoding` headers.
pub fn negotiate(_accept: Option<&str>, _accept_encoding: Option<&str>) -> (Format, Encoding) {
    (Format::Text, Encoding::Identity)
}

impl Format {
    /// The exact `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The body of a scrape in parts, to be sent one after the other: the published bytes and the exporter's own families.
pub fn scrape(
    _audited: &AuditedPart,
    _status: &StatusPart,
    _own: &Registry,
    _format: Format,
    _encoding: Encoding,
) -> Vec<bytes::Bytes> {
    Vec::new()
}

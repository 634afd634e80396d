//! The text of the metrics: audited families are rendered once, when data is published; the exporter's own on each scrape.
//!
//! It neither speaks HTTP nor reads a clock. All audited values of an organisation come from one snapshot and one report.

mod cap;
mod families;
mod freshness;
mod grant_series;
mod gzip;
mod label;
mod negotiate;
mod number;
mod organisation;
mod own;
mod render;
mod series;
mod view;

use std::sync::Arc;

use bytes::Bytes;
use prometheus::Registry;

pub use families::AUDITED_FAMILIES;
pub use freshness::FRESHNESS_FAMILIES;
pub use negotiate::negotiate;

use cap::Selection;
use gzip::Part;
use render::Block;
use view::View;

use crate::audit::Report;
use crate::domain::{Freshness, Snapshot, Timestamp};
use crate::grants::Ledger;

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

/// One organisation's data, to be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Audited<'a> {
    /// The value of the label `org`.
    pub org: &'a str,
    /// The last complete snapshot.
    pub snapshot: &'a Snapshot,
    /// The evaluation of that snapshot.
    pub report: &'a Report,
    /// When each dangerous grant was first seen, and whether it is approved.
    pub ledger: &'a Ledger,
}

/// The state of one organisation's refreshes, to be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The value of the label `org`.
    pub org: &'a str,
    /// The outcome of its last refreshes.
    pub freshness: &'a Freshness,
}

/// The outcome of the last load of policy and baseline, at the start or by a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReloadStatus {
    /// Whether it succeeded. False too if the configured baseline is missing or belongs to another organisation.
    pub last_successful: bool,
    /// When the policy and baseline in force were read.
    pub last_success: Timestamp,
}

/// The audited families of all organisations, rendered and compressed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct AuditedPart {
    part: Part,
    sizes: Arc<[Size]>,
}

impl AuditedPart {
    /// The size of each organisation with data.
    pub fn sizes(&self) -> &[Size] {
        &self.sizes
    }
}

/// The size of one organisation's audited families.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// The value of the label `org`.
    pub org: String,
    /// Clients in its snapshot, including those whose record cannot be read.
    pub clients: usize,
    /// Rendered series.
    pub series: usize,
    /// Bytes of these series, uncompressed and without HELP and TYPE lines.
    pub bytes: usize,
    /// Each family that the cap can drop, with the number of dropped series; 0 if it is rendered.
    pub dropped: Vec<(&'static str, usize)>,
}

/// The families about refreshes, rendered and compressed together with the data that they describe. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StatusPart {
    part: Part,
}

/// Renders the audited families. Takes time and memory bandwidth, so it must not run on an async worker.
pub fn audited(organisations: &[Audited<'_>], config: &Config) -> AuditedPart {
    let views: Vec<View<'_>> = organisations.iter().copied().map(View::new).collect();
    let selections: Vec<Selection> = views.iter().map(|view| Selection::new(view, config)).collect();
    let mut sizes: Vec<Size> =
        views.iter().zip(&selections).map(|(view, selection)| Size::of(view, selection)).collect();
    let mut text = Vec::new();
    for (position, row) in families::ROWS.iter().enumerate() {
        render::family(&mut text, &row.family, |text| {
            for ((view, selection), size) in views.iter().zip(&selections).zip(&mut sizes) {
                if selection.shows(position) {
                    let start = text.len();
                    let mut block = Block::of_organisation(text, &row.family, &view.org);
                    row.series.write(view, &mut block);
                    size.series += block.series();
                    size.bytes += text.len() - start;
                }
            }
        });
    }
    AuditedPart { part: Part::new(text), sizes: sizes.into() }
}

impl Size {
    fn of(view: &View<'_>, selection: &Selection) -> Self {
        let Audited { org, snapshot, .. } = view.audited;
        let (clients, dropped) = (snapshot.clients.len() + snapshot.unread.len(), selection.dropped.clone());
        Self { org: org.to_owned(), clients, series: 0, bytes: 0, dropped }
    }
}

/// Renders the families about refreshes and about the size of the audited part.
pub fn status(organisations: &[Watched<'_>], audited: &AuditedPart, reload: ReloadStatus) -> StatusPart {
    StatusPart { part: Part::new(freshness::render(organisations, &audited.sizes, reload)) }
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
    /// Uncompressed.
    Identity,
    /// One gzip member.
    Gzip,
}

impl Format {
    /// The value of the header `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The body of a scrape as pieces to send in order: the published bytes, then the exporter's own families.
///
/// Only the exporter's own families are rendered and compressed here.
pub fn scrape(
    audited: &AuditedPart,
    status: &StatusPart,
    own: &Registry,
    format: Format,
    encoding: Encoding,
) -> Vec<Bytes> {
    let tail = own::render(own, format);
    match encoding {
        Encoding::Identity => vec![audited.part.plain(), status.part.plain(), tail.into()],
        Encoding::Gzip => gzip::member(&[&audited.part, &status.part], tail.as_bytes()),
    }
}

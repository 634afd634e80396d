//! Metrics text: the audited world rendered once when it is published, the exporter's own families per scrape.
//!
//! No HTTP and no clock. In `audited` a family's values come from one snapshot and one report.

mod cap;
mod families;
mod freshness;
mod gzip;
mod label;
mod negotiate;
mod number;
mod organisation;
mod own;
mod render;
mod series;
#[cfg(test)]
mod tests;
mod told;
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

/// Which per-client families to render, and how much.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names of per-client families that are switched off.
    pub disabled_families: Vec<String>,
    /// Series of per-client families per organisation; over it whole families are dropped.
    pub max_client_series: usize,
}

impl Config {
    /// The default of `max_client_series`.
    pub const DEFAULT_MAX_CLIENT_SERIES: usize = 200_000;

    /// Whether these are names of per-client families; a sentence for each that is not.
    pub fn check(disabled_families: &[String]) -> Result<(), Vec<String>> {
        let known: Vec<&str> = families::per_client().collect();
        let unknown: Vec<String> = disabled_families
            .iter()
            .filter(|name| !known.contains(&name.as_str()))
            .map(|name| format!("no per-client family is called {name:?}; there are {}", known.join(", ")))
            .collect();
        if unknown.is_empty() { Ok(()) } else { Err(unknown) }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { disabled_families: Vec::new(), max_client_series: Self::DEFAULT_MAX_CLIENT_SERIES }
    }
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
pub struct ReloadStatus {
    /// Whether the last one was in order; true after a start.
    pub last_successful: bool,
    /// When the files in force were read.
    pub last_success: Timestamp,
}

/// The audited families of all organisations, rendered and deflated. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct AuditedPart {
    part: Part,
    sizes: Arc<[Size]>,
}

impl AuditedPart {
    /// What was rendered of each organisation whose data is served.
    pub fn sizes(&self) -> &[Size] {
        &self.sizes
    }
}

/// What was rendered of one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// The value of the label `org`.
    pub org: String,
    /// Clients in its snapshot.
    pub clients: usize,
    /// Series of the audited families.
    pub series: usize,
    /// Bytes of these series, not compressed and without HELP and TYPE.
    pub bytes: usize,
    /// Each family that the cap can drop, with the number of its series that it did.
    pub dropped: Vec<(&'static str, usize)>,
}

/// The families on freshness, rendered with the data that they speak of. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StatusPart {
    part: Part,
}

/// Renders the audited families. Takes a while and much memory bandwidth: not for an async worker.
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

/// Renders the families on freshness, and on the size of the audited part.
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
    /// As it is.
    Identity,
    /// One gzip member.
    Gzip,
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

/// The body of a scrape in pieces, to be sent one after the other: the published bytes and the exporter's own families.
///
/// Only the own families are written and deflated here.
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

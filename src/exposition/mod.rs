//! The text of the metrics: audited families are rendered once, when an organisation's data is published; the exporter's own on
//! each scrape.
//!
//! It neither speaks HTTP nor reads a clock. All audited values of an organisation come from one snapshot and one report. Each
//! organisation has a page of its own, compressed family by family; a swap joins the pages, so it costs the work of one organisation.

mod cap;
mod config;
mod deflated;
mod families;
mod format;
mod freshness;
mod grant_series;
mod gzip;
mod input;
mod label;
mod negotiate;
mod number;
mod organisation;
mod own;
mod page;
mod render;
mod series;
mod size;
#[cfg(test)]
mod tests;
mod view;

use tokio::time::Instant;

pub use config::Config;
pub use families::AUDITED_FAMILIES;
pub use format::{Encoding, Format};
pub use freshness::FRESHNESS_FAMILIES;
pub use gzip::Body;
pub use input::{Audited, ReloadStatus, Watched};
pub use negotiate::negotiate;
pub use own::Own;
pub use page::{AuditedPart, Page, join, page, text};
pub use size::Size;

use gzip::Joined;

/// The families about refreshes, rendered and compressed together with the data that they describe. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StatusPart {
    text: Joined,
    openmetrics: Joined,
}

impl StatusPart {
    const fn part(&self, format: Format) -> &Joined {
        match format {
            Format::Text => &self.text,
            Format::OpenMetrics => &self.openmetrics,
        }
    }
}

/// Renders the families about refreshes and about the size of the audited part.
pub fn status(organisations: &[Watched<'_>], audited: &AuditedPart, reload: ReloadStatus) -> StatusPart {
    let part = |format| Joined::new([&freshness::render(organisations, audited.sizes(), reload, format)]);
    StatusPart { text: part(Format::Text), openmetrics: part(Format::OpenMetrics) }
}

/// The body of a scrape: the published families, then the exporter's own.
///
/// Only numbers of the exporter's own families are rendered here, as of `now`.
pub fn scrape(
    audited: &AuditedPart,
    status: &StatusPart,
    (own, now): (&Own, Instant),
    format: Format,
    encoding: Encoding,
) -> Body {
    let (audited, status) = (audited.joined(), status.part(format));
    match encoding {
        Encoding::Identity => Body::plain(&[audited, status], &own.plain(format, now)),
        Encoding::Gzip => Body::member(&[audited, status, &own.deflated(format, now)]),
    }
}

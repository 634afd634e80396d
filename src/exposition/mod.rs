//! The text of the metrics: audited families are rendered once, when data is published; the exporter's own on each scrape.
//!
//! It neither speaks HTTP nor reads a clock. All audited values of an organisation come from one snapshot and one report.

mod cap;
mod config;
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
mod render;
mod series;
mod size;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use bytes::Bytes;
use prometheus::Registry;

pub use config::Config;
pub use families::AUDITED_FAMILIES;
pub use format::{Encoding, Format};
pub use freshness::FRESHNESS_FAMILIES;
pub use input::{Audited, ReloadStatus, Watched};
pub use negotiate::negotiate;
pub use size::Size;

use cap::Selection;
use gzip::Part;
use render::Block;
use view::View;

/// The audited families of all organisations, rendered and compressed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct AuditedPart {
    part: Part,
    sizes: Arc<[Size]>,
}

impl AuditedPart {
    /// The text, for a file.
    pub fn text(&self) -> Bytes {
        self.part.plain()
    }

    /// The size of each organisation with data.
    pub fn sizes(&self) -> &[Size] {
        &self.sizes
    }
}

/// The families about refreshes, rendered and compressed together with the data that they describe. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StatusPart {
    text: Part,
    openmetrics: Part,
}

impl StatusPart {
    const fn part(&self, format: Format) -> &Part {
        match format {
            Format::Text => &self.text,
            Format::OpenMetrics => &self.openmetrics,
        }
    }
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

/// Renders the families about refreshes and about the size of the audited part.
pub fn status(organisations: &[Watched<'_>], audited: &AuditedPart, reload: ReloadStatus) -> StatusPart {
    let part = |format| Part::new(freshness::render(organisations, &audited.sizes, reload, format));
    StatusPart { text: part(Format::Text), openmetrics: part(Format::OpenMetrics) }
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
        Encoding::Identity => vec![audited.part.plain(), status.part(format).plain(), tail.into()],
        Encoding::Gzip => gzip::member(&[&audited.part, status.part(format)], tail.as_bytes()),
    }
}

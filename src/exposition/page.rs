//! The audited families of one organisation, each compressed on its own, and the pages of all organisations as one text.
//!
//! All series of a family must follow each other, so the pages cannot simply be sent one after the other: [`join`] takes each family
//! from all pages in turn.

use std::sync::{Arc, LazyLock};

use super::cap::Selection;
use super::deflated::{Deflated, Text};
use super::families::{FamilyRow, ROWS};
use super::gzip::Joined;
use super::render::{self, Block};
use super::view::View;
use super::{Audited, Config, Size};

/// The audited families of one organisation, rendered and compressed.
#[derive(Debug)]
pub struct Page {
    /// Indexed like [`ROWS`]; empty if the organisation has no series of the family.
    families: [Deflated; ROWS.len()],
    size: Size,
}

/// The audited families of all organisations, compressed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct AuditedPart {
    joined: Joined,
    sizes: Arc<[Size]>,
}

impl AuditedPart {
    /// The size of each page.
    pub fn sizes(&self) -> &[Size] {
        &self.sizes
    }

    pub(super) const fn joined(&self) -> &Joined {
        &self.joined
    }
}

/// Renders and compresses an organisation. Takes time and memory bandwidth, so it must not run on an async worker.
pub fn page(organisation: &Audited<'_>, config: &Config) -> Page {
    let view = View::new(*organisation);
    let selection = Selection::new(&view, config);
    let mut size = Size::of(&view, &selection);
    let mut text = Text::deflating();
    let mut position = 0;
    let families = ROWS.each_ref().map(|row| {
        write(row, position, &view, &selection, &mut text, &mut size);
        position += 1;
        text.finish()
    });
    Page { families, size }
}

/// The text of organisations, for a file.
pub fn text(organisations: &[Audited<'_>], config: &Config) -> Vec<u8> {
    let mut prepared: Vec<(View<'_>, Selection, Size)> = organisations
        .iter()
        .map(|organisation| {
            let view = View::new(*organisation);
            let selection = Selection::new(&view, config);
            let size = Size::of(&view, &selection);
            (view, selection, size)
        })
        .collect();
    let mut text = Text::plain();
    for (position, row) in ROWS.iter().enumerate() {
        render::family(&mut text, &row.family, |text| {
            for (view, selection, size) in &mut prepared {
                write(row, position, view, selection, text, size);
            }
        });
    }
    text.into_plain()
}

/// Writes the series of a family, if it is selected, and adds them to the size.
fn write(row: &FamilyRow, position: usize, view: &View<'_>, selection: &Selection, text: &mut Text, size: &mut Size) {
    if selection.shows(position) {
        let start = text.len();
        let mut block = Block::of_organisation(text, &row.family, &view.org);
        row.series.write(view, &mut block);
        size.series += block.series();
        size.bytes += usize::try_from(text.len() - start).unwrap_or(usize::MAX);
    }
}

/// The pages as one text, in this order within each family.
pub fn join(pages: &[&Page]) -> AuditedPart {
    static HEADS: LazyLock<Vec<Deflated>> =
        LazyLock::new(|| ROWS.iter().map(|row| Deflated::new(render::head(&row.family).as_bytes())).collect());
    let parts = HEADS.iter().enumerate().flat_map(|(position, head)| {
        let of_pages = pages.iter().filter_map(move |page| page.families.get(position));
        let has_series = of_pages.clone().any(|family| family.length > 0);
        has_series.then_some(head).into_iter().chain(of_pages)
    });
    AuditedPart { joined: Joined::new(parts), sizes: pages.iter().map(|page| page.size.clone()).collect() }
}

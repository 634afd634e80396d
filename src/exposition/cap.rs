//! Selects the families to render for an organisation, by `--metrics.disable` and `--metrics.max-client-series`.
//!
//! Families are dropped entirely and in a fixed order, so that the same data always gives the same result.

use super::Config;
use super::families::{FamilyRow, ROWS};
use super::series::Series;
use super::view::View;

/// The families of one organisation that are rendered, and those that the cap dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selection {
    /// Indexed like [`ROWS`].
    shown: [bool; ROWS.len()],
    /// Each family that the cap can drop, in the table's order, with the number of dropped series; 0 if it is rendered.
    pub(super) dropped: Vec<(&'static str, usize)>,
}

impl Selection {
    pub(super) fn new(view: &View<'_>, config: &Config) -> Self {
        let mut shown = [true; ROWS.len()];
        let mut total = 0;
        let mut candidates = Vec::new();
        for ((position, row), shown) in ROWS.iter().enumerate().zip(&mut shown) {
            let Series::PerClient { priority, source } = &row.series else { continue };
            *shown = !config.disabled_families.iter().any(|name| name == row.family.name);
            if *shown {
                let count = source.count(view);
                total += count;
                candidates.extend(priority.map(|priority| (priority, position, count)));
            }
        }
        candidates.sort_unstable();
        let mut dropped = [0; ROWS.len()];
        for (_, position, count) in candidates {
            if total > config.max_client_series && count > 0 {
                shown[position] = false;
                dropped[position] = count;
                total -= count;
            }
        }
        let dropped = ROWS.iter().zip(dropped).filter(|(row, _)| droppable(row));
        Self { shown, dropped: dropped.map(|(row, count)| (row.family.name, count)).collect() }
    }

    pub(super) fn shows(&self, position: usize) -> bool {
        self.shown.get(position).copied().unwrap_or(false)
    }
}

fn droppable(row: &FamilyRow) -> bool {
    matches!(row.series, Series::PerClient { priority: Some(_), .. })
}

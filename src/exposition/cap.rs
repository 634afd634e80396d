//! Which families of an organisation are rendered: not those that are switched off, and no more series than allowed.
//!
//! Whole families are dropped, in a fixed order, so that the same data always gives the same answer.

use super::Config;
use super::families::{FamilyRow, ROWS};
use super::series::Series;
use super::view::View;

/// What is rendered of one organisation, and what is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selection {
    /// By the position in [`ROWS`].
    shown: [bool; ROWS.len()],
    /// Each family that can be dropped, in the table's order, with the number of its series that were.
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

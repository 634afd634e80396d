//! How much of a list the page of a client shows.

/// Rows of each list that are shown; the rest is counted.
pub(super) const ROWS: usize = 500;

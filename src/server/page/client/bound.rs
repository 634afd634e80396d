//! How much of a list the page of a client shows.

/// Rows of each list that are shown; further ones are counted.
pub(super) const ROWS: usize = 500;

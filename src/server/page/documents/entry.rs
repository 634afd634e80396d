//! A row of a list of documents.

/// A document, as its list shows it.
pub(super) struct Entry {
    /// The last segment of its path.
    pub(super) name: String,
    pub(super) severity: String,
    /// The CSS class of the badge.
    pub(super) tone: &'static str,
    pub(super) summary: String,
}

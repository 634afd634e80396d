//! What was rendered of one organisation, in numbers.

use super::cap::Selection;
use super::input::Audited;
use super::view::View;

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

impl Size {
    pub(super) fn of(view: &View<'_>, selection: &Selection) -> Self {
        let Audited { org, snapshot, .. } = view.audited;
        let (clients, dropped) = (snapshot.clients.len(), selection.dropped.clone());
        Self { org: org.to_owned(), clients, series: 0, bytes: 0, dropped }
    }
}

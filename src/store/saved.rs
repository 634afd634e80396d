//! What outlives a restart, of one organisation.

use std::sync::Arc;

use crate::domain::Snapshot;
use crate::grants::Ledger;

/// What is kept of one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The exporter's own client that read it: data read by another client is not served before a refresh.
    pub client_id: String,
    /// The API host that it was read from.
    pub api_host: String,
    /// The last complete snapshot.
    pub snapshot: Arc<Snapshot>,
    /// Since when the dangerous grants are there.
    pub ledger: Ledger,
}

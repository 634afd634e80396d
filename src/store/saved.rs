//! What is kept of one organisation over a restart.

use std::sync::Arc;

use crate::domain::Snapshot;
use crate::grants::Ledger;

/// The saved state of one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The exporter's own client that read the data. Data that another client read is not served before a refresh.
    pub client_id: String,
    /// The API host from which the data was read.
    pub api_host: String,
    /// The last complete snapshot.
    pub snapshot: Arc<Snapshot>,
    /// When each dangerous grant was first seen.
    pub ledger: Ledger,
}

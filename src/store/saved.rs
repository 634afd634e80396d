//! What is kept of one organisation over a restart.
//!
//! Before the organisation's id is known, the state is restored only for the same client id and API host. After the first
//! refresh, the ledger is found by the organisation's id, so a new OAuth client for the exporter makes no old grant new.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{OrgId, Snapshot};
use crate::ledger::Ledger;

/// The state of all organisations.
pub(super) type State = BTreeMap<OrgId, Saved>;

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
    pub ledger: Arc<Ledger>,
}

impl Saved {
    /// Whether both say the same, but for the time at which the data was seen.
    pub(super) fn differs_only_in_time(&self, other: &Self) -> bool {
        self.client_id == other.client_id
            && self.api_host == other.api_host
            && self.snapshot.has_data_of(&other.snapshot)
            && self.ledger.differs_only_in_time(&other.ledger)
    }
}

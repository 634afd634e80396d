//! What the families are rendered from: the audited data, the outcome of the refreshes, and the last reload.

use crate::audit::Report;
use crate::domain::{Freshness, Snapshot, Timestamp};
use crate::ledger::Ledger;

/// One organisation's data, to be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Audited<'a> {
    /// The value of the label `org`.
    pub org: &'a str,
    /// The last complete snapshot.
    pub snapshot: &'a Snapshot,
    /// The evaluation of that snapshot.
    pub report: &'a Report,
    /// When each dangerous grant was first seen, and whether it is approved.
    pub ledger: &'a Ledger,
}

/// The state of one organisation's refreshes, to be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The value of the label `org`.
    pub org: &'a str,
    /// The outcome of its last refreshes.
    pub freshness: &'a Freshness,
}

/// The outcome of the last load of policy, baseline and web configuration, at the start or by a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReloadStatus {
    /// Whether that of policy and baseline succeeded. False too if the configured baseline is missing or belongs to another organisation.
    pub last_successful: bool,
    /// When the policy and baseline in force were read.
    pub last_success: Timestamp,
    /// Whether the web configuration file cannot be used, so that its previous content is in force.
    pub web_config_rejected: bool,
}

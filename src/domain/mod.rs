//! The data types of the audit: ids, enums, and the [`Snapshot`] of one organisation.
//!
//! Nothing here does I/O or depends on a wire format or a metric name. To add new data about an organisation, start here.

mod access;
mod client;
mod freshness;
mod gaps;
mod ids;
mod input;
mod privilege;
mod records;
mod scopes;
mod severity;
mod snapshot;
mod time;

pub use access::{Division, Permission, Role};
pub use client::{Client, ClientState, GrantType, RoleGrant};
pub use freshness::{CollectorStatus, Freshness, RefreshCounts};
pub use gaps::{ClientField, Gap, Gaps, RoleField};
pub use ids::{ClientId, DivisionId, OrgId, RoleId};
pub use input::{Collector, Input, InputGap};
pub use privilege::Privilege;
pub use records::{Record, Records};
pub use scopes::{ScopeIndex, ScopeTable};
pub use severity::{Severity, UnknownSeverity};
pub use snapshot::{Organisation, Snapshot};
pub use time::Timestamp;

//! The audited families as Prometheus text, for the textfile collector of the node exporter.
//!
//! The running exporter serves the same families; their text is made in `exposition`.

use bytes::Bytes;

use super::ReportedOrganisation;
use crate::exposition::{self, Config};

/// The families of all organisations that were audited. An organisation without data has no series.
pub fn render(organisations: &[ReportedOrganisation<'_>]) -> Bytes {
    let views: Vec<exposition::Audited<'_>> = organisations
        .iter()
        .filter_map(|organisation| {
            let audited = organisation.audited.filter(|_| organisation.complete)?;
            let super::Audited { snapshot, report, ledger, .. } = audited;
            Some(exposition::Audited { org: organisation.org, snapshot, report, ledger })
        })
        .collect();
    exposition::text(&views, &Config::default()).into()
}

//! What `--only-new` compares with: the findings of an earlier snapshot, evaluated with the current policy.
//!
//! Not an earlier report: it was made with the policy of its time, so that a new pattern would make every old grant new.

use std::collections::{BTreeMap, BTreeSet};

use super::args::AuditArgs;
use crate::audit::{Fingerprint, Report};
use crate::cli::console::notice;
use crate::config::Settings;
use crate::domain::{OrgId, Snapshot, Timestamp};
use crate::output::fingerprints;
use crate::store::snapshot_file::{self, Kept};

/// The findings of the earlier snapshot that count as known.
pub(super) struct Before {
    known: BTreeMap<OrgId, BTreeSet<Fingerprint>>,
    /// Empty, for an organisation that the earlier snapshot does not contain: all its findings are new.
    nothing: BTreeSet<Fingerprint>,
}

impl Before {
    pub(super) fn read(
        args: &AuditArgs,
        settings: &Settings,
        evaluate: impl Fn(&Snapshot, Timestamp) -> Report,
    ) -> Result<Self, String> {
        let path = args.previous.as_ref().or(settings.state_file.as_ref());
        let kept = path.map(|path| snapshot_file::read(path)).transpose();
        let kept = kept.map_err(|why| format!("--previous {why}"))?.flatten();
        match (&kept, &args.previous) {
            // A file named by --previous must exist. The state file may not have been written yet.
            (None, Some(path)) => return Err(format!("--previous {}: the file does not exist", path.display())),
            (None, None) => notice("--only-new: there is no earlier snapshot, so every finding is new"),
            (Some(_), _) => {}
        }
        let known = kept
            .into_iter()
            .flatten()
            .map(|Kept { snapshot, .. }| {
                // Evaluated as of then, so that a finding whose exemption has ended since counts as new.
                let report = evaluate(&snapshot, snapshot.taken_at);
                (snapshot.organisation.id.clone(), fingerprints(&report))
            })
            .collect();
        Ok(Self { known, nothing: BTreeSet::new() })
    }

    pub(super) fn of(&self, snapshot: Option<&Snapshot>) -> &BTreeSet<Fingerprint> {
        snapshot.and_then(|snapshot| self.known.get(&snapshot.organisation.id)).unwrap_or(&self.nothing)
    }
}

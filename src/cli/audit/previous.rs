//! What `--only-new` compares with: an earlier snapshot, judged by the policy in force.
//!
//! An earlier report would compare with an earlier policy: a new pattern would then make every old grant new.

use std::collections::{BTreeMap, BTreeSet};

use super::args::AuditArgs;
use crate::audit::{Fingerprint, Report};
use crate::cli::notice;
use crate::config::Settings;
use crate::domain::{OrgId, Snapshot, Timestamp};
use crate::output::fingerprints;
use crate::store::snapshot_file::{self, Kept};

/// The open findings of earlier, by organisation.
pub(super) struct Before {
    known: BTreeMap<OrgId, BTreeSet<Fingerprint>>,
    /// Of an organisation that was not known nothing was there: everything is new.
    nothing: BTreeSet<Fingerprint>,
}

impl Before {
    pub(super) fn read(
        args: &AuditArgs,
        settings: &Settings,
        judge: impl Fn(&Snapshot, Timestamp) -> Report,
    ) -> Result<Self, String> {
        let path = args.previous.as_ref().or(settings.state_file.as_ref());
        let kept = path.map(|path| snapshot_file::read(path)).transpose();
        let kept = kept.map_err(|why| format!("--previous {why}"))?.flatten();
        match (&kept, &args.previous) {
            // Named and not there is a mistake; a state file may come later.
            (None, Some(path)) => return Err(format!("--previous {}: there is no such file", path.display())),
            (None, None) => notice("--only-new: there is no earlier snapshot, so that everything is new"),
            (Some(_), _) => {}
        }
        let known = kept
            .into_iter()
            .flatten()
            .map(|Kept { snapshot, .. }| {
                // As of then: what an exemption covered that has ended since is new.
                let report = judge(&snapshot, snapshot.taken_at);
                (snapshot.organisation.id.clone(), fingerprints(&report))
            })
            .collect();
        Ok(Self { known, nothing: BTreeSet::new() })
    }

    pub(super) fn of(&self, snapshot: Option<&Snapshot>) -> &BTreeSet<Fingerprint> {
        snapshot.and_then(|snapshot| self.known.get(&snapshot.organisation.id)).unwrap_or(&self.nothing)
    }
}

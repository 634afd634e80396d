//! What `--only-new` compares with: the findings of an earlier snapshot, evaluated with the current policy.
//!
//! Not an earlier report: it was made with the policy of its time, so that a new pattern would make every old grant new.

use std::sync::Arc;

use super::args::AuditArgs;
use crate::audit::Report;
use crate::cli::console::notice;
use crate::config::Settings;
use crate::domain::{Snapshot, Timestamp};
use crate::output::Earlier;
use crate::store::snapshot_file::{self, Kept};

/// The earlier snapshots and their evaluations.
pub(super) struct Before(Vec<(Arc<Snapshot>, Report)>);

impl Before {
    pub(super) fn read(
        args: &AuditArgs,
        settings: &Settings,
        evaluate: impl Fn(&Snapshot, Timestamp) -> Report,
    ) -> Result<Self, String> {
        let path = args.previous.as_ref().or(settings.watch.state_file.as_ref());
        let kept = path.map(|path| snapshot_file::read(path)).transpose();
        let kept = kept.map_err(|why| format!("--previous {why}"))?.flatten();
        match (&kept, &args.previous) {
            // A file named by --previous must exist. The state file may not have been written yet.
            (None, Some(path)) => return Err(format!("--previous {}: the file does not exist", path.display())),
            (None, None) => notice("--only-new: there is no earlier snapshot, so every finding is new"),
            (Some(_), _) => {}
        }
        let evaluated = |Kept { snapshot, .. }| {
            // Evaluated as of then, so that a finding whose exemption has ended since counts as new.
            let report = evaluate(&snapshot, snapshot.taken_at);
            (snapshot, report)
        };
        Ok(Self(kept.into_iter().flatten().map(evaluated).collect()))
    }

    /// The earlier audit of the organisation of this snapshot.
    pub(super) fn of(&self, now: Option<&Snapshot>) -> Earlier<'_> {
        let same = |then: &Snapshot| now.is_some_and(|now| now.organisation.id == then.organisation.id);
        let earlier = self.0.iter().find(|(snapshot, _)| same(snapshot));
        earlier.map_or_else(Earlier::default, |(snapshot, report)| Earlier::new(snapshot, report))
    }
}

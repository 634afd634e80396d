//! What `--only-new` compares with: the findings of an earlier snapshot, evaluated with the current policy.
//!
//! Not an earlier report: it was made with the policy of its time, so that a new pattern would make every old grant new.

use std::sync::Arc;

use super::args::AuditArgs;
use super::taken::Taken;
use crate::audit::Report;
use crate::cli::console::notice;
use crate::cli::each::MOST_NAMED;
use crate::domain::Snapshot;
use crate::output::Earlier;
use crate::store::snapshot_file::{self, Kept};
use crate::text::listed;

/// The earlier snapshot of an organisation and its evaluation; `None` if there is none.
pub(super) struct Before(Option<(Arc<Snapshot>, Report)>);

impl Before {
    pub(super) fn earlier(&self) -> Earlier<'_> {
        self.0.as_ref().map_or_else(Earlier::default, |(snapshot, report)| Earlier::new(snapshot, report))
    }
}

/// For each of what was taken, the earlier audit: from the file that `--previous` names, otherwise from its state file.
///
/// An organisation whose state file cannot be read is rejected: without it, old findings would be new. The error is that of the named
/// file, or of the only state file.
pub(super) fn read(args: &AuditArgs, taken: &mut [Taken<'_>]) -> Result<Vec<Before>, String> {
    let named = match &args.previous {
        Some(path) => {
            let kept = snapshot_file::read(path).map_err(|why| format!("--previous {why}"))?;
            // The state file may not have been written yet. A file that is named must exist.
            Some(kept.ok_or_else(|| format!("--previous {}: the file does not exist", path.display()))?)
        }
        None => None,
    };
    let is_alone = taken.len() == 1;
    let mut without = Vec::new();
    let mut all = Vec::new();
    for taken in taken {
        let kept = match &named {
            Some(named) => Ok(Some(same(named, taken))),
            None => taken.saved().map(|kept| kept.map(|kept| same(&kept, taken))),
        };
        let snapshot = match kept {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => {
                without.push(taken.org.clone());
                None
            }
            Err(why) if is_alone => return Err(format!("--previous {why}")),
            Err(why) => {
                taken.reject(format!("--only-new has nothing to compare with: {why}"));
                None
            }
        };
        all.push(Before(snapshot.map(|snapshot| {
            // Evaluated as of then, so that a finding whose exemption has ended since counts as new.
            let report = taken.evaluate(&snapshot, snapshot.taken_at);
            (snapshot, report)
        })));
    }
    if is_alone && !without.is_empty() {
        notice("--only-new: there is no earlier snapshot, so every finding is new");
    } else if !without.is_empty() {
        let without = listed(without.iter().map(String::as_str), MOST_NAMED);
        notice(format_args!(
            "--only-new: these organisations have no earlier snapshot, so every finding is new: {without}"
        ));
    }
    Ok(all)
}

/// The earlier snapshot of the same organisation, whatever its label was.
fn same(kept: &[Kept], taken: &Taken<'_>) -> Option<Arc<Snapshot>> {
    let now = taken.snapshot.as_ref()?;
    let then = kept.iter().find(|kept| kept.snapshot.organisation.id == now.organisation.id)?;
    Some(Arc::clone(&then.snapshot))
}

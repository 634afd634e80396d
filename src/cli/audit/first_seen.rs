//! When the dangerous grants of an audit were first seen: from the state file of the exporter, or from the file that is audited.
//!
//! The state file is only read. A grant that it does not have is new, as in the next refresh of the exporter.

use std::sync::Arc;
use std::time::Duration;

use super::taken::Taken;
use crate::audit::Report;
use crate::cli::console::notice;
use crate::domain::{Snapshot, Timestamp};
use crate::ledger::{Evaluation, Event, Ledger, Sighting, downtime};
use crate::store::snapshot_file::Kept;

/// What the exporter saved of an organisation, in a file that can have others.
pub(super) struct FirstSeen(Vec<Kept>);

impl FirstSeen {
    /// Reads the state file, if there is one. A file that cannot be read costs only the times.
    /// The message names the organisation unless it is alone.
    pub(super) fn read(taken: &Taken<'_>, is_alone: bool) -> Self {
        let kept = taken.saved();
        let kept = kept.unwrap_or_else(|why| {
            let of = if is_alone { String::new() } else { format!(" of {}", taken.org) };
            notice(format_args!("first-seen times{of} are not known, because the state file cannot be read: {why}"));
            None
        });
        Self(kept.unwrap_or_default())
    }

    /// The ledger of an audit that was just taken.
    pub(super) fn of_fresh(
        &self,
        evaluation: Evaluation<'_>,
        evaluate: impl Fn(&Snapshot) -> Report,
        now: Timestamp,
    ) -> Ledger {
        let id = &evaluation.snapshot.organisation.id;
        match self.0.iter().find(|kept| kept.snapshot.organisation.id == *id) {
            Some(Kept { snapshot, ledger, .. }) => {
                let before = evaluate(snapshot);
                let elapsed = downtime(snapshot.taken_at, now);
                advanced(ledger, evaluation, Event::Refresh { before: &before }, now, elapsed)
            }
            None => advanced(&Ledger::default(), evaluation, Event::First, now, Duration::ZERO),
        }
    }
}

/// The ledger of a file that is audited again.
pub(super) fn of_file(saved: &Arc<Ledger>, evaluation: Evaluation<'_>, now: Timestamp) -> Ledger {
    let event = if saved.clients().next().is_some() { Event::PolicyChange { widens: false } } else { Event::First };
    advanced(saved, evaluation, event, now, Duration::ZERO)
}

fn advanced(
    ledger: &Ledger,
    evaluation: Evaluation<'_>,
    event: Event<'_>,
    now: Timestamp,
    elapsed: Duration,
) -> Ledger {
    ledger.advance(&Sighting::of(evaluation), event, now, elapsed)
}

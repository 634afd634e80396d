//! Evaluates only what an earlier evaluation does not answer: the clients that changed, or all if anything changed that the rules read
//! about the organisation.
//!
//! The result is always the one that an evaluation of everything would give; a property test compares them.

use std::sync::Arc;

use super::assessment::Assessment;
use super::exempt::Exemptions;
use super::report::Report;
use crate::baseline::Baseline;
use crate::domain::{Client, Records, Snapshot, Timestamp};
use crate::policy::Policy;

/// An earlier evaluation and what it was made from.
#[derive(Debug, Clone, Copy)]
pub struct Earlier<'a> {
    /// The organisation's data.
    pub snapshot: &'a Snapshot,
    /// The policy.
    pub policy: &'a Policy,
    /// The baseline, if one was loaded.
    pub baseline: Option<&'a Baseline>,
    /// The result.
    pub report: &'a Report,
}

/// The evaluations of clients that can be used again. The clients of both snapshots are compared in the order of their ids.
pub(super) struct Reusable<'a> {
    clients: &'a [Arc<Client>],
    assessed: &'a [Arc<Assessment>],
    now: Timestamp,
}

impl<'a> Reusable<'a> {
    /// What can be used again for an evaluation of `snapshot` at this time.
    pub(super) fn of(
        earlier: Option<Earlier<'a>>,
        snapshot: &Snapshot,
        policy: &Policy,
        baseline: Option<&Baseline>,
        exemptions: &Exemptions<'_>,
        now: Timestamp,
    ) -> Self {
        let usable = earlier.filter(|earlier| {
            let Earlier { snapshot: before, policy: followed, baseline: compared, report } = *earlier;
            std::ptr::eq(followed, policy)
                && compared.map(std::ptr::from_ref) == baseline.map(std::ptr::from_ref)
                && before.describes_the_same_as(snapshot)
                // An exemption that has ended covers nothing, and the clock may have been set back.
                && report.evaluated_at <= now
                && report.exemptions_until == exemptions.until()
                && !report.has_many_unshared()
        });
        let (clients, assessed) = usable.map_or((&[][..], &[][..]), |earlier| {
            (Records::shared(&earlier.snapshot.clients), &*earlier.report.subjects)
        });
        Self { clients, assessed, now }
    }

    /// The evaluation of this client, if nothing that it depends on has changed. Clients must be asked for in the order of their ids.
    pub(super) fn take(&mut self, client: &Arc<Client>) -> Option<Arc<Assessment>> {
        let before = skip_to(&mut self.clients, |known| known.id.cmp(&client.id))?;
        let assessment = skip_to(&mut self.assessed, |known| known.client.as_ref().cmp(&Some(&client.id)))?;
        let same = (Arc::ptr_eq(before, client) || before == client) && self.now < assessment.until;
        same.then(|| Arc::clone(assessment))
    }
}

/// Skips what comes before, and returns the element that is equal.
fn skip_to<'a, T>(sorted: &mut &'a [T], order: impl Fn(&T) -> std::cmp::Ordering) -> Option<&'a T> {
    while let [first, rest @ ..] = *sorted {
        match order(first) {
            std::cmp::Ordering::Less => *sorted = rest,
            std::cmp::Ordering::Equal => return Some(first),
            std::cmp::Ordering::Greater => return None,
        }
    }
    None
}

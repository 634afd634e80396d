//! From a complete snapshot to what is published and kept, and again when policy or baseline change.
//!
//! Blocking: evaluating and rendering take time that an async worker does not have.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::{Fetched, InForce};
use crate::audit::{self, Report};
use crate::domain::{Freshness, Power, Snapshot, Timestamp};
use crate::grants::{Grant, Ledger};
use crate::policy::Policy;
use crate::publish::{Judged, Publisher};
use crate::store::{Saved, Store};

/// Judges one organisation. Shared by its worker and by a reload.
#[derive(Debug)]
pub struct Judge {
    /// Its place in what is published.
    index: usize,
    client_id: String,
    api_host: String,
    in_force: Arc<ArcSwap<InForce>>,
    publisher: Publisher,
    store: Arc<Store>,
    /// The last complete data, kept when it is withdrawn too: what it held is not new. Held while judging.
    last: Mutex<Option<Arc<Judged>>>,
}

impl Judge {
    /// The judge of the organisation at that place in what is published.
    pub fn new(
        index: usize,
        platform: &crate::genesys::Config,
        in_force: Arc<ArcSwap<InForce>>,
        publisher: Publisher,
        store: Arc<Store>,
    ) -> Self {
        let api_host = platform.api_url.host_str().unwrap_or_default().to_owned();
        let client_id = platform.client_id.clone();
        Self { index, client_id, api_host, in_force, publisher, store, last: Mutex::default() }
    }

    /// The last complete snapshot.
    pub fn last_snapshot(&self) -> Option<Arc<Snapshot>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|judged| Arc::clone(&judged.snapshot))
    }

    /// Serves what the state file kept, with its true age, unless it is too old. Says when it was taken.
    pub fn restore(&self, now: Timestamp, stale_after: std::time::Duration) -> Option<Timestamp> {
        let saved = self.store.read_by(&self.client_id, &self.api_host)?;
        let taken_at = saved.snapshot.taken_at;
        let withdrawn = now.since(taken_at) >= stale_after;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (report, policy, held) = self.evaluate(&saved.snapshot, now);
        let ledger = saved.ledger.after_policy_change(held, now);
        let judged = Arc::new(Judged { snapshot: saved.snapshot, report, policy, ledger, calls: Vec::new() });
        *last = Some(Arc::clone(&judged));
        self.publish(|freshness| {
            // A time in the future says nothing of the age; 0 makes the alert on stale data fire at once.
            freshness.last_success = Some(taken_at).filter(|taken_at| *taken_at <= now);
            freshness.withdrawn = withdrawn;
            (!withdrawn).then_some(Some(judged))
        });
        Some(taken_at)
    }

    /// Publishes and keeps a complete snapshot. Gives back what was published.
    pub fn accept(&self, fetched: Fetched, now: Timestamp, fresh: impl FnOnce(&mut Freshness)) -> Arc<Judged> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Fetched { snapshot, calls, .. } = fetched;
        let snapshot = Arc::new(snapshot);
        let (report, policy, held) = self.evaluate(&snapshot, now);
        let previous = last.as_ref().filter(|last| last.snapshot.organisation.id == snapshot.organisation.id);
        let ledger = match previous {
            Some(last) => {
                // Judged anew, since policy or baseline can have changed between: new is new under those in force.
                let (before, _, _) = self.evaluate(&last.snapshot, now);
                last.ledger.after_refresh(Some(&seen(&last.snapshot, &before, &held)), held, now)
            }
            None => self.ledger_of_file(&snapshot, held, now),
        };
        let judged = Arc::new(Judged { snapshot, report, policy, ledger, calls });
        *last = Some(Arc::clone(&judged));
        // Kept before it is shown: a first-seen time that was scraped must outlive a crash.
        self.store.save(Saved {
            client_id: self.client_id.clone(),
            api_host: self.api_host.clone(),
            snapshot: Arc::clone(&judged.snapshot),
            ledger: judged.ledger.clone(),
        });
        self.publish(|freshness| {
            fresh(freshness);
            Some(Some(Arc::clone(&judged)))
        });
        judged
    }

    /// The first refresh of this process: another client of the same organisation may have kept a state.
    fn ledger_of_file(&self, snapshot: &Snapshot, held: BTreeSet<Grant>, now: Timestamp) -> Ledger {
        match self.store.of(&snapshot.organisation.id) {
            Some(saved) => {
                let (report, _, _) = self.evaluate(&saved.snapshot, now);
                saved.ledger.after_refresh(Some(&seen(&saved.snapshot, &report, &held)), held, now)
            }
            None => Ledger::default().after_refresh(None, held, now),
        }
    }

    /// Judges the last snapshot anew, after policy or baseline changed, and publishes at once where data is served.
    pub fn rejudge(&self, now: Timestamp) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(previous) = last.as_ref() else { return };
        let (report, policy, held) = self.evaluate(&previous.snapshot, now);
        let ledger = previous.ledger.after_policy_change(held, now);
        let (snapshot, calls) = (Arc::clone(&previous.snapshot), previous.calls.clone());
        let judged = Arc::new(Judged { snapshot, report, policy, ledger, calls });
        *last = Some(Arc::clone(&judged));
        self.publish(|freshness| (!freshness.withdrawn).then_some(Some(judged)));
    }

    /// Publishes how a failed refresh ended; the data stays, unless it is too old by now.
    pub fn fail(&self, withdraw: bool, failed: impl FnOnce(&mut Freshness)) {
        self.publish(|freshness| {
            failed(freshness);
            freshness.withdrawn |= withdraw;
            withdraw.then_some(None)
        });
    }

    fn evaluate(&self, snapshot: &Snapshot, now: Timestamp) -> (Report, Arc<Policy>, BTreeSet<Grant>) {
        let in_force = self.in_force.load();
        in_force.warn_of_foreign_baseline(&snapshot.organisation.id);
        let policy = Arc::clone(&in_force.policy);
        let report = audit::evaluate(snapshot, &policy, in_force.baseline.as_ref(), now);
        let held = grants(&report);
        (report, policy, held)
    }

    /// One swap: `change` alters the freshness and gives new data, if there is any.
    fn publish(&self, change: impl FnOnce(&mut Freshness) -> Option<Option<Arc<Judged>>>) {
        self.publisher.update(|organisations, _| {
            let Some(organisation) = organisations.get_mut(self.index) else { return };
            if let Some(judged) = change(&mut organisation.freshness) {
                organisation.judged = judged;
            }
        });
    }
}

fn grants(report: &Report) -> BTreeSet<Grant> {
    let grants = report.grants.iter();
    grants.map(|grant| Grant { client: grant.client.clone(), power: grant.power.clone() }).collect()
}

/// What is not new: what the last snapshot held, and where it lacked the roles, every permission that is seen now.
fn seen(snapshot: &Snapshot, report: &Report, held: &BTreeSet<Grant>) -> BTreeSet<Grant> {
    let mut seen = grants(report);
    if snapshot.roles.read().is_none() {
        seen.extend(held.iter().filter(|grant| matches!(grant.power, Power::Permission(_))).cloned());
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Input, NotRead};
    use crate::output::sample;

    #[test]
    fn permissions_are_not_new_where_the_last_snapshot_lacked_the_roles() {
        let sample = sample::planted();
        let id = &sample.snapshot.clients[0].id;
        let held = BTreeSet::from([Grant::permission(id, "oauth:client:add"), Grant::scope(id, "a-new-scope")]);
        let mut last = sample.snapshot.clone();
        last.roles = Input::Read(std::collections::BTreeMap::new());
        assert!(held.is_disjoint(&seen(&last, &sample.report, &held)), "both are new");
        last.roles = Input::NotRead(NotRead { missing_permission: None, message: "403".to_owned() });
        let seen = seen(&last, &sample.report, &held);
        assert!(seen.contains(&Grant::permission(id, "oauth:client:add")));
        assert!(!seen.contains(&Grant::scope(id, "a-new-scope")));
    }
}

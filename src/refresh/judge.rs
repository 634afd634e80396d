//! From a complete snapshot to what is published and kept, and again when the policy changes.
//!
//! Blocking: evaluating and rendering take time that an async worker does not have.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::Fetched;
use crate::audit::{self, Report};
use crate::domain::{Freshness, Snapshot, Timestamp};
use crate::grants::{Ledger, ScopeGrant};
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
    policy: Arc<ArcSwap<Policy>>,
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
        policy: Arc<ArcSwap<Policy>>,
        publisher: Publisher,
        store: Arc<Store>,
    ) -> Self {
        let api_host = platform.api_url.host_str().unwrap_or_default().to_owned();
        let client_id = platform.client_id.clone();
        Self { index, client_id, api_host, policy, publisher, store, last: Mutex::default() }
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
            freshness.last_success = Some(taken_at);
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
            Some(previous) => previous.ledger.after_refresh(Some(&grants(&previous.report)), held, now),
            None => self.ledger_of_file(&snapshot, held, now),
        };
        let judged = Arc::new(Judged { snapshot, report, policy, ledger, calls });
        *last = Some(Arc::clone(&judged));
        self.publish(|freshness| {
            fresh(freshness);
            Some(Some(Arc::clone(&judged)))
        });
        self.store.save(Saved {
            client_id: self.client_id.clone(),
            api_host: self.api_host.clone(),
            snapshot: Arc::clone(&judged.snapshot),
            ledger: judged.ledger.clone(),
        });
        judged
    }

    /// The first refresh of this process: another client of the same organisation may have kept a state.
    fn ledger_of_file(&self, snapshot: &Snapshot, held: BTreeSet<ScopeGrant>, now: Timestamp) -> Ledger {
        match self.store.of(&snapshot.organisation.id) {
            Some(saved) => {
                let (_, _, previous) = self.evaluate(&saved.snapshot, now);
                saved.ledger.after_refresh(Some(&previous), held, now)
            }
            None => Ledger::default().after_refresh(None, held, now),
        }
    }

    /// Judges the last snapshot anew, after the policy changed, and publishes at once where data is served.
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

    fn evaluate(&self, snapshot: &Snapshot, now: Timestamp) -> (Report, Arc<Policy>, BTreeSet<ScopeGrant>) {
        let policy = self.policy.load_full();
        let report = audit::evaluate(snapshot, &policy, None, now);
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

fn grants(report: &Report) -> BTreeSet<ScopeGrant> {
    report
        .dangerous_scope_grants()
        .map(|(client, scope, _)| ScopeGrant { client: client.clone(), scope: scope.to_owned() })
        .collect()
}

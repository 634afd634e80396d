//! The way of an organisation's data: evaluated, remembered, stored, published; and again when policy or baseline change.
//!
//! Blocking: evaluating and rendering take time that an async worker does not have. The files of policy and baseline are read by
//! `in_force` and `reload`; what is new or gone is decided in `ledger`.
//!
//! A state file is read back only for the same client id and API host before the organisation's id is known. After the first
//! refresh the ledger is found by the organisation's id, so that a new OAuth client for the exporter makes no old grant new.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::fetch::Fetched;
use super::in_force::InForce;
use crate::audit;
use crate::domain::{Freshness, Snapshot, Timestamp};
use crate::genesys;
use crate::ledger::{Evaluation, Event, Ledger, Sighting, held_grants, widens};
use crate::publish::{Evaluated, Publisher};
use crate::store::{Saved, Store};

/// The only way in which one organisation's data changes. Shared by its worker and by a reload.
#[derive(Debug)]
pub struct Pipeline {
    /// The organisation's place in what is published.
    index: usize,
    client_id: String,
    api_host: String,
    in_force: Arc<ArcSwap<InForce>>,
    publisher: Publisher,
    store: Arc<Store>,
    /// The last complete data. It is kept when it is withdrawn: what it held is not new. Locked while data is evaluated.
    last: Mutex<Option<Arc<Evaluated>>>,
}

/// What happens to the data that is served.
enum Data {
    Keep,
    Withdraw,
    Replace(Arc<Evaluated>),
}

impl Pipeline {
    /// The pipeline of the organisation at that place in what is published.
    pub fn new(
        index: usize,
        platform: &genesys::Config,
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
        self.last().as_ref().map(|last| Arc::clone(&last.snapshot))
    }

    /// Serves what the state file kept, with its true age, unless it is too old. Returns when it was taken.
    pub fn restore(&self, now: Timestamp, stale_after: Duration) -> Option<Timestamp> {
        let saved = self.store.read_by(&self.client_id, &self.api_host)?;
        let taken_at = saved.snapshot.taken_at;
        let withdrawn = now.since(taken_at) >= stale_after;
        let mut last = self.last();
        let evaluated = self.evaluate(saved.snapshot, now);
        // The file does not say which policy was in force: it is taken for the same.
        let restored = advanced(evaluated, &saved.ledger, Event::PolicyChange { widens: false }, now);
        *last = Some(Arc::clone(&restored));
        self.publish(|freshness| {
            // A time in the future says nothing about the age; 0 makes the alert on stale data fire at once.
            freshness.last_success = Some(taken_at).filter(|taken_at| *taken_at <= now);
            freshness.withdrawn = withdrawn;
            if withdrawn { Data::Keep } else { Data::Replace(restored) }
        });
        Some(taken_at)
    }

    /// Publishes and stores complete data, and returns it as published.
    pub fn accept(&self, fetched: Fetched, now: Timestamp, succeed: impl FnOnce(&mut Freshness)) -> Arc<Evaluated> {
        let mut last = self.last();
        let evaluated = self.evaluate(Arc::new(fetched.snapshot), now);
        let evaluated = Evaluated { calls: fetched.calls, ..evaluated };
        let accepted = self.remember(last.as_deref(), evaluated, now);
        *last = Some(Arc::clone(&accepted));
        // Stored before it is shown: a first-seen time that was scraped must survive a crash.
        self.save(&accepted);
        self.publish(|freshness| {
            succeed(freshness);
            Data::Replace(Arc::clone(&accepted))
        });
        accepted
    }

    /// Evaluates the last snapshot again, after policy or baseline changed, and publishes the result at once if data is served.
    pub fn evaluate_again(&self, now: Timestamp) {
        let mut last = self.last();
        let Some(previous) = last.as_ref() else { return };
        let evaluated = self.evaluate(Arc::clone(&previous.snapshot), now);
        let evaluated = Evaluated { calls: previous.calls.clone(), ..evaluated };
        let event = Event::PolicyChange { widens: widens(&previous.policy, &evaluated.policy) };
        let again = advanced(evaluated, &previous.ledger, event, now);
        *last = Some(Arc::clone(&again));
        self.publish(|freshness| if freshness.withdrawn { Data::Keep } else { Data::Replace(again) });
    }

    /// Publishes how a failed refresh ended. The data stays, unless it is to be withdrawn now because it is too old.
    pub fn fail(&self, withdraw: bool, fail: impl FnOnce(&mut Freshness)) {
        self.publish(|freshness| {
            fail(freshness);
            freshness.withdrawn |= withdraw;
            if withdraw { Data::Withdraw } else { Data::Keep }
        });
    }

    fn last(&self) -> MutexGuard<'_, Option<Arc<Evaluated>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Evaluates by the policy and the baseline in force. The ledger is still empty.
    fn evaluate(&self, snapshot: Arc<Snapshot>, now: Timestamp) -> Evaluated {
        let in_force = self.in_force.load();
        in_force.warn_of_foreign_baseline(&snapshot.organisation.id);
        let policy = Arc::clone(&in_force.policy);
        let report = audit::evaluate(&snapshot, &policy, in_force.baseline.as_ref(), now);
        Evaluated { snapshot, report, policy, ledger: Ledger::default(), calls: Vec::new() }
    }

    /// Advances the ledger by a complete refresh, from the last data of this process, from the state file, or from nothing.
    fn remember(&self, last: Option<&Evaluated>, evaluated: Evaluated, now: Timestamp) -> Arc<Evaluated> {
        let organisation = &evaluated.snapshot.organisation.id;
        if let Some(last) = last.filter(|last| last.snapshot.organisation.id == *organisation) {
            let before = if Arc::ptr_eq(&last.policy, &evaluated.policy) {
                held_grants(&last.report)
            } else {
                // A reload came in between and has not evaluated the last snapshot yet: new is new under the policy in force.
                held_grants(&self.evaluate(Arc::clone(&last.snapshot), now).report)
            };
            return advanced(evaluated, &last.ledger, Event::Refresh { before: &before }, now);
        }
        // The first refresh of this process: another client of the same organisation may have written the state.
        match self.store.of(organisation) {
            Some(saved) => {
                let before = held_grants(&self.evaluate(saved.snapshot, now).report);
                advanced(evaluated, &saved.ledger, Event::Refresh { before: &before }, now)
            }
            None => advanced(evaluated, &Ledger::default(), Event::First, now),
        }
    }

    fn save(&self, evaluated: &Evaluated) {
        self.store.save(Saved {
            client_id: self.client_id.clone(),
            api_host: self.api_host.clone(),
            snapshot: Arc::clone(&evaluated.snapshot),
            ledger: evaluated.ledger.clone(),
        });
    }

    /// One swap: `change` changes the freshness and says what happens to the data.
    fn publish(&self, change: impl FnOnce(&mut Freshness) -> Data) {
        self.publisher.update(|organisations, reload| {
            let Some(organisation) = organisations.get_mut(self.index) else { return };
            match change(&mut organisation.freshness) {
                Data::Keep => {}
                Data::Withdraw => organisation.evaluated = None,
                Data::Replace(evaluated) => organisation.evaluated = Some(evaluated),
            }
            // With another organisation's baseline no approval is asked for: the alert on a failed reload reports it.
            let org = organisation.evaluated.as_ref().map(|evaluated| &evaluated.snapshot.organisation.id);
            if org.is_some_and(|org| self.in_force.load().has_foreign_baseline(org)) {
                reload.last_successful = false;
            }
        });
    }
}

/// An evaluation with the ledger after this event.
fn advanced(evaluated: Evaluated, ledger: &Ledger, event: Event<'_>, now: Timestamp) -> Arc<Evaluated> {
    let Evaluated { snapshot, report, policy, .. } = &evaluated;
    let sighting = Sighting::of(Evaluation { snapshot, policy, report }, ledger.entries().map(|(grant, _)| grant));
    let ledger = ledger.advance(&sighting, event, now);
    Arc::new(Evaluated { ledger, ..evaluated })
}

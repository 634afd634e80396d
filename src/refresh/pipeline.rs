//! Evaluates the data of an organisation, updates its ledger, and stores and publishes it; again when policy or baseline change.
//!
//! Blocking: evaluating and rendering take too long for an async worker. `in_force` and `reload` read the files of policy and
//! baseline; `ledger` decides which grants are new or removed.
//!
//! Before the first refresh, the organisation's id is not known, so saved data is used only for the same client id and API host.
//! The first refresh finds the ledger by the organisation's id. So if the exporter gets a new OAuth client, no old grant is new.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::fetch::Fetched;
use super::in_force::InForce;
use crate::audit;
use crate::domain::{Freshness, Snapshot, Timestamp};
use crate::exposition::Page;
use crate::genesys;
use crate::ledger::{Evaluation, Event, Ledger, Sighting, downtime, held_grants, widens};
use crate::publish::{Evaluated, Publisher};
use crate::store::{Saved, Store};

/// Changes the data of one organisation; nothing else does. Its worker and the reloader share it.
#[derive(Debug)]
pub struct Pipeline {
    /// The index of the organisation in the published data.
    index: usize,
    /// The label of the organisation.
    org: String,
    client_id: String,
    api_host: String,
    in_force: Arc<ArcSwap<InForce>>,
    publisher: Publisher,
    store: Arc<Store>,
    /// The last complete data. It is kept after it is withdrawn, because its grants are not new. Locked while data is evaluated.
    last: Mutex<Option<Last>>,
}

/// The last complete data.
#[derive(Debug)]
struct Last {
    evaluated: Arc<Evaluated>,
    /// When its ledger was advanced.
    at: Instant,
}

impl Last {
    fn new(evaluated: &Arc<Evaluated>) -> Self {
        Self { evaluated: Arc::clone(evaluated), at: Instant::now() }
    }
}

/// What happens to the published data.
enum Data {
    Keep,
    Withdraw,
    Replace(Arc<Evaluated>, Arc<Page>),
}

impl Pipeline {
    /// A pipeline for the organisation at this index in the published data.
    pub fn new(
        index: usize,
        platform: &genesys::Config,
        in_force: Arc<ArcSwap<InForce>>,
        publisher: Publisher,
        store: Arc<Store>,
    ) -> Self {
        let api_host = platform.api_url.host_str().unwrap_or_default().to_owned();
        let (org, client_id) = (platform.org.clone(), platform.client_id.clone());
        Self { index, org, client_id, api_host, in_force, publisher, store, last: Mutex::default() }
    }

    /// The last complete snapshot, even if it is withdrawn; `None` if there is none yet.
    pub fn last_snapshot(&self) -> Option<Arc<Snapshot>> {
        self.last().as_ref().map(|last| Arc::clone(&last.evaluated.snapshot))
    }

    /// Publishes the data of the state file with its true age, unless it is too old. Returns when it was taken, or `None` if there
    /// is none.
    pub fn restore(&self, now: Timestamp, stale_after: Duration) -> Option<Timestamp> {
        let saved = self.store.read_by(&self.client_id, &self.api_host)?;
        let taken_at = saved.snapshot.taken_at;
        let withdrawn = now.since(taken_at) >= stale_after;
        let mut last = self.last();
        let evaluated = self.evaluate(saved.snapshot, now);
        // The file does not say which policy was in force, so assume that it has not changed.
        let restored =
            advanced(evaluated, &saved.ledger, Event::PolicyChange { widens: false }, now, downtime(taken_at, now));
        *last = Some(Last::new(&restored));
        let page = self.publisher.render(&self.org, &restored);
        self.publish(|freshness| {
            // If the time is in the future, the age is unknown. Without it the metric is 0, and the alert on stale data fires.
            freshness.last_success = Some(taken_at).filter(|taken_at| *taken_at <= now);
            freshness.withdrawn = withdrawn;
            if withdrawn { Data::Keep } else { Data::Replace(restored, page) }
        });
        Some(taken_at)
    }

    /// Evaluates, stores and publishes complete data, and returns the result.
    pub fn accept(&self, fetched: Fetched, now: Timestamp, succeed: impl FnOnce(&mut Freshness)) -> Arc<Evaluated> {
        let mut last = self.last();
        let evaluated = self.evaluate(Arc::new(fetched.snapshot), now);
        let evaluated = Evaluated { calls: fetched.calls, ..evaluated };
        let accepted = self.remember(last.as_ref(), evaluated, now);
        *last = Some(Last::new(&accepted));
        // Store it first: a first-seen time that was scraped must survive a crash. Only a slow disk is not waited for.
        self.save(&accepted);
        let page = self.publisher.render(&self.org, &accepted);
        self.publish(|freshness| {
            succeed(freshness);
            Data::Replace(Arc::clone(&accepted), page)
        });
        accepted
    }

    /// Evaluates the last snapshot again after a change of policy or baseline, and publishes the result unless it is withdrawn.
    pub fn evaluate_again(&self, now: Timestamp) {
        let mut last = self.last();
        let Some(Last { evaluated: previous, at }) = last.as_ref() else { return };
        let evaluated = self.evaluate(Arc::clone(&previous.snapshot), now);
        let evaluated = Evaluated { calls: previous.calls.clone(), ..evaluated };
        let event = Event::PolicyChange { widens: widens(&previous.policy, &evaluated.policy) };
        let again = advanced(evaluated, &previous.ledger, event, now, at.elapsed());
        *last = Some(Last::new(&again));
        let page = self.publisher.render(&self.org, &again);
        self.publish(|freshness| if freshness.withdrawn { Data::Keep } else { Data::Replace(again, page) });
    }

    /// Publishes the outcome of a failed refresh. The data stays published, unless `withdraw` says that it is too old now.
    pub fn fail(&self, withdraw: bool, fail: impl FnOnce(&mut Freshness)) {
        self.publish(|freshness| {
            fail(freshness);
            freshness.withdrawn |= withdraw;
            if withdraw { Data::Withdraw } else { Data::Keep }
        });
    }

    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Evaluates a snapshot by the policy and the baseline in force. The result has an empty ledger.
    fn evaluate(&self, snapshot: Arc<Snapshot>, now: Timestamp) -> Evaluated {
        let in_force = self.in_force.load();
        in_force.warn_of_foreign_baseline(&snapshot.organisation.id);
        let policy = Arc::clone(&in_force.policy);
        let report = audit::evaluate(&snapshot, &policy, in_force.baseline.as_ref(), now);
        Evaluated { snapshot, report, policy, ledger: Arc::default(), calls: Vec::new() }
    }

    /// Adds the ledger to complete data: updates the ledger of the last data in this process or in the state file, or starts a new
    /// one.
    fn remember(&self, last: Option<&Last>, evaluated: Evaluated, now: Timestamp) -> Arc<Evaluated> {
        let organisation = &evaluated.snapshot.organisation.id;
        let same = last.filter(|last| last.evaluated.snapshot.organisation.id == *organisation);
        if let Some(Last { evaluated: last, at }) = same {
            let before = if Arc::ptr_eq(&last.policy, &evaluated.policy) {
                held_grants(&last.report)
            } else {
                // A reload changed the policy, but has not evaluated the last snapshot yet. What is new depends on the current
                // policy.
                held_grants(&self.evaluate(Arc::clone(&last.snapshot), now).report)
            };
            return advanced(evaluated, &last.ledger, Event::Refresh { before: &before }, now, at.elapsed());
        }
        // The first refresh of this process. The state may be from another client of the same organisation.
        match self.store.of(organisation) {
            Some(saved) => {
                let elapsed = downtime(saved.snapshot.taken_at, now);
                let before = held_grants(&self.evaluate(saved.snapshot, now).report);
                advanced(evaluated, &saved.ledger, Event::Refresh { before: &before }, now, elapsed)
            }
            None => advanced(evaluated, &Ledger::default(), Event::First, now, Duration::ZERO),
        }
    }

    fn save(&self, evaluated: &Evaluated) {
        self.store.save(Saved {
            client_id: self.client_id.clone(),
            api_host: self.api_host.clone(),
            snapshot: Arc::clone(&evaluated.snapshot),
            ledger: Arc::clone(&evaluated.ledger),
        });
    }

    /// Publishes a change in one swap. `change` updates the freshness and returns what happens to the data.
    fn publish(&self, change: impl FnOnce(&mut Freshness) -> Data) {
        self.publisher.update(|organisations, reload| {
            let Some(organisation) = organisations.get_mut(self.index) else { return };
            match change(&mut organisation.freshness) {
                Data::Keep => {}
                Data::Withdraw => organisation.withdraw(),
                Data::Replace(evaluated, page) => organisation.serve(evaluated, page),
            }
            // A baseline of another organisation is not used, so no approval would be required. Mark the reload as failed, so that
            // its alert reports this.
            let org = organisation.evaluated.as_ref().map(|evaluated| &evaluated.snapshot.organisation.id);
            if org.is_some_and(|org| self.in_force.load().has_foreign_baseline(org)) {
                reload.last_successful = false;
            }
        });
    }
}

/// The evaluation with the ledger as it is after this event. `elapsed` is the time since the last one.
fn advanced(
    evaluated: Evaluated,
    ledger: &Ledger,
    event: Event<'_>,
    now: Timestamp,
    elapsed: Duration,
) -> Arc<Evaluated> {
    let Evaluated { snapshot, report, policy, .. } = &evaluated;
    let sighting = Sighting::of(Evaluation { snapshot, policy, report }, ledger.entries().map(|(grant, _)| grant));
    let ledger = Arc::new(ledger.advance(&sighting, event, now, elapsed));
    Arc::new(Evaluated { ledger, ..evaluated })
}

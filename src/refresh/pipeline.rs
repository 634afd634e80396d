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
use crate::audit::{self, Earlier};
use crate::domain::{Freshness, OrgId, Snapshot, Timestamp};
use crate::exposition::Page;
use crate::genesys;
use crate::ledger::{Evaluation, Event, Ledger, Sighting, downtime, widens};
use crate::publish::{Evaluated, Publisher};
use crate::store::{Saved, Store};

/// Changes the data of one organisation; nothing else does. Its worker and the reloader share it.
#[derive(Debug)]
pub struct Pipeline {
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
    /// Its metrics.
    page: Arc<Page>,
    /// What it was evaluated by.
    in_force: Arc<InForce>,
    /// When its ledger was advanced.
    at: Instant,
    /// The first time at which an evaluation of the same data can differ.
    valid_until: Timestamp,
    /// Whether the refresh before had the same data and left the same ledger. Then another one would do so again.
    settled: bool,
}

impl Last {
    fn earlier(&self) -> Earlier<'_> {
        let Evaluated { snapshot, policy, report, .. } = &*self.evaluated;
        Earlier { snapshot, policy, baseline: self.in_force.baseline.as_deref(), report }
    }

    /// What a refresh gives that read the same data, if that is what the last two refreshes gave. Nothing needs to be evaluated or
    /// rendered.
    fn unchanged(&self, snapshot: &Snapshot, in_force: &Arc<InForce>, now: Timestamp) -> Option<Evaluated> {
        let Evaluated { report, policy, ledger, .. } = &*self.evaluated;
        let valid = report.evaluated_at <= now && now < self.valid_until && Arc::ptr_eq(&self.in_force, in_force);
        if !self.settled || !valid {
            return None;
        }
        let ledger = Arc::new(ledger.unchanged(self.at.elapsed())?);
        let (snapshot, report) = (Arc::new(snapshot.clone()), report.again_at(now));
        Some(Evaluated { snapshot, report, policy: Arc::clone(policy), ledger, calls: Vec::new() })
    }
}

/// What happens to the published data.
enum Data {
    Keep,
    Withdraw,
    Replace(Arc<Evaluated>, Arc<Page>),
}

impl Pipeline {
    /// A pipeline for an organisation that is published already, without data.
    pub fn new(
        platform: &genesys::Config,
        in_force: Arc<ArcSwap<InForce>>,
        publisher: Publisher,
        store: Arc<Store>,
    ) -> Self {
        let api_host = platform.api_url.host_str().unwrap_or_default().to_owned();
        let (org, client_id) = (platform.org.clone(), platform.client_id.clone());
        Self { org, client_id, api_host, in_force, publisher, store, last: Mutex::default() }
    }

    /// The last complete snapshot, even if it is withdrawn; `None` if there is none yet.
    pub fn last_snapshot(&self) -> Option<Arc<Snapshot>> {
        self.last().as_ref().map(|last| Arc::clone(&last.evaluated.snapshot))
    }

    /// The label under which the same organisation is served already. Its grants would be counted twice, so it stays the only one.
    pub fn watched_as(&self, id: &OrgId) -> Option<String> {
        self.publisher.other_label_of(id, &self.org)
    }

    /// Publishes the data of the state file with its true age, unless it is too old. Returns when it was taken, or `None` if there
    /// is none.
    pub fn restore(&self, now: Timestamp, stale_after: Duration) -> Option<Timestamp> {
        let saved = self.store.read_by(&self.client_id, &self.api_host)?;
        let taken_at = saved.snapshot.taken_at;
        let withdrawn = now.since(taken_at) >= stale_after;
        let mut last = self.last();
        let in_force = self.in_force.load_full();
        let evaluated = evaluate(None, saved.snapshot, &in_force, now);
        // The file does not say which policy was in force, so assume that it has not changed.
        let unchanged = Event::PolicyChange { widens: false };
        let restored = Arc::new(advanced(evaluated, &saved.ledger, unchanged, now, downtime(taken_at, now)));
        let page = self.kept(&mut last, &restored, in_force, false);
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
        let Fetched { snapshot, calls, .. } = fetched;
        let mut last = self.last();
        let in_force = self.in_force.load_full();
        let same = last.as_ref().is_some_and(|last| last.evaluated.snapshot.has_data_of(&snapshot));
        let unchanged = last.as_ref().filter(|_| same).and_then(|last| last.unchanged(&snapshot, &in_force, now));
        let (accepted, page) = if let (Some(unchanged), Some(last)) = (unchanged, last.as_mut()) {
            last.evaluated = Arc::new(Evaluated { calls, ..unchanged });
            last.at = Instant::now();
            (Arc::clone(&last.evaluated), Arc::clone(&last.page))
        } else {
            let earlier = last.as_ref().map(Last::earlier);
            let evaluated = Evaluated { calls, ..evaluate(earlier, Arc::new(snapshot), &in_force, now) };
            let mut accepted = self.remember(last.as_ref(), evaluated, &in_force, now);
            let same_ledger = |last: &&Last| last.evaluated.ledger.differs_only_in_time(&accepted.ledger);
            let settled = if let Some(last) = last.as_ref().filter(|_| same).filter(same_ledger) {
                let known = &last.evaluated.ledger;
                // The same ledger as before, so that it is in memory once.
                let ledger = Arc::new(known.after_time(accepted.ledger.time_since(known)));
                accepted.ledger = ledger;
                Arc::ptr_eq(&last.in_force, &in_force)
            } else {
                false
            };
            let accepted = Arc::new(accepted);
            let page = self.kept(&mut last, &accepted, in_force, settled);
            (accepted, page)
        };
        // Store it first: a first-seen time that was scraped must survive a crash. Only a slow disk is not waited for.
        self.save(&accepted);
        self.publish(|freshness| {
            succeed(freshness);
            freshness.refreshes.unchanged += u64::from(same);
            Data::Replace(Arc::clone(&accepted), page)
        });
        accepted
    }

    /// The policy and the baseline by which data is evaluated.
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.load_full()
    }

    /// Puts another policy and baseline in force: evaluates the last snapshot again, and publishes the result unless it is withdrawn.
    pub fn evaluate_by(&self, in_force: InForce, now: Timestamp) {
        self.in_force.store(Arc::new(in_force));
        let mut last = self.last();
        let Some(Last { evaluated: previous, at, .. }) = last.as_ref() else { return };
        let in_force = self.in_force.load_full();
        let evaluated = evaluate(None, Arc::clone(&previous.snapshot), &in_force, now);
        let evaluated = Evaluated { calls: previous.calls.clone(), ..evaluated };
        let event = Event::PolicyChange { widens: widens(&previous.policy, &evaluated.policy) };
        let again = Arc::new(advanced(evaluated, &previous.ledger, event, now, at.elapsed()));
        let page = self.kept(&mut last, &again, in_force, false);
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

    /// Keeps the last complete data, and renders it.
    fn kept(
        &self,
        last: &mut Option<Last>,
        evaluated: &Arc<Evaluated>,
        in_force: Arc<InForce>,
        settled: bool,
    ) -> Arc<Page> {
        let page = self.publisher.render(&self.org, evaluated);
        let valid_until = evaluated.report.valid_until();
        let (evaluated, at) = (Arc::clone(evaluated), Instant::now());
        *last = Some(Last { evaluated, page: Arc::clone(&page), in_force, at, valid_until, settled });
        page
    }

    /// Adds the ledger to complete data: updates the ledger of the last data in this process or in the state file, or starts a new
    /// one.
    fn remember(&self, last: Option<&Last>, evaluated: Evaluated, in_force: &InForce, now: Timestamp) -> Evaluated {
        let organisation = &evaluated.snapshot.organisation.id;
        let same = last.filter(|last| last.evaluated.snapshot.organisation.id == *organisation);
        if let Some(Last { evaluated: last, at, .. }) = same {
            let again;
            let before = if Arc::ptr_eq(&last.policy, &evaluated.policy) {
                &last.report
            } else {
                // A reload changed the policy, but has not evaluated the last snapshot yet. What is new depends on the current
                // policy.
                again = evaluate(None, Arc::clone(&last.snapshot), in_force, now).report;
                &again
            };
            return advanced(evaluated, &last.ledger, Event::Refresh { before }, now, at.elapsed());
        }
        // The first refresh of this process. The state may be from another client of the same organisation.
        match self.store.of(organisation) {
            Some(saved) => {
                let elapsed = downtime(saved.snapshot.taken_at, now);
                let before = evaluate(None, saved.snapshot, in_force, now).report;
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
            // It is not published any more if it was removed meanwhile.
            let Some(organisation) = organisations.iter_mut().find(|published| published.org == self.org) else {
                return;
            };
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

/// Evaluates a snapshot by the policy and the baseline in force. The result has an empty ledger.
fn evaluate(earlier: Option<Earlier<'_>>, snapshot: Arc<Snapshot>, in_force: &InForce, now: Timestamp) -> Evaluated {
    in_force.warn_of_foreign_baseline(&snapshot.organisation.id);
    let policy = Arc::clone(&in_force.policy);
    let report = audit::evaluate_after(earlier, &snapshot, &policy, in_force.baseline.as_deref(), now);
    Evaluated { snapshot, report, policy, ledger: Arc::default(), calls: Vec::new() }
}

/// The evaluation with the ledger as it is after this event. `elapsed` is the time since the last one.
fn advanced(evaluated: Evaluated, ledger: &Ledger, event: Event<'_>, now: Timestamp, elapsed: Duration) -> Evaluated {
    let Evaluated { snapshot, report, policy, .. } = &evaluated;
    let sighting = Sighting::of(Evaluation { snapshot, policy, report });
    let ledger = Arc::new(ledger.advance(&sighting, event, now, elapsed));
    Evaluated { ledger, ..evaluated }
}

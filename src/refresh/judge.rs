//! From a complete snapshot to what is published and kept, and again when policy or baseline change.
//!
//! Blocking: evaluating and rendering take time that an async worker does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::{Fetched, InForce};
use crate::audit::{self, DangerousGrant, Report, Status, is_by_role};
use crate::domain::{ClientId, Freshness, Power, RoleId, Snapshot, Timestamp};
use crate::grants::{Grant, GrantKind, Ledger, Sighting, Standing, Unread};
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
        let (report, policy) = self.evaluate(&saved.snapshot, now);
        let mut sighting = sighting(&saved.snapshot, &report, &saved.ledger, BTreeSet::new());
        // Nobody knows which policy was in force before: as though it were the same.
        sighting.unread = Unread::default();
        let ledger = saved.ledger.after_policy_change(sighting, now);
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
        let Fetched { snapshot, calls, unread, .. } = fetched;
        let snapshot = Arc::new(snapshot);
        let (report, policy) = self.evaluate(&snapshot, now);
        let ledger = match last.as_ref().filter(|last| last.snapshot.organisation.id == snapshot.organisation.id) {
            Some(last) => {
                let sighting = sighting(&snapshot, &report, &last.ledger, unread);
                let seen = if Arc::ptr_eq(&last.policy, &policy) {
                    seen(&last.ledger, &last.report, &report)
                } else {
                    // A reload came between, and has not judged the last snapshot yet: new is new under the policy in force.
                    seen(&last.ledger, &self.evaluate(&last.snapshot, now).0, &report)
                };
                last.ledger.after_refresh(Some(&seen), sighting, now)
            }
            None => self.ledger_of_file(&snapshot, &report, unread, now),
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
    fn ledger_of_file(
        &self,
        snapshot: &Snapshot,
        report: &Report,
        unread: BTreeSet<ClientId>,
        now: Timestamp,
    ) -> Ledger {
        let Some(saved) = self.store.of(&snapshot.organisation.id) else {
            let none = Ledger::default();
            return none.after_refresh(None, sighting(snapshot, report, &none, unread), now);
        };
        let (before, _) = self.evaluate(&saved.snapshot, now);
        let sighting = sighting(snapshot, report, &saved.ledger, unread);
        let seen = seen(&saved.ledger, &before, report);
        saved.ledger.after_refresh(Some(&seen), sighting, now)
    }

    /// Judges the last snapshot anew, after policy or baseline changed, and publishes at once where data is served.
    pub fn rejudge(&self, now: Timestamp) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(previous) = last.as_ref() else { return };
        let (report, policy) = self.evaluate(&previous.snapshot, now);
        let mut sighting = sighting(&previous.snapshot, &report, &previous.ledger, BTreeSet::new());
        if previous.report.permission_labels.is_superset(&report.permission_labels) {
            // No pattern is new, so that none can make an old grant new once the roles can be read again.
            sighting.unread = Unread::default();
        }
        let ledger = previous.ledger.after_policy_change(sighting, now);
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

    fn evaluate(&self, snapshot: &Snapshot, now: Timestamp) -> (Report, Arc<Policy>) {
        let in_force = self.in_force.load();
        in_force.warn_of_foreign_baseline(&snapshot.organisation.id);
        let policy = Arc::clone(&in_force.policy);
        (audit::evaluate(snapshot, &policy, in_force.baseline.as_ref(), now), policy)
    }

    /// One swap: `change` alters the freshness and gives new data, if there is any.
    fn publish(&self, change: impl FnOnce(&mut Freshness) -> Option<Option<Arc<Judged>>>) {
        self.publisher.update(|organisations, reload| {
            let Some(organisation) = organisations.get_mut(self.index) else { return };
            if let Some(judged) = change(&mut organisation.freshness) {
                organisation.judged = judged;
            }
            // Nobody is asked to approve anything then: the alert on a failed reload is the one that tells.
            let org = organisation.judged.as_ref().map(|judged| &judged.snapshot.organisation.id);
            if org.is_some_and(|org| self.in_force.load().has_foreign_baseline(org)) {
                reload.last_successful = false;
            }
        });
    }
}

/// What a snapshot tells of dangerous grants, judged by this report; `ledger` is what was known before.
fn sighting(snapshot: &Snapshot, report: &Report, ledger: &Ledger, unread: BTreeSet<ClientId>) -> Sighting {
    let mut held: BTreeMap<Grant, Standing> = BTreeMap::new();
    for granted in &report.grants {
        let standing = match granted.status {
            Status::Open if report.baseline.is_some() => Standing::Unapproved,
            Status::Exempt => Standing::Exempt,
            _ => Standing::Settled,
        };
        held.extend(grants(granted).map(|grant| (grant, standing)));
    }
    let untold = ledger.entries().map(|(grant, _)| grant).filter(|grant| is_untold(snapshot, report, grant));
    Sighting { held, untold: untold.cloned().collect(), unread: self::unread(snapshot, unread) }
}

/// Whether a snapshot says nothing of a grant that was known: without the client's record of any, and of a permission where
/// nobody can say what the role permits that the client still holds. A page must not resolve because nobody could look.
fn is_untold(snapshot: &Snapshot, report: &Report, grant: &Grant) -> bool {
    if snapshot.unread.contains(&grant.client) {
        return true;
    }
    if grant.kind != GrantKind::Permission || !report.permission_labels.contains(&grant.label) {
        return false;
    }
    let Some(client) = snapshot.client(&grant.client).filter(|client| client.grant_type.roles_count()) else {
        return false;
    };
    client.role_grants.iter().any(|held| is_unknown(snapshot, &held.role) && is_by_role(&grant.evidence, &held.role))
}

fn is_unknown(snapshot: &Snapshot, role: &RoleId) -> bool {
    snapshot.roles.read().is_none_or(|roles| !roles.contains_key(role))
}

/// What could not be read: these clients, and the roles that clients hold and of which nobody knows what they permit.
fn unread(snapshot: &Snapshot, clients: BTreeSet<ClientId>) -> Unread {
    let held = snapshot.clients.iter().filter(|client| client.grant_type.roles_count());
    let held = held.flat_map(|client| client.role_grants.iter().map(|grant| (&client.id, &grant.role)));
    let unknown = held.filter(|(_, role)| is_unknown(snapshot, role));
    Unread { clients, roles: unknown.map(|(client, role)| (client.clone(), role.clone())).collect() }
}

/// A dangerous grant under each label that tells of it.
fn grants(granted: &DangerousGrant) -> impl Iterator<Item = Grant> {
    granted.patterns.iter().map(|pattern| match &granted.power {
        Power::Scope(scope) => Grant::scope(&granted.client, scope),
        Power::Permission(_) => Grant::permission(&granted.client, &granted.evidence, pattern),
    })
}

/// What is not new: what the last snapshot held, and what roles permit that clients held at the first refresh ever and of
/// which nobody knew since what they permit.
fn seen(ledger: &Ledger, before: &Report, now: &Report) -> BTreeSet<Grant> {
    let unknown = &ledger.unread().roles;
    let was_untold = |granted: &&DangerousGrant| {
        granted.role.as_ref().is_some_and(|role| unknown.contains(&(granted.client.clone(), role.clone())))
    };
    before.grants.iter().chain(now.grants.iter().filter(was_untold)).flat_map(grants).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Input;
    use crate::fixtures::sample;
    use crate::fixtures::{not_read, role, role_grant};

    fn granted(client: &ClientId, power: Power, role: Option<&str>) -> DangerousGrant {
        let (evidence, patterns) = (power.name().to_owned(), vec![power.name().to_owned()]);
        let role = role.map(RoleId::new);
        DangerousGrant { client: client.clone(), power, role, evidence, status: Status::Open, patterns }
    }

    #[test]
    fn permissions_of_a_role_that_was_unknown_from_the_first_refresh_on_are_not_new() {
        let sample = sample::planted();
        let id = sample.snapshot.clients[0].id.clone();
        let mut now = sample.report.clone();
        let permission = |text: &str| Power::Permission(text.to_owned());
        now.grants = vec![
            granted(&id, permission("a:b:c"), Some("unknown")),
            granted(&id, permission("d:e:f"), Some("known")),
            granted(&ClientId::new("newcomer"), permission("a:b:c"), Some("unknown")),
            granted(&id, Power::Scope("a-new-scope".to_owned()), None),
        ];
        let unread = Unread { roles: [(id.clone(), RoleId::new("unknown"))].into(), ..Unread::default() };
        let seen = seen(&Ledger::from_entries([], unread), &sample.report, &now);
        let is_seen = now.grants.iter().map(|granted| grants(granted).all(|grant| seen.contains(&grant)));
        assert_eq!(is_seen.collect::<Vec<_>>(), [true, false, false, false]);
    }

    #[test]
    fn a_permission_is_untold_while_the_client_holds_a_role_that_nobody_knows() {
        let sample = sample::planted();
        let (mut snapshot, mut report) = (sample.snapshot.clone(), sample.report.clone());
        report.permission_labels = ["a:b:c".to_owned()].into();
        let client = snapshot.clients.iter_mut().find(|client| client.grant_type.roles_count()).expect("one");
        client.role_grants = [role_grant("r", None)].into();
        let id = client.id.clone();
        let grant = |label: &str, role: &str| Grant::permission(&id, &format!("a:b:c role={role} division=*"), label);
        let untold = |snapshot: &Snapshot| {
            [("a:b:c", "r"), ("a:b:c", "lost"), ("gone:from:policy", "r")]
                .map(|(label, role)| is_untold(snapshot, &report, &grant(label, role)))
        };
        snapshot.roles = Input::NotRead(not_read("403"));
        assert_eq!(untold(&snapshot), [true, false, false]);
        snapshot.roles = Input::Read(BTreeMap::new());
        assert_eq!(untold(&snapshot), [true, false, false], "a role that vanished from the list");
        let role = role("r").build();
        snapshot.roles = Input::Read(BTreeMap::from([(role.id.clone(), role)]));
        assert_eq!(untold(&snapshot), [false, false, false]);
    }
}

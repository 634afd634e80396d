//! The organisations that the process watches: they are added, changed and removed while it runs.
//!
//! What did not change goes on without a gap. `reload` reads what is configured and decides what changes.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, error, info, info_span};

use super::reload::{Start, Step, Watched, find, goes_on, is_same_client};
use super::tasks::Tasks;
use crate::config::OrganisationSettings;
use crate::domain::{Freshness, Timestamp};
use crate::genesys::{self, Platform};
use crate::liveness::{Latch, Liveness};
use crate::metric::Registry;
use crate::publish::{Publisher, ServedOrganisation};
use crate::refresh::{self, Pipeline, Worker};
use crate::store::{self, Store};

/// The longest time between the first refreshes of two organisations. All of them start within the interval.
const LONGEST_GAP: Duration = Duration::from_secs(1);

/// What all organisations share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) publisher: Publisher,
    pub(super) registry: Registry,
    pub(super) liveness: Liveness,
    pub(super) api: genesys::Metrics,
    pub(super) refresh: refresh::Metrics,
    pub(super) store: store::Metrics,
    /// Limits how many organisations are evaluated at the same time, because that takes processor time and memory.
    pub(super) evaluations: Arc<Semaphore>,
}

/// The organisations, in the order of the configuration.
#[derive(Debug)]
pub(super) struct Fleet {
    shared: Shared,
    members: Vec<Member>,
}

/// An organisation with what belongs to it.
struct Member {
    watched: Watched,
    store: Arc<Store>,
    /// Ends its refreshes.
    stop: CancellationToken,
    /// Cancelled once they have ended.
    ended: CancellationToken,
    /// Its worker, until it runs.
    waiting: Option<(Worker, Latch)>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("org", &self.org()).finish_non_exhaustive()
    }
}

impl Member {
    fn org(&self) -> &str {
        &self.watched.settings.platform.org
    }
}

/// The number of organisations that a reload changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: usize,
    pub(super) changed: usize,
    pub(super) removed: usize,
}

impl Fleet {
    /// No organisations yet.
    pub(super) const fn new(shared: Shared) -> Self {
        Self { shared, members: Vec::new() }
    }

    pub(super) const fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The organisations that are watched.
    pub(super) fn watched(&self) -> Vec<Watched> {
        self.members.iter().map(|member| member.watched.clone()).collect()
    }

    /// Prepares the change to these organisations, so that it cannot fail later: opens their state files, and sets up the calls of the
    /// platform. Blocking.
    pub(super) fn prepare(
        shared: &Shared,
        watched: &[Watched],
        organisations: Vec<OrganisationSettings>,
    ) -> anyhow::Result<Vec<Step>> {
        let step = |settings: OrganisationSettings| {
            let known = find(watched, &settings);
            if known.is_some_and(|known| goes_on(&known.settings, &settings)) {
                return Ok(Step { settings, start: None });
            }
            let watch = &settings.watch;
            let has_store = known.is_some_and(|known| known.settings.watch.state_file == watch.state_file);
            let open = || Store::open(watch.state_file.clone(), watch.inherited_state.clone(), &shared.store);
            let store = if has_store { None } else { Some(Arc::new(open()?)) };
            let platform = Platform::new(settings.platform.clone(), &shared.api)?;
            Ok(Step { settings, start: Some(Start { platform, store }) })
        };
        organisations.into_iter().map(step).collect()
    }

    /// Ends the refreshes that are not in these steps, or that start again, and waits for their end. Their `tasks` may end.
    pub(super) async fn end_changed(&self, steps: &[Step], tasks: &mut Tasks) {
        let going_on = steps.iter().filter(|step| step.start.is_none()).map(|step| step.settings.platform.org.as_str());
        let going_on: BTreeSet<&str> = going_on.collect();
        let ending: Vec<&Member> = self.members.iter().filter(|member| !going_on.contains(member.org())).collect();
        for member in &ending {
            let task = task_name(member.org());
            tasks.may_end(&task);
            // From now on, its end is not a failure, however long the rest of the reload takes.
            self.shared.liveness.forget(&task);
            member.stop.cancel();
        }
        for member in ending {
            member.ended.cancelled().await;
        }
    }

    /// Carries the steps out, after [`Self::end_changed`]. Workers that start wait for [`Self::start_waiting`]. Blocking.
    pub(super) fn apply(mut self, steps: Vec<Step>, now: Timestamp) -> (Self, Changes) {
        let mut changes = Changes::default();
        let mut old = std::mem::take(&mut self.members);
        let mut take =
            |org: &str| old.iter().position(|member| member.org() == org).map(|known| old.swap_remove(known));
        let steps: Vec<(Step, Option<Member>)> = steps
            .into_iter()
            .map(|step| {
                let known = take(&step.settings.platform.org);
                (step, known)
            })
            .collect();
        self.publish(&steps);
        for (Step { settings, start }, known) in steps {
            let member = match (start, known) {
                (None, Some(member)) => {
                    let is_other = *member.watched.pipeline.in_force() != settings.watch.in_force;
                    changes.changed += usize::from(is_other);
                    if is_other || lacks(&settings) {
                        settings.watch.in_force.log(&settings.platform.org, &settings.watch.files);
                    }
                    if is_other {
                        info!(org = settings.platform.org, "evaluated by a changed policy or baseline");
                        member.watched.pipeline.evaluate_by(settings.watch.in_force.clone(), now);
                    }
                    Member { watched: Watched { settings, ..member.watched }, ..member }
                }
                (Some(start), known) => {
                    changes.changed += usize::from(known.is_some());
                    changes.added += usize::from(known.is_none());
                    self.start(known, settings, start)
                }
                // An organisation goes on only if it was watched before.
                (None, None) => continue,
            };
            self.members.push(member);
        }
        changes.removed = old.len();
        store::close_all(old.iter().map(|member| &*member.store));
        for member in old {
            self.remove(member);
        }
        self.shared.store.nothing_to_keep(self.members.is_empty());
        let lacks_baseline = self.members.iter().any(|member| lacks(&member.watched.settings));
        self.shared.publisher.update(|_, reload| {
            reload.last_successful = !lacks_baseline;
            reload.last_success = now;
        });
        (self, changes)
    }

    fn remove(&self, member: Member) {
        let org = member.org().to_owned();
        info!(org, "no longer watched; its state file stays");
        drop(member);
        self.shared.registry.remove("org", &org);
    }

    /// Publishes the organisations of these steps in their order. What is published already stays, unless it is of another client.
    fn publish(&self, steps: &[(Step, Option<Member>)]) {
        self.shared.publisher.update(|published, _| {
            let mut before = std::mem::take(published);
            let is_awaited = before.is_empty();
            for (Step { settings, .. }, known) in steps {
                let stays = known.as_ref().is_some_and(|known| is_same_client(&known.watched.settings, settings));
                let new = ServedOrganisation { is_awaited, ..unknown(settings) };
                let known = before.iter().position(|known| known.org == new.org).filter(|_| stays);
                published.push(match known {
                    Some(known) => {
                        let mut known = before.swap_remove(known);
                        known.freshness.interval = new.freshness.interval;
                        known
                    }
                    None => new,
                });
            }
        });
    }

    /// A member whose worker waits to be started. It serves the data of its state file.
    fn start(&self, known: Option<Member>, settings: OrganisationSettings, start: Start) -> Member {
        let Start { platform, store } = start;
        let Shared { publisher, liveness, refresh, evaluations, .. } = &self.shared;
        let org = settings.platform.org.clone();
        let task = task_name(&org);
        let store = match (store, known) {
            (Some(store), known) => {
                if let Some(known) = known {
                    known.store.close();
                }
                store
            }
            (None, Some(known)) => known.store,
            // `prepare` opens a store unless there is one.
            (None, None) => Arc::new(Store::in_memory()),
        };
        let watch = &settings.watch;
        watch.in_force.log(&org, &watch.files);
        let in_force = Arc::new(ArcSwap::from_pointee(watch.in_force.clone()));
        let pipeline = Arc::new(Pipeline::new(&settings.platform, in_force, publisher.clone(), Arc::clone(&store)));
        let worker = Worker::new(
            platform,
            watch.refresh.clone(),
            Arc::clone(&pipeline),
            refresh.clone(),
            Arc::clone(evaluations),
            watch.words,
        );
        let latch = liveness.latch(&task);
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        Member { watched: Watched { settings, pipeline }, store, stop, ended, waiting: Some((worker, latch)) }
    }

    /// Starts the workers that wait, one after the other over the interval, so that not all organisations are read at the same time.
    pub(super) fn start_waiting(&mut self, tasks: &mut Tasks) {
        let waiting = self.members.iter().filter(|member| member.waiting.is_some()).count();
        let mut started = 0;
        for member in &mut self.members {
            let Some((worker, latch)) = member.waiting.take() else { continue };
            let org = member.watched.settings.platform.org.clone();
            let delay = delay(started, waiting, member.watched.settings.watch.refresh.interval);
            started += 1;
            let running = worker.run(latch, delay, member.stop.clone().cancelled_owned());
            let ended = member.ended.clone().drop_guard();
            let span = info_span!("refresh", org);
            let name = task_name(&org);
            let task = async move {
                running.await;
                drop(ended);
            };
            tasks.spawn(name, task.instrument(span));
        }
    }

    /// Ends all refreshes without waiting for them.
    pub(super) fn stop(&self) {
        for member in &self.members {
            member.stop.cancel();
        }
    }

    /// Writes what is not on disk yet. Waits for a limited time.
    pub(super) async fn close(self) {
        // A thread of its own: those of the runtime may all be blocked.
        let (closed, closing) = tokio::sync::oneshot::channel();
        let stores: Vec<Arc<Store>> = self.members.iter().map(|member| Arc::clone(&member.store)).collect();
        let thread = std::thread::Builder::new().name("state-close".to_owned()).spawn(move || {
            store::close_all(stores.iter().map(|store| &**store));
            closed.send(())
        });
        if let Err(failure) = thread {
            error!(%failure, "the last write of the state file is not waited for");
        }
        // An error means that the thread did not start or panicked.
        let _ = closing.await;
    }
}

/// Whether one of the organisations has no baseline although one is configured.
pub(super) fn lacks_baseline(organisations: &[OrganisationSettings]) -> bool {
    organisations.iter().any(lacks)
}

fn lacks(OrganisationSettings { watch, .. }: &OrganisationSettings) -> bool {
    watch.in_force.lacks_baseline(&watch.files)
}

fn task_name(org: &str) -> String {
    format!("refresh of {org}")
}

/// How long the first refresh of the organisation with this number waits, of so many that start.
fn delay(number: usize, of: usize, interval: Duration) -> Duration {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (interval / count(of).max(1)).min(LONGEST_GAP).saturating_mul(count(number))
}

/// The state of an organisation before its first refresh.
fn unknown(OrganisationSettings { platform, watch }: &OrganisationSettings) -> ServedOrganisation {
    let freshness = Freshness { interval: watch.refresh.interval, ..Freshness::default() };
    ServedOrganisation::new(platform.org.clone(), freshness)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refreshes_start_one_after_the_other_within_the_interval() {
        let seconds = Duration::from_secs;
        for (number, of, interval, expected) in [
            (0, 1, seconds(300), 0),
            (1, 2, seconds(300), 1_000),
            (9, 10, seconds(300), 9_000),
            (199, 200, seconds(60), 59_700),
            (2, 3, seconds(1), 666),
        ] {
            assert_eq!(delay(number, of, interval).as_millis(), expected, "{number} of {of}");
        }
    }
}

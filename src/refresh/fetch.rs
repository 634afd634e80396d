//! Fetches the data of one organisation: the result is complete, or a failure says what is missing.
//!
//! `pipeline` evaluates, publishes and stores the data. The registry of scopes is read first, because scopes are resolved while
//! clients are read. The registry of permissions is read last and only once an hour. If that fails, the refresh still succeeds: only
//! the rule `policy-pattern-unmatched` needs this registry.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;
use tracing::warn;

use super::complete::{Incomplete, Listing};
use super::config::Config;
use crate::domain::{ClientId, Collector, CollectorStatus, Input, InputGap, Organisation, Snapshot, Timestamp};
use crate::genesys::{ApiError, Identity, Listed, ListedClients, Platform, Scopes};

/// The largest number of vanished clients that are checked by id. If more vanished and all of the checked ones are removed, the
/// others count as removed too: if the list were cut off, some of so many would still exist.
const VANISHED_CHECKED: usize = 50;
/// The number of clients that are checked at the same time. The pacing limits them as well.
const VANISHED_CONCURRENCY: usize = 4;

/// A new table of scopes is begun if the last one has more names, because names that no client holds any more stay in it.
const MOST_SCOPES: usize = 10_000;

/// The outcome of one fetch.
#[derive(Debug)]
pub struct Attempt {
    /// The complete data, or why it is not complete.
    pub outcome: Result<Fetched, Failure>,
    /// The collectors that ran, successful or not, in the order of [`Collector::ALL`].
    pub collectors: Vec<CollectorStatus>,
}

/// The result of a complete fetch.
#[derive(Debug)]
pub struct Fetched {
    /// The data of the organisation.
    pub snapshot: Snapshot,
    /// The facts that show whether the list of clients is complete.
    pub listing: Listing,
    /// The number of requests that this fetch sent, including retries, by endpoint.
    pub calls: Vec<(String, u64)>,
    /// The number of client records that repeated an earlier record with the same content.
    pub duplicates: usize,
}

/// Why a refresh is not complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A call of the platform failed.
    #[error("{0}")]
    Api(#[from] ApiError),
    /// The list of clients is not complete.
    #[error("{0}")]
    Incomplete(#[from] Incomplete),
    /// An input that the last complete refresh read cannot be read now. Without it, grants would look removed.
    #[error(
        "{} could be read before but not now: {error}; if this does not end, the exporter continues without them once the last \
         complete data is older than --refresh.stale-after",
        collector.label()
    )]
    InputLost {
        /// The input.
        collector: Collector,
        /// Why it could not be read.
        error: ApiError,
    },
    /// A client is no longer in the list, and the check whether it still exists failed.
    #[error("the list lacks the client {client}, and the check whether it still exists failed: {error}")]
    Unchecked {
        /// The client.
        client: ClientId,
        /// Why the check failed.
        error: ApiError,
    },
    /// The list of an input is not complete.
    #[error(
        "the platform says that there are {total} {}, but sent {distinct}; if its number is permanently wrong, set \
         --refresh.trust-total=false",
        collector.label()
    )]
    InputIncomplete {
        /// The input.
        collector: Collector,
        /// The number that the platform reports.
        total: u64,
        /// The number of distinct ids in the list.
        distinct: usize,
    },
    /// The refresh exceeded its time limit.
    #[error("the refresh took longer than {} s{}{}", limit.as_secs(), during(*last_call), deadline_hint(*asked))]
    Deadline {
        /// The time limit.
        limit: Duration,
        /// How long the platform still asks to wait; `None` if it does not.
        asked: Option<Duration>,
        /// The endpoint that was called last.
        last_call: Option<&'static str>,
    },
}

/// Fetches an organisation within the deadline.
pub async fn fetch(platform: &Platform, config: &Config, previous: Previous<'_>, now: Timestamp) -> Attempt {
    platform.begin();
    let before = platform.calls();
    let mut fetch = Fetch { platform, config, previous, collectors: Vec::new() };
    // Boxed: the future is large, and every future that contains it would copy it.
    let outcome = tokio::time::timeout(config.deadline, Box::pin(fetch.run(now))).await;
    let mut outcome = outcome.unwrap_or_else(|_| {
        let last_call = platform.last_call();
        Err(Failure::Deadline { limit: config.deadline, asked: platform.asked_wait(), last_call })
    });
    if let Ok(fetched) = &mut outcome {
        let since =
            |(endpoint, count): (&'static str, u64)| (endpoint, count - before.get(endpoint).copied().unwrap_or(0));
        let calls = platform.calls().into_iter().map(since).filter(|(_, count)| *count > 0);
        fetched.calls = calls.map(|(endpoint, count)| (endpoint.to_owned(), count)).collect();
    }
    let mut collectors = fetch.collectors;
    collectors.sort_by_key(|status| status.collector);
    Attempt { outcome, collectors }
}

fn during(last_call: Option<&str>) -> String {
    last_call.map_or_else(String::new, |endpoint| format!(" (its last call was {endpoint})"))
}

fn deadline_hint(asked: Option<Duration>) -> String {
    match asked {
        Some(asked) => format!(": the platform asks to wait another {} s", asked.as_secs()),
        None => "; if the organisation is that large, raise --refresh.deadline".to_owned(),
    }
}

/// The last complete data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Previous<'a> {
    /// Its snapshot, which fills gaps in the new snapshot.
    pub snapshot: Option<&'a Snapshot>,
    /// Whether it is still served. Then the new data must not be worse: every input that was read must be read again, and every
    /// vanished client must really be removed. After the data is withdrawn, this is not required, so that an input that is lost
    /// permanently does not stop the audits.
    pub served: bool,
}

struct Fetch<'a> {
    platform: &'a Platform,
    config: &'a Config,
    previous: Previous<'a>,
    collectors: Vec<CollectorStatus>,
}

impl Fetch<'_> {
    async fn run(&mut self, now: Timestamp) -> Result<Fetched, Failure> {
        let platform = self.platform;
        let known = self.previous.snapshot.map(|previous| &previous.organisation.id);
        let identity = platform.identity(known).await?;
        // Ignore the data of another organisation.
        self.previous.snapshot = self.previous.snapshot.filter(|previous| previous.organisation.id == identity.org_id);

        let registry = self.input(Collector::Scopes, platform.scopes(), |last| last.registry.read().is_some()).await?;
        let none = Scopes::default();
        let (listed, listing) = self.clients(registry.read().unwrap_or(&none), &identity).await?;
        let roles = self.input(Collector::Roles, platform.roles(), |last| last.roles.read().is_some()).await?;
        let divisions =
            self.input(Collector::Divisions, platform.divisions(), |last| last.divisions.read().is_some()).await?;
        let permissions = self.permissions().await;

        let registry = match registry {
            Input::Read(scopes) => Input::Read(Arc::new(scopes.descriptions().clone())),
            Input::Gap(why) => Input::Gap(why),
        };
        let ListedClients { clients, scopes, duplicates, .. } = listed;
        let mut snapshot = Snapshot {
            organisation: Organisation {
                id: identity.org_id,
                name: identity.org_name,
                region: platform.config().region.clone(),
            },
            taken_at: now,
            own_client: Some(identity.own_client),
            clients,
            scopes,
            registry,
            roles,
            divisions,
            permissions,
        };
        if let Some(previous) = self.previous.snapshot {
            snapshot.fill_gaps(previous);
            snapshot.share_with(previous);
        }
        Ok(Fetched { snapshot, listing, calls: Vec::new(), duplicates })
    }

    /// Runs one collector and records its outcome and duration. If it fails, `supported` says whether the exporter's client may
    /// read the input at all.
    async fn collect<T, E>(
        &mut self,
        collector: Collector,
        read: impl Future<Output = Result<T, E>>,
        supported: impl FnOnce(&E) -> bool,
    ) -> Result<T, E> {
        // The deadline can cancel a collector, so it counts as failed until it has succeeded.
        let position = self.collectors.len();
        self.collectors.push(CollectorStatus { collector, success: false, supported: true, duration: Duration::ZERO });
        let started = Instant::now();
        let outcome = read.await;
        if let Some(status) = self.collectors.get_mut(position) {
            status.success = outcome.is_ok();
            status.supported = outcome.as_ref().err().is_none_or(supported);
            status.duration = started.elapsed();
        }
        outcome
    }

    async fn clients(&mut self, scopes: &Scopes, identity: &Identity) -> Result<(ListedClients, Listing), Failure> {
        let Self { platform, config, previous, .. } = *self;
        let table = previous.snapshot.map(|last| last.scopes.clone());
        let table = table.filter(|table| table.len() <= MOST_SCOPES).unwrap_or_default();
        let read = async {
            let listed = platform.clients(scopes, table).await?;
            let listing = Listing::of(&listed, &identity.own_client);
            listing.check(config.trust_total, config.require_self)?;
            if let Some(last) = previous.snapshot.filter(|_| previous.served) {
                check_vanished(platform, last, &listed).await?;
            }
            Ok((listed, listing))
        };
        self.collect(
            Collector::Clients,
            read,
            |failure| !matches!(failure, Failure::Api(error) if error.is_unsupported()),
        )
        .await
    }

    /// Reads an input other than the clients. If it cannot be read, the refresh fails if the last complete data has it; otherwise
    /// the input is a gap.
    async fn input<T>(
        &mut self,
        collector: Collector,
        read: impl Future<Output = Result<Listed<T>, ApiError>>,
        has: fn(&Snapshot) -> bool,
    ) -> Result<Input<T>, Failure> {
        let trust_total = self.config.trust_total;
        let read = async {
            let Listed { records, total, distinct } = read.await?;
            match total.filter(|total| trust_total && *total != distinct as u64) {
                Some(total) => Err(Failure::InputIncomplete { collector, total, distinct }),
                None => Ok(records),
            }
        };
        let supported = |failure: &Failure| !matches!(failure, Failure::Api(error) if error.is_unsupported());
        match self.collect(collector, read, supported).await {
            Ok(records) => Ok(Input::Read(records)),
            Err(Failure::Api(error)) => self.without(collector, error, has),
            Err(incomplete) => Err(incomplete),
        }
    }

    /// Handles an input that cannot be read: the refresh fails, or the input is a gap.
    fn without<T>(
        &self,
        collector: Collector,
        error: ApiError,
        has: fn(&Snapshot) -> bool,
    ) -> Result<Input<T>, Failure> {
        let Previous { snapshot, served } = self.previous;
        match error {
            // Other calls would fail for the same reason, or the platform asks for a pause. The input is not to blame.
            ApiError::Token(_)
            | ApiError::Unauthorized { .. }
            | ApiError::Address { .. }
            | ApiError::RateLimited { .. } => Err(error.into()),
            error if served && snapshot.is_some_and(has) => Err(Failure::InputLost { collector, error }),
            error if self.platform.asked_wait().is_some() => Err(error.into()),
            error => {
                warn!(collector = collector.label(), %error, "an input cannot be read; rules that need it are not evaluated");
                Ok(Input::Gap(error.to_gap()))
            }
        }
    }

    /// Reads the registry of permissions. Only the policy's patterns are compared with it, so the refresh goes on without it, and an
    /// earlier registry stays valid.
    async fn permissions(&mut self) -> Input<Arc<BTreeSet<String>>> {
        let Self { platform, config, previous, .. } = *self;
        let read = async {
            match tokio::time::timeout(config.deadline / 4, platform.permissions()).await {
                Ok(Ok(permissions)) => Ok(permissions),
                Ok(Err(error)) => Err((error.to_gap(), !error.is_unsupported())),
                Err(_) => {
                    let message = "the platform did not answer in time".to_owned();
                    Err((InputGap { missing_permission: None, message }, true))
                }
            }
        };
        match self.collect(Collector::Permissions, read, |(_, supported)| *supported).await {
            Ok(permissions) => Input::Read(permissions),
            Err((gap, _)) => {
                warn!(
                    collector = Collector::Permissions.label(),
                    error = gap.message,
                    "the registry of permissions cannot be read; an earlier one is used if there is one"
                );
                let known = previous.snapshot.and_then(|previous| previous.permissions.read().cloned());
                known.map_or(Input::Gap(gap), Input::Read)
            }
        }
    }
}

/// Checks that the clients that vanished since the last snapshot are really removed. If a client is removed and another added while
/// the pages are read, the list can omit a third client although its total is right.
async fn check_vanished(platform: &Platform, last: &Snapshot, listed: &ListedClients) -> Result<(), Failure> {
    let vanished: Vec<&ClientId> = last.clients.missing_in(&listed.clients).map(|client| &client.id).collect();
    // A missing page is a run of ids or is spread over all of them. Every n-th id finds it in both cases.
    let step = vanished.len().div_ceil(VANISHED_CHECKED).max(1);
    stream::iter(vanished.into_iter().step_by(step).cloned().collect::<Vec<_>>())
        .map(|client| async move {
            match platform.has_client(&client).await {
                Ok(false) => Ok(()),
                Ok(true) => Err(Failure::from(Incomplete::Vanished(client))),
                Err(error) => Err(Failure::Unchecked { client, error }),
            }
        })
        .buffer_unordered(VANISHED_CONCURRENCY)
        .try_collect::<()>()
        .await
}

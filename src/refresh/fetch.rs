//! One fetch of everything: complete, or a failure that says what was missing.
//!
//! Nothing is evaluated, published or stored here. The registry of scopes is read first, so that scopes are resolved while clients
//! are read. The registry of permissions is read last, once a day, and its failure fails nothing: only `policy-pattern-unmatched`
//! compares with it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;
use tracing::warn;

use super::complete::{Incomplete, Listing};
use super::config::Config;
use crate::domain::{ClientId, Collector, CollectorStatus, Input, InputGap, Organisation, Record, Snapshot, Timestamp};
use crate::genesys::{ApiError, Identity, Listed, ListedClients, Platform, Scopes};

/// As many clients that vanished from the list are asked for by id. If more vanished and all of these are gone, they are many
/// removals: a list that was cut off would show among so many.
const VANISHED_CHECKED: usize = 50;
/// As many of them are asked for at the same time; the pacing bounds them as well.
const VANISHED_CONCURRENCY: usize = 4;

/// The outcome of one fetch.
#[derive(Debug)]
pub struct Attempt {
    /// Everything, or why not.
    pub outcome: Result<Fetched, Failure>,
    /// The collectors that ran, complete or not, in the order of [`Collector::ALL`].
    pub collectors: Vec<CollectorStatus>,
}

/// Everything that a complete fetch read.
#[derive(Debug)]
pub struct Fetched {
    /// The organisation, complete.
    pub snapshot: Snapshot,
    /// What the list of clients says about its own completeness.
    pub listing: Listing,
    /// Requests that this fetch sent, by endpoint, retries included.
    pub calls: Vec<(String, u64)>,
    /// Records of clients that came more than once with the same content.
    pub duplicates: usize,
}

/// Why a refresh is not complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The platform could not be asked for the list, or for the organisation of the token.
    #[error("{0}")]
    Api(#[from] ApiError),
    /// The list of clients is not complete.
    #[error("{0}")]
    Incomplete(#[from] Incomplete),
    /// An input that the last complete refresh had cannot be read any more: without it grants would seem to vanish.
    #[error(
        "{} could be read before and cannot now: {error}; if that is permanent, the data without them is served once the \
         last complete data is older than --refresh.stale-after",
        collector.label()
    )]
    InputLost {
        /// Which input.
        collector: Collector,
        /// Why.
        error: ApiError,
    },
    /// A client vanished from the list, and whether it still exists could not be checked.
    #[error("the list lacks the client {client}, and whether it still exists could not be checked: {error}")]
    Unchecked {
        /// The client.
        client: ClientId,
        /// Why not.
        error: ApiError,
    },
    /// The list of an input is not complete.
    #[error("the platform says that there are {total} {} and sent {distinct}", collector.label())]
    InputIncomplete {
        /// Which input.
        collector: Collector,
        /// What the platform says.
        total: u64,
        /// Distinct ids in the list.
        distinct: usize,
    },
    /// The whole refresh took too long.
    #[error("the refresh took longer than {} s{}", limit.as_secs(), deadline_hint(*asked))]
    Deadline {
        /// The limit.
        limit: Duration,
        /// The rest of the wait that the platform asked for, if it did.
        asked: Option<Duration>,
    },
}

/// Fetches an organisation within the deadline.
pub async fn fetch(platform: &Platform, config: &Config, previous: Previous<'_>, now: Timestamp) -> Attempt {
    let before = platform.calls();
    let mut fetch = Fetch { platform, config, previous, collectors: Vec::new() };
    // Boxed, since a future of this size would be copied with every future around it.
    let outcome = tokio::time::timeout(config.deadline, Box::pin(fetch.run(now))).await;
    let mut outcome =
        outcome.unwrap_or_else(|_| Err(Failure::Deadline { limit: config.deadline, asked: platform.asked_wait() }));
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

fn deadline_hint(asked: Option<Duration>) -> String {
    match asked {
        Some(asked) => format!(": the platform asks for a pause of another {} s", asked.as_secs()),
        None => "; raise --refresh.deadline if the organisation is that large".to_owned(),
    }
}

/// The last complete data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Previous<'a> {
    /// Its snapshot. Gaps in the new one are filled from it.
    pub snapshot: Option<&'a Snapshot>,
    /// Whether it is served. Then the new data must not be worse: an input that it has must be read again, and a client that
    /// vanished must be gone. Data that was withdrawn demands nothing any more, so that a permanent loss does not end the audits.
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
        let identity = platform.identity().await?.clone();
        // Another organisation's data says nothing about this one.
        self.previous.snapshot = self.previous.snapshot.filter(|previous| previous.organisation.id == identity.org_id);

        let registry = self.input(Collector::Scopes, platform.scopes(), |last| last.registry.read().is_some()).await?;
        let none = Scopes::default();
        let (listed, listing) = self.clients(registry.read().unwrap_or(&none), &identity).await?;
        let roles = self.input(Collector::Roles, platform.roles(), |last| last.roles.read().is_some()).await?;
        let divisions =
            self.input(Collector::Divisions, platform.divisions(), |last| last.divisions.read().is_some()).await?;
        let permissions = self.permissions().await;

        let registry = match registry {
            Input::Read(scopes) => Input::Read(scopes.descriptions().clone()),
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
            clients: clients.into_iter().collect(),
            scopes,
            registry,
            roles,
            divisions,
            permissions,
        };
        if let Some(previous) = self.previous.snapshot {
            snapshot.fill_gaps(previous);
        }
        Ok(Fetched { snapshot, listing, calls: Vec::new(), duplicates })
    }

    /// Runs one collector, and notes its outcome and duration. `supported` says whether an error leaves it supported.
    async fn collect<T, E>(
        &mut self,
        collector: Collector,
        read: impl Future<Output = Result<T, E>>,
        supported: impl FnOnce(&E) -> bool,
    ) -> Result<T, E> {
        // Until it has ended well, a collector has failed: the deadline can cut it.
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
        let read = async {
            let listed = platform.clients(scopes).await?;
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
            |failure| !matches!(failure, Failure::Api(error) if error.is_forbidden()),
        )
        .await
    }

    /// An input beside the clients. If it cannot be read, that is a failure if the last complete data has it, and a gap otherwise.
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
        let supported =
            |failure: &Failure| !matches!(failure, Failure::Api(error) if error.is_forbidden() || error.is_not_found());
        match self.collect(collector, read, supported).await {
            Ok(records) => Ok(Input::Read(records)),
            Err(Failure::Api(error)) => self.without(collector, error, has),
            Err(incomplete) => Err(incomplete),
        }
    }

    /// What follows from an input that cannot be read.
    fn without<T>(
        &self,
        collector: Collector,
        error: ApiError,
        has: fn(&Snapshot) -> bool,
    ) -> Result<Input<T>, Failure> {
        let Previous { snapshot, served } = self.previous;
        match error {
            error if served && snapshot.is_some_and(has) => Err(Failure::InputLost { collector, error }),
            // The list of clients would fail for the same reason, or the platform asked for a pause.
            ApiError::Token(_) | ApiError::Unauthorized { .. } | ApiError::RateLimited { .. } => Err(error.into()),
            error if self.platform.asked_wait().is_some() => Err(error.into()),
            error => {
                warn!(collector = collector.label(), %error, "an input cannot be read; rules that need it are not evaluated");
                let missing_permission = error.missing_permission().map(str::to_owned);
                Ok(Input::Gap(InputGap { missing_permission, message: error.to_string() }))
            }
        }
    }

    /// The registry of permissions. Only the policy's patterns are compared with it, so that no failure matters to the refresh, and
    /// what was read before stays valid.
    async fn permissions(&mut self) -> Input<BTreeSet<String>> {
        let Self { platform, config, previous, .. } = *self;
        let read = async {
            match tokio::time::timeout(config.deadline / 4, platform.permissions()).await {
                Ok(Ok(permissions)) => Ok(permissions),
                Ok(Err(error)) => Err(InputGap {
                    missing_permission: error.missing_permission().map(str::to_owned),
                    message: error.to_string(),
                }),
                Err(_) => Err(InputGap { missing_permission: None, message: "the platform took too long".to_owned() }),
            }
        };
        match self.collect(Collector::Permissions, read, |gap| gap.missing_permission.is_none()).await {
            Ok(permissions) => Input::Read(permissions),
            Err(gap) => {
                warn!(
                    collector = Collector::Permissions.label(),
                    error = gap.message,
                    "the registry of permissions cannot be read"
                );
                let known = previous.snapshot.and_then(|previous| previous.permissions.read().cloned());
                known.map_or(Input::Gap(gap), Input::Read)
            }
        }
    }
}

/// Asks for the clients that vanished since the last snapshot, before the list is trusted: if a client is removed and another
/// added between two pages, a third slips through, and the number of clients is right all the same.
async fn check_vanished(platform: &Platform, last: &Snapshot, listed: &ListedClients) -> Result<(), Failure> {
    let is_listed = |id: &ClientId| listed.clients.binary_search_by(|client| client.id().cmp(id)).is_ok();
    let vanished = last.clients.iter().map(|client| &client.id).filter(|id| !is_listed(id)).take(VANISHED_CHECKED);
    stream::iter(vanished.cloned().collect::<Vec<_>>())
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

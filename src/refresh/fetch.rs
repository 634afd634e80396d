//! One fetch of everything: complete, or a failure that says what was missing.
//!
//! Nothing is judged, published or kept here.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::complete::{Incomplete, Listing};
use crate::domain::{
    Client, ClientId, Collector, CollectorStatus, Input, NotRead, Organisation, RoleId, ScopeTable, Snapshot, Timestamp,
};
use crate::genesys::{ApiError, Identity, Listed, ListedClients, Platform, Scopes};

/// Everything that a refresh learned.
#[derive(Debug)]
pub struct Fetched {
    /// The organisation, complete.
    pub snapshot: Snapshot,
    /// How whole the list of clients looked.
    pub listing: Listing,
    /// Requests that this refresh sent, by endpoint, retries included.
    pub calls: Vec<(String, u64)>,
    /// Records of clients that came more than once with the same content.
    pub duplicates: usize,
    /// Clients whose record could not be read.
    pub rejected: usize,
    /// Those of them of which nothing was known before.
    pub unread: BTreeSet<ClientId>,
}

/// Why a refresh is not complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The platform could not be asked for the list, or for who we are.
    #[error("{0}")]
    Api(#[from] ApiError),
    /// The list is not the whole list.
    #[error("{0}")]
    Incomplete(#[from] Incomplete),
    /// An input that the last complete refresh had cannot be read any more: without it grants would seem to vanish.
    #[error(
        "{} could be read before and cannot now: {error}; if that is for good, the data without them is served once the \
         last is older than --refresh.stale-after",
        collector.label()
    )]
    InputLost {
        /// Which input.
        collector: Collector,
        /// Why.
        error: ApiError,
    },
    /// An input came in part.
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
        /// How long the platform still wants to be left alone, if it asked for that.
        asked: Option<Duration>,
    },
}

/// Fetches an organisation within the deadline. `statuses` tells of each collector that ran, complete or not.
///
/// `previous` is the last complete snapshot, from which records that cannot be read keep what was known of them.
pub async fn fetch(
    platform: &Platform,
    config: &super::Config,
    previous: Previous<'_>,
    now: Timestamp,
    statuses: &mut Vec<CollectorStatus>,
) -> Result<Fetched, Failure> {
    let before = platform.calls();
    let Previous { snapshot: previous, served } = previous;
    let fetch = Fetch { platform, config, previous, served, statuses }.run(now);
    let outcome = tokio::time::timeout(config.deadline, fetch).await;
    let mut fetched =
        outcome.unwrap_or_else(|_| Err(Failure::Deadline { limit: config.deadline, asked: platform.asked_wait() }))?;
    let since = |(endpoint, count): (&'static str, u64)| (endpoint, count - before.get(endpoint).copied().unwrap_or(0));
    let calls = platform.calls().into_iter().map(since).filter(|(_, count)| *count > 0);
    fetched.calls = calls.map(|(endpoint, count)| (endpoint.to_owned(), count)).collect();
    Ok(fetched)
}

fn deadline_hint(asked: Option<Duration>) -> String {
    match asked {
        Some(asked) => format!(": the platform asks to be left alone for another {} s", asked.as_secs()),
        None => "; raise --refresh.deadline if the organisation is that large".to_owned(),
    }
}

/// What the last complete refresh left.
#[derive(Debug, Clone, Copy, Default)]
pub struct Previous<'a> {
    /// Its snapshot.
    pub snapshot: Option<&'a Snapshot>,
    /// Whether the data is served: then an input that it has must be read again. Data that was withdrawn demands nothing
    /// any more, since an input that is lost for good must not end the audits for good.
    pub served: bool,
}

struct Fetch<'a> {
    platform: &'a Platform,
    config: &'a super::Config,
    previous: Option<&'a Snapshot>,
    served: bool,
    statuses: &'a mut Vec<CollectorStatus>,
}

impl Fetch<'_> {
    async fn run(mut self, now: Timestamp) -> Result<Fetched, Failure> {
        let identity = self.platform.identity().await?.clone();
        // Another organisation's inputs say nothing of this one.
        self.previous = self.previous.filter(|previous| previous.organisation.id == identity.org_id);

        // The registry comes first, so that the scopes of clients are resolved while they are read.
        let registry = self.input(Collector::Scopes, self.platform.scopes(), has_registry).await?;
        let none = Scopes::default();
        let (listed, listing) = self.clients(registry.read().unwrap_or(&none), &identity).await?;
        let (platform, previous) = (self.platform, self.previous);
        let mut unread_roles = BTreeSet::new();
        let read_roles = async {
            let mut listed = platform.roles().await?;
            // A role that cannot be read is still there, and must not look as though it permitted nothing any more.
            let known = previous.and_then(|previous| previous.roles.read());
            let last_known = listed.rejected.iter().filter_map(|id| known?.get(&RoleId::new(id.as_str())));
            listed.records.extend(last_known.map(|role| (role.id.clone(), role.clone())));
            let rejected = listed.rejected.iter().map(|id| RoleId::new(id.as_str()));
            unread_roles.extend(rejected.filter(|id| !listed.records.contains_key(id)));
            Ok(listed)
        };
        let roles = self.input(Collector::Roles, read_roles, has_roles).await?;
        let divisions = self.input(Collector::Divisions, self.platform.divisions(), has_divisions).await?;
        let permissions = self.permissions().await;
        self.statuses.sort_by_key(|status| status.collector);

        let registry = match registry {
            Input::Read(scopes) => Input::Read(scopes.descriptions().clone()),
            Input::NotRead(why) => Input::NotRead(why),
        };
        let (duplicates, rejected) = (listed.duplicates, listed.rejected.len());
        let is_unread = |id: &&ClientId| self.previous.is_none_or(|previous| previous.client(id).is_none());
        let unread = listed.rejected.iter().filter(is_unread).cloned().collect();
        let rejected_ids = listed.rejected.clone();
        let (clients, scopes) = with_last_known(listed, self.previous);
        let is_missing = |id: &ClientId| clients.binary_search_by(|client| client.id.cmp(id)).is_err();
        let missing = rejected_ids.into_iter().filter(is_missing).collect();
        let organisation = Organisation {
            id: identity.org_id,
            name: identity.org_name,
            region: self.platform.config().region.clone(),
        };
        let own_client = Some(identity.own_client);
        let snapshot = Snapshot {
            organisation,
            taken_at: now,
            own_client,
            clients,
            unread: missing,
            scopes,
            registry,
            roles,
            unread_roles,
            divisions,
            permissions,
        };
        Ok(Fetched { snapshot, listing, calls: Vec::new(), duplicates, rejected, unread })
    }

    async fn clients(&mut self, scopes: &Scopes, identity: &Identity) -> Result<(ListedClients, Listing), Failure> {
        let started = self.begin(Collector::Clients);
        let outcome = self.platform.clients(scopes).await;
        let supported = !outcome.as_ref().is_err_and(ApiError::is_forbidden);
        let outcome = outcome.map_err(Failure::from).and_then(|listed| {
            let listing = Listing::of(&listed, &identity.own_client);
            listing.check(self.config.trust_total, self.config.require_self)?;
            Ok((listed, listing))
        });
        self.status(Collector::Clients, outcome.is_ok(), supported, started);
        outcome
    }

    /// An input beside the clients: soft where it never could be read, a failure where it could.
    async fn input<T>(
        &mut self,
        collector: Collector,
        read: impl Future<Output = Result<Listed<T>, ApiError>>,
        had: fn(&Snapshot) -> bool,
    ) -> Result<Input<T>, Failure> {
        let started = self.begin(collector);
        let outcome = read.await;
        let supported = !outcome.as_ref().is_err_and(|error| error.is_forbidden() || error.is_not_found());
        let whole = outcome.as_ref().is_ok_and(|listed| self.is_whole(listed));
        self.status(collector, whole, supported, started);
        let required = self.served && self.previous.is_some_and(had);
        match outcome {
            Ok(listed) if whole => Ok(Input::Read(listed.records)),
            Ok(listed) => {
                let (total, distinct) = (listed.total.unwrap_or_default(), listed.distinct);
                Err(Failure::InputIncomplete { collector, total, distinct })
            }
            Err(error) if required => Err(Failure::InputLost { collector, error }),
            // These would meet the list of clients just the same, or the platform asked to be left alone.
            Err(error @ (ApiError::Token(_) | ApiError::Unauthorized { .. } | ApiError::RateLimited { .. })) => {
                Err(error.into())
            }
            Err(error) if self.platform.asked_wait().is_some() => Err(error.into()),
            Err(error) => {
                warn!(collector = collector.label(), %error, "an input cannot be read; what depends on it is not evaluated");
                let missing_permission = error.missing_permission().map(str::to_owned);
                Ok(Input::NotRead(NotRead { missing_permission, message: error.to_string() }))
            }
        }
    }

    /// The registry of permissions: only the policy's patterns are compared with it, so that no failure matters to the
    /// refresh. What was read before stays good.
    async fn permissions(&mut self) -> Input<BTreeSet<String>> {
        let started = Instant::now();
        let read = tokio::time::timeout(self.config.deadline / 4, self.platform.permissions()).await;
        let why = match read {
            Ok(Ok(permissions)) => {
                self.status(Collector::Permissions, true, true, started);
                return Input::Read(permissions);
            }
            Ok(Err(error)) => NotRead {
                missing_permission: error.missing_permission().map(str::to_owned),
                message: error.to_string(),
            },
            Err(_) => NotRead { missing_permission: None, message: "the platform took too long".to_owned() },
        };
        self.status(Collector::Permissions, false, why.missing_permission.is_none(), started);
        warn!(
            collector = Collector::Permissions.label(),
            error = why.message,
            "the registry of permissions cannot be read"
        );
        let known = self.previous.and_then(|previous| previous.permissions.read().cloned());
        known.map_or(Input::NotRead(why), Input::Read)
    }

    fn is_whole<T>(&self, listed: &Listed<T>) -> bool {
        !self.config.trust_total || listed.total.is_none_or(|total| total == listed.distinct as u64)
    }

    /// Until it has ended well, a collector has failed: the deadline can cut it.
    fn begin(&mut self, collector: Collector) -> Instant {
        self.statuses.push(CollectorStatus { collector, success: false, supported: true, duration: Duration::ZERO });
        Instant::now()
    }

    fn status(&mut self, collector: Collector, success: bool, supported: bool, started: Instant) {
        self.statuses.pop();
        self.statuses.push(CollectorStatus { collector, success, supported, duration: started.elapsed() });
    }
}

fn has_registry(snapshot: &Snapshot) -> bool {
    snapshot.registry.read().is_some()
}

fn has_roles(snapshot: &Snapshot) -> bool {
    snapshot.roles.read().is_some()
}

fn has_divisions(snapshot: &Snapshot) -> bool {
    snapshot.divisions.read().is_some()
}

/// The clients of the list, and for each whose record cannot be read what was last known of it: it is still there, and
/// must not look as though it had lost its grants. A record that came in part tells nothing of the rest, and is left out.
fn with_last_known(listed: ListedClients, previous: Option<&Snapshot>) -> (Vec<Client>, ScopeTable) {
    let ListedClients { mut clients, mut scopes, rejected, .. } = listed;
    let known = |id: &ClientId| previous.and_then(|previous| Some((previous.client(id)?, &previous.scopes)));
    let known: Vec<_> = rejected.iter().filter_map(known).collect();
    let rejected: BTreeSet<&ClientId> = rejected.iter().collect();
    clients.retain(|listed| !rejected.contains(&listed.id));
    for (client, names) in known {
        let mut held: Vec<_> = client.scopes.iter().map(|scope| scopes.intern(names.name(*scope))).collect();
        held.sort_unstable();
        clients.push(Client { scopes: held.into(), ..client.clone() });
    }
    clients.sort_by(|a, b| a.id.cmp(&b.id));
    (clients, scopes)
}

//! The calls of the platform API that an audit needs, one method for each.
//!
//! It authorises, reads all pages, and turns statuses into [`ApiError`]. `refresh` decides whether the data is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{info, warn};

use super::answer::{malformed, parse};
use super::api::Api;
use super::assembly::{ClientAssembly, KnownClients, ListedClients};
use super::config::Config;
use super::convert::{self, Listed, ScopeRegistry};
use super::endpoint::Endpoint;
use super::error::{ApiError, SetupError};
use super::fields::Fields;
use super::known::Last;
use super::listing::{LastList, Progress, list, pages, report_partial};
use super::metrics::Metrics;
use super::redact::printable;
use super::wire;
use crate::domain::{ClientId, Collector, Division, DivisionId, OrgId, Records, Role, ScopeTable};

/// The number of clients that are fetched by id at the same time. The pacing limits them as well.
const DETAIL_CONCURRENCY: usize = 4;

/// The platform API of one organisation.
#[derive(Debug)]
pub struct Platform {
    api: Api,
    /// An organisation that the last identity named, although the known data belongs to another.
    claimed: std::sync::Mutex<Option<OrgId>>,
    permissions: Mutex<Option<RegistryRead>>,
    last: LastListings,
}

/// The records of the last listings, so that a record that did not change is not parsed again.
#[derive(Debug, Default)]
struct LastListings {
    clients: Last<KnownClients>,
    scopes: LastList<wire::RegisteredScope>,
    roles: LastList<Role>,
    divisions: LastList<Division>,
}

/// The time at which the registry of permissions may be read again, and the result of the last read.
type RegistryRead = (Instant, Result<Arc<BTreeSet<String>>, ApiError>);

/// How long the registry of permissions, or the failure to read it, is kept. It changes only with releases of the platform, but a
/// wrong answer must not last.
const PERMISSIONS_KEPT: Duration = Duration::from_hours(1);

/// The organisation and the client that the token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The organisation's id.
    pub org_id: OrgId,
    /// The organisation's name.
    pub org_name: String,
    /// The exporter's own client: the id from the platform, or the configured id if the platform does not return one.
    pub own_client: ClientId,
}

/// The platform's registry of scopes.
#[derive(Debug, Clone, Default)]
pub struct Scopes(Arc<ScopeRegistry>);

impl Scopes {
    /// The description of each scope, by its readable id.
    pub fn descriptions(&self) -> &BTreeMap<String, String> {
        &self.0.descriptions
    }
}

impl Platform {
    /// A client of the organisation's API. Fails if TLS cannot be set up.
    pub fn new(config: Config, metrics: &Metrics) -> Result<Self, SetupError> {
        let of_organisation = metrics.of(&config.org);
        let api = Api::new(Arc::new(config), of_organisation)?;
        Ok(Self {
            api,
            claimed: std::sync::Mutex::default(),
            permissions: Mutex::default(),
            last: LastListings::default(),
        })
    }

    /// The settings of this client.
    pub fn config(&self) -> &Config {
        &self.api.config
    }

    /// The number of requests sent since the start, including retries, by endpoint.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.api.transport.calls()
    }

    /// How long the platform still asks not to be called: the rest of its last `Retry-After`, at most an hour. `None` if it does not.
    pub fn asked_wait(&self) -> Option<Duration> {
        self.api.transport.asked_wait()
    }

    /// How far the platform's clock was ahead of the local clock in its last answer with a date, in seconds; negative if it was
    /// behind.
    pub fn clock_skew_seconds(&self) -> Option<i64> {
        self.api.transport.skew_seconds()
    }

    /// Obtains a token, unless a usable one is cached.
    pub async fn authorise(&self) -> Result<(), ApiError> {
        self.api.authorise().await
    }

    /// Starts a refresh: a wait that was asked for earlier no longer counts.
    pub fn begin(&self) {
        self.api.transport.forget_asked_wait();
    }

    /// Forgets what the platform said: the token, the connections and the registry of permissions. For use after failures, of which
    /// any of these could be the cause.
    pub async fn forget(&self) {
        self.api.forget().await;
        *self.permissions.lock().await = None;
    }

    /// The label of the endpoint that was called last; `None` if there was no call yet.
    pub fn last_call(&self) -> Option<&'static str> {
        self.api.transport.last_call().map(Endpoint::label)
    }

    /// The organisation and the client of the token. The platform is asked each time, so that a new name shows and a wrong answer
    /// does not last.
    ///
    /// `known` is the organisation that the data so far belongs to. A client never changes its organisation, so one answer that names
    /// another is refused, and the token is fetched again. If the next answer names the same other organisation, it is believed.
    pub async fn identity(&self, known: Option<&OrgId>) -> Result<Identity, ApiError> {
        let identity = self.fetch_identity().await?;
        let Some(known) = self.contradicted(known, &identity.org_id) else { return Ok(identity) };
        self.api.forget().await;
        Err(ApiError::OtherOrganisation {
            known: printable(known.as_str()),
            named: printable(identity.org_id.as_str()),
        })
    }

    /// The known organisation, if an answer that names this one must not be believed yet.
    fn contradicted<'a>(&self, known: Option<&'a OrgId>, named: &OrgId) -> Option<&'a OrgId> {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        let before = claimed.take();
        let known = known.filter(|known| *known != named)?;
        if before.as_ref() == Some(named) {
            warn!(%known, organisation = %named, "the platform says again that the client belongs to another organisation");
            return None;
        }
        *claimed = Some(named.clone());
        Some(known)
    }

    async fn fetch_identity(&self) -> Result<Identity, ApiError> {
        let asked = self.api.object::<wire::TokenInfo>(Endpoint::TokensMe, "api/v2/tokens/me").await;
        let (organisation, own_client, refusal) = match asked {
            Ok(info) => (info.organization, info.oauth_client.and_then(|client| client.id), None),
            Err(error) if error.is_refused() => (None, None, Some(error)),
            Err(error) => return Err(error),
        };
        let organisation = match organisation {
            Some(organisation) if organisation.id.is_some() && organisation.name.is_some() => organisation,
            _ => self.api.object(Endpoint::OrganizationsMe, "api/v2/organizations/me").await.map_err(|error| {
                match refusal {
                    Some(token) if error.is_refused() => {
                        ApiError::NoIdentity { token: Box::new(token), organisation: Box::new(error) }
                    }
                    _ => error,
                }
            })?,
        };
        let Some(id) = organisation.id.filter(|id| !id.is_empty()) else {
            return Err(malformed(Endpoint::OrganizationsMe, "the organisation has no id".to_owned(), None));
        };
        Ok(Identity {
            org_id: OrgId::new(id),
            org_name: organisation.name.unwrap_or_default(),
            own_client: ClientId::new(own_client.unwrap_or_else(|| self.api.config.client_id.clone())),
        })
    }

    /// Reads the registry of scopes.
    pub async fn scopes(&self) -> Result<Listed<Scopes>, ApiError> {
        let read = |record: &Fields<'_>| wire::RegisteredScope::read(record).map(|scope| (scope.id.clone(), scope));
        let listed = list(&self.api, Endpoint::Scopes, "api/v2/oauth/scopes", &self.last.scopes, read).await?;
        let mut registry = ScopeRegistry::default();
        for scope in listed.records {
            registry.insert(&scope);
        }
        Ok(Listed { records: Scopes(Arc::new(registry)), total: listed.total, distinct: listed.distinct })
    }

    /// Reads every role with its permissions. The pages have 100 roles: no larger size is documented, and the default is 25.
    pub async fn roles(&self) -> Result<Listed<Records<Role>>, ApiError> {
        let path = "api/v2/authorization/roles?pageSize=100&pageNumber=1&userCount=false";
        let read = |record: &Fields<'_>| {
            let role = convert::role(wire::Role::read(record)?);
            Some((role.id.to_string(), role))
        };
        let listed = list(&self.api, Endpoint::Roles, path, &self.last.roles, read).await?;
        if listed.distinct == 0 {
            // Every organisation has the platform's default roles, so an empty list is wrong.
            let message = "the list is empty, but every organisation has roles".to_owned();
            return Err(malformed(Endpoint::Roles, message, None));
        }
        report_partial(&self.api, Collector::Roles, listed.records.iter().map(|role| &**role));
        let Listed { records, total, distinct } = listed;
        Ok(Listed { records: records.into_iter().collect(), total, distinct })
    }

    /// Reads every division.
    pub async fn divisions(&self) -> Result<Listed<Arc<BTreeMap<DivisionId, Division>>>, ApiError> {
        let path = "api/v2/authorization/divisions?pageSize=100&pageNumber=1&objectCount=false";
        let read = |record: &Fields<'_>| {
            let division = convert::division(wire::Division::read(record)?);
            Some((division.id.to_string(), division))
        };
        let listed = list(&self.api, Endpoint::Divisions, path, &self.last.divisions, read).await?;
        let Listed { records, total, distinct } = listed;
        let records = records.iter().map(|division| (division.id.clone(), Division::clone(division)));
        let records = Arc::new(records.collect());
        Ok(Listed { records, total, distinct })
    }

    /// The registry of permissions, each as `domain:entity:action`. It is read once an hour.
    pub async fn permissions(&self) -> Result<Arc<BTreeSet<String>>, ApiError> {
        let mut kept = self.permissions.lock().await;
        if let Some((_, outcome)) = kept.as_ref().filter(|(until, _)| Instant::now() < *until) {
            return outcome.clone();
        }
        let outcome = self.fetch_permissions().await.map(Arc::new);
        *kept = Some((Instant::now() + PERMISSIONS_KEPT, outcome.clone()));
        outcome
    }

    async fn fetch_permissions(&self) -> Result<BTreeSet<String>, ApiError> {
        let path = "api/v2/authorization/permissions?pageSize=100&pageNumber=1";
        let mut permissions = BTreeSet::new();
        // The domains have no ids, so `list` cannot read them.
        pages(&self.api, Endpoint::Permissions, path, |raw, _| {
            let domain =
                serde_json::from_str(raw.get()).map_err(|_| "a permission domain cannot be read".to_owned())?;
            permissions.extend(convert::permissions(domain));
            Ok(())
        })
        .await?;
        if permissions.is_empty() {
            // The platform's own permissions are always there, so an empty list is wrong, and no pattern could match.
            return Err(malformed(Endpoint::Permissions, "the list is empty".to_owned(), None));
        }
        Ok(permissions)
    }

    /// Reads every OAuth client. A record without grant type, scopes or roles is completed by a call for that client. `table` has the
    /// scopes of the last snapshot, whose indices stay.
    pub async fn clients(&self, scopes: &Scopes, table: ScopeTable) -> Result<ListedClients, ApiError> {
        let mut known = self.last.clients.get();
        if !known.fits(&scopes.0, &table) {
            known = Arc::default();
        }
        let mut assembly = ClientAssembly::new(Arc::clone(&scopes.0), table, &known);
        let path = self.api.config.clients_path.trim_start_matches('/').to_owned();
        let total = pages(&self.api, Endpoint::Clients, &path, |raw, digest| assembly.add(raw, digest)).await?;
        let wanted = assembly.wanted();
        let count = wanted.len();
        let mut details = stream::iter(wanted)
            .map(|id| async move {
                let detail = self.client(&id).await;
                (id, detail)
            })
            .buffer_unordered(DETAIL_CONCURRENCY);
        let mut progress = Progress::new();
        let mut done = 0;
        while let Some((id, detail)) = details.next().await {
            done += 1;
            progress.log(|| info!(clients = count, done, "fetching clients one by one, since the list lacks fields"));
            match detail {
                Ok(detail) => assembly.complete(&id, detail),
                // The client may just have been deleted; then the next list omits it. Or a gateway blocks the path; then the
                // client must stay, with gaps.
                Err(ApiError::NotFound { .. } | ApiError::Malformed { .. }) => assembly.complete(&id, None),
                Err(error) => return Err(error),
            }
        }
        drop(details);
        let (listed, known) = assembly.finish(total).map_err(|message| malformed(Endpoint::Clients, message, None))?;
        self.last.clients.set(known);
        report_partial(&self.api, Collector::Clients, listed.clients.iter());
        Ok(listed)
    }

    /// Whether a client exists, even if the list omits it. The platform answers 404 for a deleted client, or returns a record in
    /// the state `deleted` (Terraform provider, `oauth_client`).
    pub async fn has_client(&self, id: &ClientId) -> Result<bool, ApiError> {
        match self.client(id).await {
            // The record of another client shows nothing about this one.
            Ok(Some(record)) if record.id != id.as_str() => Ok(true),
            Ok(Some(record)) => Ok(record.state.as_ref().is_none_or(|state| !state.eq_ignore_ascii_case("deleted"))),
            Ok(None) => Ok(true),
            Err(ApiError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads the record of one client; `None` if the record has no id.
    async fn client(&self, id: &ClientId) -> Result<Option<wire::Client>, ApiError> {
        let mut url = self.api.url(self.api.config.clients_path.trim_start_matches('/'))?;
        url.set_query(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(id.as_str());
        }
        let answer = self.api.get(Endpoint::Client, url).await?;
        let record: Fields<'_> = parse(Endpoint::Client, &answer)?;
        Ok(wire::Client::read(&record))
    }

    /// Reads the permissions of the exporter's own client, as `domain:entity:action`.
    pub async fn own_permissions(&self) -> Result<Vec<String>, ApiError> {
        let subject: wire::Subject = self.api.object(Endpoint::SubjectsMe, "api/v2/authorization/subjects/me").await?;
        let mut permissions: Vec<String> = subject
            .grants
            .unwrap_or_default()
            .into_iter()
            .flat_map(|grant| grant.role.and_then(|role| role.policies).unwrap_or_default())
            .flat_map(|policy| {
                let domain = policy.domain.unwrap_or_default();
                let entity = policy.entity_name.unwrap_or_else(|| "*".to_owned());
                let actions = policy.actions.unwrap_or_default();
                actions.into_iter().map(move |action| format!("{domain}:{entity}:{action}"))
            })
            .collect();
        permissions.sort();
        permissions.dedup();
        Ok(permissions)
    }
}

//! The calls that an audit makes, one method each.
//!
//! Authorises, follows pages, and turns statuses into [`ApiError`]. What makes a refresh complete is `refresh`'s decision.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;
use tracing::info;

use super::answer::{malformed, parse};
use super::api::Api;
use super::config::Config;
use super::convert::{self, ClientAssembly, Listed, ListedClients, ScopeRegistry};
use super::endpoint::Endpoint;
use super::error::ApiError;
use super::fields::Fields;
use super::listing::{Progress, fields, list, pages, report_partial};
use super::metrics::Metrics;
use super::wire;
use crate::domain::{ClientId, Collector, Division, DivisionId, OrgId, Records, Role};

/// Clients that are fetched one by one at the same time; the pacing bounds them as well.
const DETAIL_CONCURRENCY: usize = 4;

/// The platform API of one organisation.
#[derive(Debug)]
pub struct Platform {
    api: Api,
    identity: OnceCell<Identity>,
    permissions: Mutex<Option<RegistryRead>>,
}

/// The outcome of the last read of the registry of permissions, and the time from which it is read again.
type RegistryRead = (Instant, Result<BTreeSet<String>, ApiError>);

/// The registry of permissions changes with the platform's releases.
const PERMISSIONS_KEPT: Duration = Duration::from_hours(24);
/// The pause after a failed read of that registry.
const PERMISSIONS_RETRIED: Duration = Duration::from_hours(1);

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The organisation's id.
    pub org_id: OrgId,
    /// The organisation's name.
    pub org_name: String,
    /// The exporter's own client, as the platform names it or as it was configured.
    pub own_client: ClientId,
}

/// The registry of scopes as it was read.
#[derive(Debug, Default)]
pub struct Scopes(ScopeRegistry);

impl Scopes {
    /// Readable id to description.
    pub fn descriptions(&self) -> &BTreeMap<String, String> {
        &self.0.descriptions
    }
}

impl Platform {
    /// A client of the organisation's API. Fails if TLS cannot be set up.
    pub fn new(config: Config, metrics: &Metrics) -> Result<Self, reqwest::Error> {
        let of_organisation = metrics.of(&config.org);
        let api = Api::new(Arc::new(config), of_organisation)?;
        Ok(Self { api, identity: OnceCell::new(), permissions: Mutex::default() })
    }

    /// What the client was made with.
    pub fn config(&self) -> &Config {
        &self.api.config
    }

    /// Requests sent since the start by endpoint, retries included.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.api.transport.calls()
    }

    /// How long no call may be made: the rest of the platform's last `Retry-After`, at most a day.
    pub fn asked_wait(&self) -> Option<Duration> {
        self.api.transport.asked_wait()
    }

    /// How far the platform's clock was ahead of ours in its last answer, in seconds, where it sent a date.
    pub fn clock_skew_seconds(&self) -> Option<i64> {
        self.api.transport.skew_seconds()
    }

    /// Obtains a token, or says why there is none.
    pub async fn authorise(&self) -> Result<(), ApiError> {
        self.api.authorise().await
    }

    /// Whose token it is; asked once for each process.
    pub async fn identity(&self) -> Result<&Identity, ApiError> {
        self.identity.get_or_try_init(|| self.fetch_identity()).await
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

    /// The registry of scopes.
    pub async fn scopes(&self) -> Result<Listed<Scopes>, ApiError> {
        let read = |record: &Fields| wire::RegisteredScope::read(record).map(|scope| (scope.id.clone(), scope));
        let listed = list(&self.api, Endpoint::Scopes, "api/v2/oauth/scopes", read).await?;
        let mut registry = ScopeRegistry::default();
        for scope in listed.records {
            registry.insert(scope);
        }
        Ok(Listed { records: Scopes(registry), total: listed.total, distinct: listed.distinct })
    }

    /// Every role with its permissions. Pages of 100: nothing larger is documented, and the default is 25.
    pub async fn roles(&self) -> Result<Listed<Records<Role>>, ApiError> {
        let path = "api/v2/authorization/roles?pageSize=100&pageNumber=1&userCount=false";
        let read = |record: &Fields| {
            let role = convert::role(wire::Role::read(record)?);
            Some((role.id.to_string(), role))
        };
        let listed = list(&self.api, Endpoint::Roles, path, read).await?;
        if listed.distinct == 0 {
            // The platform creates default roles in every organisation: an empty list proves nothing about what clients hold.
            let message = "the list is empty, but every organisation has roles".to_owned();
            return Err(malformed(Endpoint::Roles, message, None));
        }
        report_partial(&self.api, Collector::Roles, listed.records.iter());
        let Listed { records, total, distinct } = listed;
        Ok(Listed { records: records.into_iter().collect(), total, distinct })
    }

    /// Every division.
    pub async fn divisions(&self) -> Result<Listed<BTreeMap<DivisionId, Division>>, ApiError> {
        let path = "api/v2/authorization/divisions?pageSize=100&pageNumber=1&objectCount=false";
        let read = |record: &Fields| {
            let division = convert::division(wire::Division::read(record)?);
            Some((division.id.to_string(), division))
        };
        let Listed { records, total, distinct } = list(&self.api, Endpoint::Divisions, path, read).await?;
        let records = records.into_iter().map(|division| (division.id.clone(), division)).collect();
        Ok(Listed { records, total, distinct })
    }

    /// The registry of permissions, each as `domain:entity:action`; read once a day, and after a failure once an hour.
    pub async fn permissions(&self) -> Result<BTreeSet<String>, ApiError> {
        let mut kept = self.permissions.lock().await;
        if let Some((_, outcome)) = kept.as_ref().filter(|(until, _)| Instant::now() < *until) {
            return outcome.clone();
        }
        let outcome = self.fetch_permissions().await;
        let keep = if outcome.is_ok() { PERMISSIONS_KEPT } else { PERMISSIONS_RETRIED };
        *kept = Some((Instant::now() + keep, outcome.clone()));
        outcome
    }

    async fn fetch_permissions(&self) -> Result<BTreeSet<String>, ApiError> {
        let path = "api/v2/authorization/permissions?pageSize=100&pageNumber=1";
        let mut permissions = BTreeSet::new();
        // The domains have no ids: `list` cannot take them.
        pages(&self.api, Endpoint::Permissions, path, |raw| {
            let domain = serde_json::from_str(raw.get()).map_err(|_| "a domain cannot be read".to_owned())?;
            permissions.extend(convert::permissions(domain));
            Ok(())
        })
        .await?;
        Ok(permissions)
    }

    /// Every OAuth client. Records that lack the grant type, scopes or roles are completed one by one.
    pub async fn clients(&self, scopes: &Scopes) -> Result<ListedClients, ApiError> {
        let registry = &scopes.0;
        let mut assembly = ClientAssembly::default();
        let path = self.api.config.clients_path.trim_start_matches('/').to_owned();
        let total = pages(&self.api, Endpoint::Clients, &path, |raw| assembly.add(&fields(raw)?, registry)).await?;
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
                Ok(detail) => assembly.complete(&id, detail, registry),
                // A client that was just deleted is gone from the next list; a gateway that does not know the path must
                // not make clients vanish.
                Err(ApiError::NotFound { .. } | ApiError::Malformed { .. }) => assembly.complete(&id, None, registry),
                Err(error) => return Err(error),
            }
        }
        let listed = assembly.finish(total);
        report_partial(&self.api, Collector::Clients, listed.clients.iter());
        Ok(listed)
    }

    /// Whether a client exists, whatever the list says. The platform answers 404 once it is gone; a record in the state
    /// `deleted` is gone as well (Terraform provider, `oauth_client`).
    pub async fn has_client(&self, id: &ClientId) -> Result<bool, ApiError> {
        match self.client(id).await {
            Ok(Some(record)) => Ok(record.state.as_ref().is_none_or(|state| !state.eq_ignore_ascii_case("deleted"))),
            Ok(None) => Ok(true),
            Err(ApiError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The record of one client; `None` if the answer has no id.
    async fn client(&self, id: &ClientId) -> Result<Option<wire::Client>, ApiError> {
        let mut url = self.api.url(self.api.config.clients_path.trim_start_matches('/'))?;
        url.set_query(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(id.as_str());
        }
        let answer = self.api.get(Endpoint::Client, url).await?;
        let record: Fields = parse(Endpoint::Client, &answer)?;
        Ok(wire::Client::read(&record))
    }

    /// The permissions of the exporter's own client, as `domain:entity:action`.
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

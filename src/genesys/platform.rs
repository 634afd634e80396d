//! The calls that an audit makes, one method each.
//!
//! Authorises, follows pages, and turns statuses into [`ApiError`]. What makes a refresh complete is `refresh`'s decision.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use reqwest::header::AUTHORIZATION;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;
use tracing::{info, warn};
use url::Url;

use super::answer::{failed, malformed, parse, refused};
use super::convert::{self, ClientAssembly, Listed, ListedClients, ScopeRegistry};
use super::listing::Progress;
use super::metrics::Metrics;
use super::retry::Reason;
use super::token::TokenSource;
use super::transport::{Answer, Transport};
use super::{ApiError, Config, Endpoint, wire};
use crate::domain::{ClientId, Collector, Division, DivisionId, OrgId, Role, RoleId};

/// Clients that are fetched one by one at the same time; the pacing bounds them anyhow.
const DETAIL_CONCURRENCY: usize = 4;

/// The platform API of one organisation.
#[derive(Debug)]
pub struct Platform {
    pub(super) config: Arc<Config>,
    pub(super) transport: Transport,
    tokens: TokenSource,
    identity: OnceCell<Identity>,
    permissions: Mutex<Option<RegistryRead>>,
}

/// How the last reading of the registry of permissions went, and from when on it is read again.
type RegistryRead = (Instant, Result<BTreeSet<String>, ApiError>);

/// The registry of permissions changes with the platform's releases.
const PERMISSIONS_KEPT: Duration = Duration::from_hours(24);
/// A registry that could not be read is left alone for so long.
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
pub struct Scopes(pub(super) ScopeRegistry);

impl Scopes {
    /// Readable id to description.
    pub fn descriptions(&self) -> &BTreeMap<String, String> {
        &self.0.descriptions
    }
}

impl Platform {
    /// A client of the organisation. Fails where TLS cannot be set up.
    pub fn new(config: Config, metrics: &Metrics) -> Result<Self, reqwest::Error> {
        let config = Arc::new(config);
        let transport = Transport::new(&config, metrics.of(&config.org))?;
        let tokens = TokenSource::new(Arc::clone(&config));
        Ok(Self { config, transport, tokens, identity: OnceCell::new(), permissions: Mutex::default() })
    }

    /// What the client was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Requests sent since the start by endpoint, retries included.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.transport.calls()
    }

    /// How long the platform still wants to be left alone: the rest of its last `Retry-After`, a day at the most.
    pub fn asked_wait(&self) -> Option<Duration> {
        self.transport.asked_wait()
    }

    /// How far the platform's clock was ahead of ours in its last answer, in seconds, where it sent a date.
    pub fn clock_skew_seconds(&self) -> Option<i64> {
        self.transport.skew_seconds()
    }

    /// Obtains a token, or says why there is none.
    pub async fn authorise(&self) -> Result<(), ApiError> {
        self.tokens.token(&self.transport).await?;
        Ok(())
    }

    /// Whose token it is; asked once a process.
    pub async fn identity(&self) -> Result<&Identity, ApiError> {
        self.identity.get_or_try_init(|| self.fetch_identity()).await
    }

    async fn fetch_identity(&self) -> Result<Identity, ApiError> {
        let asked = self.object::<wire::TokenInfo>(Endpoint::TokensMe, "api/v2/tokens/me").await;
        let (organisation, own_client, refusal) = match asked {
            Ok(info) => (info.organization, info.oauth_client.and_then(|client| client.id), None),
            Err(error) if error.is_refused() => (None, None, Some(error)),
            Err(error) => return Err(error),
        };
        let organisation = match organisation {
            Some(organisation) if organisation.id.is_some() && organisation.name.is_some() => organisation,
            _ => self.object(Endpoint::OrganizationsMe, "api/v2/organizations/me").await.map_err(
                |error| match refusal {
                    Some(token) if error.is_refused() => {
                        ApiError::NoIdentity { token: Box::new(token), organisation: Box::new(error) }
                    }
                    _ => error,
                },
            )?,
        };
        let Some(id) = organisation.id.filter(|id| !id.is_empty()) else {
            return Err(malformed(Endpoint::OrganizationsMe, "the organisation has no id".to_owned(), None));
        };
        Ok(Identity {
            org_id: OrgId::new(id),
            org_name: organisation.name.unwrap_or_default(),
            own_client: ClientId::new(own_client.unwrap_or_else(|| self.config.client_id.clone())),
        })
    }

    /// The registry of scopes.
    pub async fn scopes(&self) -> Result<Listed<Scopes>, ApiError> {
        let mut registry = ScopeRegistry::default();
        let listing = self
            .list(Endpoint::Scopes, Collector::Scopes, "api/v2/oauth/scopes", |scope| {
                registry.insert(scope);
                true
            })
            .await?;
        Ok(listing.with(Scopes(registry)))
    }

    /// Every role with its permissions. Pages of 100: nothing larger is documented, and the default is 25.
    pub async fn roles(&self) -> Result<Listed<BTreeMap<RoleId, Role>>, ApiError> {
        let path = "api/v2/authorization/roles?pageSize=100&pageNumber=1&userCount=false";
        let mut roles = BTreeMap::new();
        let insert = |record| {
            let role = convert::role(record);
            roles.get(&role.id).is_none_or(|known| *known == role) && {
                roles.insert(role.id.clone(), role);
                true
            }
        };
        let listing = self.list(Endpoint::Roles, Collector::Roles, path, insert).await?;
        if listing.distinct == 0 {
            // The platform makes default roles in every organisation: an empty list tells of none that clients hold.
            return Err(malformed(
                Endpoint::Roles,
                "the list is empty, and every organisation has roles".to_owned(),
                None,
            ));
        }
        Ok(listing.with(roles))
    }

    /// Every division.
    pub async fn divisions(&self) -> Result<Listed<BTreeMap<DivisionId, Division>>, ApiError> {
        let path = "api/v2/authorization/divisions?pageSize=100&pageNumber=1&objectCount=false";
        let mut divisions = BTreeMap::new();
        let insert = |record| {
            let division = convert::division(record);
            divisions.get(&division.id).is_none_or(|known| *known == division) && {
                divisions.insert(division.id.clone(), division);
                true
            }
        };
        let listing = self.list(Endpoint::Divisions, Collector::Divisions, path, insert).await?;
        Ok(listing.with(divisions))
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
        self.pages(Endpoint::Permissions, path, |raw| {
            let domain = serde_json::from_str(raw.get()).map_err(|_| "a domain cannot be read".to_owned())?;
            permissions.extend(convert::permissions(domain));
            Ok(())
        })
        .await?;
        Ok(permissions)
    }

    /// Every OAuth client. Records that leave out grant type, scopes or roles are completed one by one.
    pub async fn clients(&self, scopes: &Scopes) -> Result<ListedClients, ApiError> {
        let registry = &scopes.0;
        let mut assembly = ClientAssembly::default();
        let path = self.config.clients_path.trim_start_matches('/').to_owned();
        let total = self.pages(Endpoint::Clients, &path, |raw| assembly.add(raw, registry)).await?;
        let distinct = assembly.distinct();
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
            progress
                .say(|| info!(clients = count, done, "fetching clients one by one, since the list leaves out fields"));
            match detail {
                Ok(detail) => assembly.complete(&id, Some(detail), registry),
                // A client that was just deleted is gone from the next list; a gateway that does not know the path must
                // not make clients vanish.
                Err(ApiError::NotFound { .. } | ApiError::Malformed { .. }) => assembly.complete(&id, None, registry),
                Err(error) => return Err(error),
            }
        }
        let listed = assembly.finish(total, distinct);
        for id in &listed.rejected {
            warn!(collector = Collector::Clients.label(), client_id = %id, "a record cannot be read");
            self.transport.metrics.rejected(Collector::Clients);
        }
        Ok(listed)
    }

    async fn client(&self, id: &ClientId) -> Result<wire::Client, ApiError> {
        let mut url = self.url(self.config.clients_path.trim_start_matches('/'))?;
        url.set_query(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(id.as_str());
        }
        let answer = self.get(Endpoint::Client, url).await?;
        parse(Endpoint::Client, &answer)
    }

    /// The permissions of the exporter's own client, as `domain:entity:action`.
    pub async fn own_permissions(&self) -> Result<Vec<String>, ApiError> {
        let subject: wire::Subject = self.object(Endpoint::SubjectsMe, "api/v2/authorization/subjects/me").await?;
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

    async fn object<T: DeserializeOwned>(&self, endpoint: Endpoint, path: &str) -> Result<T, ApiError> {
        let answer = self.get(endpoint, self.url(path)?).await?;
        parse(endpoint, &answer)
    }

    pub(super) fn url(&self, path: &str) -> Result<Url, ApiError> {
        self.config.api_url.join(path).map_err(|error| ApiError::Network {
            what: "url",
            message: format!("{path:?} does not fit to the API URL: {error}"),
        })
    }

    /// One authorised GET. A 401 drops the token and is tried once more: an idle timeout can end a token early.
    pub(super) async fn get(&self, endpoint: Endpoint, url: Url) -> Result<Answer, ApiError> {
        let mut first = true;
        loop {
            let token = self.tokens.token(&self.transport).await?;
            let request = self.transport.http().get(url.clone()).header(AUTHORIZATION, token.header());
            let request = request.build().map_err(|_| ApiError::Network {
                what: endpoint.label(),
                message: "the request cannot be built".to_owned(),
            })?;
            let answer = self.transport.send(endpoint, &request).await.map_err(|failure| failed(endpoint, failure))?;
            if answer.status == 401 && first {
                first = false;
                self.tokens.drop_token(&token, &self.transport.metrics).await;
                self.transport.metrics.retried(endpoint, Reason::Unauthorized, Duration::ZERO);
                continue;
            }
            return if answer.status == 200 { Ok(answer) } else { Err(refused(endpoint, &answer, &token)) };
        }
    }
}

//! The calls that an audit makes, one method each.
//!
//! Authorises, follows pages, and turns statuses into [`ApiError`]. What makes a refresh complete is `refresh`'s decision.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use reqwest::header::AUTHORIZATION;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tracing::{info, warn};
use url::Url;

use super::convert::{self, ClientAssembly, Listed, ListedClients, Record, ScopeRegistry};
use super::metrics::Metrics;
use super::paging::Walk;
use super::retry::Reason;
use super::token::{AccessToken, TokenSource};
use super::transport::{Answer, Failure, Transport};
use super::{ApiError, Config, Endpoint, wire};
use crate::domain::{ClientId, Collector, Division, DivisionId, OrgId, Role, RoleId};

/// Clients that are fetched one by one at the same time; the pacing bounds them anyhow.
const DETAIL_CONCURRENCY: usize = 4;

/// A listing that takes longer than this says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// The platform API of one organisation.
#[derive(Debug)]
pub struct Platform {
    config: Arc<Config>,
    transport: Transport,
    tokens: TokenSource,
    identity: OnceCell<Identity>,
}

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
        Ok(Self { config, transport, tokens, identity: OnceCell::new() })
    }

    /// What the client was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Requests sent since the start by endpoint, retries included.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.transport.calls()
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
        let (organisation, own_client) =
            match self.object::<wire::TokenInfo>(Endpoint::TokensMe, "api/v2/tokens/me").await {
                Ok(info) => (info.organization, info.oauth_client.and_then(|client| client.id)),
                Err(error) if error.is_forbidden() || error.is_not_found() => (None, None),
                Err(error) => return Err(error),
            };
        let organisation = match organisation {
            Some(organisation) if organisation.id.is_some() && organisation.name.is_some() => organisation,
            _ => self.object(Endpoint::OrganizationsMe, "api/v2/organizations/me").await?,
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
            .list(Endpoint::Scopes, Collector::Scopes, "api/v2/oauth/scopes", |scope| registry.insert(scope))
            .await?;
        Ok(listing.with(Scopes(registry)))
    }

    /// Every role with its permissions. Pages of 100: nothing larger is documented, and the default is 25.
    pub async fn roles(&self) -> Result<Listed<BTreeMap<RoleId, Role>>, ApiError> {
        let path = "api/v2/authorization/roles?pageSize=100&pageNumber=1&userCount=false";
        let mut roles = BTreeMap::new();
        let insert = |record| {
            let role = convert::role(record);
            roles.insert(role.id.clone(), role);
        };
        let listing = self.list(Endpoint::Roles, Collector::Roles, path, insert).await?;
        Ok(listing.with(roles))
    }

    /// Every division.
    pub async fn divisions(&self) -> Result<Listed<BTreeMap<DivisionId, Division>>, ApiError> {
        let path = "api/v2/authorization/divisions?pageSize=100&pageNumber=1&objectCount=false";
        let mut divisions = BTreeMap::new();
        let insert = |record| {
            let division = convert::division(record);
            divisions.insert(division.id.clone(), division);
        };
        let listing = self.list(Endpoint::Divisions, Collector::Divisions, path, insert).await?;
        Ok(listing.with(divisions))
    }

    /// Every OAuth client. Records that leave out grant type, scopes or roles are completed one by one.
    pub async fn clients(&self, scopes: &Scopes) -> Result<ListedClients, ApiError> {
        let registry = &scopes.0;
        let mut assembly = ClientAssembly::default();
        let path = self.config.clients_path.trim_start_matches('/').to_owned();
        let total = self.pages(Endpoint::Clients, &path, |raw| assembly.add(raw, registry)).await?;
        let mut distinct = assembly.distinct();
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
                // Deleted between the list and now: it was counted in `total`, and is no longer there.
                Err(error) if error.is_not_found() => assembly.deleted(&id),
                Err(ApiError::Malformed { .. }) => assembly.complete(&id, None, registry),
                Err(error) => return Err(error),
            }
        }
        distinct = distinct.max(assembly.distinct());
        let listed = assembly.finish(total, distinct);
        for id in &listed.rejected {
            warn!(collector = Collector::Clients.label(), client_id = %id, "a record cannot be read");
            self.transport.metrics.rejected(Collector::Clients);
        }
        Ok(listed)
    }

    async fn client(&self, id: &ClientId) -> Result<wire::Client, ApiError> {
        let mut url = self.url("api/v2/oauth/clients")?;
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

    /// A listing whose records are taken one by one; those that cannot be read are counted and named.
    async fn list<T: DeserializeOwned>(
        &self,
        endpoint: Endpoint,
        collector: Collector,
        path: &str,
        mut take: impl FnMut(T),
    ) -> Result<Listed<()>, ApiError> {
        let mut seen = std::collections::BTreeSet::new();
        let mut rejected = Vec::new();
        let total = self
            .pages(endpoint, path, |raw| {
                let identified: wire::Identified =
                    serde_json::from_str(raw.get()).map_err(|_| "a record's id cannot be read".to_owned())?;
                if !seen.insert(identified.id) {
                    return Ok(());
                }
                match convert::record::<T>(raw)? {
                    Record::Read(record) => take(record),
                    Record::Rejected(id) => {
                        warn!(collector = collector.label(), id, "a record cannot be read");
                        self.transport.metrics.rejected(collector);
                        rejected.push(id);
                    }
                }
                Ok(())
            })
            .await?;
        Ok(Listed { records: (), rejected, total, distinct: seen.len() })
    }

    /// Walks through a listing and hands out its raw records; the `total` that the platform claims.
    async fn pages(
        &self,
        endpoint: Endpoint,
        path: &str,
        mut take: impl FnMut(&RawValue) -> Result<(), String>,
    ) -> Result<Option<u64>, ApiError> {
        let mut walk = Walk::new(&self.config.api_url, self.url(path)?, self.config.limits.max_pages);
        let mut next = Some(walk.first());
        let mut total = None;
        let mut progress = Progress::new();
        let (mut pages, mut records) = (0_u32, 0_usize);
        while let Some(url) = next {
            let answer = self.get(endpoint, url).await?;
            let page: wire::Page<'_> =
                serde_json::from_slice(&answer.body).map_err(|error| unreadable(endpoint, &answer, &error))?;
            total = page.total.or(total);
            for raw in &page.entities {
                take(raw).map_err(|message| malformed(endpoint, message, answer.correlation_id.clone()))?;
            }
            pages += 1;
            records += page.entities.len();
            progress.say(|| info!(endpoint = endpoint.label(), pages, records, "still listing"));
            next = walk
                .next(&page)
                .map_err(|error| malformed(endpoint, error.to_string(), answer.correlation_id.clone()))?;
        }
        Ok(total)
    }

    async fn object<T: DeserializeOwned>(&self, endpoint: Endpoint, path: &str) -> Result<T, ApiError> {
        let answer = self.get(endpoint, self.url(path)?).await?;
        parse(endpoint, &answer)
    }

    fn url(&self, path: &str) -> Result<Url, ApiError> {
        self.config.api_url.join(path).map_err(|error| ApiError::Network {
            what: "url",
            message: format!("{path:?} does not fit to the API URL: {error}"),
        })
    }

    /// One authorised GET. A 401 drops the token and is tried once more: an idle timeout can end a token early.
    async fn get(&self, endpoint: Endpoint, url: Url) -> Result<Answer, ApiError> {
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

impl Listed<()> {
    fn with<T>(self, records: T) -> Listed<T> {
        Listed { records, rejected: self.rejected, total: self.total, distinct: self.distinct }
    }
}

/// Says now and then how far a long listing is.
struct Progress {
    said: Instant,
}

impl Progress {
    fn new() -> Self {
        Self { said: Instant::now() }
    }

    fn say(&mut self, line: impl FnOnce()) {
        if self.said.elapsed() >= PROGRESS_EVERY {
            self.said = Instant::now();
            line();
        }
    }
}

fn parse<T: DeserializeOwned>(endpoint: Endpoint, answer: &Answer) -> Result<T, ApiError> {
    serde_json::from_slice(&answer.body).map_err(|error| unreadable(endpoint, answer, &error))
}

/// A 200 that is not the JSON that it should be. The parser's own message can quote the body, so that only the place is told.
fn unreadable(endpoint: Endpoint, answer: &Answer, error: &serde_json::Error) -> ApiError {
    let looks_like_html = answer.body.trim_ascii_start().starts_with(b"<");
    let message = if looks_like_html {
        "the answer is HTML, not JSON; is the API URL right, or does a proxy stand in the way?".to_owned()
    } else {
        format!("the answer cannot be read at line {}, column {}", error.line(), error.column())
    };
    malformed(endpoint, message, answer.correlation_id.clone())
}

fn malformed(endpoint: Endpoint, message: String, correlation_id: Option<String>) -> ApiError {
    ApiError::Malformed { what: endpoint.label(), message, correlation_id }
}

fn failed(endpoint: Endpoint, failure: Failure) -> ApiError {
    let what = endpoint.label();
    match failure {
        Failure::Timeout => ApiError::Timeout { what },
        Failure::Network(message) => ApiError::Network { what, message },
        Failure::TooLarge(bytes) => malformed(
            endpoint,
            format!("the answer is larger than {bytes} bytes; raise --genesys.max-body-bytes if that is right"),
            None,
        ),
        Failure::RateLimited { wait, correlation_id } => ApiError::RateLimited { what, wait, correlation_id },
    }
}

fn refused(endpoint: Endpoint, answer: &Answer, token: &AccessToken) -> ApiError {
    let what = endpoint.label();
    let body: wire::ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
    let correlation_id = answer.correlation_id.clone().or(body.context_id.as_deref().map(wire::printable));
    let message = match (body.message, body.code) {
        (Some(message), Some(code)) => format!("{message} ({code})"),
        (Some(message), None) => message,
        (None, Some(code)) => code,
        (None, None) => "no reason given in the platform's form".to_owned(),
    };
    let message = wire::printable(&token.redact(&message));
    match answer.status {
        401 => ApiError::Unauthorized { what, message, correlation_id },
        403 => {
            let permission = named_permission(&message).or(endpoint.permission().map(str::to_owned));
            ApiError::Forbidden { what, permission, message, correlation_id }
        }
        404 => ApiError::NotFound { what },
        status @ 300..=399 => ApiError::Status {
            what,
            status,
            message: "a redirect to another origin is not followed; is the API URL right?".to_owned(),
            correlation_id,
        },
        status => ApiError::Status { what, status, message, correlation_id },
    }
}

/// The first `domain:entity:action` in the platform's own words.
fn named_permission(message: &str) -> Option<String> {
    let is_segment =
        |segment: &str| !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '*');
    message
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == ':' || c == '*'))
        .find(|word| word.split(':').count() == 3 && word.split(':').all(is_segment))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_permission_is_read_from_the_platforms_message() {
        for (message, expected) in [
            (
                "Unable to perform the requested action. You must have at least one of the following permissions \
                 assigned: [processautomation:trigger:edit, processautomation:trigger:view]",
                Some("processautomation:trigger:edit"),
            ),
            ("You are missing the following permission(s): oauth:client:view", Some("oauth:client:view")),
            ("not authorized", None),
            ("at 10:20:", None),
        ] {
            assert_eq!(named_permission(message).as_deref(), expected, "{message}");
        }
    }
}

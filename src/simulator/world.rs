//! The records of a simulated organisation, and look-ups by id or name.

use serde_json::Value;

use super::entity::{items, roles_of};
use super::faults::Injection;
use super::options::{Options, Paging};
use super::recorder::Recorder;
use super::risk::Planted;
use super::tokens::{Budget, Tokens};
use super::{founding, ids};

/// The complete state of the simulated organisation. Entities are kept as the JSON that is served.
#[derive(Debug)]
pub(super) struct World {
    pub(super) seed: u64,
    /// The organisation's current time, in Unix seconds.
    pub(super) now: i64,
    /// The organisation's time at the start, in Unix seconds.
    pub(super) founded: i64,
    pub(super) organisation_id: String,
    pub(super) organisation_name: String,
    pub(super) clients: Vec<Value>,
    pub(super) roles: Vec<Value>,
    pub(super) divisions: Vec<Value>,
    pub(super) planted: Vec<Planted>,
    /// Names of clients that made no request in the days that usage queries cover.
    pub(super) dormant: Vec<String>,
    /// The id of the exporter's own client.
    pub(super) client_id: String,
    client_secret: String,
    pub(super) tokens: Tokens,
    pub(super) budget: Budget,
    pub(super) page_size: Option<usize>,
    pub(super) paging: Paging,
    pub(super) injections: Vec<Injection>,
    /// Whether the drift schedule currently makes every request fail with 429.
    pub(super) storm: bool,
    /// Seconds up to which the drift schedule was applied; `None` before the first call.
    pub(super) drifted: Option<u64>,
    pub(super) recorder: Recorder,
    pub(super) usage: Vec<UsageQuery>,
    correlations: u64,
}

/// A usage query, and how often its results were requested.
#[derive(Debug)]
pub(super) struct UsageQuery {
    pub(super) id: String,
    pub(super) polls: u32,
}

impl World {
    pub(super) fn found(options: Options) -> Self {
        let seed = options.seed;
        let founded = founding::found(&options);
        Self {
            seed,
            now: options.now,
            founded: options.now,
            organisation_id: ids::uuid(seed, "organisation", ""),
            organisation_name: options.name,
            clients: founded.clients,
            roles: founded.roles,
            divisions: founded.divisions,
            planted: founded.planted,
            dormant: founded.dormant,
            client_id: options.client_id,
            client_secret: options.client_secret,
            tokens: Tokens::new(seed, options.token_lifetime),
            budget: Budget::new(options.rate_limit),
            page_size: options.page_size,
            paging: options.paging,
            injections: Vec::new(),
            storm: false,
            drifted: None,
            recorder: Recorder::default(),
            usage: Vec::new(),
            correlations: 0,
        }
    }

    /// The `ININ-Correlation-Id` of the next response.
    pub(super) fn correlation(&mut self) -> String {
        self.correlations += 1;
        ids::uuid(self.seed, "correlation", &self.correlations.to_string())
    }

    pub(super) fn secret_is(&self, secret: &str) -> bool {
        self.client_secret == secret
    }

    pub(super) fn set_secret(&mut self, secret: &str) {
        secret.clone_into(&mut self.client_secret);
    }

    pub(super) fn client(&self, key: &str) -> Option<&Value> {
        self.clients.iter().find(|client| is(client, key))
    }

    pub(super) fn client_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.clients.iter_mut().find(|client| is(client, key))
    }

    pub(super) fn role(&self, key: &str) -> Option<&Value> {
        self.roles.iter().find(|role| is(role, key))
    }

    pub(super) fn role_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.roles.iter_mut().find(|role| is(role, key))
    }

    pub(super) fn division(&self, key: &str) -> Option<&Value> {
        self.divisions.iter().find(|division| is(division, key))
    }

    /// Whether a role of the exporter's own client grants the permission `domain:entity:action` (reference 5.2).
    pub(super) fn own_client_may(&self, permission: &str) -> bool {
        let Some(own) = self.client(&self.client_id) else { return false };
        let wanted: Vec<&str> = permission.split(':').collect();
        let [domain, entity, action] = wanted[..] else { return false };
        let matches = |held: &Value, wanted: &str| {
            held.as_str().is_some_and(|held| held == "*" || held.eq_ignore_ascii_case(wanted))
        };
        roles_of(own).filter_map(|id| self.role(id)).flat_map(|role| items(&role["permissionPolicies"])).any(|policy| {
            matches(&policy["domain"], domain)
                && matches(&policy["entityName"], entity)
                && items(&policy["actionSet"]).any(|held| matches(held, action))
        })
    }
}

/// Whether `key` is the id or the name of an entity.
fn is(entity: &Value, key: &str) -> bool {
    entity["id"] == key || entity["name"] == key
}

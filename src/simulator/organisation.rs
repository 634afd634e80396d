//! The handle with which tests and the demo observe and change a simulated organisation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::drift::{self, Change};
use super::faults::Injection;
use super::options::Options;
use super::recorder::RecordedRequest;
use super::reply::Reaction;
use super::request::Incoming;
use super::routes;
use super::truth::{self, Truth};
use super::world::World;

/// A handle to a simulated organisation. Clones refer to the same organisation.
///
/// Clients, roles and divisions are given by id or name. Edits return whether they changed anything; the next request sees
/// the change.
#[derive(Debug, Clone)]
pub struct SimulatedOrganisation {
    world: Arc<Mutex<World>>,
    requests: watch::Sender<u64>,
}

impl SimulatedOrganisation {
    pub(super) fn found(options: Options) -> Self {
        Self { world: Arc::new(Mutex::new(World::found(options))), requests: watch::Sender::new(0) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, request: RecordedRequest) {
        self.world().recorder.record(request);
        self.requests.send_modify(|count| *count += 1);
    }

    pub(super) fn answer(&self, request: &Incoming) -> Reaction {
        routes::answer(&mut self.world(), request)
    }

    // The current records.

    /// The current facts about the organisation, to compare a report with.
    pub fn truth(&self) -> Truth {
        truth::truth(&self.world())
    }

    /// The ids of all clients, in list order.
    pub fn client_ids(&self) -> Vec<String> {
        self.world().clients.iter().filter_map(|client| client["id"].as_str()).map(str::to_owned).collect()
    }

    /// A client as the API serves it.
    pub fn client(&self, client: &str) -> Option<Value> {
        self.world().client(client).cloned()
    }

    /// The id of a client.
    pub fn client_id(&self, client: &str) -> Option<String> {
        id(self.world().client(client))
    }

    /// The id of a role.
    pub fn role_id(&self, role: &str) -> Option<String> {
        id(self.world().role(role))
    }

    /// The id of a division.
    pub fn division_id(&self, division: &str) -> Option<String> {
        id(self.world().division(division))
    }

    /// The organisation's current time, in Unix seconds.
    pub fn now(&self) -> i64 {
        self.world().now
    }

    // The requests so far.

    /// The newest ten thousand requests, oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world().recorder.all()
    }

    /// How many of [`SimulatedOrganisation::requests`] have a path with this prefix.
    pub fn request_count(&self, path_prefix: &str) -> usize {
        self.world().recorder.count(path_prefix)
    }

    /// Waits until at least `count` requests with this path prefix have arrived. A request counts before it is answered.
    pub async fn wait_for_requests(&self, path_prefix: &str, count: usize) {
        let mut arrivals = self.requests.subscribe();
        while self.request_count(path_prefix) < count {
            // Cannot fail: `self` owns the sender.
            if arrivals.changed().await.is_err() {
                return;
            }
        }
    }

    /// The number of tokens issued since the start.
    pub fn tokens_issued(&self) -> u64 {
        self.world().tokens.issued()
    }

    /// The newest tokens, to check that an exporter never shows one.
    pub fn live_tokens(&self) -> Vec<String> {
        self.world().tokens.live()
    }

    // Changes that an administrator can make.

    /// Adds a scope to a client.
    pub fn grant_scope(&self, client: &str, scope: &str) -> bool {
        self.world().grant_scope(client, scope)
    }

    /// Removes a scope from a client, and the planted risks with this evidence from [`Truth::planted`].
    pub fn revoke_scope(&self, client: &str, scope: &str) -> bool {
        self.world().revoke_scope(client, scope)
    }

    /// Adds a role in a division (`*` for all) to a client. A role or division that does not exist becomes a dangling id.
    pub fn add_role(&self, client: &str, role: &str, division: &str) -> bool {
        self.world().add_role(client, role, division)
    }

    /// Removes a role from a client, in every division.
    pub fn remove_role(&self, client: &str, role: &str) -> bool {
        self.world().remove_role(client, role)
    }

    /// Adds `domain:entity:action,action` to a role.
    pub fn grant_permission(&self, role: &str, permission: &str) -> bool {
        self.world().grant_permission(role, permission)
    }

    /// Removes `domain:entity:action,action` from a role. Wildcards are not expanded.
    pub fn revoke_permission(&self, role: &str, permission: &str) -> bool {
        self.world().revoke_permission(role, permission)
    }

    /// Renames a client.
    pub fn rename(&self, client: &str, name: &str) -> bool {
        self.world().rename(client, name)
    }

    /// Adds a client and returns its id. The JSON needs a `name` and an `authorizedGrantType`.
    pub fn add_client(&self, client: Value) -> String {
        self.world().add_client(client)
    }

    /// Removes a client immediately.
    pub fn remove_client(&self, client: &str) -> bool {
        self.world().remove_client(client)
    }

    /// Sets a client inactive with this deletion date (Unix seconds); `None` makes it active again.
    pub fn schedule_deletion(&self, client: &str, at: Option<i64>) -> bool {
        self.world().schedule_deletion(client, at)
    }

    /// Changes a client's JSON in any other way. Returns whether the client exists.
    pub fn edit_client(&self, client: &str, change: impl FnOnce(&mut Value)) -> bool {
        self.world().edit(client, |client| {
            change(client);
            true
        })
    }

    /// Changes a role's JSON in any way. Returns whether the role exists.
    pub fn edit_role(&self, role: &str, change: impl FnOnce(&mut Value)) -> bool {
        self.world().role_mut(role).map(change).is_some()
    }

    /// Deletes a role. Clients keep its id, which then dangles.
    pub fn delete_role(&self, role: &str) -> bool {
        let mut world = self.world();
        let before = world.roles.len();
        world.roles.retain(|held| held["id"] != role && held["name"] != role);
        world.roles.len() < before
    }

    // Faults and limits.

    /// Replaces all faults with this one.
    pub fn set_fault(&self, fault: impl Into<Injection>) {
        self.world().injections = vec![fault.into()];
    }

    /// Adds a fault. If several faults replace the response, the first one applies.
    pub fn add_fault(&self, fault: impl Into<Injection>) {
        self.world().injections.push(fault.into());
    }

    /// Removes all faults. A storm of the drift schedule continues.
    pub fn clear_faults(&self) {
        self.world().injections.clear();
    }

    /// Expires all tokens immediately.
    pub fn expire_tokens(&self) {
        self.world().tokens.expire_all();
    }

    /// Lets every endpoint refuse the tokens that were issued so far with this status, although they have not expired.
    pub fn refuse_tokens(&self, status: u16) {
        self.world().tokens.refuse_all(status);
    }

    /// Sets `expires_in` of new tokens, in seconds.
    pub fn set_token_lifetime(&self, seconds: u32) {
        self.world().tokens.lifetime = seconds;
    }

    /// Replaces the client secret. Tokens that were issued stay valid.
    pub fn rotate_secret(&self, secret: &str) {
        self.world().set_secret(secret);
    }

    /// Sets the number of requests that are allowed per minute.
    pub fn set_rate_limit(&self, requests_per_minute: u32) {
        self.world().budget.allowed = requests_per_minute;
    }

    /// Applies the drift schedule up to `elapsed` after the start, and returns the changes since the last call.
    ///
    /// A smaller value than before changes nothing. The result does not depend on how often this is called.
    pub fn advance_to(&self, elapsed: Duration) -> Vec<Change> {
        drift::advance(&mut self.world(), elapsed)
    }
}

fn id(entity: Option<&Value>) -> Option<String> {
    entity.and_then(|entity| entity["id"].as_str()).map(str::to_owned)
}

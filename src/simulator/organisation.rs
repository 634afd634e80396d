//! The handle by which tests and the demo watch and change a simulated organisation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::drift::{self, Change};
use super::faults::Injection;
use super::options::Options;
use super::recorder::RecordedRequest;
use super::reply::Reaction;
use super::routes::{self, Incoming};
use super::truth::{self, Truth};
use super::world::World;

/// A handle of a simulated organisation; clones mean the same organisation.
///
/// Clients, roles and divisions are named by id or by name. Edits answer whether they changed anything, and the next
/// request sees them.
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

    // What is there.

    /// What is true of the organisation now.
    pub fn truth(&self) -> Truth {
        truth::truth(&self.world())
    }

    /// The ids of all clients, in the order of the list.
    pub fn client_ids(&self) -> Vec<String> {
        self.world().clients.iter().filter_map(|client| client["id"].as_str()).map(str::to_owned).collect()
    }

    /// A client as it is served.
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

    /// The organisation's present, in unix seconds.
    pub fn now(&self) -> i64 {
        self.world().now
    }

    // What was asked.

    /// The newest ten thousand requests, oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world().recorder.all()
    }

    /// How many of [`SimulatedOrganisation::requests`] have a path that starts so.
    pub fn request_count(&self, path_prefix: &str) -> usize {
        self.world().recorder.count(path_prefix)
    }

    /// Waits until at least so many requests came in whose path starts so. A request counts before it is answered.
    pub async fn wait_for_requests(&self, path_prefix: &str, count: usize) {
        let mut arrivals = self.requests.subscribe();
        while self.request_count(path_prefix) < count {
            // The sender lives in `self`.
            if arrivals.changed().await.is_err() {
                return;
            }
        }
    }

    /// How many tokens were issued since the start.
    pub fn tokens_issued(&self) -> u64 {
        self.world().tokens.issued()
    }

    // What administrators change.

    /// Gives a client a scope.
    pub fn grant_scope(&self, client: &str, scope: &str) -> bool {
        self.world().grant_scope(client, scope)
    }

    /// Takes a scope from a client, and what was planted by it from the truth.
    pub fn revoke_scope(&self, client: &str, scope: &str) -> bool {
        self.world().revoke_scope(client, scope)
    }

    /// Gives a client a role in a division (`*` for all); what nobody has becomes a dangling id.
    pub fn add_role(&self, client: &str, role: &str, division: &str) -> bool {
        self.world().add_role(client, role, division)
    }

    /// Takes a role from a client, in every division.
    pub fn remove_role(&self, client: &str, role: &str) -> bool {
        self.world().remove_role(client, role)
    }

    /// Adds `domain:entity:action,action` to a role.
    pub fn grant_permission(&self, role: &str, permission: &str) -> bool {
        self.world().grant_permission(role, permission)
    }

    /// Takes `domain:entity:action,action` from a role, as it is written there.
    pub fn revoke_permission(&self, role: &str, permission: &str) -> bool {
        self.world().revoke_permission(role, permission)
    }

    /// Gives a client another name.
    pub fn rename(&self, client: &str, name: &str) -> bool {
        self.world().rename(client, name)
    }

    /// Adds a client, which needs a `name` and an `authorizedGrantType`; answers its id.
    pub fn add_client(&self, client: Value) -> String {
        self.world().add_client(client)
    }

    /// Removes a client at once.
    pub fn remove_client(&self, client: &str) -> bool {
        self.world().remove_client(client)
    }

    /// Sets a client inactive, to be deleted at that unix time; `None` makes it active again.
    pub fn schedule_deletion(&self, client: &str, at: Option<i64>) -> bool {
        self.world().schedule_deletion(client, at)
    }

    /// Changes a client's JSON in any other way; answers whether the client is there.
    pub fn edit_client(&self, client: &str, change: impl FnOnce(&mut Value)) -> bool {
        self.world().edit(client, |client| {
            change(client);
            true
        })
    }

    /// Changes a role's JSON in any way; answers whether the role is there.
    pub fn edit_role(&self, role: &str, change: impl FnOnce(&mut Value)) -> bool {
        self.world().role_mut(role).map(change).is_some()
    }

    /// Deletes a role; clients keep its id, which dangles then.
    pub fn delete_role(&self, role: &str) -> bool {
        let mut world = self.world();
        let before = world.roles.len();
        world.roles.retain(|held| held["id"] != role && held["name"] != role);
        world.roles.len() < before
    }

    // What goes wrong.

    /// Replaces all faults by this one.
    pub fn set_fault(&self, fault: impl Into<Injection>) {
        self.world().injections = vec![fault.into()];
    }

    /// Adds a fault; of several that replace the answer the first one wins.
    pub fn add_fault(&self, fault: impl Into<Injection>) {
        self.world().injections.push(fault.into());
    }

    /// Removes all faults. A storm of the drift schedule goes on.
    pub fn clear_faults(&self) {
        self.world().injections.clear();
    }

    /// Ends all tokens at once.
    pub fn expire_tokens(&self) {
        self.world().tokens.expire_all();
    }

    /// Sets `expires_in` of tokens issued from now on, in seconds.
    pub fn set_token_lifetime(&self, seconds: u32) {
        self.world().tokens.lifetime = seconds;
    }

    /// Accepts only this secret from now on; tokens that were issued stay good.
    pub fn rotate_secret(&self, secret: &str) {
        self.world().set_secret(secret);
    }

    /// Sets how many requests a minute are allowed.
    pub fn set_rate_limit(&self, requests_per_minute: u32) {
        self.world().budget.allowed = requests_per_minute;
    }

    /// Applies all of the drift schedule up to so long after the start, and answers what happened since the last call.
    /// Time that goes back changes nothing. How often it is called does not change where it leads.
    pub fn advance_to(&self, elapsed: Duration) -> Vec<Change> {
        drift::advance(&mut self.world(), elapsed)
    }
}

fn id(entity: Option<&Value>) -> Option<String> {
    entity.and_then(|entity| entity["id"].as_str()).map(str::to_owned)
}

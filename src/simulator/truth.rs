//! What is true of the simulated organisation, to compare an exporter's report with.
//!
//! Counted from the organisation's records, by the reference's spelling rules; planted risks are data, not an audit.

use std::collections::BTreeMap;

use super::kind::{Grant, State};
use super::registry;
use super::risk::{Planted, Risk};
use super::world::World;

/// What is true of the organisation at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The organisation's id.
    pub organisation_id: String,
    /// The organisation's name.
    pub organisation_name: String,
    /// The exporter's own client.
    pub own_client_id: String,
    /// How many OAuth clients there are.
    pub clients: usize,
    /// Clients by grant type and state; pairs without a client are absent.
    pub by_grant_and_state: BTreeMap<(Grant, State), usize>,
    /// How many scopes the platform knows.
    pub scopes: usize,
    /// How many roles there are.
    pub roles: usize,
    /// How many divisions there are.
    pub divisions: usize,
    /// How many permissions the platform's registry has.
    pub permissions: usize,
    /// What was planted and is still there, each on a client.
    pub planted: Vec<Planted>,
}

impl Truth {
    /// Clients of a grant type, in any state.
    pub fn of_grant(&self, grant: Grant) -> usize {
        self.by_grant_and_state.iter().filter(|((of, _), _)| *of == grant).map(|(_, count)| count).sum()
    }

    /// Clients in a state, of any grant type.
    pub fn in_state(&self, state: State) -> usize {
        self.by_grant_and_state.iter().filter(|((_, of), _)| *of == state).map(|(_, count)| count).sum()
    }

    /// The ids of the clients with a planted risk, traps left out, sorted.
    pub fn clients_with(&self, risk: Risk) -> Vec<String> {
        let planted = self.planted.iter().filter(|planted| planted.risk == risk && !planted.trap);
        let mut ids: Vec<String> = planted.map(|planted| planted.client_id.clone()).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

pub(super) fn truth(world: &World) -> Truth {
    let mut by_grant_and_state = BTreeMap::new();
    for client in &world.clients {
        *by_grant_and_state.entry((Grant::of(client), State::of(client))).or_default() += 1;
    }
    Truth {
        organisation_id: world.organisation_id.clone(),
        organisation_name: world.organisation_name.clone(),
        own_client_id: world.client_id.clone(),
        clients: world.clients.len(),
        by_grant_and_state,
        scopes: registry::scopes().count(),
        roles: world.roles.len(),
        divisions: world.divisions.len(),
        permissions: registry::permissions().count(),
        planted: world.planted.clone(),
    }
}

//! The facts about the simulated organisation, to compare an exporter's report with.
//!
//! Counted from the records of the organisation. The planted risks come from the tables and not from an audit.

use std::collections::BTreeMap;

use super::kind::{Grant, State};
use super::registry;
use super::risk::{Planted, Risk};
use super::world::World;

/// The facts about the organisation at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The organisation's id.
    pub organisation_id: String,
    /// The organisation's name.
    pub organisation_name: String,
    /// The id of the exporter's own client.
    pub own_client_id: String,
    /// The number of OAuth clients.
    pub clients: usize,
    /// The number of clients by grant type and state. Pairs without clients are absent.
    pub by_grant_and_state: BTreeMap<(Grant, State), usize>,
    /// The number of scopes in the platform's registry.
    pub scopes: usize,
    /// The number of roles.
    pub roles: usize,
    /// The number of divisions.
    pub divisions: usize,
    /// The number of permissions in the platform's registry.
    pub permissions: usize,
    /// The planted risks and traps that still exist.
    pub planted: Vec<Planted>,
}

impl Truth {
    /// The number of clients with a grant type, in any state.
    pub fn of_grant(&self, grant: Grant) -> usize {
        self.by_grant_and_state.iter().filter(|((of, _), _)| *of == grant).map(|(_, count)| count).sum()
    }

    /// The number of clients in a state, of any grant type.
    pub fn in_state(&self, state: State) -> usize {
        self.by_grant_and_state.iter().filter(|((_, of), _)| *of == state).map(|(_, count)| count).sum()
    }

    /// The sorted ids of the clients with a planted risk, without traps.
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

//! The facts about the simulated organisation, to compare an exporter's report with.
//!
//! Counted from the records of the organisation. The planted risks come from the tables and not from an audit.

use std::collections::BTreeMap;

use serde_json::Value;

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

/// A grant type, independent of its spelling (reference 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// `CLIENT-CREDENTIALS`, formerly `CLIENT_CREDENTIALS`.
    ClientCredentials,
    /// `CODE`.
    Code,
    /// `TOKEN`, the implicit grant.
    Implicit,
    /// `PASSWORD`.
    Password,
    /// `SAML2-BEARER`, formerly `SAML2BEARER`.
    Saml2Bearer,
    /// A value that is not documented.
    Other,
}

impl Grant {
    /// The name in lower case with underscores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::Code => "code",
            Self::Implicit => "implicit",
            Self::Password => "password",
            Self::Saml2Bearer => "saml2_bearer",
            Self::Other => "other",
        }
    }

    pub(super) fn of(client: &Value) -> Self {
        let spelling = client["authorizedGrantType"].as_str().unwrap_or_default();
        match spelling.to_ascii_uppercase().replace(['-', '_'], "").as_str() {
            "CLIENTCREDENTIALS" => Self::ClientCredentials,
            "CODE" => Self::Code,
            "TOKEN" => Self::Implicit,
            "PASSWORD" => Self::Password,
            "SAML2BEARER" => Self::Saml2Bearer,
            _ => Self::Other,
        }
    }
}

/// The state of a client in its life cycle (reference 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// `active`.
    Active,
    /// `inactive`.
    Inactive,
    /// `disabled`.
    Disabled,
    /// A value that is not documented.
    Other,
}

impl State {
    /// The name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Disabled => "disabled",
            Self::Other => "other",
        }
    }

    fn of(client: &Value) -> Self {
        match client["state"].as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
            "active" => Self::Active,
            "inactive" => Self::Inactive,
            "disabled" => Self::Disabled,
            _ => Self::Other,
        }
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
        scopes: super::founding::scopes().count(),
        roles: world.roles.len(),
        divisions: world.divisions.len(),
        permissions: super::founding::permissions().count(),
        planted: world.planted.clone(),
    }
}

//! What is true of the simulated organisation, to compare an exporter's report with.
//!
//! Counted from the organisation's records, by the reference's spelling rules; planted risks are data, not an audit.

use std::collections::BTreeMap;

use serde_json::Value;

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

/// A grant type whatever its spelling (reference 3.2).
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
    /// A value that the reference does not know.
    Other,
}

impl Grant {
    /// Its name in lower case with underscores.
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

/// Where a client stands in its life cycle (reference 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// `active`.
    Active,
    /// `inactive`.
    Inactive,
    /// `disabled`.
    Disabled,
    /// A value that the reference does not know.
    Other,
}

impl State {
    /// Its name in lower case.
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

//! Which clients an entry of the policy is about.
//!
//! Not what the entry says about them.

use super::NamePattern;
use crate::domain::{Client, ClientId, GrantType};

/// Selects clients. A client must meet every criterion that is not empty, so the default selects every client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Selector {
    pub(crate) ids: Vec<ClientId>,
    pub(crate) names: Vec<NamePattern>,
    pub(crate) grants: Vec<GrantType>,
}

impl Selector {
    pub(super) fn selects(&self, client: &Client) -> bool {
        (self.ids.is_empty() || self.ids.contains(&client.id))
            && (self.names.is_empty() || self.names.iter().any(|name| name.matches(&client.name)))
            && (self.grants.is_empty() || self.grants.contains(&client.grant_type))
    }
}

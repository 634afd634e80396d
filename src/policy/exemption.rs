//! What is excused, by whom, why and until when.
//!
//! Never hides: an exempt finding stays in every output. Which findings it covers is decided in `audit`.

use super::Selector;
use crate::domain::{Client, ClientId, Timestamp};

/// An exemption of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exemption {
    /// Its id, unique in the policy: the label `exemption`.
    pub id: String,
    /// The slug of the rule.
    pub rule: String,
    pub(super) client: Selector,
    /// The one piece of evidence that it covers, as [`crate::audit::Evidence::key`] has it, or a permission by itself;
    /// `None` covers all of the rule's.
    pub only: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Where it was decided.
    pub ticket: Option<String>,
    /// From this moment on it covers nothing; `None` is for ever.
    pub expires: Option<Timestamp>,
    /// The line in the policy file, from 1, for reports that point at it.
    pub line: usize,
}

impl Exemption {
    /// Whether it is about this client.
    pub fn is_about(&self, client: &Client) -> bool {
        self.client.picks(client)
    }

    /// The same of a client of which only the id is known, since it is gone.
    pub fn is_about_id(&self, id: &ClientId) -> bool {
        self.is_about_organisation() || self.client.ids.contains(id)
    }

    /// The clients that it names by id: where there are some, no other client is meant.
    pub fn ids(&self) -> &[ClientId] {
        &self.client.ids
    }

    /// Whether it names clients by id or by name, instead of taking all of them or all of a grant type.
    pub fn names_clients(&self) -> bool {
        !self.client.ids.is_empty() || !self.client.names.is_empty()
    }

    /// Whether it is about the organisation too, whose findings are no client's.
    pub fn is_about_organisation(&self) -> bool {
        self.client == Selector::default()
    }

    /// Whether its end has come.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

#[cfg(test)]
impl Exemption {
    /// An exemption for every client, for tests of what is reported of exemptions.
    pub(crate) fn of_every_client(id: &str, rule: &str, owner: &str, reason: &str, expires: Option<Timestamp>) -> Self {
        Self {
            id: id.to_owned(),
            rule: rule.to_owned(),
            client: Selector::default(),
            only: None,
            owner: owner.to_owned(),
            reason: reason.to_owned(),
            ticket: None,
            expires,
            line: 7,
        }
    }
}

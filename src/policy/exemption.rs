//! Exemptions: which findings are excused, by whom, why and until when.
//!
//! An exempt finding stays in every output. `audit` decides which findings an exemption covers.
//!
//! `exemption_max` counts from the time at which the file is read, so reading takes the current time. An exemption that
//! has ended is a finding and not an error in the file: a date must not stop the exporter.

use super::Selector;
use crate::domain::{Client, ClientId, Timestamp};

/// An exemption of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exemption {
    /// Unique in the policy; the value of the label `exemption`.
    pub id: String,
    /// The slug of the rule whose findings it covers.
    pub rule: String,
    pub(super) client: Selector,
    /// The evidence that it covers: a key as in [`crate::audit::Evidence::key`], or a permission without role and division.
    /// `None` covers every finding of the rule.
    pub only: Option<String>,
    /// Who is responsible for the exemption.
    pub owner: String,
    /// Why the findings are acceptable.
    pub reason: String,
    /// Where the decision is recorded.
    pub ticket: Option<String>,
    /// From this time on, the exemption covers nothing; `None` means that it never ends.
    pub expires: Option<Timestamp>,
    /// The line in the policy file, counted from 1, for reports that link to it.
    pub line: usize,
}

impl Exemption {
    /// Whether the exemption applies to this client.
    pub fn is_about(&self, client: &Client) -> bool {
        self.client.selects(client)
    }

    /// Whether the exemption applies to a client that no longer exists, so that only its id is known.
    pub fn is_about_id(&self, id: &ClientId) -> bool {
        self.is_about_organisation() || self.client.ids.contains(id)
    }

    /// The clients that it names by id. If there are any, it applies to no other client.
    pub fn ids(&self) -> &[ClientId] {
        &self.client.ids
    }

    /// Whether it names clients by id or by name, instead of applying to every client or to every client of a grant type.
    pub fn names_clients(&self) -> bool {
        !self.client.ids.is_empty() || !self.client.names.is_empty()
    }

    /// Whether it also applies to findings on the organisation, which belong to no client.
    pub fn is_about_organisation(&self) -> bool {
        self.client == Selector::default()
    }

    /// Whether it has ended.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

#[cfg(test)]
impl Exemption {
    /// An exemption for every client, for tests of how exemptions are reported.
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

//! Checks whether a list of clients is complete. Pure.
//!
//! An incomplete list must never look like an all-clear, so the checks are stricter than the platform.

use crate::domain::ClientId;
use crate::genesys::ListedClients;

/// Why a list is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// The list is empty, but every organisation that the exporter can sign in to has at least the exporter's own client.
    #[error(
        "the platform sent an empty list of clients: the role with oauth:client:view is probably not granted in the \
         division of the clients; grant it in all divisions"
    )]
    Empty,
    /// `total` differs from the number of clients.
    #[error(
        "the platform says that there are {total} clients, but sent {distinct}; if its number is permanently wrong, set \
         --refresh.trust-total=false"
    )]
    Total {
        /// The number that the platform reports.
        total: u64,
        /// The number of distinct ids in the list.
        distinct: usize,
    },
    /// The exporter's own client is not in the list.
    #[error(
        "the list lacks the exporter's own client {own}: the role with oauth:client:view is probably not granted in all \
         divisions, or the client belongs to another organisation (then set --refresh.require-self=false)"
    )]
    WithoutSelf {
        /// The exporter's own client.
        own: ClientId,
    },
    /// A client is no longer in the list but still exists, because the pages shifted while they were read.
    #[error(
        "the list lacks the client {0}, which still exists: clients were added or removed while the list was read; the next \
         refresh reads it again"
    )]
    Vanished(ClientId),
}

/// What a list of clients says about its own completeness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The number of clients that the platform reports; `None` if it reports none.
    pub total: Option<u64>,
    /// The number of distinct ids that the platform sent.
    pub distinct: usize,
    /// The exporter's own client.
    pub own: ClientId,
    /// Whether the list contains the exporter's own client.
    pub own_listed: bool,
}

impl Listing {
    /// The facts about this list; `own` is the exporter's own client.
    pub fn of(listed: &ListedClients, own: &ClientId) -> Self {
        let own_listed = listed.clients.contains(own);
        Self { total: listed.total, distinct: listed.clients.len(), own: own.clone(), own_listed }
    }

    /// Checks whether the list is complete; the error says why it is not.
    pub fn check(&self, trust_total: bool, require_self: bool) -> Result<(), Incomplete> {
        if self.distinct == 0 {
            return Err(Incomplete::Empty);
        }
        if let Some(total) = self.total.filter(|total| trust_total && *total != self.distinct as u64) {
            return Err(Incomplete::Total { total, distinct: self.distinct });
        }
        if require_self && !self.own_listed {
            return Err(Incomplete::WithoutSelf { own: self.own.clone() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_lists_are_found_unless_a_setting_allows_them() {
        let own = ClientId::new("own");
        let totals_differ = |total, distinct| Err(Incomplete::Total { total, distinct });
        let without_self = Err(Incomplete::WithoutSelf { own: own.clone() });
        for (distinct, own_listed, total, trust_total, require_self, expected) in [
            (2, true, Some(2), true, true, Ok(())),
            (2, true, None, true, true, Ok(())),
            (2, true, Some(3), true, true, totals_differ(3, 2)),
            (2, true, Some(1), true, true, totals_differ(1, 2)),
            (2, true, Some(0), true, true, totals_differ(0, 2)),
            (2, true, Some(3), false, true, Ok(())),
            (1, false, Some(1), true, true, without_self),
            (1, false, Some(1), true, false, Ok(())),
            (0, false, Some(0), true, false, Err(Incomplete::Empty)),
            (0, false, None, false, false, Err(Incomplete::Empty)),
        ] {
            let listing = Listing { total, distinct, own: own.clone(), own_listed };
            assert_eq!(listing.check(trust_total, require_self), expected, "{listing:?}");
        }
    }
}

//! Whether a list of clients is the whole list: pure, and stricter than the platform.
//!
//! A list that is not complete must never look like an all-clear.

use crate::domain::ClientId;
use crate::genesys::ListedClients;

/// Why a list is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// An organisation that we can sign in to has at least our own client.
    #[error(
        "the platform sent an empty list of clients: the role with oauth:client:view is probably not granted in the \
         division of the clients; grant it in all divisions"
    )]
    Empty,
    /// `total` says another number.
    #[error(
        "the platform says that there are {total} clients and sent {distinct}; if its number is wrong for good, set \
         --refresh.trust-total=false"
    )]
    Total {
        /// What the platform says.
        total: u64,
        /// Distinct ids in the list.
        distinct: usize,
    },
    /// Our own client is not in it.
    #[error(
        "the list lacks the exporter's own client {own}: the role with oauth:client:view is probably not granted in all \
         divisions, or the client belongs to another organisation (then set --refresh.require-self=false)"
    )]
    WithoutSelf {
        /// Our own client.
        own: ClientId,
    },
}

/// Says why the list is not complete, if it is not.
pub(super) fn check(
    listed: &ListedClients,
    own: &ClientId,
    trust_total: bool,
    require_self: bool,
) -> Result<(), Incomplete> {
    if listed.distinct == 0 {
        return Err(Incomplete::Empty);
    }
    if let Some(total) = listed.total.filter(|total| trust_total && *total != listed.distinct as u64) {
        return Err(Incomplete::Total { total, distinct: listed.distinct });
    }
    let listed_self = listed.clients.iter().any(|client| client.id == *own) || listed.rejected.contains(own);
    if require_self && !listed_self {
        return Err(Incomplete::WithoutSelf { own: own.clone() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ScopeTable;

    fn listed(rejected: &[&str], total: Option<u64>) -> ListedClients {
        ListedClients {
            clients: Vec::new(),
            scopes: ScopeTable::default(),
            rejected: rejected.iter().map(|id| ClientId::new(*id)).collect(),
            duplicates: 0,
            total,
            distinct: rejected.len(),
        }
    }

    #[test]
    fn what_makes_a_list_incomplete() {
        let own = ClientId::new("own");
        let total = |total, distinct| Err(Incomplete::Total { total, distinct });
        for (ids, said, trust_total, require_self, expected) in [
            (&["own", "b"][..], Some(2), true, true, Ok(())),
            (&["own", "b"], None, true, true, Ok(())),
            (&["own", "b"], Some(3), true, true, total(3, 2)),
            (&["own", "b"], Some(1), true, true, total(1, 2)),
            (&["own", "b"], Some(0), true, true, total(0, 2)),
            (&["own", "b"], Some(3), false, true, Ok(())),
            (&["b"], Some(1), true, true, Err(Incomplete::WithoutSelf { own: own.clone() })),
            (&["b"], Some(1), true, false, Ok(())),
            (&[], Some(0), true, false, Err(Incomplete::Empty)),
            (&[], None, false, false, Err(Incomplete::Empty)),
        ] {
            assert_eq!(check(&listed(ids, said), &own, trust_total, require_self), expected, "{ids:?} of {said:?}");
        }
    }
}

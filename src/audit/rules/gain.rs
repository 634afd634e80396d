//! What a difference from the baseline adds: dangerous scopes and permissions, or more exposure of those that the client
//! already has.
//!
//! `drift` decides the severity, and `drift_evidence` the text.

use std::collections::BTreeSet;

use super::context::{Context, Drift, Subject};
use crate::audit::rule::AppliesTo;
use crate::baseline::{CONDITIONAL, Difference};
use crate::domain::{Client, Privilege, RoleId};

impl Context<'_> {
    pub(super) fn drift(&self) -> &[Drift] {
        self.drift.get_or_init(|| self.differences_from_baseline())
    }

    fn differences_from_baseline(&self) -> Vec<Drift> {
        let Some(baseline) = self.baseline else { return Vec::new() };
        let (client, differences) = match self.subject {
            Subject::Organisation => return Vec::new(),
            Subject::Client(client) => (Some(client), baseline.differences_of(client, self.snapshot, self.contents())),
            Subject::Removed(_) => (None, vec![Difference::ClientRemoved]),
        };
        let mut drift = Vec::new();
        let mut scope_at_risk = None;
        for difference in differences.into_iter().filter(Difference::is_drift) {
            let gained: BTreeSet<Privilege> = client.map(|client| self.gained(client, &difference)).unwrap_or_default();
            let exposes_more = match (client, &difference) {
                // Searched once for all new redirect URIs of the client.
                (Some(client), Difference::RedirectAdded(_)) => {
                    *scope_at_risk.get_or_insert_with(|| self.dangerous_scopes_of(client).next().is_some())
                }
                (Some(client), difference) => self.exposes_more(client, difference),
                (None, _) => false,
            };
            let gained = gained.into_iter().collect();
            drift.push(Drift { difference, gained, exposes_more });
        }
        drift
    }

    /// The dangerous scopes and permissions that the client gains through this difference and that take effect.
    fn gained(&self, client: &Client, difference: &Difference) -> BTreeSet<Privilege> {
        match difference {
            Difference::ClientAdded => self.dangerous_privileges(client, true, true),
            Difference::ScopeAdded(scope) => {
                let counts = AppliesTo::Scoped.covers(client.grant_type, self.policy.scopes.judge);
                let index = self.snapshot.scopes.find(scope).filter(|_| counts);
                let is_dangerous = index.is_some_and(|index| self.dangerous_scope(index).is_some());
                is_dangerous.then(|| Privilege::Scope(scope.as_str().into())).into_iter().collect()
            }
            Difference::GrantType(before, _) => {
                self.dangerous_privileges(client, !before.scopes_count(), !before.roles_count())
            }
            Difference::RoleAdded(role, _) | Difference::DivisionAdded(role, _) if client.grant_type.roles_count() => {
                self.dangerous_permissions_of(role).collect()
            }
            Difference::RoleContent { role, added, .. } if client.grant_type.roles_count() => {
                // A dangerous permission has no condition in its name; an added one may.
                let added: BTreeSet<&str> =
                    added.iter().map(|text| text.strip_suffix(CONDITIONAL).unwrap_or(text)).collect();
                self.dangerous_permissions_of(role).filter(|permission| added.contains(permission.name())).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// Whether privileges that the client already has become more dangerous.
    fn exposes_more(&self, client: &Client, difference: &Difference) -> bool {
        match difference {
            Difference::TokenValidity(..) | Difference::State(..) => self.is_dangerous(client),
            _ => false,
        }
    }

    /// The dangerous scopes, permissions or both that the client has and that take effect.
    fn dangerous_privileges(&self, client: &Client, scopes: bool, permissions: bool) -> BTreeSet<Privilege> {
        let mut dangerous = BTreeSet::new();
        if scopes {
            dangerous.extend(self.dangerous_scopes_of(client).map(|scope| Privilege::Scope(scope.into())));
        }
        if permissions && client.grant_type.roles_count() {
            dangerous.extend(client.role_grants.iter().flat_map(|grant| self.dangerous_permissions_of(&grant.role)));
        }
        dangerous
    }

    fn dangerous_scopes_of(&self, client: &Client) -> impl Iterator<Item = &str> {
        let count = AppliesTo::Scoped.covers(client.grant_type, self.policy.scopes.judge);
        let dangerous = client.scopes.iter().filter(move |scope| count && self.dangerous_scope(**scope).is_some());
        dangerous.map(|scope| self.snapshot.scopes.name(*scope))
    }

    fn dangerous_permissions_of(&self, role: &RoleId) -> impl Iterator<Item = Privilege> {
        self.dangerous_permissions(role).iter().map(|danger| Privilege::Permission(danger.name.clone()))
    }
}

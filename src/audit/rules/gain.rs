//! What a difference from the baseline brings: dangerous scopes and permissions, or more reach for those that were there.
//!
//! Not how bad that is, nor how it is told (`drift`, `drift_evidence`).

use std::collections::BTreeSet;

use super::{AppliesTo, Context};
use crate::baseline::{CONDITIONAL, Difference};
use crate::domain::{Client, ClientId, Power, RoleId};

/// A difference with what it brings.
#[derive(Debug)]
pub(super) struct Drift {
    pub(super) client: ClientId,
    pub(super) difference: Difference,
    /// Dangerous scopes and permissions that the client has to effect by it, sorted.
    pub(super) gained: Vec<Power>,
    /// Whether what the client has already becomes more dangerous by it.
    reaches_further: bool,
}

impl Drift {
    pub(super) fn is_dangerous(&self) -> bool {
        self.reaches_further || !self.gained.is_empty()
    }
}

impl Context<'_> {
    pub(super) fn drift(&self) -> &[Drift] {
        self.drift.get_or_init(|| self.differences_from_baseline())
    }

    fn differences_from_baseline(&self) -> Vec<Drift> {
        let Some(baseline) = self.baseline else { return Vec::new() };
        let mut drift = Vec::new();
        for (id, differences) in baseline.differences(self.snapshot) {
            let client = self.snapshot.client(&id);
            for difference in differences.into_iter().filter(Difference::is_drift) {
                let gained: BTreeSet<Power> = client.map(|client| self.gained(client, &difference)).unwrap_or_default();
                let reaches_further = client.is_some_and(|client| self.reaches_further(client, &difference));
                let gained = gained.into_iter().collect();
                drift.push(Drift { client: id.clone(), difference, gained, reaches_further });
            }
        }
        drift
    }

    /// The dangerous scopes and permissions that the client has to effect by this difference.
    fn gained(&self, client: &Client, difference: &Difference) -> BTreeSet<Power> {
        match difference {
            Difference::ClientAdded => self.powers(client, true, true),
            Difference::ScopeAdded(scope) => {
                let mut powers = self.powers(client, true, false);
                powers.retain(|power| power.name() == scope);
                powers
            }
            Difference::GrantType(before, _) => self.powers(client, !before.scopes_count(), !before.roles_count()),
            Difference::RoleAdded(role, _) | Difference::DivisionAdded(role, _) if client.grant_type.roles_count() => {
                self.powers_of_role(role).collect()
            }
            Difference::RoleContent { role, added, .. } if client.grant_type.roles_count() => {
                // What was added is spelled as the role spells it.
                let added: BTreeSet<&str> =
                    added.iter().map(|text| text.strip_suffix(CONDITIONAL).unwrap_or(text)).collect();
                self.powers_of_role(role).filter(|power| added.contains(power.name())).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// Whether power that the client has already becomes more dangerous.
    fn reaches_further(&self, client: &Client, difference: &Difference) -> bool {
        match difference {
            Difference::TokenValidity(..) | Difference::State(..) => self.is_dangerous(client),
            Difference::RedirectAdded(_) => self.dangerous_scopes_of(client).next().is_some(),
            _ => false,
        }
    }

    /// The dangerous scopes and permissions that the client has to effect.
    fn powers(&self, client: &Client, scopes: bool, permissions: bool) -> BTreeSet<Power> {
        let mut powers = BTreeSet::new();
        if scopes {
            powers.extend(self.dangerous_scopes_of(client).map(|scope| Power::Scope(scope.to_owned())));
        }
        if permissions && client.grant_type.roles_count() {
            powers.extend(client.role_grants.iter().flat_map(|grant| self.powers_of_role(&grant.role)));
        }
        powers
    }

    fn dangerous_scopes_of(&self, client: &Client) -> impl Iterator<Item = &str> {
        let count = AppliesTo::Scoped.covers(client.grant_type, self.policy.scopes.judge);
        let dangerous = client.scopes.iter().filter(move |scope| count && self.dangerous_scope(**scope).is_some());
        dangerous.map(|scope| self.snapshot.scopes.name(*scope))
    }

    fn powers_of_role(&self, role: &RoleId) -> impl Iterator<Item = Power> {
        self.dangerous_permissions(role).iter().map(|danger| Power::Permission(danger.name.clone()))
    }
}

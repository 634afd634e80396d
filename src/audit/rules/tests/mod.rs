//! Tests of each rule: a table of cases, including its traps.

mod credentials;
mod exempted;
mod grants_and_life;
mod itself;
mod redirects;
mod scopes_and_redirects;

use std::collections::BTreeSet;

use crate::audit::{Report, evaluate, rules};
use crate::domain::{
    Client, ClientId, ClientState, GrantType, Input, Permission, Role, RoleId, Severity, Snapshot, Timestamp,
};
use crate::fixtures::{TAKEN_AT, division, not_read, role_grant};
use crate::policy::{DangerousPermission, PermissionPattern, Policy};

const NOW: Timestamp = TAKEN_AT;

/// An organisation with one client, two divisions and a registry of scopes. Each case changes what it tests.
struct World {
    snapshot: Snapshot,
    policy: Policy,
    now: Timestamp,
}

impl World {
    /// An organisation whose client has this grant type.
    fn of(grant: &str) -> Self {
        let snapshot = crate::fixtures::snapshot()
            .client(crate::fixtures::client("c-1").described("Owner: somebody").spelled(grant))
            .division(division("d-1").named("Home").home())
            .division(division("d-2").named("Sales"))
            .registry(&["oauth", "oauth:readonly", "users", "users:readonly", "upload"])
            .permissions(&["oauth:client:view", "telephony:plugin:all"])
            .build();
        let mut policy = crate::fixtures::policy("");
        policy.scopes.toxic = Vec::new();
        policy.permissions.dangerous = Vec::new();
        policy.permissions.companions = Vec::new();
        policy.roles.admin = Vec::new();
        policy.redirects.hosts = Vec::new();
        policy.redirects.testers = Vec::new();
        policy.expectations = Vec::new();
        policy.owners = Vec::new();
        policy.org.production = true;
        policy.org.scope_enforcement = None;
        policy.defaults.max_token_validity = 86_400;
        Self { snapshot, policy, now: NOW }
    }

    fn client(&mut self) -> &mut Client {
        &mut self.snapshot.clients[0]
    }

    fn scopes(mut self, scopes: &[&str]) -> Self {
        let held: BTreeSet<_> = scopes.iter().map(|scope| self.snapshot.scopes.intern(scope)).collect();
        self.client().scopes = held.into_iter().collect();
        self
    }

    fn redirects(mut self, uris: &[&str]) -> Self {
        self.client().redirect_uris = uris.iter().map(|uri| (*uri).into()).collect();
        self
    }

    /// Adds a custom role with these permissions, held in this division. A permission that ends in `?` is conditional.
    fn role(self, name: &str, division: Option<&str>, permissions: &[&str]) -> Self {
        self.any_role(name, division, permissions, |_| {})
    }

    fn any_role(
        mut self,
        name: &str,
        division: Option<&str>,
        granted: &[&str],
        change: impl FnOnce(&mut Role),
    ) -> Self {
        let mut role = crate::fixtures::role(&format!("id of {name}")).named(name).permits(granted).build();
        change(&mut role);
        let id = role.id.clone();
        if let Input::Read(roles) = &mut self.snapshot.roles {
            roles.insert(role);
        }
        self.grants(id.as_str(), division)
    }

    /// Adds a grant of this role id, whether or not the role exists.
    fn grants(mut self, role: &str, division: Option<&str>) -> Self {
        let client = self.client();
        let mut grants = client.role_grants.to_vec();
        grants.push(role_grant(role, division));
        grants.sort();
        client.role_grants = grants.into();
        self
    }

    fn dangerous(mut self, patterns: &[(&str, Severity)]) -> Self {
        self.policy.permissions.dangerous = patterns
            .iter()
            .map(|(pattern, severity)| DangerousPermission {
                pattern: PermissionPattern::new(pattern).expect("three segments"),
                severity: *severity,
                reason: format!("{pattern} is dangerous").into(),
                allow_unmatched: false,
            })
            .collect();
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn report(&self) -> Report {
        evaluate(&self.snapshot, &self.policy, None, self.now)
    }

    /// The findings of a rule, each as `KEY SEVERITY`.
    fn found(&self, rule: &str) -> Vec<String> {
        let report = self.report();
        let findings = report.findings().filter(|finding| finding.rule.slug == rule);
        findings.map(|finding| format!("{} {}", finding.evidence.key, finding.severity)).collect()
    }

    fn state(&self, rule: &str) -> &'static str {
        let report = self.report();
        report.outcomes.iter().find(|outcome| outcome.rule.slug == rule).expect("a rule").state.label()
    }
}

const CC: &str = "CLIENT-CREDENTIALS";

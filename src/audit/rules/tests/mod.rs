//! Each rule as a table of cases, with its trap.

mod credentials;
mod exempted;
mod grants_and_life;
mod itself;
mod scopes_and_redirects;

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::{Report, evaluate, rules};
use crate::domain::{
    Client, ClientId, ClientState, Division, DivisionId, GrantType, Input, OrgId, Organisation, Permission, Role,
    RoleGrant, RoleId, ScopeTable, Severity, Snapshot, Timestamp,
};
use crate::policy::{DangerousPermission, PermissionPattern, Policy};

/// 2026-09-21, long before the end of the implicit grant.
const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// An organisation of one client, two divisions and a registry, in which each case changes what it is about.
struct World {
    snapshot: Snapshot,
    policy: Policy,
    now: Timestamp,
}

impl World {
    /// One client of that grant type.
    fn of(grant: &str) -> Self {
        let client = Client {
            id: ClientId::new("c-1"),
            name: "A client".to_owned(),
            description: Some("Owner: somebody".to_owned()),
            grant_type: GrantType::from_platform(grant),
            grant_type_spelling: grant.into(),
            state: ClientState::Active,
            scopes: Box::default(),
            role_grants: Box::default(),
            redirect_uris: Box::default(),
            token_validity: None,
            created: None,
            modified: None,
            created_by: None,
            modified_by: None,
            deletion: None,
        };
        let division =
            |id: &str, name: &str| Division { id: DivisionId::new(id), name: name.to_owned(), home: id == "d-1" };
        let divisions = [division("d-1", "Home"), division("d-2", "Sales")];
        let registry = ["oauth", "oauth:readonly", "users", "users:readonly", "upload"];
        let snapshot = Snapshot {
            organisation: Organisation { id: OrgId::new("o"), name: "O".to_owned(), region: "r".to_owned() },
            taken_at: NOW,
            own_client: None,
            clients: vec![client],
            unread: std::collections::BTreeSet::new(),
            unread_roles: std::collections::BTreeSet::new(),
            scopes: ScopeTable::default(),
            registry: Input::Read(registry.iter().map(|scope| ((*scope).to_owned(), String::new())).collect()),
            roles: Input::Read(BTreeMap::new()),
            divisions: Input::Read(divisions.map(|division| (division.id.clone(), division)).into()),
            permissions: Input::Read(["oauth:client:view", "telephony:plugin:all"].map(str::to_owned).into()),
        };
        let mut policy = Policy::parse("", &rules::slugs()).expect("the built-in policy");
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
        self.client().redirect_uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        self
    }

    /// A custom role in that division with these permissions; one that ends in `?` is conditional.
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
        let id = RoleId::new(format!("id of {name}"));
        let permission = |text: &&str| {
            let parsed = Permission::parse(text.trim_end_matches('?')).expect("three segments");
            Permission { conditional: text.ends_with('?'), ..parsed }
        };
        let mut role = Role {
            id: id.clone(),
            name: name.to_owned(),
            default_role: None,
            is_default: false,
            general: Box::default(),
            permissions: granted.iter().map(permission).collect(),
        };
        change(&mut role);
        if let Input::Read(roles) = &mut self.snapshot.roles {
            roles.insert(id.clone(), role);
        }
        self.grants(id.as_str(), division)
    }

    /// A grant of that role id, whether or not there is such a role.
    fn grants(mut self, role: &str, division: Option<&str>) -> Self {
        let client = self.client();
        let mut grants = client.role_grants.to_vec();
        grants.push(RoleGrant { role: RoleId::new(role), division: division.map(DivisionId::new) });
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
                reason: format!("{pattern} is dangerous"),
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

    /// The findings of a rule as `evidence severity`.
    fn found(&self, rule: &str) -> Vec<String> {
        let report = self.report();
        let findings = report.findings.iter().filter(|finding| finding.rule.slug == rule);
        findings.map(|finding| format!("{} {}", finding.evidence.key, finding.severity)).collect()
    }

    fn state(&self, rule: &str) -> &'static str {
        let report = self.report();
        report.outcomes.iter().find(|outcome| outcome.rule.slug == rule).expect("a rule").state.label()
    }
}

const CC: &str = "CLIENT-CREDENTIALS";

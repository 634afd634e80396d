//! The data that the rules read. Each pattern of the policy is matched once per distinct scope and once per held role.
//!
//! The rules decide what is a finding.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::role_facts::RoleFacts;
use crate::audit::finding::{Evidence, Finding, Status};
use crate::audit::role_gaps::is_hidden_from;
use crate::audit::rule::{Rule, weighed};
use crate::baseline::{Baseline, Difference};
use crate::domain::{Client, ClientId, DivisionId, Privilege, Role, RoleId, ScopeIndex, Severity, Snapshot, Timestamp};
use crate::policy::{DangerousPattern, DangerousPermission, Policy};
use crate::text::{SharedText, listed};

/// The largest number of names in a sentence.
pub(super) const MOST_NAMES: usize = 20;

/// The redirect URIs of each client in which a rule finds something, with one bit for each of the rules.
pub(super) type SuspectUris<'a> = HashMap<&'a ClientId, Vec<(&'a str, u8)>>;

/// The input of the rules.
#[derive(Debug)]
pub struct Context<'a> {
    pub(in crate::audit) snapshot: &'a Snapshot,
    pub(in crate::audit) policy: &'a Policy,
    pub(in crate::audit) baseline: Option<&'a Baseline>,
    pub(in crate::audit) now: Timestamp,
    /// By the scope's position in the snapshot's table.
    scopes: Vec<ScopeFacts<'a>>,
    /// The dangerous permissions of each role that a client holds.
    dangers: HashMap<&'a RoleId, Vec<Danger<'a>>>,
    /// What only the rules on roles need, by role. Computed when the first of them needs it.
    roles: OnceCell<HashMap<&'a RoleId, RoleFacts<'a>>>,
    /// Computed when the first rule on redirect URIs needs it.
    pub(super) suspect_uris: OnceCell<SuspectUris<'a>>,
    /// Computed when the first drift rule needs it.
    pub(super) drift: OnceCell<Vec<Drift>>,
}

/// What the rules need to know about a scope. Computed once for each distinct scope, not for each client.
#[derive(Debug)]
pub(super) struct ScopeFacts<'a> {
    /// The worst dangerous pattern that matches it.
    pub(super) dangerous: Option<&'a DangerousPattern>,
    /// Whether the platform's registry has it.
    pub(super) is_registered: bool,
    /// Whether the platform's registry has its `:readonly` form.
    pub(super) readonly_is_registered: bool,
    /// Its `:readonly` form, if a client holds that.
    pub(super) readonly: Option<ScopeIndex>,
    /// The scope without `:readonly`, if it ends with this and a client holds that.
    pub(super) base: Option<ScopeIndex>,
}

/// A dangerous permission that a role grants.
#[derive(Debug)]
pub(super) struct Danger<'a> {
    /// `domain:entity:action`, or the single word of a general permission.
    pub(super) name: Arc<str>,
    pub(super) conditional: bool,
    /// The worst pattern that matches it.
    pub(super) worst: &'a DangerousPermission,
    /// All patterns that match it, in lower case.
    pub(super) labels: Arc<[SharedText]>,
}

/// A role that a client holds and that could be read.
#[derive(Debug)]
pub(super) struct HeldRole<'a> {
    pub(super) role: &'a Role,
    /// The divisions in which the client holds it; `None` is a division that the platform did not report.
    pub(super) divisions: BTreeSet<Option<&'a DivisionId>>,
}

/// A difference and what it adds.
#[derive(Debug)]
pub(super) struct Drift {
    pub(super) client: ClientId,
    pub(super) difference: Difference,
    /// Dangerous scopes and permissions that the client gains and that take effect, sorted.
    pub(super) gained: Vec<Privilege>,
    /// Whether privileges that the client already has become more dangerous.
    pub(super) exposes_more: bool,
}

impl Drift {
    pub(super) fn is_dangerous(&self) -> bool {
        self.exposes_more || !self.gained.is_empty()
    }
}

impl<'a> Context<'a> {
    pub(in crate::audit) fn new(
        snapshot: &'a Snapshot,
        policy: &'a Policy,
        baseline: Option<&'a Baseline>,
        now: Timestamp,
    ) -> Self {
        let registry = snapshot.registry.read();
        let is_registered = |scope: &str| registry.is_some_and(|registry| registry.contains_key(scope));
        let facts = |(_, scope): (ScopeIndex, &str)| {
            let readonly = format!("{scope}:readonly");
            ScopeFacts {
                dangerous: policy.scopes.dangerous_pattern(scope),
                is_registered: is_registered(scope),
                readonly_is_registered: is_registered(&readonly),
                readonly: snapshot.scopes.find(&readonly),
                base: scope.strip_suffix(":readonly").and_then(|base| snapshot.scopes.find(base)),
            }
        };
        let scopes = snapshot.scopes.iter().map(facts).collect();
        let dangers = dangers(snapshot, policy);
        let (roles, suspect_uris, drift) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { snapshot, policy, baseline, now, scopes, dangers, roles, suspect_uris, drift }
    }

    /// The clients that a rule evaluates.
    pub(super) fn covered(&self, rule: &Rule) -> impl Iterator<Item = &'a Client> + use<'a> {
        let (applies_to, judge) = (rule.applies_to, self.policy.scopes.judge);
        self.snapshot.clients.iter().filter(move |client| applies_to.covers(client.grant_type, judge))
    }

    /// The clients that a rule evaluates, without clients that have a gap in the data that the rule reads: an absence proves nothing
    /// there.
    pub(super) fn covered_without_gap(&self, rule: &'static Rule) -> impl Iterator<Item = &'a Client> + use<'a> {
        let snapshot = self.snapshot;
        self.covered(rule).filter(move |client| !is_hidden_from(rule, snapshot, client))
    }

    /// A finding on a client with the rule's default severity.
    pub(super) fn finding(&self, rule: &'static Rule, client: &Client, evidence: Evidence) -> Finding {
        self.finding_at(rule, rule.severity, client, evidence)
    }

    /// A finding on a client with the severity `own`, unless the policy sets another for the rule.
    pub(super) fn finding_at(
        &self,
        rule: &'static Rule,
        own: Severity,
        client: &Client,
        evidence: Evidence,
    ) -> Finding {
        Finding { client: Some(client.id.clone()), ..self.finding_on_organisation(rule, own, evidence) }
    }

    /// A finding on the organisation with the severity `own`, unless the policy sets another for the rule.
    pub(in crate::audit) fn finding_on_organisation(
        &self,
        rule: &'static Rule,
        own: Severity,
        evidence: Evidence,
    ) -> Finding {
        Finding {
            rule,
            client: None,
            severity: weighed(rule, self.policy, own),
            status: Status::Open,
            evidence: Arc::new(evidence),
            pattern: None,
            reason: rule.why.into(),
            exemption: None,
            dangerous: None,
            unlisted: Box::default(),
        }
    }

    /// The name of a scope.
    pub(super) fn scope_name(&self, scope: ScopeIndex) -> &'a str {
        self.snapshot.scopes.name(scope)
    }

    /// The facts about a scope that a client of this snapshot holds.
    pub(super) fn facts_on(&self, scope: ScopeIndex) -> Option<&ScopeFacts<'a>> {
        self.scopes.get(scope.position())
    }

    /// Whether the client holds the scope with this name.
    pub(super) fn holds(&self, client: &Client, scope: &str) -> bool {
        self.snapshot.scopes.find(scope).is_some_and(|scope| holds(client, scope))
    }

    /// The worst dangerous pattern that matches a scope.
    pub(super) fn dangerous_scope(&self, scope: ScopeIndex) -> Option<&'a DangerousPattern> {
        self.facts_on(scope)?.dangerous
    }

    /// The roles that a client holds and that could be read, in the order of their ids.
    pub(super) fn held_roles(&self, client: &'a Client) -> Vec<HeldRole<'a>> {
        let Some(roles) = self.snapshot.roles.read() else { return Vec::new() };
        let mut held: BTreeMap<&RoleId, HeldRole<'a>> = BTreeMap::new();
        for grant in &client.role_grants {
            let Some(role) = roles.find(&grant.role).filter(|role| role.is_known()) else { continue };
            let held = held.entry(&grant.role).or_insert_with(|| HeldRole { role, divisions: BTreeSet::new() });
            held.divisions.insert(grant.division.as_ref());
        }
        held.into_values().collect()
    }

    /// The facts about a role of the organisation.
    pub(super) fn role_facts(&self, role: &RoleId) -> Option<&RoleFacts<'a>> {
        let facts = || {
            let roles = self.snapshot.roles.read().into_iter().flatten();
            roles.map(|role| (&role.id, RoleFacts::of(role, self.policy))).collect()
        };
        self.roles.get_or_init(facts).get(role)
    }

    /// The dangerous permissions of a role that a client holds; empty for any other role.
    pub(super) fn dangerous_permissions(&self, role: &RoleId) -> &[Danger<'a>] {
        self.dangers.get(role).map_or(&[], Vec::as_slice)
    }

    /// Whether a client has a dangerous scope or permission that takes effect, as far as the snapshot shows.
    pub(super) fn is_dangerous(&self, client: &Client) -> bool {
        let scopes_count = super::AppliesTo::Scoped.covers(client.grant_type, self.policy.scopes.judge);
        let by_scope = scopes_count && client.scopes.iter().any(|scope| self.dangerous_scope(*scope).is_some());
        let mut roles = client.role_grants.iter().map(|grant| &grant.role);
        by_scope || (client.grant_type.roles_count() && roles.any(|role| !self.dangerous_permissions(role).is_empty()))
    }

    /// The name of a division, or its id if the division could not be read.
    pub(super) fn division_name<'b>(&'b self, division: &'b DivisionId) -> &'b str {
        let known = self.snapshot.divisions.read().and_then(|divisions| divisions.get(division));
        known.map_or(division.as_str(), |division| division.name.as_str())
    }

    /// The divisions as text that follows `in`.
    pub(super) fn divisions_in_words<'b>(
        &'b self,
        divisions: impl IntoIterator<Item = Option<&'b DivisionId>>,
    ) -> String {
        let (mut names, mut unknown) = (BTreeSet::new(), false);
        for division in divisions {
            match division {
                Some(all) if all.is_all() => return "all divisions".to_owned(),
                Some(division) => {
                    names.insert(self.division_name(division));
                }
                None => unknown = true,
            }
        }
        let names: Vec<&str> = names.into_iter().chain(unknown.then_some("an unknown division")).collect();
        match names.as_slice() {
            [one] if unknown => (*one).to_owned(),
            [one] => format!("the division {one}"),
            several => format!("the divisions {}", listed(several.iter().copied(), MOST_NAMES)),
        }
    }
}

/// Whether the client holds this scope.
pub(super) fn holds(client: &Client, scope: ScopeIndex) -> bool {
    client.scopes.binary_search(&scope).is_ok()
}

/// The dangerous permissions of every role that a client holds.
fn dangers<'a>(snapshot: &'a Snapshot, policy: &'a Policy) -> HashMap<&'a RoleId, Vec<Danger<'a>>> {
    let Some(roles) = snapshot.roles.read() else { return HashMap::new() };
    let held: BTreeSet<&RoleId> =
        snapshot.clients.iter().flat_map(|client| client.role_grants.iter().map(|grant| &grant.role)).collect();
    let mut known: HashMap<[&str; 3], Option<Met<'a>>> = HashMap::new();
    let mut of_role = |role: &'a Role| {
        let mut dangers: BTreeMap<(String, bool), Met<'a>> = BTreeMap::new();
        for permission in &role.permissions {
            let segments = [&*permission.domain, &*permission.entity, &*permission.action];
            let met = known.entry(segments).or_insert_with(|| met(policy.permissions.dangerous_patterns(permission)));
            dangers.extend(met.clone().map(|met| ((permission.to_string(), permission.conditional), met)));
        }
        for general in &role.general {
            let met = met(policy.permissions.dangerous_general(general));
            dangers.extend(met.map(|met| ((general.clone(), false), met)));
        }
        let danger = |((name, conditional), (worst, labels)): ((String, bool), Met<'a>)| Danger {
            name: name.into(),
            conditional,
            worst,
            labels,
        };
        dangers.into_iter().map(danger).collect()
    };
    held.into_iter().filter_map(|id| roles.find(id)).map(|role| (&role.id, of_role(role))).collect()
}

/// The worst of the patterns that match a permission, and all of them.
type Met<'a> = (&'a DangerousPermission, Arc<[SharedText]>);

/// The worst of these patterns (the first of several equally bad ones) and all of them; `None` if there are none.
fn met<'a>(patterns: impl Iterator<Item = &'a DangerousPermission>) -> Option<Met<'a>> {
    let patterns: Vec<&DangerousPermission> = patterns.collect();
    // `max_by_key` returns the last of several maxima, so the search runs backwards to find the first.
    let worst = patterns.iter().rev().max_by_key(|pattern| pattern.severity)?;
    Some((worst, patterns.iter().map(|dangerous| dangerous.pattern.as_str().to_ascii_lowercase().into()).collect()))
}

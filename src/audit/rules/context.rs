//! The data that the rules read. Each pattern of the policy is matched once per distinct scope and once per held role.
//!
//! The rules decide what is a finding.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use super::role_facts::{self, Danger, Met, RoleFacts};
use crate::audit::clock::Clock;
use crate::audit::finding::{About, Evidence, Status};
use crate::audit::role_gaps::is_hidden_from;
use crate::audit::rule::{Rule, weighed};
use crate::baseline::{Baseline, Difference, RoleContents};
use crate::domain::{
    Client, ClientId, DivisionId, Permission, Privilege, Records, Role, RoleGrant, RoleId, ScopeIndex, Severity,
    Snapshot, Timestamp,
};
use crate::policy::{DangerousPattern, Policy};
use crate::text::listed;

/// The largest number of names in a sentence.
pub(super) const MOST_NAMES: usize = 20;

/// The redirect URIs of a client in which a rule finds something, with one bit for each of the rules.
pub(super) type SuspectUris<'a> = Vec<(&'a str, u8)>;

/// What the rules read about the organisation. Shared by the evaluations of all clients.
#[derive(Debug)]
pub(in crate::audit) struct Facts<'a> {
    pub(in crate::audit) snapshot: &'a Snapshot,
    pub(in crate::audit) policy: &'a Policy,
    pub(in crate::audit) baseline: Option<&'a Baseline>,
    pub(in crate::audit) now: Timestamp,
    /// By the scope's position in the snapshot's table.
    scopes: Vec<ScopeFacts<'a>>,
    /// By the role's position in the snapshot. Computed for roles that a client holds.
    roles: Vec<OnceCell<RoleFacts<'a>>>,
    /// The dangerous patterns that match each permission that was looked up so far.
    met: RefCell<HashMap<[&'a str; 3], Option<Met<'a>>>>,
    /// What is found about the dangerous permissions of a role in a division, for all clients that hold it there.
    pub(super) dangerous: RefCell<HashMap<Place<'a>, Rc<[Arc<About>]>>>,
    /// What the roles permit, for the comparison with the baseline.
    contents: OnceCell<RoleContents>,
}

/// A role, and the division in which it is held.
pub(super) type Place<'a> = (&'a RoleId, Option<&'a DivisionId>);

/// What a rule evaluates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audit) enum Subject<'a> {
    /// The organisation itself.
    Organisation,
    /// A client of the snapshot.
    Client(&'a Client),
    /// A client that is only in the baseline.
    Removed(&'a ClientId),
}

impl<'a> Subject<'a> {
    /// The id of the client; `None` for the organisation.
    pub(in crate::audit) const fn client_id(self) -> Option<&'a ClientId> {
        match self {
            Self::Organisation => None,
            Self::Client(client) => Some(&client.id),
            Self::Removed(id) => Some(id),
        }
    }
}

/// The input of the rules: the subject of the evaluation and the facts about the organisation.
#[derive(Debug)]
pub(in crate::audit) struct Context<'a> {
    facts: &'a Facts<'a>,
    pub(in crate::audit) subject: Subject<'a>,
    pub(in crate::audit) clock: Clock,
    /// Computed when the first rule on roles needs it.
    held_roles: OnceCell<Vec<HeldRole<'a>>>,
    /// Computed when the first rule on redirect URIs needs it.
    pub(super) suspect_uris: OnceCell<SuspectUris<'a>>,
    /// Computed when the first drift rule needs it.
    pub(super) drift: OnceCell<Vec<Drift>>,
}

impl<'a> Deref for Context<'a> {
    type Target = Facts<'a>;

    fn deref(&self) -> &Facts<'a> {
        self.facts
    }
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

/// A role that a client holds and that could be read.
#[derive(Debug)]
pub(super) struct HeldRole<'a> {
    pub(super) role: &'a Role,
    pub(super) facts: &'a RoleFacts<'a>,
    /// The divisions in which the client holds it, sorted; `None` is a division that the platform did not report.
    pub(super) divisions: Vec<Option<&'a DivisionId>>,
}

/// A difference of the subject and what it adds.
#[derive(Debug)]
pub(super) struct Drift {
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

impl<'a> Facts<'a> {
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
        let roles = snapshot.roles.read().map_or(0, Records::len);
        let roles = std::iter::repeat_with(OnceCell::new).take(roles).collect();
        let (met, dangerous, contents) = (RefCell::default(), RefCell::default(), OnceCell::new());
        Self { snapshot, policy, baseline, now, scopes, roles, met, dangerous, contents }
    }

    /// What the roles permit, for the comparison with the baseline.
    pub(super) fn contents(&self) -> &RoleContents {
        self.contents.get_or_init(|| RoleContents::of(self.snapshot))
    }

    /// The facts about a role of the organisation.
    pub(super) fn role_facts(&self, role: &RoleId) -> Option<&RoleFacts<'a>> {
        let roles = self.snapshot.roles.read()?;
        let position = roles.position(role)?;
        let (role, facts) = (roles.get(position)?, self.roles.get(position)?);
        Some(facts.get_or_init(|| {
            let mut met = self.met.borrow_mut();
            let mut matching = |permission: &'a Permission| {
                let segments = [&*permission.domain, &*permission.entity, &*permission.action];
                let find = || role_facts::met(self.policy.permissions.dangerous_patterns(permission));
                met.entry(segments).or_insert_with(find).clone()
            };
            RoleFacts::of(role, self.policy, &mut matching)
        }))
    }

    fn held_by(&'a self, client: &'a Client) -> Vec<HeldRole<'a>> {
        let Some(roles) = self.snapshot.roles.read() else { return Vec::new() };
        let of_role = |grants: &'a [RoleGrant]| {
            let id = &grants.first()?.role;
            let role = roles.find(id).filter(|role| role.is_known())?;
            let divisions = grants.iter().map(|grant| grant.division.as_ref()).collect();
            Some(HeldRole { role, facts: self.role_facts(id)?, divisions })
        };
        // The grants are sorted by role and division.
        client.role_grants.chunk_by(|a, b| a.role == b.role).filter_map(of_role).collect()
    }

    /// The dangerous permissions of a role; empty if the role is not in the organisation's list.
    pub(super) fn dangerous_permissions(&self, role: &RoleId) -> &[Danger<'a>] {
        self.role_facts(role).map_or(&[], |facts| &facts.dangers)
    }
}

impl<'a> Context<'a> {
    pub(in crate::audit) fn new(facts: &'a Facts<'a>, subject: Subject<'a>) -> Self {
        let clock = Clock::new(facts.now);
        let (held_roles, suspect_uris, drift) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { facts, subject, clock, held_roles, suspect_uris, drift }
    }

    /// Whether the organisation itself is evaluated.
    pub(super) fn is_about_organisation(&self) -> bool {
        self.subject == Subject::Organisation
    }

    /// The client that is evaluated, if there is one.
    pub(in crate::audit) const fn client(&self) -> Option<&'a Client> {
        match self.subject {
            Subject::Client(client) => Some(client),
            Subject::Organisation | Subject::Removed(_) => None,
        }
    }

    /// The client that is evaluated, if the rule evaluates it.
    pub(super) fn covered(&self, rule: &Rule) -> Option<&'a Client> {
        self.client().filter(|client| rule.applies_to.covers(client.grant_type, self.policy.scopes.judge))
    }

    /// The client that is evaluated, if the rule evaluates it and the data that the rule reads has no gap: an absence proves
    /// nothing there.
    pub(super) fn covered_without_gap(&self, rule: &'static Rule) -> Option<&'a Client> {
        self.covered(rule).filter(|client| !is_hidden_from(rule, self.snapshot, client))
    }

    /// A finding with the rule's default severity.
    pub(in crate::audit) fn finding(&self, rule: &'static Rule, evidence: Evidence) -> About {
        self.finding_at(rule, rule.severity, evidence)
    }

    /// A finding with the severity `own`, unless the policy sets another for the rule.
    pub(in crate::audit) fn finding_at(&self, rule: &'static Rule, own: Severity, evidence: Evidence) -> About {
        About {
            rule,
            severity: weighed(rule, self.policy, own),
            status: Status::Open,
            evidence,
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

    /// The roles that the client holds and that could be read, in the order of their ids. Empty if no client is evaluated.
    pub(super) fn held_roles(&self) -> &[HeldRole<'a>] {
        self.held_roles.get_or_init(|| self.client().map(|client| self.facts.held_by(client)).unwrap_or_default())
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

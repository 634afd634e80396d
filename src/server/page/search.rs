//! The search for clients: parsed from the query of `/` and applied to a snapshot.
//!
//! The form uses GET and needs no script.

use std::collections::{HashMap, HashSet};

use super::query::Query;
use crate::audit::{ClientVerdict, Report, Status, Verdict};
use crate::domain::{Client, ClientState, GrantType, RoleId, ScopeIndex, Severity, Snapshot};
use crate::policy::Policy;
use crate::text::visible;

/// The search criteria. A client must match all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::server) struct Search {
    /// A part of what is known about a client; empty matches all.
    pub(super) text: String,
    /// Clients with an open finding of this severity.
    pub(super) severity: Option<Severity>,
    pub(super) grant: Option<GrantType>,
    pub(super) status: Option<Wanted>,
    pub(super) state: Option<ClientState>,
    /// Clients for which exactly this dangerous scope is in effect; empty matches all.
    pub(super) scope: String,
}

/// The verdict or finding status that a client must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Wanted {
    Flagged,
    NotEvaluated,
    Compliant,
    /// It has a finding that an exemption covers.
    Exempt,
    /// It has a finding that the baseline approves.
    Approved,
}

impl Wanted {
    pub(super) const ALL: [Self; 5] =
        [Self::Flagged, Self::NotEvaluated, Self::Compliant, Self::Exempt, Self::Approved];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Flagged => "flagged",
            Self::NotEvaluated => "not_evaluated",
            Self::Compliant => "compliant",
            Self::Exempt => "exempt",
            Self::Approved => "approved",
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Flagged => "Flagged",
            Self::NotEvaluated => "Not evaluated",
            Self::Compliant => "Compliant",
            Self::Exempt => "With exemptions",
            Self::Approved => "With approvals",
        }
    }
}

/// A client that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Its position in the snapshot.
    pub(super) position: usize,
    /// What contains the text, unless it is the name or the id, which the page shows anyway.
    pub(super) why: Option<String>,
}

impl Search {
    /// Parses the query of a URL. An empty value matches all. The error lists what is unknown, and what is known instead.
    pub(in crate::server) fn parse(query: Option<&str>) -> Result<Self, String> {
        let mut query = Query::parse(query, &["q", "severity", "grant", "status", "state", "scope"]);
        let search = Self {
            text: query.text("q"),
            severity: query.chosen("severity", &Severity::ALL, Severity::label),
            grant: query.chosen("grant", &GrantType::ALL, GrantType::label),
            status: query.chosen("status", &Wanted::ALL, Wanted::label),
            state: query.chosen("state", &ClientState::ALL, ClientState::label),
            scope: query.text("scope"),
        };
        query.end(search)
    }

    /// Whether the search has any criterion.
    pub(super) fn is_some(&self) -> bool {
        *self != Self::default()
    }

    /// The clients that match every criterion, in the snapshot's order.
    pub(super) fn hits(&self, snapshot: &Snapshot, report: &Report, policy: &Policy) -> Vec<Hit> {
        let wording = Wording::new(&self.text, snapshot, report, policy);
        let holders: HashSet<_> =
            report.dangerous_scope_grants().filter(|(_, scope, _)| *scope == self.scope).collect();
        let holders: HashSet<_> = holders.into_iter().map(|(client, ..)| client).collect();
        snapshot
            .clients
            .iter()
            .zip(report.verdicts())
            .enumerate()
            .filter(|(_, (client, verdict))| {
                self.grant.is_none_or(|grant| client.grant_type == grant)
                    && self.state.is_none_or(|state| client.state == state)
                    && self.status.is_none_or(|wanted| is(wanted, client, verdict, report))
                    && self.severity.is_none_or(|severity| has_open(severity, client, report))
                    && (self.scope.is_empty() || holders.contains(&client.id))
            })
            .filter_map(|(position, (client, _))| wording.hit(position, client))
            .collect()
    }
}

/// The text that is searched for. What many clients share is compared once, and not for each client.
struct Wording<'a> {
    wanted: String,
    snapshot: &'a Snapshot,
    report: &'a Report,
    policy: &'a Policy,
    scopes: HashSet<ScopeIndex>,
    /// What of a role contains the text.
    roles: HashMap<&'a RoleId, String>,
}

impl<'a> Wording<'a> {
    fn new(text: &str, snapshot: &'a Snapshot, report: &'a Report, policy: &'a Policy) -> Self {
        let wanted = text.to_lowercase();
        let contains = |name: &str| !wanted.is_empty() && name.to_lowercase().contains(&wanted);
        let scopes = snapshot.scopes.iter().filter(|(_, name)| contains(name)).map(|(index, _)| index).collect();
        let of_role = |role: &'a crate::domain::Role| {
            if contains(&role.name) || contains(role.id.as_str()) {
                return Some((&role.id, format!("role {}", visible(&role.name))));
            }
            let permissions = role.permissions.iter().map(ToString::to_string).chain(role.general.iter().cloned());
            let permission = permissions.into_iter().find(|permission| contains(permission))?;
            Some((&role.id, format!("permission {} through the role {}", visible(&permission), visible(&role.name))))
        };
        let roles = snapshot.roles.read().into_iter().flatten().filter_map(of_role).collect();
        Self { wanted, snapshot, report, policy, scopes, roles }
    }

    /// Whether the client is found, and what of it contains the text, unless that is the name or the id.
    fn hit(&self, position: usize, client: &Client) -> Option<Hit> {
        let contains = |text: &str| text.to_lowercase().contains(&self.wanted);
        if self.wanted.is_empty() || contains(&client.name) || contains(client.id.as_str()) {
            return Some(Hit { position, why: None });
        }
        let scope = || {
            let found = client.scopes.iter().filter(|scope| self.scopes.contains(scope));
            let first = found.map(|scope| self.snapshot.scopes.name(*scope)).min()?;
            Some(format!("scope {}", visible(first)))
        };
        let rule = || {
            let mut findings = self.report.findings_of(&client.id).iter();
            let found = findings.find(|finding| contains(finding.rule.slug) || contains(finding.rule.title))?;
            let status = if found.status == Status::Open { "" } else { ", not open" };
            Some(format!("finding {}{status}", found.rule.slug))
        };
        let of_role = || client.role_grants.iter().find_map(|grant| self.roles.get(&grant.role)).cloned();
        let redirect = || {
            let uri = client.redirect_uris.iter().find(|uri| contains(uri))?;
            Some(format!("redirect URI {}", visible(uri)))
        };
        let description = || {
            client
                .description
                .as_deref()
                .filter(|text| contains(text))
                .map(|text| format!("description: {}", visible(text)))
        };
        let owner = || {
            self.policy.owner(client).filter(|owner| contains(owner)).map(|owner| format!("owner {}", visible(owner)))
        };
        let why = scope().or_else(rule).or_else(of_role).or_else(redirect).or_else(description).or_else(owner)?;
        Some(Hit { position, why: Some(why) })
    }
}

fn is(wanted: Wanted, client: &Client, verdict: &ClientVerdict, report: &Report) -> bool {
    let has = |status| report.findings_of(&client.id).iter().any(|finding| finding.status == status);
    match wanted {
        Wanted::Flagged => matches!(verdict.verdict, Verdict::Flagged(_)),
        Wanted::NotEvaluated => matches!(verdict.verdict, Verdict::NotEvaluated(_)),
        Wanted::Compliant => verdict.verdict == Verdict::Compliant,
        Wanted::Exempt => has(Status::Exempt),
        Wanted::Approved => has(Status::Approved),
    }
}

fn has_open(severity: Severity, client: &Client, report: &Report) -> bool {
    report.findings_of(&client.id).iter().any(|finding| finding.status == Status::Open && finding.severity == severity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;
    use crate::server::page::query::LONGEST;

    fn hits(query: &str) -> Vec<(String, Option<String>)> {
        let mut sample = sample::settled();
        let id = sample.id("Wallboard Zürich").clone();
        let client = sample.snapshot.clients.iter_mut().find(|client| client.id == id).expect("it is there");
        client.description = Some("Shown in the lobby".into());
        client.redirect_uris = Box::new(["https://board.example.org/cb".into()]);
        let found = Search::parse(Some(query)).expect(query).hits(&sample.snapshot, &sample.report, &sample.policy);
        let mut found: Vec<_> =
            found.into_iter().map(|hit| (sample.snapshot.clients[hit.position].name.to_string(), hit.why)).collect();
        found.sort();
        found
    }

    fn names(query: &str) -> Vec<String> {
        hits(query).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_client_must_match_every_criterion() {
        assert_eq!(names("").len(), 61);
        assert_eq!(names("q=WALLBOARD+z%C3%BCrich"), ["Wallboard Zürich"]);
        assert_eq!(names("q=9e3779b9-7a3e"), ["Legacy agent desktop"], "a part of an id");
        assert_eq!(names("grant=password"), ["Batch password sync"]);
        assert_eq!(names("status=exempt"), ["Partner provisioning portal"]);
        assert_eq!(names("status=approved"), ["Batch password sync"]);
        assert_eq!(names("severity=critical"), ["Partner provisioning portal", "Single sign-on bridge"]);
        assert_eq!(names("severity=critical&grant=code"), ["Partner provisioning portal"]);
        assert_eq!(names("severity=critical&grant=code&q=nothing+like+it"), Vec::<String>::new());
        assert_eq!(names("scope=identity-providers"), ["Single sign-on bridge"]);
        assert_eq!(names("scope=identity-prov"), Vec::<String>::new(), "a filter is exact");
        let all = ["flagged", "not_evaluated", "compliant"].map(|status| names(&format!("status={status}")).len());
        assert!(all.iter().all(|count| *count > 0) && all.iter().sum::<usize>() == 61, "{all:?}");
        let all = ["active", "inactive", "disabled"].map(|state| names(&format!("state={state}")).len());
        assert!(all.iter().all(|count| *count > 0) && all.iter().sum::<usize>() == 61, "{all:?}");
    }

    #[test]
    fn everything_that_is_known_about_a_client_is_searched_and_the_reason_is_given() {
        for (query, name, why) in [
            ("q=identity-prov", "Single sign-on bridge", Some("scope identity-providers")),
            ("q=in+the+LOBBY", "Wallboard Zürich", Some("description: Shown in the lobby")),
            ("q=board.example", "Wallboard Zürich", Some("redirect URI https://board.example.org/cb")),
            ("q=wallboard+z", "Wallboard Zürich", None),
        ] {
            assert_eq!(hits(query), [(name.to_owned(), why.map(str::to_owned))], "{query}");
        }
        let by_rule = hits("q=dangerous-scope");
        assert!(
            by_rule.len() > 3
                && by_rule
                    .iter()
                    .all(|(_, why)| why.as_deref().is_some_and(|why| why.starts_with("finding dangerous-scope"))),
            "{by_rule:?}"
        );
    }

    #[test]
    fn roles_and_permissions_are_searched() {
        use crate::fixtures::{client, policy_of, role, snapshot};
        let snapshot = snapshot()
            .role(role("r-1").named("Queue keeper").permits(&["routing:queue:edit"]))
            .client(client("c-1").named("One").grant(GrantType::ClientCredentials).role("r-1", "*"))
            .client(client("c-2").named("Two"))
            .build();
        let policy = policy_of(&["dangerous-scope"], "");
        let report = crate::audit::evaluate(&snapshot, &policy, None, snapshot.taken_at);
        for (query, why) in [
            ("q=queue+KEEPER", "role Queue keeper"),
            ("q=routing:queue", "permission routing:queue:edit through the role Queue keeper"),
        ] {
            let hits = Search::parse(Some(query)).expect(query).hits(&snapshot, &report, &policy);
            assert_eq!(hits, [Hit { position: 0, why: Some(why.to_owned()) }], "{query}");
        }
    }

    #[test]
    fn an_empty_search_has_no_criterion_and_a_long_text_is_truncated() {
        for query in ["", "severity=&grant=&status=&q=++", "&&"] {
            assert_eq!(Search::parse(Some(query)), Ok(Search::default()), "{query}");
        }
        assert_eq!(Search::parse(None), Ok(Search::default()));
        let long = Search::parse(Some(&format!("q={}", "ä".repeat(10_000)))).expect("a text");
        assert_eq!(long.text.chars().count(), LONGEST);
    }

    #[test]
    fn what_is_unknown_is_an_error_that_lists_what_is_known() {
        for (query, expected) in [
            (
                "severity=worst",
                "The filter severity has no value \"worst\". Its values are critical, high, medium, low, info.",
            ),
            ("grant=CODE", "Its values are client_credentials, code, implicit, password, saml2_bearer, other."),
            ("status=open", "Its values are flagged, not_evaluated, compliant, exempt, approved."),
            ("grant=x%0a%e2%80%ae", "has no value \"x[U+000A][U+202E]\"."),
            ("x=1", "There is no field \"x\". The fields are q, severity, grant, status, state, scope."),
            ("Severity=high", "There is no field \"Severity\"."),
            ("grant=code&grant=password", "The field grant occurs twice."),
        ] {
            let mistake = Search::parse(Some(query)).expect_err(query);
            assert!(mistake.contains(expected), "{expected:?} in {mistake}");
        }
        let both = Search::parse(Some("severity=worst&status=open")).expect_err("both");
        assert_eq!(both.lines().count(), 2, "{both}");
        let long = Search::parse(Some(&format!("grant={}", "a".repeat(10_000)))).expect_err("no such grant");
        assert!(long.len() < 600, "{long}");
        let many = Search::parse(Some(&"q=1&".repeat(100))).expect_err("too many fields");
        assert!(many.contains("more than 16 fields"), "{many}");
    }
}

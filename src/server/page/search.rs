//! The search for clients: parsed from the query of `/` and applied to a snapshot.
//!
//! The form uses GET and needs no script. An unknown filter value is an error: ignoring it would show clients that do not match
//! the request.

use std::collections::HashSet;

use crate::audit::{ClientVerdict, Report, Status, Verdict};
use crate::domain::{Client, GrantType, Severity, Snapshot};
use crate::text::{shortened, visible};

/// Maximum characters of the search text. Longer text is truncated, since the page shows it again.
const LONGEST: usize = 200;
/// Maximum number of query fields that are read.
const FIELDS: usize = 16;

/// The search criteria. A client must match all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::server) struct Search {
    /// A part of a name, an id or a scope; empty matches all.
    pub(super) text: String,
    /// Clients with an open finding of this severity.
    pub(super) severity: Option<Severity>,
    pub(super) grant: Option<GrantType>,
    pub(super) status: Option<Wanted>,
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

impl Search {
    /// Parses the query of a URL. An empty value matches all. The error lists the values of each filter with an unknown value.
    pub(in crate::server) fn parse(query: Option<&str>) -> Result<Self, String> {
        let mut search = Self::default();
        let mut mistakes = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).take(FIELDS) {
            match &*name {
                "q" => search.text = value.trim().chars().take(LONGEST).collect(),
                "severity" => search.severity = chosen(&name, &value, &Severity::ALL, Severity::label, &mut mistakes),
                "grant" => search.grant = chosen(&name, &value, &GrantType::ALL, GrantType::label, &mut mistakes),
                "status" => search.status = chosen(&name, &value, &Wanted::ALL, Wanted::label, &mut mistakes),
                _ => {}
            }
        }
        if mistakes.is_empty() { Ok(search) } else { Err(mistakes.join("\n")) }
    }

    /// Whether the search has any criterion.
    pub(super) fn is_some(&self) -> bool {
        *self != Self::default()
    }

    /// The positions in the snapshot of the clients that match every criterion.
    pub(super) fn hits(&self, snapshot: &Snapshot, report: &Report) -> Vec<usize> {
        let text = self.text.to_lowercase();
        // Each scope's name is compared once, however many clients hold it.
        let scopes: HashSet<_> = snapshot
            .scopes
            .iter()
            .filter(|(_, name)| name.to_lowercase().contains(&text))
            .map(|(index, _)| index)
            .collect();
        let matches_text = |client: &Client| {
            text.is_empty()
                || client.name.to_lowercase().contains(&text)
                || client.id.as_str().to_lowercase().contains(&text)
                || client.scopes.iter().any(|scope| scopes.contains(scope))
        };
        snapshot
            .clients
            .iter()
            .zip(&report.verdicts)
            .enumerate()
            .filter(|(_, (client, verdict))| {
                self.grant.is_none_or(|grant| client.grant_type == grant)
                    && self.status.is_none_or(|wanted| is(wanted, client, verdict, report))
                    && self.severity.is_none_or(|severity| has_open(severity, client, report))
                    && matches_text(client)
            })
            .map(|(position, _)| position)
            .collect()
    }
}

/// The filter value with this label; `None` if it is empty, or if it is unknown, which adds a mistake.
fn chosen<T: Copy>(
    name: &str,
    value: &str,
    all: &[T],
    label: fn(T) -> &'static str,
    mistakes: &mut Vec<String>,
) -> Option<T> {
    let found = all.iter().copied().find(|of| label(*of) == value);
    if found.is_none() && !value.is_empty() {
        let known: Vec<&str> = all.iter().map(|of| label(*of)).collect();
        let value = visible(value);
        let value = shortened(&value, LONGEST);
        mistakes.push(format!("The filter {name} has no value {value:?}. Its values are {}.", known.join(", ")));
    }
    found
}

fn is(wanted: Wanted, client: &Client, verdict: &ClientVerdict, report: &Report) -> bool {
    let has = |status| report.findings_of(&client.id).any(|finding| finding.status == status);
    match wanted {
        Wanted::Flagged => matches!(verdict.verdict, Verdict::Flagged(_)),
        Wanted::NotEvaluated => matches!(verdict.verdict, Verdict::NotEvaluated(_)),
        Wanted::Compliant => verdict.verdict == Verdict::Compliant,
        Wanted::Exempt => has(Status::Exempt),
        Wanted::Approved => has(Status::Approved),
    }
}

fn has_open(severity: Severity, client: &Client, report: &Report) -> bool {
    report.findings_of(&client.id).any(|finding| finding.status == Status::Open && finding.severity == severity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;

    fn names(query: &str) -> Vec<String> {
        let sample = sample::settled();
        let hits = Search::parse(Some(query)).expect(query).hits(&sample.snapshot, &sample.report);
        let mut names: Vec<String> = hits.iter().map(|&at| sample.snapshot.clients[at].name.clone()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_client_must_match_every_criterion() {
        assert_eq!(names("").len(), 61);
        assert_eq!(names("q=WALLBOARD+z%C3%BCrich"), ["Wallboard Zürich"]);
        assert_eq!(names("q=9e3779b9-7a3e"), ["Legacy agent desktop"], "a part of an id");
        assert_eq!(names("q=identity-prov"), ["Single sign-on bridge"], "a part of a scope");
        assert_eq!(names("grant=password"), ["Batch password sync"]);
        assert_eq!(names("status=exempt"), ["Partner provisioning portal"]);
        assert_eq!(names("status=approved"), ["Batch password sync"]);
        assert_eq!(names("severity=critical"), ["Partner provisioning portal", "Single sign-on bridge"]);
        assert_eq!(names("severity=critical&grant=code"), ["Partner provisioning portal"]);
        assert_eq!(names("severity=critical&grant=code&q=nothing+like+it"), Vec::<String>::new());
        let all = ["flagged", "not_evaluated", "compliant"].map(|status| names(&format!("status={status}")).len());
        assert!(all.iter().all(|count| *count > 0) && all.iter().sum::<usize>() == 61, "{all:?}");
    }

    #[test]
    fn an_empty_search_has_no_criterion_and_a_long_text_is_truncated() {
        for query in ["", "x=1", "severity=&grant=&status=&q=++", "&&=&%"] {
            assert_eq!(Search::parse(Some(query)), Ok(Search::default()), "{query}");
        }
        assert_eq!(Search::parse(None), Ok(Search::default()));
        let long = Search::parse(Some(&format!("q={}", "ä".repeat(10_000)))).expect("a text");
        assert_eq!(long.text.chars().count(), LONGEST);
    }

    #[test]
    fn an_unknown_filter_value_is_an_error_that_lists_the_values() {
        for (query, expected) in [
            (
                "severity=worst",
                "The filter severity has no value \"worst\". Its values are critical, high, medium, low, info.",
            ),
            ("grant=CODE", "Its values are client_credentials, code, implicit, password, saml2_bearer, other."),
            ("status=open", "Its values are flagged, not_evaluated, compliant, exempt, approved."),
            ("grant=x%0a%e2%80%ae", "has no value \"x[U+000A][U+202E]\"."),
        ] {
            let mistake = Search::parse(Some(query)).expect_err(query);
            assert!(mistake.contains(expected), "{expected:?} in {mistake}");
        }
        let both = Search::parse(Some("severity=worst&status=open")).expect_err("both");
        assert_eq!(both.lines().count(), 2, "{both}");
        let long = Search::parse(Some(&format!("grant={}", "a".repeat(10_000)))).expect_err("no such grant");
        assert!(long.len() < 600, "{long}");
    }
}

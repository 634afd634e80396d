//! Every key that a policy file may hold: where it stands, its shape and what it means, in one table.
//!
//! Not the reading of values: the check of a file (`check`) and the published schema (`json_schema`) both follow this table.

use crate::domain::{GrantType, Severity};

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    /// For people, in the published schema.
    pub(super) about: &'static str,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Switch,
    /// `true`, `false` or `"unknown"`.
    SwitchOrUnknown,
    /// A text that is not blank.
    Text,
    /// A list of such texts, which may be empty.
    Texts,
    /// One text, or a list of at least one.
    TextOrTexts,
    Word(Words),
    /// A list of words, which may be empty.
    Words(Words),
    WordOrWords(Words),
    /// A permission pattern of three segments.
    Permission,
    /// The same, or one word: a general permission.
    AnyPermission,
    /// A duration, or a whole number of seconds.
    Seconds,
    /// A duration of whole days.
    Days,
    /// More than 0 and at most 1, in whole percent.
    Ratio,
    /// A whole number from 1.
    Count,
    /// A date, or a moment with its offset.
    Moment,
    Table(&'static [Key]),
    /// A list of tables.
    Tables(&'static [Key]),
    /// A table of tables, whose names are the user's.
    Named(&'static [Key]),
    /// Not to be had; the text says why.
    Refused(&'static str),
}

/// The words of a closed list.
pub(super) type Words = fn() -> Vec<&'static str>;

/// The only word of `[org] environment` for which loopback redirects are findings.
pub(super) const PRODUCTION: &str = "production";
pub(super) const UNKNOWN: &str = "unknown";
pub(super) const EVERY_CLIENT: &str = "every-client";

pub(super) fn severities() -> Vec<&'static str> {
    Severity::ALL.map(Severity::label).to_vec()
}

fn dangerous_severities() -> Vec<&'static str> {
    vec![Severity::Critical.label(), Severity::High.label()]
}

fn grants() -> Vec<&'static str> {
    GrantType::ALL.map(GrantType::label).to_vec()
}

fn judges() -> Vec<&'static str> {
    vec!["user-grant-clients", EVERY_CLIENT]
}

fn environments() -> Vec<&'static str> {
    vec![PRODUCTION, "staging", "test", "development"]
}

const fn may(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, required: false, about }
}

const fn must(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, shape, required: true, about }
}

/// The top of the file.
pub(super) static ROOT: &[Key] = &[
    may("builtin", Shape::Switch, "Whether the file is laid over the built-in policy; false starts from nothing."),
    may("defaults", Shape::Table(DEFAULTS), "Thresholds."),
    may("org", Shape::Table(ORG), "What is attested of the organisation, since no API tells it."),
    may("scopes", Shape::Table(SCOPES), "What scopes mean."),
    may("permissions", Shape::Table(PERMISSIONS), "What permissions behind roles mean."),
    may("roles", Shape::Table(ROLES), "What roles mean."),
    may("redirects", Shape::Table(REDIRECTS), "What redirect URIs may be."),
    may("rules", Shape::Named(RULE), "Settings of single rules, by slug."),
    may("selectors", Shape::Named(SELECTOR), "Named choices of clients; every criterion that is given must hold."),
    may("expect", Shape::Tables(EXPECT), "What is expected of which clients."),
    may("exemption", Shape::Tables(EXEMPTION), "What is excused, by whom, why and until when."),
    may("owner", Shape::Tables(OWNER), "Who owns which clients."),
];

static DEFAULTS: &[Key] = &[
    may("fail_on", Shape::Word(severities), "An audit fails from this severity on."),
    may("flag_at", Shape::Word(severities), "A client is flagged from this severity on."),
    may("max_token_validity", Shape::Seconds, "The longest life of an access token that needs no finding."),
    may("unused_after", Shape::Days, "A client without a request for this long is unused. No effect yet."),
    may("exemption_max", Shape::Days, "No exemption may end later than this from now; each then needs an end."),
    may("require_expiry", Shape::Switch, "Whether each exemption needs an end."),
    may("baseline_max_age", Shape::Days, "A baseline that was approved longer ago is stale."),
];

static ORG: &[Key] = &[
    may("environment", Shape::Word(environments), "Loopback redirects are findings in production only."),
    may("scope_enforcement", Shape::SwitchOrUnknown, "Whether the organisation enforces OAuth scopes."),
];

static SCOPES: &[Key] = &[
    may("dangerous", Shape::Tables(DANGEROUS_SCOPE), "Dangerous scopes; an entry with the same match replaces."),
    may("toxic", Shape::Tables(TOXIC), "Scopes that no client should hold together."),
    may("all_scopes_ratio", Shape::Ratio, "From which part of the registry on a client holds all scopes."),
    may("all_scopes_cap", Shape::Count, "More scopes than this are all scopes too, however large the registry."),
    may("judge", Shape::Word(judges), "Whose scopes count: where they have an effect, or of every client."),
    may("exact", Shape::Switch, "Whether x no longer satisfies a required x:readonly."),
];

static DANGEROUS_SCOPE: &[Key] = &[
    must("match", Shape::Text, "Which scopes; `*` is any run of characters, and the whole scope must match."),
    must("severity", Shape::Word(dangerous_severities), "How dangerous."),
    must("reason", Shape::Text, "Why; it is shown with each finding."),
    may("allow_unmatched", Shape::Switch, "Whether it is in order that the platform has no such scope."),
];

static TOXIC: &[Key] = &[
    must("scopes", Shape::Texts, "All of these together: two or more, without patterns."),
    must("reason", Shape::Text, "Why; it is shown with each finding."),
];

static PERMISSIONS: &[Key] = &[
    may("dangerous", Shape::Tables(DANGEROUS_PERMISSION), "Dangerous permissions; the same match replaces."),
    may("companions", Shape::Tables(COMPANION), "Permissions that do not work without another one."),
];

static DANGEROUS_PERMISSION: &[Key] = &[
    must(
        "match",
        Shape::AnyPermission,
        "Which permissions, as domain:entity:action, or a general permission as one word; case does not count.",
    ),
    must("severity", Shape::Word(severities), "How dangerous."),
    must("reason", Shape::Text, "Why; it is shown with each finding."),
    may("allow_unmatched", Shape::Switch, "Whether it is in order that the platform has no such permission."),
];

static COMPANION: &[Key] = &[
    must("permission", Shape::Permission, "The permission."),
    must("needs", Shape::Permission, "The one without which it does not work."),
];

static ROLES: &[Key] = &[
    may("admin", Shape::Texts, "Whole names of administrators' roles, a hint only: content decides."),
    may(
        "count_users",
        Shape::Refused(
            "the exporter does not count who else holds a role; take the key out. shared-role judges default roles",
        ),
        "",
    ),
];

static REDIRECTS: &[Key] = &[
    may("hosts", Shape::Texts, "The hosts that are allowed, `*` for any run of characters; without any, all are."),
    may("testers", Shape::Texts, "Hosts of request bins, tunnels and API testers."),
];

static RULE: &[Key] = &[
    may("enabled", Shape::Switch, "Whether clients are judged by it."),
    may("severity", Shape::Word(severities), "The severity instead of its own."),
];

static SELECTOR: &[Key] = &[
    may("id", Shape::TextOrTexts, "Client ids."),
    may("name", Shape::TextOrTexts, "Whole names, `*` for any run of characters."),
    may("grant", Shape::WordOrWords(grants), "Grant types."),
];

static EXPECT: &[Key] = &[
    must("for", Shape::Text, "A selector's name, a client id, or \"*\" for every client."),
    may("required_scopes", Shape::Texts, "The scopes that they must hold."),
    may("allowed_roles", Shape::Texts, "Ids or names of the roles that they may hold; none where the list is empty."),
    may("allowed_divisions", Shape::Texts, "Ids or names of the divisions in which they may hold roles."),
    may("allowed_grants", Shape::Words(grants), "The grant types that they may have."),
    may("max_token_validity", Shape::Seconds, "The longest life of their access tokens."),
];

static EXEMPTION: &[Key] = &[
    must("id", Shape::Text, "Its name, unique in the policy."),
    must("rule", Shape::Text, "The slug of the rule."),
    must("client", Shape::Text, "A selector's name, a client id, or \"*\" for every client and the organisation."),
    may("only", Shape::Text, "The one piece of evidence that it covers: a scope, a permission, a role's id, a URI."),
    must("owner", Shape::Text, "Who answers for it."),
    must("reason", Shape::Text, "Why."),
    may("ticket", Shape::Text, "Where it was decided."),
    may("expires", Shape::Moment, "A date, which is the end of that day in UTC, or an RFC 3339 moment."),
];

static OWNER: &[Key] = &[
    must("client", Shape::Text, "A selector's name, a client id, or \"*\" for every client."),
    must("team", Shape::Text, "Who owns them."),
];

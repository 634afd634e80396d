//! The table of all keys of a policy file, each with its shape and its meaning.
//!
//! `check` and `json_schema` both use this table, so that the parser and the published schema agree. `layer` reads the values.

use crate::domain::{GrantType, Severity};

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    /// The description in the published schema, and in the error message about a missing key.
    pub(super) about: &'static str,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Switch,
    /// `true`, `false` or `"unknown"`.
    SwitchOrUnknown,
    /// A string that is not blank.
    Text,
    /// A list of such strings, which may be empty.
    Texts,
    /// One such string, or a list of at least one.
    TextOrTexts,
    Word(Words),
    /// A list of such words, which may be empty.
    Words(Words),
    WordOrWords(Words),
    /// A permission pattern of three segments.
    Permission,
    /// A permission pattern of three segments, or a single word for a general permission.
    AnyPermission,
    /// A duration, or an integer number of seconds.
    Seconds,
    /// A duration of full days.
    Days,
    /// From 0.01 to 1, with at most two decimals.
    Ratio,
    /// An integer that is at least 1.
    Count,
    /// A date, or a timestamp with an offset.
    Moment,
    Table(&'static [Key]),
    /// A list of tables.
    Tables(&'static [Key]),
    /// A table of tables with names that the user chooses.
    Named(&'static [Key]),
    /// A key that is always an error; the text says why.
    Refused(&'static str),
}

/// The allowed words.
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
    may(
        "builtin",
        Shape::Switch,
        "Whether the file is merged on top of the built-in policy; false starts from an empty policy.",
    ),
    may("defaults", Shape::Table(DEFAULTS), "Thresholds and maximum lifetimes."),
    may("org", Shape::Table(ORG), "Facts about the organisation that no API reports."),
    may("scopes", Shape::Table(SCOPES), "How scopes are evaluated."),
    may("permissions", Shape::Table(PERMISSIONS), "How permissions of roles are evaluated."),
    may("roles", Shape::Table(ROLES), "How roles are evaluated."),
    may("redirects", Shape::Table(REDIRECTS), "Which redirect hosts are allowed, and which are dangerous."),
    may("rules", Shape::Named(RULE), "Settings of single rules, by slug."),
    may(
        "selectors",
        Shape::Named(SELECTOR),
        "Named selections of clients. A client must meet every criterion that is given.",
    ),
    may("expect", Shape::Tables(EXPECT), "What is expected of the selected clients."),
    may("exemption", Shape::Tables(EXEMPTION), "Which findings are excused, by whom, why and until when."),
    may("owner", Shape::Tables(OWNER), "Which team owns which clients."),
];

static DEFAULTS: &[Key] = &[
    may("fail_on", Shape::Word(severities), "An audit fails if it has findings of this severity or a worse one."),
    may("flag_at", Shape::Word(severities), "A client is flagged if it has findings of this severity or a worse one."),
    may("max_token_validity", Shape::Seconds, "The longest lifetime of an access token without a finding."),
    may("unused_after", Shape::Days, "A client without requests for this long is unused. Has no effect yet."),
    may(
        "exemption_max",
        Shape::Days,
        "The longest time from now to the end of an exemption. If set, every exemption needs an end.",
    ),
    may("require_expiry", Shape::Switch, "Whether every exemption needs an end."),
    may("baseline_max_age", Shape::Days, "A baseline whose last approval is longer ago is stale."),
];

static ORG: &[Key] = &[
    may("environment", Shape::Word(environments), "Redirects to localhost are findings only in production."),
    may("scope_enforcement", Shape::SwitchOrUnknown, "Whether the organisation enforces OAuth scopes."),
];

static SCOPES: &[Key] = &[
    may(
        "dangerous",
        Shape::Tables(DANGEROUS_SCOPE),
        "Dangerous scopes. An entry replaces an earlier one with the same match.",
    ),
    may("toxic", Shape::Tables(TOXIC), "Scopes that no client should hold together."),
    may(
        "all_scopes_ratio",
        Shape::Ratio,
        "A client that may use at least this share of the registry's scopes has nearly all scopes.",
    ),
    may(
        "all_scopes_cap",
        Shape::Count,
        "A client with more scopes than this has nearly all scopes, regardless of the size of the registry.",
    ),
    may(
        "judge",
        Shape::Word(judges),
        "Whose scopes are evaluated: those of clients for which scopes have an effect, or those of every client.",
    ),
    may("exact", Shape::Switch, "Whether a required x:readonly must be held as such; otherwise x satisfies it."),
];

static DANGEROUS_SCOPE: &[Key] = &[
    must(
        "match",
        Shape::Text,
        "The scopes that match. `*` is any run of characters, and the complete scope must match.",
    ),
    must("severity", Shape::Word(dangerous_severities), "How dangerous."),
    must("reason", Shape::Text, "Why it is dangerous; shown with each finding."),
    may("allow_unmatched", Shape::Switch, "Whether the entry may match no scope of the platform without a finding."),
];

static TOXIC: &[Key] = &[
    must("scopes", Shape::Texts, "The scopes that must not be held together: two or more, without patterns."),
    must("reason", Shape::Text, "Why it is dangerous; shown with each finding."),
];

static PERMISSIONS: &[Key] = &[
    may(
        "dangerous",
        Shape::Tables(DANGEROUS_PERMISSION),
        "Dangerous permissions. An entry replaces an earlier one with the same match.",
    ),
    may("companions", Shape::Tables(COMPANION), "Permissions that need another permission to work."),
];

static DANGEROUS_PERMISSION: &[Key] = &[
    must(
        "match",
        Shape::AnyPermission,
        "The permissions that match, as domain:entity:action, or a general permission as a single word. Case is ignored.",
    ),
    must("severity", Shape::Word(severities), "How dangerous."),
    must("reason", Shape::Text, "Why it is dangerous; shown with each finding."),
    may(
        "allow_unmatched",
        Shape::Switch,
        "Whether the entry may match no permission of the platform without a finding.",
    ),
];

static COMPANION: &[Key] = &[
    must("permission", Shape::Permission, "The permission that needs another one."),
    must("needs", Shape::Permission, "The permission that it needs."),
];

static ROLES: &[Key] = &[
    may(
        "admin",
        Shape::Texts,
        "Complete names of administrator roles. They are only a hint: the permissions of a role decide.",
    ),
    may(
        "count_users",
        Shape::Refused(
            "the exporter does not count who else holds a role; remove the key. The rule shared-role finds default roles",
        ),
        "",
    ),
];

static REDIRECTS: &[Key] = &[
    may("hosts", Shape::Texts, "The allowed hosts. `*` is any run of characters. An empty list allows every host."),
    may("testers", Shape::Texts, "Hosts of request bins, tunnels and API testers."),
];

static RULE: &[Key] = &[
    may("enabled", Shape::Switch, "Whether the rule is evaluated."),
    may("severity", Shape::Word(severities), "The severity of all findings of the rule, instead of its default."),
];

static SELECTOR: &[Key] = &[
    may("id", Shape::TextOrTexts, "Client ids."),
    may("name", Shape::TextOrTexts, "Complete names of clients. `*` is any run of characters."),
    may("grant", Shape::WordOrWords(grants), "Grant types."),
];

static EXPECT: &[Key] = &[
    must("for", Shape::Text, "A selector's name, a client id, or \"*\" for every client."),
    may("required_scopes", Shape::Texts, "The scopes that they must hold."),
    may("allowed_roles", Shape::Texts, "Ids or names of the roles that they may hold. An empty list allows none."),
    may("allowed_divisions", Shape::Texts, "Ids or names of the divisions in which they may hold roles."),
    may("allowed_grants", Shape::Words(grants), "The grant types that they may have."),
    may("max_token_validity", Shape::Seconds, "The longest lifetime of their access tokens."),
];

static EXEMPTION: &[Key] = &[
    must("id", Shape::Text, "The name of the exemption, unique in the policy."),
    must("rule", Shape::Text, "The slug of the rule whose findings it covers."),
    must("client", Shape::Text, "A selector's name, a client id, or \"*\" for every client and the organisation."),
    may("only", Shape::Text, "The only evidence that it covers: a scope, a permission, a role's id or a URI."),
    must("owner", Shape::Text, "Who is responsible for the exemption."),
    must("reason", Shape::Text, "Why the findings are acceptable."),
    may("ticket", Shape::Text, "Where the decision is recorded."),
    may("expires", Shape::Moment, "The end: a date, which means the end of that day in UTC, or an RFC 3339 timestamp."),
];

static OWNER: &[Key] = &[
    must("client", Shape::Text, "A selector's name, a client id, or \"*\" for every client."),
    must("team", Shape::Text, "The team that owns the clients."),
];

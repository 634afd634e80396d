//! What happens to the simulated organisation in a soak: seeded faults, and seeded changes by its administrators.
//!
//! Every fault is limited to a few requests, and a record is read wrongly in one refresh only: two complete refreshes without a grant
//! remove it by design.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use genesyscloud_oauth_exporter::simulator::{
    DEFAULT_CLIENT_ID, Endpoint, Fault, Injection, RetryAfter, SimulatedOrganisation, Unreadable,
};
use serde_json::json;

use super::allowed::Allowed;

/// Scopes that the built-in policy calls dangerous.
const SCOPES: [&str; 4] = ["oauth", "authorization", "users", "recordings"];
/// Names that a careless writer would break.
const NAMES: [&str; 4] = ["a\"b\\c\nd{}=,", "Wallboard 🦀", "<script>alert(1)</script>", "plain"];
/// A role that clients of the organisation hold, and a permission that the built-in policy calls dangerous.
const ROLE: (&str, &str) = ("Quality reader", "oauth:client:add");

/// The endpoints that every refresh reads.
const READ: [Endpoint; 5] =
    [Endpoint::Clients, Endpoint::Scopes, Endpoint::Roles, Endpoint::Divisions, Endpoint::Permissions];

/// A random fault with its name for the summary. It ends after a few requests.
pub(super) fn fault(random: &mut Rng) -> (&'static str, Injection) {
    let endpoint = READ[random.usize(..READ.len())];
    let times = random.u32(1..=4);
    let (name, fault) = match random.u8(..24) {
        0 => ("429 without Retry-After", Fault::RateLimited(RetryAfter::Absent)),
        1 => ("429 with Retry-After 1", Fault::RateLimited(RetryAfter::Seconds(1))),
        2 => ("429 with Retry-After 2, too long to wait for", Fault::RateLimited(RetryAfter::Seconds(2))),
        3 => ("429 with nonsense in Retry-After", Fault::RateLimited(RetryAfter::Nonsense)),
        4 => ("500", Fault::ServerError(500)),
        5 => ("503", Fault::ServerError(503)),
        6 => ("504", Fault::ServerError(504)),
        7 => ("502 in HTML", Fault::HtmlError(502)),
        8 => ("HTML instead of JSON", Fault::HtmlInsteadOfJson),
        9 => ("cut body", Fault::CutBody),
        10 => ("garbage", Fault::Garbage),
        11 => ("invalid UTF-8", Fault::InvalidUtf8),
        12 => ("empty body", Fault::EmptyBody),
        13 => ("unexpected shape", Fault::UnexpectedShape),
        14 => ("hang", Fault::Hang),
        15 => ("closed without an answer", Fault::CloseWithoutAnswer),
        16 => ("401 for a valid token", Fault::Unauthorized),
        17 => ("403", Fault::NotAuthorized),
        18 => ("redirect elsewhere", Fault::Redirect("http://127.0.0.1:1/".to_owned())),
        19 => ("body over the limit", Fault::HugeBody(8 << 20)),
        20 => ("slow body", Fault::SlowBody { chunk: 4096, pause: Duration::from_millis(5) }),
        21 => ("rate limit that is used up", Fault::Budget { count: 400, allowed: 300, reset: 1 }),
        22 => ("rate limit that is far lower", Fault::Budget { count: 0, allowed: 60, reset: 1 }),
        _ => ("no rate limit headers", Fault::NoRateLimitHeaders),
    };
    (name, fault.at(endpoint).times(times))
}

/// A random fault of the login host. It is met once the tokens have expired.
pub(super) fn token_fault(random: &mut Rng) -> (&'static str, Injection) {
    let (name, fault) = match random.u8(..12) {
        // A refused secret is not tried again for a minute, so this is rare.
        0 => ("token: invalid client", Fault::InvalidClient(400)),
        1 | 6 => ("token: rate limited", Fault::TokenRateLimited),
        2 | 7 => ("token: 500", Fault::ServerError(500)),
        3 | 8 => ("token: HTML", Fault::HtmlInsteadOfJson),
        4 | 9 => ("token: garbage", Fault::Garbage),
        _ => ("token: 403", Fault::NotAuthorized),
    };
    (name, fault.at(Endpoint::Token).times(random.u32(1..=3)))
}

/// A random fault of a list: wrong totals, missing pages, records that cannot be read in full.
pub(super) fn list_fault(random: &mut Rng) -> (&'static str, Injection) {
    let (name, fault) = match random.u8(..20) {
        0 => ("total too high", Fault::PageField("total", Some(json!(1_000_000)))),
        1 => ("total too low", Fault::PageField("total", Some(json!(1)))),
        2 => ("total as text", Fault::PageField("total", Some(json!("many")))),
        3 => ("no next page", Fault::PageField("nextUri", None)),
        4 => ("list without its end", Fault::TruncatedList(3)),
        5 => ("empty list", Fault::EmptyList),
        6 => ("no entities", Fault::MissingEntities),
        7 => ("bare list", Fault::BareListing),
        8 => ("next page is the same page", Fault::LoopingNextUri),
        9 => ("next page elsewhere", Fault::ForeignNextUri("http://127.0.0.1:1".to_owned())),
        10 => ("a record twice", Fault::DuplicateIdentical),
        11 => ("a record twice with two names", Fault::DuplicateConflicting),
        12 => ("own client missing", Fault::WithoutSelf),
        13 => ("a record that is not an object", Fault::UnreadableRecord(Unreadable::NotAnObject)),
        14 => ("a record without an id", Fault::UnreadableRecord(Unreadable::MissingId)),
        15 => ("a record with wrong types", Fault::UnreadableRecord(Unreadable::WrongFieldTypes)),
        16 => ("unknown grant types and states", Fault::UnknownEnums),
        17 => ("unknown fields", Fault::UnknownFields),
        18 => ("empty list of roles", Fault::EmptyRoles),
        _ => ("roles without contents", Fault::RolesWithoutPolicies),
    };
    let endpoint = if matches!(fault, Fault::EmptyRoles | Fault::RolesWithoutPolicies) {
        Endpoint::Roles
    } else {
        Endpoint::Clients
    };
    (name, fault.at(endpoint).times(1))
}

/// The administrators of the organisation. They undo only what they did, so that all else stays as it was found.
#[derive(Debug, Default)]
pub(super) struct Administrators {
    granted: Vec<(String, &'static str)>,
    added: Vec<String>,
    role_is_wider: bool,
}

impl Administrators {
    /// The grants that are held and that nobody approved.
    pub(super) fn unapproved(&self) -> Vec<(String, &'static str)> {
        let added = self.added.iter().flat_map(|client| SCOPES.map(|scope| (client.clone(), scope)));
        self.granted.iter().cloned().chain(added).collect()
    }

    /// One random change. What it grants is announced before it happens.
    pub(super) fn act(&mut self, random: &mut Rng, organisation: &SimulatedOrganisation, allowed: &Allowed) {
        match random.u8(..7) {
            0 | 1 => {
                let clients = users(organisation);
                let (client, scope) =
                    (clients[random.usize(..clients.len())].clone(), SCOPES[random.usize(..SCOPES.len())]);
                allowed.grant(&client, scope);
                if organisation.grant_scope(&client, scope) {
                    self.granted.push((client, scope));
                }
            }
            2 if !self.granted.is_empty() => {
                let (client, scope) = self.granted.swap_remove(random.usize(..self.granted.len()));
                organisation.revoke_scope(&client, scope);
            }
            3 => {
                let clients = organisation.client_ids();
                organisation.rename(&clients[random.usize(..clients.len())], NAMES[random.usize(..NAMES.len())]);
            }
            4 if self.added.len() < 5 => {
                let id = format!("50a40000-0000-4000-8000-{:012x}", random.u32(..));
                for scope in SCOPES {
                    allowed.grant(&id, scope);
                }
                self.added.push(organisation.add_client(json!({
                    "id": id, "name": NAMES[random.usize(..NAMES.len())], "authorizedGrantType": "CODE", "scope": SCOPES,
                    "registeredRedirectUri": ["https://app.example.com/callback"],
                })));
            }
            5 if !self.added.is_empty() => {
                let id = self.added.swap_remove(random.usize(..self.added.len()));
                self.granted.retain(|(client, _)| *client != id);
                organisation.remove_client(&id);
            }
            _ => {
                self.role_is_wider = !self.role_is_wider;
                if self.role_is_wider {
                    allowed.grant_permissions();
                    organisation.grant_permission(ROLE.0, ROLE.1);
                } else {
                    organisation.revoke_permission(ROLE.0, ROLE.1);
                }
            }
        }
    }
}

/// The clients that act for users, whose scopes are in effect.
fn users(organisation: &SimulatedOrganisation) -> Vec<String> {
    let ids = organisation.client_ids();
    let acts_for_users = |id: &String| {
        id != DEFAULT_CLIENT_ID && organisation.client(id).is_some_and(|client| client["authorizedGrantType"] == "CODE")
    };
    ids.into_iter().filter(acts_for_users).collect()
}

/// How often each fault was injected.
#[derive(Debug, Default)]
pub(super) struct Injected(pub(super) BTreeMap<&'static str, u64>);

impl Injected {
    pub(super) fn inject(
        &mut self,
        organisation: &SimulatedOrganisation,
        (name, injection): (&'static str, Injection),
    ) {
        *self.0.entry(name).or_default() += 1;
        organisation.add_fault(injection);
    }

    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

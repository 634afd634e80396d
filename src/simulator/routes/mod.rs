//! Routes requests to endpoints, and checks tokens, limits and permissions.

mod account;
mod authorization;
mod clients;
mod listing;
mod login;
mod usage;

use url::form_urlencoded;

use super::faults::Endpoint;
use super::misbehaviour;
use super::reply::{Reaction, Reply};
use super::request::Incoming;
use super::world::World;

/// The endpoint of a path, with the id in the path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    endpoint: Endpoint,
    methods: &'static [&'static str],
    id: String,
}

/// The reaction of the organisation to a request.
pub(super) fn answer(world: &mut World, request: &Incoming) -> Reaction {
    let correlation = world.correlation();
    let Some(route) = route(&request.path) else {
        return stamped(Reply::not_found(&correlation), &correlation);
    };
    let active = misbehaviour::matching(world, route.endpoint);
    if let Some(outcome) = misbehaviour::instead(&active, world, &correlation) {
        return match outcome {
            Reaction::Answer(reply) => stamped(reply, &correlation),
            other => other,
        };
    }
    let mut reply = if route.methods.contains(&request.method.as_str()) {
        serve(world, request, &route, &correlation)
    } else {
        Reply::error(405, "method.not.allowed", "The method is not allowed for this resource.", &correlation)
            .with_header("allow", route.methods.join(", "))
    };
    misbehaviour::alter(&active, world, route.endpoint, request, &mut reply);
    stamped(reply, &correlation)
}

fn stamped(reply: Reply, correlation: &str) -> Reaction {
    Reaction::Answer(reply.with_header("inin-correlation-id", correlation))
}

fn route(path: &str) -> Option<Route> {
    const GET: &[&str] = &["GET"];
    let segments: Vec<String> = path.split('/').skip(1).map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (endpoint, methods, id) = match segments[..] {
        ["oauth", "token"] => (Endpoint::Token, &["POST"][..], ""),
        ["api", "v2", "oauth", "clients"] => (Endpoint::Clients, GET, ""),
        ["api", "v2", "oauth", "clients", id] => (Endpoint::Client, GET, id),
        ["api", "v2", "oauth", "scopes"] => (Endpoint::Scopes, GET, ""),
        ["api", "v2", "oauth", "scopes", id] => (Endpoint::Scope, GET, id),
        ["api", "v2", "authorization", "roles"] => (Endpoint::Roles, GET, ""),
        ["api", "v2", "authorization", "roles", id] => (Endpoint::Role, GET, id),
        ["api", "v2", "authorization", "divisions"] => (Endpoint::Divisions, GET, ""),
        ["api", "v2", "authorization", "divisions", id] => (Endpoint::Division, GET, id),
        ["api", "v2", "authorization", "permissions"] => (Endpoint::Permissions, GET, ""),
        ["api", "v2", "authorization", "subjects", "me"] => (Endpoint::Subject, GET, ""),
        ["api", "v2", "tokens", "me"] => (Endpoint::TokenInfo, &["GET", "HEAD", "DELETE"][..], ""),
        ["api", "v2", "organizations", "me"] => (Endpoint::OrganisationInfo, GET, ""),
        ["api", "v2", "usage", "query"] => (Endpoint::UsageQuery, &["POST"][..], ""),
        ["api", "v2", "usage", "query", id, "results"] => (Endpoint::UsageResults, GET, id),
        _ => return None,
    };
    Some(Route { endpoint, methods, id: id.to_owned() })
}

fn decoded(segment: &str) -> String {
    // A path segment is not form-encoded, but the form decoder works once `+`, `&` and `=` are escaped.
    let literal = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(literal.as_bytes()).next().map(|(key, _)| key.into_owned()).unwrap_or_default()
}

/// The caller needs one of these permissions. Empty if none is needed, by the reference.
fn required(endpoint: Endpoint) -> &'static [&'static str] {
    match endpoint {
        Endpoint::Clients | Endpoint::Client => &["oauth:client:view"],
        Endpoint::Roles | Endpoint::Role => &["authorization:role:view"],
        Endpoint::UsageQuery | Endpoint::UsageResults => &["oauth:client:view", "usage:organization:view"],
        Endpoint::Token
        | Endpoint::Scopes
        | Endpoint::Scope
        | Endpoint::Divisions
        | Endpoint::Division
        | Endpoint::Permissions
        | Endpoint::Subject
        | Endpoint::TokenInfo
        | Endpoint::OrganisationInfo => &[],
    }
}

fn serve(world: &mut World, request: &Incoming, route: &Route, correlation: &str) -> Reply {
    if route.endpoint == Endpoint::Token {
        return login::token(world, request);
    }
    let Some(token) = request.bearer() else {
        let message = "No authentication bearer token specified in authorization header.";
        return Reply::error(401, "authentication.required", message, correlation);
    };
    if !world.tokens.accepts(token) {
        return Reply::error(401, "bad.credentials", "Invalid login credentials.", correlation);
    }
    if let Some(status) = world.tokens.refusal(token) {
        return Reply::error(
            status,
            "not.authorized",
            "You are not authorized to perform the requested action.",
            correlation,
        );
    }
    let spent = world.budget.spend();
    let reply = if spent.count > spent.allowed {
        Reply::too_many_requests(spent.reset, correlation).with_header("retry-after", spent.reset.to_string())
    } else {
        let required = required(route.endpoint);
        if required.is_empty() || required.iter().any(|permission| world.own_client_may(permission)) {
            permitted(world, request, route, correlation)
        } else {
            Reply::forbidden(required, correlation)
        }
    };
    // Lower case as in reference 6; hyper writes header names in lower case anyway.
    reply
        .with_header("inin-ratelimit-count", spent.count.to_string())
        .with_header("inin-ratelimit-allowed", spent.allowed.to_string())
        .with_header("inin-ratelimit-reset", spent.reset.to_string())
}

fn permitted(world: &mut World, request: &Incoming, route: &Route, correlation: &str) -> Reply {
    let id = route.id.as_str();
    let document = match route.endpoint {
        Endpoint::Clients => Some(clients::list(world, request)),
        Endpoint::Client => clients::by_id(world, id),
        Endpoint::Scopes => Some(clients::scopes()),
        Endpoint::Scope => clients::scope(id),
        Endpoint::Roles => return authorization::roles(world, request, correlation),
        Endpoint::Role => authorization::role(world, request, id),
        Endpoint::Divisions => return authorization::divisions(world, request, correlation),
        Endpoint::Division => authorization::division(world, id),
        Endpoint::Permissions => return authorization::permissions(request, correlation),
        Endpoint::Subject => Some(account::subject(world)),
        Endpoint::TokenInfo if request.method == "DELETE" => {
            world.tokens.revoke(request.bearer().unwrap_or_default());
            return Reply::empty(204);
        }
        Endpoint::TokenInfo => Some(account::token_info(world)),
        Endpoint::OrganisationInfo => Some(account::organisation(world)),
        Endpoint::UsageQuery => return usage::query(world, request, correlation),
        Endpoint::UsageResults => usage::results(world, id),
        Endpoint::Token => None,
    };
    document.map_or_else(|| Reply::not_found(correlation), Reply::json)
}

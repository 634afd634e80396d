//! Faults that replace the response, or prevent it.

use std::time::{Duration, UNIX_EPOCH};

use crate::simulator::faults::{Fault, RetryAfter};
use crate::simulator::reply::{Payload, Reaction, Reply};
use crate::simulator::world::World;

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// The reaction of the first fault that replaces the response, if there is one.
pub(in crate::simulator) fn instead(faults: &[Fault], world: &World, correlation: &str) -> Option<Reaction> {
    faults.iter().find_map(|fault| one(fault, world, correlation))
}

fn one(fault: &Fault, world: &World, correlation: &str) -> Option<Reaction> {
    let reply = match fault {
        Fault::Hang => return Some(Reaction::Hang),
        Fault::CloseWithoutAnswer => return Some(Reaction::Close),
        Fault::RateLimited(after) => rate_limited(*after, world, correlation),
        Fault::ServerError(status) => server_error(*status, correlation),
        Fault::HtmlInsteadOfJson => Reply::raw(200, HTML, "<!doctype html><title>Sign in</title><p>Welcome</p>"),
        Fault::HtmlError(status) => Reply::raw(*status, HTML, format!("<html><body><h1>{status}</h1></body></html>")),
        Fault::Garbage => Reply::raw(200, JSON, "{\"entities\":[{\"id\":\"6f1d1a0e-0000"),
        Fault::InvalidUtf8 => Reply::raw(200, JSON, &b"{\"entities\":[{\"id\":\"\xff\xfe\xc3\x28\"}]}"[..]),
        Fault::EmptyBody => Reply::raw(200, JSON, ""),
        Fault::UnexpectedShape => Reply::raw(200, JSON, "[1,\"two\",null]"),
        Fault::Forbidden { permission } => Reply::forbidden(&[permission.as_str()], correlation),
        Fault::NotAuthorized => {
            Reply::error(403, "not.authorized", "You are not authorized to perform the requested action.", correlation)
        }
        Fault::Unauthorized => Reply::error(401, "bad.credentials", "Invalid login credentials.", correlation),
        Fault::NotFound => Reply::not_found(correlation),
        Fault::HugeBody(bytes) => {
            Reply { status: 200, headers: Vec::new(), payload: Payload::Huge(*bytes), trickle: None }
        }
        Fault::Says { status, header: (name, value), body } => {
            Reply::raw(*status, JSON, body.clone()).with_header(name, value.as_str())
        }
        Fault::Redirect(location) => Reply::empty(302).with_header("location", location.as_str()),
        Fault::TokenRateLimited => {
            Reply::oauth_error(400, "invalid_request", "rate limit exceeded; please try again in a minute")
        }
        Fault::InvalidClient(status) => Reply::oauth_error(*status, "invalid_client", "authentication failed"),
        _ => return None,
    };
    Some(Reaction::Answer(reply))
}

fn rate_limited(after: RetryAfter, world: &World, correlation: &str) -> Reply {
    match after {
        RetryAfter::Seconds(seconds) => {
            Reply::too_many_requests(seconds, correlation).with_header("retry-after", seconds.to_string())
        }
        RetryAfter::Date(unix) => {
            let seconds = u64::try_from(unix - world.now).unwrap_or_default();
            let date = UNIX_EPOCH + Duration::from_secs(u64::try_from(unix).unwrap_or_default());
            let date = httpdate::fmt_http_date(date);
            Reply::too_many_requests(seconds, correlation).with_header("retry-after", date)
        }
        RetryAfter::Absent => Reply::too_many_requests(1, correlation),
        RetryAfter::Nonsense => Reply::too_many_requests(1, correlation).with_header("retry-after", "soon"),
    }
}

/// Uses the error codes of the platform (reference 6). 502 has none, because it comes from a gateway.
fn server_error(status: u16, correlation: &str) -> Reply {
    let (code, message) = match status {
        500 => ("internal.server.error", "The server encountered an unexpected condition."),
        503 => ("service.unavailable", "The service is temporarily unavailable."),
        504 => ("request.timeout", "The request timed out."),
        _ => ("simulated.error", "The simulator was configured to send this error."),
    };
    Reply::error(status, code, message, correlation)
}

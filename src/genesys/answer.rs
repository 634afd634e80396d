//! Turns an answer of the platform into a value, or into an error that says what to do.
//!
//! `api` makes the requests.

use serde::Deserialize;

use super::endpoint::Endpoint;
use super::error::ApiError;
use super::redact::{printable, uuid};
use super::refusal::{ADDRESS_REFUSED, Refusal};
use super::token::AccessToken;
use super::transport::{Answer, Failure};
use super::wire;

pub(super) fn parse<'a, T: Deserialize<'a>>(endpoint: Endpoint, answer: &'a Answer) -> Result<T, ApiError> {
    // Checking the encoding once is faster than checking each string.
    match std::str::from_utf8(&answer.body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(&answer.body),
    }
    .map_err(|error| unreadable(endpoint, answer, &error))
}

/// The error for a 200 without the expected JSON. The parser's message can quote the body, so only the position is reported.
fn unreadable(endpoint: Endpoint, answer: &Answer, error: &serde_json::Error) -> ApiError {
    let looks_like_html = answer.body.trim_ascii_start().starts_with(b"<");
    let message = if looks_like_html {
        "the answer is HTML, not JSON; check that the API URL is right and that no proxy answers instead of the platform".to_owned()
    } else {
        format!("the answer cannot be read at line {}, column {}", error.line(), error.column())
    };
    malformed(endpoint, message, answer.correlation_id.clone())
}

pub(super) fn malformed(endpoint: Endpoint, message: String, correlation_id: Option<String>) -> ApiError {
    ApiError::Malformed { what: endpoint.label(), message, correlation_id }
}

pub(super) fn failed(endpoint: Endpoint, failure: Failure) -> ApiError {
    let what = endpoint.label();
    match failure {
        Failure::Timeout => ApiError::Timeout { what },
        Failure::Endless(limit) => ApiError::Endless { what, limit },
        Failure::Network(message) => ApiError::Network { what, message },
        Failure::TooLarge { limit, correlation_id } => malformed(
            endpoint,
            format!("the answer is larger than {limit} bytes; if that is expected, raise --genesys.max-body-bytes"),
            correlation_id,
        ),
        Failure::RateLimited { wait, correlation_id } => ApiError::RateLimited { what, wait, correlation_id },
    }
}

pub(super) fn refused(endpoint: Endpoint, answer: &Answer, token: &AccessToken) -> ApiError {
    let what = endpoint.label();
    let body = error_body(answer);
    let correlation_id = answer.correlation_id.clone().or(body.context_id.as_deref().and_then(uuid).map(str::to_owned));
    let correlation_id = correlation_id.filter(|id| token.redact(id) == **id);
    if answer.status == 404 && endpoint == Endpoint::Client && body.message.is_none() && body.code.is_none() {
        let message = "the answer is HTTP 404 without an error of the platform, so it does not show whether the client exists; check that no \
             proxy answers instead of the platform";
        return malformed(endpoint, message.to_owned(), correlation_id);
    }
    let (is_address, refusal) = (is_address(&body), Refusal::of(&body));
    let message = match (body.message, body.code) {
        (Some(message), Some(code)) => format!("{message} ({code})"),
        (Some(message), None) => message,
        (None, Some(code)) => code,
        (None, None) => "the answer gives no reason".to_owned(),
    };
    let message = printable(&token.redact(&message));
    match answer.status {
        401 if is_address => ApiError::Address { what, message, correlation_id },
        401 => ApiError::Unauthorized { what, message, correlation_id },
        403 => ApiError::Forbidden { what, refusal, message, correlation_id },
        404 => ApiError::NotFound { what, correlation_id },
        status @ 300..=399 => ApiError::Status {
            what,
            status,
            message:
                "it redirects to another origin or in a loop, and the exporter does not follow that; check the API URL"
                    .to_owned(),
            correlation_id,
        },
        status => ApiError::Status { what, status, message, correlation_id },
    }
}

/// Whether a 401 is about the address of the exporter, so that a new token does not help.
pub(super) fn refuses_address(answer: &Answer) -> bool {
    answer.status == 401 && is_address(&error_body(answer))
}

fn is_address(body: &wire::ErrorBody) -> bool {
    body.code.as_deref().is_some_and(|code| code.eq_ignore_ascii_case(ADDRESS_REFUSED))
}

/// The platform's error, or an empty one if the body is something else.
fn error_body(answer: &Answer) -> wire::ErrorBody {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

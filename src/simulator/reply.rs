//! Responses before they become HTTP, and the error bodies of the platform.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

/// How the simulator reacts to a request.
#[derive(Debug)]
pub(super) enum Reaction {
    /// It sends a response.
    Answer(Reply),
    /// It does not respond until it is stopped.
    Hang,
    /// It closes the connection without a response.
    Close,
}

/// A response.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) payload: Payload,
    /// The pause before each byte of the response, head included; `None` sends it at once.
    pub(super) trickle: Option<Duration>,
}

/// The body of a response, and how it is sent.
#[derive(Debug)]
pub(super) enum Payload {
    Empty,
    Json(Value),
    Raw {
        content_type: &'static str,
        bytes: Bytes,
    },
    /// `Content-Length` says the full length, but only half of the body is sent.
    Cut(Bytes),
    /// A JSON document that contains this many spaces, streamed.
    Huge(u64),
    /// Sent in chunks of `chunk` bytes, with a pause before each.
    Slow {
        bytes: Bytes,
        chunk: usize,
        pause: Duration,
    },
}

impl Reply {
    pub(super) fn json(document: Value) -> Self {
        Self { status: 200, headers: Vec::new(), payload: Payload::Json(document), trickle: None }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), payload: Payload::Empty, trickle: None }
    }

    pub(super) fn raw(status: u16, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), payload: Payload::Raw { content_type, bytes: bytes.into() }, trickle: None }
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The platform's `ErrorBody` (reference 6).
    pub(super) fn error(status: u16, code: &str, message: &str, correlation: &str) -> Self {
        let body = json!({
            "message": message,
            "code": code,
            "status": status,
            "contextId": correlation,
            "details": [],
            "errors": [],
        });
        Self { status, headers: Vec::new(), payload: Payload::Json(body), trickle: None }
    }

    /// 403 that names the missing permissions, with the texts of the platform (reference 6).
    pub(super) fn forbidden(permissions: &[&str], correlation: &str) -> Self {
        let listed = format!("[{}]", permissions.join(", "));
        let (code, text) = if permissions.len() == 1 {
            ("missing.permissions", "You are missing the following permission(s): ")
        } else {
            ("missing.any.permissions", "You must have at least one of the following permissions assigned: ")
        };
        let text = format!("Unable to perform the requested action. {text}");
        let mut reply = Self::error(403, code, &format!("{text}{listed}"), correlation);
        if let Payload::Json(body) = &mut reply.payload {
            body["messageWithParams"] = json!(format!("{text}{{permissions}}"));
            body["messageParams"] = json!({ "permissions": listed });
        }
        reply
    }

    pub(super) fn not_found(correlation: &str) -> Self {
        Self::error(404, "not.found", "The requested resource could not be found.", correlation)
    }

    /// 429 with the body that the platform sends since 2021-11-10 (reference 6), without the header `Retry-After`.
    pub(super) fn too_many_requests(seconds: u64, correlation: &str) -> Self {
        let message = format!("Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds");
        Self::error(429, "too.many.requests.retry.after", &message, correlation)
    }

    /// An error of the token endpoint, which sends the text in two fields (reference 1.3).
    pub(super) fn oauth_error(status: u16, error: &str, description: &str) -> Self {
        let body = json!({ "error": error, "description": description, "error_description": description });
        Self { status, headers: Vec::new(), payload: Payload::Json(body), trickle: None }
    }
}

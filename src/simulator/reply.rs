//! An answer before it becomes HTTP, and the platform's error bodies.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Reaction {
    /// It is answered.
    Answer(Reply),
    /// It is never answered, until the simulator stops.
    Hang,
    /// The connection is closed without an answer.
    Close,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) payload: Payload,
}

/// The body of an answer and the way it is sent.
#[derive(Debug)]
pub(super) enum Payload {
    Empty,
    Json(Value),
    Raw {
        content_type: &'static str,
        bytes: Bytes,
    },
    /// Announces its whole length, sends half of it, and closes.
    Cut(Bytes),
    /// A JSON document padded with so many spaces, streamed.
    Huge(u64),
    /// So many bytes at a time with a pause before each.
    Slow {
        bytes: Bytes,
        chunk: usize,
        pause: Duration,
    },
}

impl Reply {
    pub(super) fn json(document: Value) -> Self {
        Self { status: 200, headers: Vec::new(), payload: Payload::Json(document) }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), payload: Payload::Empty }
    }

    pub(super) fn raw(status: u16, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), payload: Payload::Raw { content_type, bytes: bytes.into() } }
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
        Self { status, headers: Vec::new(), payload: Payload::Json(body) }
    }

    /// 403 that names what is missing, in the words of the reference's section 6.
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

    /// 429 in its form since 2021-11-10 (reference 6), without the `Retry-After` header.
    pub(super) fn too_many_requests(seconds: u64, correlation: &str) -> Self {
        let message = format!("Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds");
        Self::error(429, "too.many.requests.retry.after", &message, correlation)
    }

    /// An error of the token endpoint, which sends its text under both names (reference 1.3).
    pub(super) fn oauth_error(status: u16, error: &str, description: &str) -> Self {
        let body = json!({ "error": error, "description": description, "error_description": description });
        Self { status, headers: Vec::new(), payload: Payload::Json(body) }
    }
}

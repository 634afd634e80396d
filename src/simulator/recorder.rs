//! The requests that came in, without anything secret.

use std::collections::VecDeque;

/// The newest requests that are kept; a demo runs for days.
const KEPT: usize = 10_000;

/// One request as it came in. Neither a token, a secret nor a body is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// Path and query; of `/oauth/token` the path alone, since a query could hold credentials.
    pub path_and_query: String,
    /// The first word of the `Authorization` header, such as `Bearer`.
    pub authorization_scheme: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Recorder {
    kept: VecDeque<RecordedRequest>,
}

impl Recorder {
    pub(super) fn record(&mut self, request: RecordedRequest) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(request);
    }

    pub(super) fn all(&self) -> Vec<RecordedRequest> {
        self.kept.iter().cloned().collect()
    }

    /// How many of the kept requests have a path that starts so.
    pub(super) fn count(&self, path_prefix: &str) -> usize {
        self.kept.iter().filter(|request| request.path_and_query.starts_with(path_prefix)).count()
    }
}

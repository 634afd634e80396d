//! Records the requests that arrived, without secrets.

use std::collections::VecDeque;

/// Number of requests that are kept. The limit is needed because a demo can run for days.
const KEPT: usize = 10_000;

/// A request that arrived, without token, secret and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// Path and query. For `/oauth/token` only the path, because a query could contain credentials.
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

    /// The number of kept requests whose path has this prefix.
    pub(super) fn count(&self, path_prefix: &str) -> usize {
        self.kept.iter().filter(|request| request.path_and_query.starts_with(path_prefix)).count()
    }
}

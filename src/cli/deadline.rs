//! The time limit of commands that call the platform.
//!
//! Commands that audit have it in `refresh::fetch`.

use std::time::Duration;

use crate::genesys::Platform;

/// Runs calls of one organisation within `limit`, its `--refresh.deadline`. The error names the call that did not end in time.
pub(super) async fn within_deadline<T>(
    limit: Duration,
    platform: &Platform,
    calls: impl Future<Output = T>,
) -> Result<T, String> {
    // Boxed: the future is large.
    tokio::time::timeout(limit, Box::pin(calls)).await.map_err(|_| {
        let last_call = platform.last_call().unwrap_or("token");
        format!(
            "the platform did not answer within {} s (the last call was {last_call}); check the connection, or raise \
             --refresh.deadline",
            limit.as_secs()
        )
    })
}

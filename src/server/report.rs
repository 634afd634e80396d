//! The JSON report as it is served: made once a generation, off the async workers, by one request at a time.
//!
//! Its shape is `output::json`'s.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;

use crate::output::{Audited, FailWhen, ReportedOrganisation, Selection, exit_code, json};
use crate::publish::{Judged, Published};

/// The last document that was made, kept for whoever asks again before the next generation.
#[derive(Debug, Clone, Default)]
pub(super) struct Prepared(Arc<Mutex<Option<(u64, Bytes)>>>);

impl Prepared {
    /// The document of that generation; `None` before the first complete audit. The error is for the log.
    pub(super) async fn document(&self, published: Arc<Published>) -> Result<Option<Bytes>, String> {
        if published.organisations.iter().all(|organisation| organisation.judged.is_none()) {
            return Ok(None);
        }
        // Taken into the blocking task, so that it is held to the end even when whoever asked goes away.
        let mut last = Arc::clone(&self.0).lock_owned().await;
        if let Some((generation, document)) = &*last
            && *generation == published.generation
        {
            return Ok(Some(document.clone()));
        }
        let making = tokio::task::spawn_blocking(move || {
            let document = Bytes::from(document(&published).map_err(|cause| cause.to_string())?);
            *last = Some((published.generation, document.clone()));
            Ok(Some(document))
        });
        making.await.map_err(|cause| cause.to_string())?
    }
}

fn document(published: &Published) -> std::io::Result<Vec<u8>> {
    let organisations: Vec<_> = published
        .organisations
        .iter()
        .map(|organisation| {
            let judged = organisation.judged.as_deref();
            ReportedOrganisation {
                org: &organisation.org,
                audited: judged.map(|judged| {
                    let Judged { snapshot, report, policy, .. } = judged;
                    Audited { snapshot, report, policy }
                }),
                complete: judged.is_some(),
                failure: organisation.freshness.failure.as_deref(),
                calls: judged.map_or(&[], |judged| &judged.calls),
                selection: Selection::default(),
            }
        })
        .collect();
    json::document(&organisations, exit_code(&organisations, FailWhen::default()))
}

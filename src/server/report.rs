//! Serves the JSON report: rendered once per generation, off the async workers and by one request at a time.
//!
//! The format is defined in `output::json`.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;

use crate::output::{Audited, FailWhen, ReportedOrganisation, Selection, exit_code, json};
use crate::publish::{Evaluated, Published};

/// The last rendered document with its generation, which is reused until the next generation is published.
#[derive(Debug, Clone, Default)]
pub(super) struct Prepared(Arc<Mutex<Option<(u64, Bytes)>>>);

impl Prepared {
    /// The document of this generation; `None` while no organisation has data. The error is meant for the log.
    pub(super) async fn document(&self, published: Arc<Published>) -> Result<Option<Bytes>, String> {
        if published.organisations.iter().all(|organisation| organisation.evaluated.is_none()) {
            return Ok(None);
        }
        // The lock moves into the blocking task, so that it is held until the end even if the client disconnects.
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
            let evaluated = organisation.evaluated.as_deref();
            ReportedOrganisation {
                org: &organisation.org,
                audited: evaluated.map(|evaluated| {
                    let Evaluated { snapshot, report, policy, .. } = evaluated;
                    Audited { snapshot, report, policy }
                }),
                complete: evaluated.is_some(),
                failure: organisation.freshness.failure.as_deref(),
                calls: evaluated.map_or(&[], |evaluated| &evaluated.calls),
                selection: Selection::default(),
            }
        })
        .collect();
    json::document(&organisations, exit_code(&organisations, FailWhen::default()))
}

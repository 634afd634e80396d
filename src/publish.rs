//! The published data: one immutable value that is replaced in one step.
//!
//! The refresh loops hold a [`Publisher`], the server holds a [`Reader`]; neither waits for the other.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::audit::Report;
use crate::domain::{Freshness, Snapshot};
use crate::exposition::{self, AuditedPart, ReloadStatus, StatusPart};
use crate::ledger::Ledger;
use crate::policy::Policy;

/// Everything that the server shows, of one generation.
#[derive(Debug)]
pub struct Published {
    /// The number of replacements since the start.
    pub generation: u64,
    /// The organisations, in the order of the settings.
    pub organisations: Vec<ServedOrganisation>,
    /// The outcome of the last load of policy and baseline.
    pub reload: ReloadStatus,
    /// The audited families, rendered.
    pub audited: AuditedPart,
    /// The families about refreshes, rendered.
    pub status: StatusPart,
}

/// The published state of one organisation.
#[derive(Debug, Clone)]
pub struct ServedOrganisation {
    /// The value of the label `org`.
    pub org: String,
    /// The outcome of its last refreshes.
    pub freshness: Freshness,
    /// The last complete snapshot with its evaluation; `None` before the first, and after the data was withdrawn.
    pub evaluated: Option<Arc<Evaluated>>,
}

/// A snapshot with its evaluation.
#[derive(Debug)]
pub struct Evaluated {
    /// The last complete snapshot.
    pub snapshot: Arc<Snapshot>,
    /// The findings and verdicts.
    pub report: Report,
    /// The policy that the report follows.
    pub policy: Arc<Policy>,
    /// When each dangerous grant was first seen, and whether it is approved.
    pub ledger: Arc<Ledger>,
    /// The number of requests that the refresh sent, by endpoint, including retries. Empty for a restored snapshot.
    pub calls: Vec<(String, u64)>,
}

/// A new pair of handles. `organisations` is the first generation.
pub fn channel(
    organisations: Vec<ServedOrganisation>,
    reload: ReloadStatus,
    config: exposition::Config,
) -> (Publisher, Reader) {
    let published = Arc::new(ArcSwap::from_pointee(render(0, organisations, reload, &config)));
    let turn = Arc::new(Mutex::new(()));
    let (swapped, swaps) = watch::channel(());
    (Publisher { published: Arc::clone(&published), turn, config, swapped }, Reader { published, swaps })
}

/// The writing side. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher {
    published: Arc<ArcSwap<Published>>,
    /// Held while a generation is built, so that two organisations do not overwrite each other's changes. Never held across
    /// an await.
    turn: Arc<Mutex<()>>,
    config: exposition::Config,
    swapped: watch::Sender<()>,
}

impl Publisher {
    /// Changes the published data in one step. It renders the metrics, so it must not run on an async worker.
    ///
    /// The audited families are rendered again only if the data of an organisation was replaced or withdrawn.
    pub fn update(&self, change: impl FnOnce(&mut Vec<ServedOrganisation>, &mut ReloadStatus)) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.published.load_full();
        let mut organisations = current.organisations.clone();
        let mut reload = current.reload;
        change(&mut organisations, &mut reload);
        let generation = current.generation + 1;
        let same_data = current.organisations.len() == organisations.len()
            && current
                .organisations
                .iter()
                .zip(&organisations)
                .all(|(a, b)| same(a.evaluated.as_ref(), b.evaluated.as_ref()));
        let next = if same_data {
            let audited = current.audited.clone();
            let status = render_status(&organisations, &audited, reload);
            Published { generation, organisations, reload, audited, status }
        } else {
            render(generation, organisations, reload, &self.config)
        };
        self.published.store(Arc::new(next));
        self.swapped.send_replace(());
    }
}

fn same(a: Option<&Arc<Evaluated>>, b: Option<&Arc<Evaluated>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn render(
    generation: u64,
    organisations: Vec<ServedOrganisation>,
    reload: ReloadStatus,
    config: &exposition::Config,
) -> Published {
    let views: Vec<_> = organisations
        .iter()
        .filter_map(|organisation| {
            let evaluated = organisation.evaluated.as_ref()?;
            let Evaluated { snapshot, report, ledger, .. } = &**evaluated;
            Some(exposition::Audited { org: &organisation.org, snapshot, report, ledger })
        })
        .collect();
    let audited = exposition::audited(&views, config);
    let status = render_status(&organisations, &audited, reload);
    Published { generation, organisations, reload, audited, status }
}

fn render_status(organisations: &[ServedOrganisation], audited: &AuditedPart, reload: ReloadStatus) -> StatusPart {
    let views: Vec<_> = organisations
        .iter()
        .map(|organisation| exposition::Watched { org: &organisation.org, freshness: &organisation.freshness })
        .collect();
    exposition::status(&views, audited, reload)
}

/// The reading side. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    published: Arc<ArcSwap<Published>>,
    swaps: watch::Receiver<()>,
}

impl Reader {
    /// The current generation. The value never changes, however long it is held.
    pub fn current(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// Waits for a generation that was published since the last call. Several in a row can count as one. Cancel safe.
    pub async fn changed(&mut self) {
        if self.swaps.changed().await.is_err() {
            // Every publisher is dropped, so there is no further generation.
            std::future::pending::<()>().await;
        }
    }
}

//! What the world sees: one immutable value, swapped as a whole.
//!
//! The refresh loops hold a [`Publisher`], the server holds a [`Reader`]; neither waits for the other.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::audit::Report;
use crate::domain::{Freshness, Snapshot};
use crate::exposition::{self, AuditedPart, ReloadStatus, StatusPart};
use crate::grants::Ledger;
use crate::policy::Policy;

/// Everything that is served, of one generation.
#[derive(Debug)]
pub struct Published {
    /// Counts the swaps since the start.
    pub generation: u64,
    /// Each organisation, in the order of the settings.
    pub organisations: Vec<ServedOrganisation>,
    /// How the last reload went.
    pub reload: ReloadStatus,
    /// The audited families, rendered.
    pub audited: AuditedPart,
    /// The families on freshness, rendered.
    pub status: StatusPart,
}

/// One organisation as it is served.
#[derive(Debug, Clone)]
pub struct ServedOrganisation {
    /// The value of the label `org`.
    pub org: String,
    /// The outcome of its refreshes.
    pub freshness: Freshness,
    /// The last complete data, judged; `None` before the first, and after it was withdrawn.
    pub judged: Option<Arc<Judged>>,
}

/// A snapshot with everything that was concluded from it.
#[derive(Debug)]
pub struct Judged {
    /// What is there.
    pub snapshot: Arc<Snapshot>,
    /// What we think of it.
    pub report: Report,
    /// By what it was judged.
    pub policy: Arc<Policy>,
    /// Since when the dangerous grants are there.
    pub ledger: Ledger,
    /// Requests that the refresh sent, by endpoint, retries included; empty where it was restored.
    pub calls: Vec<(String, u64)>,
}

/// A new pair of handles on organisations of which nothing is known yet.
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
    /// Held while a generation is made, so that two organisations do not lose each other's. Never across an await.
    turn: Arc<Mutex<()>>,
    config: exposition::Config,
    swapped: watch::Sender<()>,
}

impl Publisher {
    /// Publishes a changed world in one swap. Renders, so that it is not for an async worker.
    ///
    /// The audited families are rendered only where some organisation's data was replaced or withdrawn.
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
                .all(|(a, b)| same(a.judged.as_ref(), b.judged.as_ref()));
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

fn same(a: Option<&Arc<Judged>>, b: Option<&Arc<Judged>>) -> bool {
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
            let judged = organisation.judged.as_ref()?;
            let Judged { snapshot, report, ledger, .. } = &**judged;
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
    /// The current generation; it stays as it is however long it is held.
    pub fn current(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// Waits for a generation that came since the last call; several in a row may count as one. Cancel safe.
    pub async fn changed(&mut self) {
        if self.swaps.changed().await.is_err() {
            // Nobody publishes any more.
            std::future::pending::<()>().await;
        }
    }
}

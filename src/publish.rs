//! The published data: one immutable value that is replaced in one step.
//!
//! The refresh loops hold a [`Publisher`], the server holds a [`Reader`]; neither waits for the other.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::audit::Report;
use crate::domain::{Freshness, OrgId, Snapshot};
use crate::exposition::{self, AuditedPart, Page, ReloadStatus, StatusPart};
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
    /// Whether the exporter is not ready before its first refresh.
    pub is_awaited: bool,
    /// The outcome of its last refreshes.
    pub freshness: Freshness,
    /// The last complete snapshot with its evaluation; `None` before the first, and after the data was withdrawn.
    pub evaluated: Option<Arc<Evaluated>>,
    /// Its metrics, rendered.
    pub page: Option<Arc<Page>>,
}

impl ServedOrganisation {
    /// An organisation without data.
    pub const fn new(org: String, freshness: Freshness) -> Self {
        Self { org, is_awaited: true, freshness, evaluated: None, page: None }
    }

    /// Replaces its data.
    pub fn serve(&mut self, evaluated: Arc<Evaluated>, page: Arc<Page>) {
        self.evaluated = Some(evaluated);
        self.page = Some(page);
    }

    /// Withdraws its data.
    pub fn withdraw(&mut self) {
        self.evaluated = None;
        self.page = None;
    }
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
    let published = Arc::new(ArcSwap::from_pointee(joined(0, organisations, reload, None)));
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
    /// Renders the metrics of an organisation's data, to be served in a later update. It must not run on an async worker.
    pub fn render(&self, org: &str, evaluated: &Evaluated) -> Arc<Page> {
        let Evaluated { snapshot, report, ledger, .. } = evaluated;
        Arc::new(exposition::page(&exposition::Audited { org, snapshot, report, ledger }, &self.config))
    }

    /// Another label under which the organisation with this id is served. If it is served under this label too, the first of the settings
    /// counts.
    pub fn other_label_of(&self, id: &OrgId, org: &str) -> Option<String> {
        let published = self.published.load();
        let is_same = |evaluated: &Arc<Evaluated>| evaluated.snapshot.organisation.id == *id;
        let first = published.organisations.iter().find(|other| other.evaluated.as_ref().is_some_and(is_same))?;
        (first.org != org).then(|| first.org.clone())
    }

    /// Changes the published data in one step. Blocking, for a short time: only the families about refreshes are rendered here.
    pub fn update(&self, change: impl FnOnce(&mut Vec<ServedOrganisation>, &mut ReloadStatus)) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.published.load_full();
        let mut organisations = current.organisations.clone();
        let mut reload = current.reload;
        change(&mut organisations, &mut reload);
        let next = joined(current.generation + 1, organisations, reload, Some(&current));
        self.published.store(Arc::new(next));
        self.swapped.send_replace(());
    }
}

/// A generation. The pages are joined again only if one of them was replaced or withdrawn since the last one.
fn joined(
    generation: u64,
    organisations: Vec<ServedOrganisation>,
    reload: ReloadStatus,
    last: Option<&Published>,
) -> Published {
    let pages = |organisations: &[ServedOrganisation]| -> Vec<Option<*const Page>> {
        organisations.iter().map(|organisation| organisation.page.as_ref().map(Arc::as_ptr)).collect()
    };
    let present: Vec<&Page> = organisations.iter().filter_map(|organisation| organisation.page.as_deref()).collect();
    let audited = match last.filter(|last| pages(&last.organisations) == pages(&organisations)) {
        Some(last) => last.audited.clone(),
        None => exposition::join(&present),
    };
    let watched: Vec<_> = organisations
        .iter()
        .map(|organisation| exposition::Watched { org: &organisation.org, freshness: &organisation.freshness })
        .collect();
    let status = exposition::status(&watched, &audited, reload);
    Published { generation, organisations, reload, audited, status }
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

//! What an audit reads: from the platform, or from a file of an earlier audit.
//!
//! Not the evaluation of what was read.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::progress;
use crate::audit::{self, Report};
use crate::cli::console::complain;
use crate::cli::each::{MOST_NAMED, each};
use crate::config::{OrganisationSettings, Settings, Watch};
use crate::domain::{OrgId, Snapshot, Timestamp};
use crate::genesys::{Metrics, Platform};
use crate::ledger::Ledger;
use crate::refresh::{self, Previous, fetch};
use crate::store::snapshot_file::{self, Kept};
use crate::text::listed;

/// The label of an organisation in a file that has none.
const NO_LABEL: &str = "default";

/// What was read of one organisation, or why nothing could be read.
pub(super) struct Taken<'a> {
    pub(super) org: String,
    /// Its policy, baseline and state file.
    pub(super) watch: &'a Watch,
    pub(super) snapshot: Option<Arc<Snapshot>>,
    /// Why the list of clients is incomplete or could not be read.
    pub(super) failure: Option<String>,
    pub(super) calls: Vec<(String, u64)>,
    /// What the file had, if a file is audited.
    pub(super) ledger: Option<Arc<Ledger>>,
}

impl Taken<'_> {
    /// The report on a snapshot of this organisation, by its policy and its baseline.
    pub(super) fn evaluate(&self, snapshot: &Snapshot, at: Timestamp) -> Report {
        let refresh::InForce { policy, baseline } = &self.watch.in_force;
        audit::evaluate(snapshot, policy, baseline.as_deref(), at)
    }

    /// What the exporter saved of the organisation. As the exporter itself, this reads the state file that the organisations shared
    /// before, until there is one of its own.
    pub(super) fn saved(&self) -> Result<Option<Vec<Kept>>, String> {
        let mut files = [&self.watch.state_file, &self.watch.inherited_state].into_iter().flatten();
        files.find_map(|path| snapshot_file::read(path).transpose()).transpose()
    }

    /// What was read is not audited, because that would give a wrong result.
    pub(super) fn reject(&mut self, why: impl Into<String>) {
        self.snapshot = None;
        self.failure = Some(why.into());
    }
}

/// Reads all organisations from the platform, several at the same time.
pub(super) async fn take_all(settings: &Settings, allow_incomplete: bool, now: Timestamp) -> Vec<Taken<'_>> {
    let all = settings.organisations.as_slice();
    if let [only] = all {
        return vec![take(only, true, allow_incomplete, now).await];
    }
    let read = Cell::new(0_usize);
    let one = async |organisation| {
        let taken = take(organisation, false, allow_incomplete, now).await;
        read.set(read.get() + 1);
        taken
    };
    let mut taken =
        progress::shown(|| format!("{} organisations: {} read", all.len(), read.get()), each(all, one)).await;
    reject_duplicates(&mut taken);
    taken
}

/// If two entries lead to the same organisation, only the first is audited, as only the first is served.
fn reject_duplicates(taken: &mut [Taken<'_>]) {
    let mut first: BTreeMap<OrgId, String> = BTreeMap::new();
    for taken in taken {
        let Some(id) = taken.snapshot.as_ref().map(|snapshot| snapshot.organisation.id.clone()) else { continue };
        match first.get(&id) {
            Some(org) => taken.reject(format!("organisation {id} is audited as {org} already; remove one of the two")),
            None => _ = first.insert(id, taken.org.clone()),
        }
    }
}

/// Reads one organisation. The only one of an audit shows its progress.
async fn take(
    OrganisationSettings { platform, watch }: &OrganisationSettings,
    is_alone: bool,
    allow_incomplete: bool,
    now: Timestamp,
) -> Taken<'_> {
    let org = platform.org.clone();
    let platform = match Platform::new(platform.clone(), &Metrics::unregistered()) {
        Ok(platform) => platform,
        Err(error) => {
            let failure = Some(error.to_string());
            return Taken { org, watch, snapshot: None, failure, calls: Vec::new(), ledger: None };
        }
    };
    let config = &watch.refresh;
    let lenient = refresh::Config {
        trust_total: config.trust_total && !allow_incomplete,
        require_self: config.require_self && !allow_incomplete,
        ..config.clone()
    };
    let work = Box::pin(fetch(&platform, &lenient, Previous::default(), now));
    let attempt = if is_alone {
        let requests = || platform.calls().into_values().sum::<u64>();
        progress::shown(|| format!("{org}: {} requests", requests()), work).await
    } else {
        work.await
    };
    let calls = platform.calls().into_iter().map(|(endpoint, count)| (endpoint.to_owned(), count)).collect();
    match attempt.outcome {
        Ok(fetched) => {
            let incomplete = fetched.listing.check(config.trust_total, config.require_self).err();
            let failure = incomplete.map(|why| why.to_string());
            Taken { org, watch, snapshot: Some(Arc::new(fetched.snapshot)), failure, calls, ledger: None }
        }
        Err(failure) => Taken {
            org,
            watch,
            snapshot: None,
            failure: Some((watch.words)(&failure.to_string())),
            calls,
            ledger: None,
        },
    }
}

/// Reads a file that an earlier audit wrote with `--snapshot-out`, or a state file. `only` is the organisation of `--org`.
pub(super) fn read<'a>(path: &Path, settings: &'a Settings, only: Option<&str>) -> Result<Vec<Taken<'a>>, String> {
    let kept = snapshot_file::read(path).map_err(|why| format!("--snapshot-in {why}"))?;
    let mut kept = kept.ok_or_else(|| format!("--snapshot-in {}: the file does not exist", path.display()))?;
    if let Some(only) = only {
        if let [unnamed] = kept.as_mut_slice()
            && unnamed.org == NO_LABEL
        {
            only.clone_into(&mut unnamed.org);
        }
        kept.retain(|kept| kept.org == only);
        if kept.is_empty() {
            return Err(format!("--snapshot-in {}: the file has no organisation {only:?}", path.display()));
        }
    }
    let taken = |Kept { org, snapshot, incomplete, ledger }| {
        let named = settings.named.iter().find(|named| named.org == org);
        let watch = named.map_or(&settings.watch, |named| &named.watch);
        Taken { org, watch, snapshot: Some(snapshot), failure: incomplete, calls: Vec::new(), ledger: Some(ledger) }
    };
    Ok(kept.into_iter().map(taken).collect())
}

/// Writes what was read and, for each organisation, why its list is incomplete if it is.
pub(super) fn keep(path: &Path, taken: &[Taken<'_>]) -> Result<(), String> {
    let kept: Vec<Kept> = taken
        .iter()
        .filter_map(|taken| {
            let (org, incomplete) = (taken.org.clone(), taken.failure.clone());
            Some(Kept { org, snapshot: Arc::clone(taken.snapshot.as_ref()?), incomplete, ledger: Arc::default() })
        })
        .collect();
    if kept.is_empty() {
        // A file of an earlier audit is left in place. Without this message it could be taken for the current state.
        let why = taken.iter().find_map(|taken| taken.failure.as_deref()).unwrap_or("no organisation is configured");
        complain(format_args!("--snapshot-out {}: not written, because nothing could be read: {why}", path.display()));
        return Ok(());
    }
    let missing: Vec<&str> =
        taken.iter().filter(|taken| taken.snapshot.is_none()).map(|taken| taken.org.as_str()).collect();
    if !missing.is_empty() {
        let names = listed(missing.into_iter(), MOST_NAMED);
        complain(format_args!("--snapshot-out {}: organisations that are missing in it: {names}", path.display()));
    }
    snapshot_file::write(path, &kept).map_err(|error| error.to_string())
}

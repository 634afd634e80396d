//! Reads the organisations again, and decides what changes for each. Changes nothing.
//!
//! Either all of them can be used, or none is. `fleet` carries out the steps.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{ConfigError, Gathered, OrganisationSettings, Settings};
use crate::file;
use crate::genesys::Platform;
use crate::refresh::{InForce, MAX_BASELINE_BYTES, Pipeline, refusal};
use crate::store::Store;

/// An organisation that is watched.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) settings: OrganisationSettings,
    pub(super) pipeline: Arc<Pipeline>,
}

/// What happens to one organisation.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) settings: OrganisationSettings,
    /// `None` if its refreshes go on. It may be evaluated by another policy or baseline then.
    pub(super) start: Option<Start>,
}

/// What the refreshes need that start, or start again with other settings.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) platform: Platform,
    /// `None` if the organisation keeps the store that it has.
    pub(super) store: Option<Arc<Store>>,
}

/// What a reload does, and what is suspicious. The error lists every mistake.
pub(super) type Prepared = Result<(Vec<Step>, Vec<String>), String>;

/// Where the organisations come from.
#[derive(Debug)]
pub(super) struct Source {
    /// What the configuration file is read with; `None` if there is none, so that the organisations stay and only their files can change.
    pub(super) file: Option<Arc<Gathered>>,
}

impl Source {
    /// The organisations as they are configured now, with their policies and baselines, and what is suspicious. The error lists every
    /// mistake. Blocking.
    pub(super) fn read(&self, watched: &[Watched]) -> Result<(Vec<OrganisationSettings>, Vec<String>), String> {
        let (organisations, warnings) = if let Some(gathered) = &self.file {
            Settings::organisations_again(gathered)
                .map_err(|errors| lines(errors.iter().map(ConfigError::to_string)))?
        } else {
            let again = |known: &Watched| {
                let mut settings = known.settings.clone();
                settings.watch.in_force = InForce::read(&settings.watch.files)?;
                Ok(settings)
            };
            let read: Vec<Result<_, String>> = watched.iter().map(again).collect();
            let mistakes: Vec<String> = read.iter().filter_map(|read| read.as_ref().err().cloned()).collect();
            if !mistakes.is_empty() {
                return Err(lines(mistakes));
            }
            (read.into_iter().flatten().collect(), Vec::new())
        };
        let refusal = |next: &OrganisationSettings| {
            let known = find(watched, next).filter(|known| is_same_client(&known.settings, next))?;
            let why = refusal(&next.watch.files, &next.watch.in_force, &known.pipeline)?;
            Some(if self.file.is_some() { format!("organisation {}: {why}", next.platform.org) } else { why })
        };
        let refusals: Vec<String> = organisations.iter().filter_map(refusal).collect();
        if refusals.is_empty() { Ok((organisations, warnings)) } else { Err(lines(refusals)) }
    }

    /// A value that differs if the contents of a file differ. A file that cannot be read has no contents. Blocking.
    pub(super) fn digest(&self, watched: &[Watched]) -> u64 {
        let config = self.file.as_ref().and_then(|gathered| gathered.config_file());
        let files = watched.iter().flat_map(|known| {
            let files = &known.settings.watch.files;
            let outbound = known.settings.platform.files();
            [&files.policy, &files.baseline].into_iter().flatten().cloned().chain(outbound)
        });
        let mut paths: Vec<PathBuf> = config.into_iter().chain(files).collect();
        paths.sort();
        paths.dedup();
        let mut hasher = DefaultHasher::new();
        for path in paths {
            (file::digest(&path, MAX_BASELINE_BYTES).ok(), path).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// The watched organisation that has the label of this one.
pub(super) fn find<'a>(watched: &'a [Watched], next: &OrganisationSettings) -> Option<&'a Watched> {
    watched.iter().find(|known| known.settings.platform.org == next.platform.org)
}

/// Whether both are read by the same client from the same host, so that the data of the one is data of the other.
pub(super) fn is_same_client(this: &OrganisationSettings, other: &OrganisationSettings) -> bool {
    this.platform.client_id == other.platform.client_id && this.platform.api_url.host() == other.platform.api_url.host()
}

/// Whether the refreshes can go on: at most the policy or the baseline is another one.
pub(super) fn goes_on(this: &OrganisationSettings, next: &OrganisationSettings) -> bool {
    let (this_watch, next_watch) = (&this.watch, &next.watch);
    this.platform == next.platform
        && this_watch.refresh == next_watch.refresh
        && this_watch.state_file == next_watch.state_file
}

fn lines(mistakes: impl IntoIterator<Item = String>) -> String {
    mistakes.into_iter().collect::<Vec<_>>().join("\n")
}

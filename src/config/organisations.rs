//! The settings of each organisation: one from flags and variables, or several from the configuration file.
//!
//! Not the settings of the process (`settings`), and not the reading of the file (`file`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::duration;
use super::endpoints::Endpoints;
use super::error::quoted;
use super::file::{self, Organisations, Stanza};
use super::keys::with_keys;
use super::platform::{Tuning, org_label, real_organisation};
use super::raw::RawSettings;
use super::read::Gathered;
use super::scalar::{self, lasting, names};
use super::values::Values;
use crate::secret::{SecretSource, SecretString};
use crate::text::nearest;
use crate::{genesys, policy, refresh, store};

const STATE_FILE: &str = "genesyscloud-oauth-exporter.state.json";
/// The demo refreshes more often than the default, so that changes are visible soon.
const DEMO_INTERVAL: Duration = Duration::from_secs(5);

const SECS: fn(u64) -> Duration = Duration::from_secs;

/// What the settings are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// A command that needs every organisation that it is asked for.
    OneCommand,
    Serving,
}

/// One audited organisation.
#[derive(Debug, Clone)]
pub struct OrganisationSettings {
    /// Who is called, and how.
    pub platform: genesys::Config,
    /// How it is watched.
    pub watch: Watch,
}

/// When an organisation is read, by what it is evaluated, and where it is remembered.
#[derive(Debug, Clone)]
pub struct Watch {
    /// When to refresh, and when a list of clients is complete.
    pub refresh: refresh::Config,
    /// Where the policy and the baseline are, for reloads.
    pub files: refresh::Files,
    /// The policy and the baseline. They are read with the settings, so that all errors are reported together.
    pub in_force: refresh::InForce,
    /// The file that keeps the last complete snapshot across restarts; `None` turns it off.
    pub state_file: Option<PathBuf>,
    /// The state file that the exporter had in the same directory when it watched one organisation.
    pub inherited_state: Option<PathBuf>,
}

/// The organisations that the process calls.
pub(super) enum Who {
    Configured,
    Simulated(Url, String, SecretString),
    Nobody,
}

/// The organisations that are called, and how the only one is watched, or one that is read from a file and not configured.
pub(super) fn organisations(
    values: &mut Values<'_>,
    gathered: &Gathered,
    who: Who,
    run: For,
) -> Option<(Vec<OrganisationSettings>, Watch)> {
    let raw = &gathered.raw;
    if raw.org.is_some() && raw.config_file.is_none() {
        values.flag_wrong(
            "org",
            "names an organisation of --config.file, which is not set; to set the label, set GENESYSCLOUD_ORG",
        );
    }
    match (raw.config_file.as_deref(), who) {
        (Some(path), Who::Configured) => from_file(values, gathered, Path::new(path), true, run),
        (Some(path), Who::Nobody) => from_file(values, gathered, Path::new(path), false, run),
        (_, who) => {
            let simulated = matches!(who, Who::Simulated(..));
            let state_file = if simulated && !values.is_given("state.file") { None } else { state_file(raw) };
            let watched = one(values, gathered, who, [state_file, None]);
            watched.map(|(platform, watch)| {
                let organisation = platform.map(|platform| OrganisationSettings { platform, watch: watch.clone() });
                (organisation.into_iter().collect(), watch)
            })
        }
    }
}

/// One organisation. There is no platform if nobody is called.
fn one(
    values: &mut Values<'_>,
    gathered: &Gathered,
    who: Who,
    [state_file, inherited_state]: [Option<PathBuf>; 2],
) -> Option<(Option<genesys::Config>, Watch)> {
    let raw = &gathered.raw;
    let refresh = refresh_config(values, raw, matches!(who, Who::Simulated(..)));
    let tuning = Tuning::read(values, raw);
    let who = match who {
        Who::Simulated(api_url, id, secret) => {
            let region = api_url.host_str().unwrap_or("localhost").to_owned();
            let endpoints = Endpoints { login_url: api_url.clone(), api_url, region };
            Some(Some((id, SecretSource::Value(secret), endpoints, None)))
        }
        Who::Configured => real_organisation(values, gathered).map(Some),
        Who::Nobody => Some(None),
    };
    let org = org_label(values, raw);
    let files = files(raw);
    let in_force = in_force(values, &files);
    let (refresh, tuning, who, org, in_force) = (refresh?, tuning?, who?, org?, in_force?);
    let watch = Watch { refresh, files, in_force, state_file, inherited_state };
    Some((who.map(|who| tuning.organisation(org, who)), watch))
}

/// The organisations of the configuration file, and how an organisation is watched that it does not have.
fn from_file(
    values: &mut Values<'_>,
    process: &Gathered,
    path: &Path,
    is_called: bool,
    run: For,
) -> Option<(Vec<OrganisationSettings>, Watch)> {
    if values.is_given("state.file") {
        values.flag_wrong(
            "state.file",
            "cannot be used together with --config.file; use --state.dir, in which each organisation has a file",
        );
    }
    values.errors.extend(file::given_twice(process));
    let Organisations { defaults, stanzas } = match file::read(path, process) {
        Ok(read) => read,
        Err(errors) => {
            values.errors.extend(errors);
            return None;
        }
    };
    let mut add = |gathered: &Gathered, line: usize, who: Who| {
        let mut own = Values::new(&gathered.origins, &gathered.hidden).of_organisation(path, line);
        own.tolerates_secret_files = run == For::Serving;
        let org = gathered.raw.genesyscloud_org.clone().unwrap_or_default();
        let in_directory = |name: &str| state_directory(&process.raw).map(|directory| directory.join(name));
        let state_files = [in_directory(&store::file_name(&org)), in_directory(STATE_FILE)];
        let watched = one(&mut own, gathered, who, state_files);
        let warnings = own.warnings.iter().map(|warning| format!("organisation {org}: {}", with_keys(warning)));
        values.warnings.extend(warnings);
        // A mistake in the defaults is one for each organisation.
        let errors = own.errors.into_iter().filter(|error| !values.errors.contains(error)).collect::<Vec<_>>();
        values.errors.extend(errors);
        watched
    };
    let defaults = add(&defaults, 1, Who::Nobody);
    let mut watched = Vec::new();
    for Stanza { gathered, line } in &stanzas {
        let who = if is_called { Who::Configured } else { Who::Nobody };
        watched.push((gathered.raw.genesyscloud_org.clone().unwrap_or_default(), add(gathered, *line, who)));
    }
    if let Some(only) = &process.raw.org {
        let known: Vec<&str> = watched.iter().map(|(org, _)| org.as_str()).collect();
        if !known.contains(&only.as_str()) {
            let near = nearest(only, known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            values.flag_wrong("org", format!("{} has no organisation {}{near}", path.display(), quoted(only)));
        }
        watched.retain(|(org, _)| org == only);
    }
    // After the last mistake was found.
    let watched = watched.into_iter().map(|(_, watched)| watched).collect::<Option<Vec<_>>>()?;
    let watch = match watched.as_slice() {
        [(_, watch)] => watch.clone(),
        _ => defaults?.1,
    };
    let organisation = |(platform, watch): (Option<_>, _)| Some(OrganisationSettings { platform: platform?, watch });
    Some((watched.into_iter().filter_map(organisation).collect(), watch))
}

pub(super) fn refresh_config(values: &mut Values<'_>, raw: &RawSettings, demo: bool) -> Option<refresh::Config> {
    let mut interval =
        values.flag("refresh.interval", raw.refresh_interval.as_ref(), lasting(SECS(1)..=Duration::from_hours(24)));
    if demo && !values.is_given("refresh.interval") {
        interval = Some(DEMO_INTERVAL);
    }
    let longest = Duration::from_hours(365 * 24);
    let stale_after = values.flag("refresh.stale-after", raw.refresh_stale_after.as_ref(), lasting(SECS(1)..=longest));
    let deadline =
        values.flag("refresh.deadline", raw.refresh_deadline.as_ref(), lasting(SECS(1)..=Duration::from_hours(1)));
    let trust_total = values.flag("refresh.trust-total", raw.refresh_trust_total.as_ref(), scalar::switch);
    let require_self = values.flag("refresh.require-self", raw.refresh_require_self.as_ref(), scalar::switch);
    if let (Some(interval), Some(stale_after)) = (interval, stale_after) {
        let (shown, every) = (duration::show(stale_after), duration::show(interval));
        if stale_after <= interval {
            let problem = format!("{shown} must be longer than --refresh.interval, which is {every}");
            values.flag_wrong("refresh.stale-after", problem);
        } else if stale_after < interval.saturating_mul(3) {
            values.warnings.push(format!(
                "--refresh.stale-after is {shown}, less than three times --refresh.interval ({every}), so that the data is \
                 withdrawn after one or two failed refreshes; use a longer time"
            ));
        }
    }
    Some(refresh::Config {
        interval: interval?,
        stale_after: stale_after?,
        deadline: deadline?,
        trust_total: trust_total?,
        require_self: require_self?,
    })
}

pub(super) fn files(raw: &RawSettings) -> refresh::Files {
    let path = |path: Option<&String>| path.filter(|path| !path.is_empty()).map(PathBuf::from);
    let extension = policy::Extension {
        required_scopes: names(raw.audit_required_scopes.as_deref()),
        dangerous_scopes: names(raw.audit_dangerous_scopes.as_deref()),
    };
    refresh::Files { policy: path(raw.policy_file.as_ref()), extension, baseline: path(raw.baseline_file.as_ref()) }
}

fn in_force(values: &mut Values<'_>, files: &refresh::Files) -> Option<refresh::InForce> {
    let policy = refresh::read_policy(files.policy.as_deref(), &files.extension).map_err(|mistakes| {
        for mistake in mistakes.lines() {
            values.flag_wrong("policy.file", mistake);
        }
    });
    let baseline = refresh::read_baseline(files.baseline.as_deref()).map_err(|mistake| {
        values.flag_wrong("baseline.file", mistake);
    });
    Some(refresh::InForce { policy: Arc::new(policy.ok()?), baseline: baseline.ok()?.map(Arc::new) })
}

/// `None` if the value is empty, which turns the state file off.
fn state_file(raw: &RawSettings) -> Option<PathBuf> {
    match raw.state_file.as_deref() {
        Some("") => None,
        Some(path) => Some(path.into()),
        None => Some(default_state_directory(raw).join(STATE_FILE)),
    }
}

/// `None` if the value is empty, which turns the state files off.
fn state_directory(raw: &RawSettings) -> Option<PathBuf> {
    match raw.state_dir.as_deref() {
        Some("") => None,
        Some(path) => Some(path.into()),
        None => Some(default_state_directory(raw)),
    }
}

fn default_state_directory(raw: &RawSettings) -> PathBuf {
    let directories = raw.state_directory.as_deref().unwrap_or_default();
    let first = directories.split(':').find(|directory| !directory.is_empty());
    first.map(PathBuf::from).unwrap_or_default()
}

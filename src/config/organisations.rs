//! The settings of each organisation: one from flags and variables, or several from the configuration file.
//!
//! Not the settings of the process (`settings`), and not the reading of the file (`file`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::asked::{MOST_NAMED, asked_for};
use super::duration;
use super::endpoints::Endpoints;
use super::error::{ConfigError, variable_from};
use super::file::{self, Stanza};
use super::keys::with_keys;
use super::platform::{self, Tuning, org_label, real_organisation};
use super::raw::RawSettings;
use super::read::Gathered;
use super::scalar::{self, lasting, names};
use super::shard::Shard;
use super::values::Values;
use crate::secret::{SecretSource, SecretString};
use crate::text::listed;
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
    /// A command that reports on each organisation, also on one that cannot be read.
    Each,
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

/// An organisation of the configuration file, called or not.
#[derive(Debug, Clone)]
pub struct NamedOrganisation {
    /// The value of the label `org`.
    pub org: String,
    /// The setting that names its baseline, with the place in the file.
    pub baseline_setting: String,
    /// How it is watched.
    pub watch: Watch,
}

/// The organisations of a process.
pub(super) struct Configured {
    /// Those that are called.
    pub(super) organisations: Vec<OrganisationSettings>,
    /// Those of the configuration file; none without one.
    pub(super) named: Vec<NamedOrganisation>,
    /// How the only one is watched, or one that is read from a file and not configured.
    pub(super) watch: Watch,
    /// The number of those that are configured, in all shards.
    pub(super) number: usize,
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
    /// Puts the names of settings that a message has into the words in which they were given: variables and flags, or keys of the file.
    pub words: fn(&str) -> String,
}

/// The organisations that the process calls.
pub(super) enum Who {
    Configured,
    Simulated(Url, String, SecretString),
    Nobody,
}

/// The organisations that are called: all that are configured, or those of a shard.
pub(super) fn organisations(
    values: &mut Values<'_>,
    gathered: &Gathered,
    who: Who,
    run: For,
    shard: Option<Shard>,
) -> Option<Configured> {
    let raw = &gathered.raw;
    if raw.org.is_some() && raw.config_file.is_none() {
        values.flag_wrong(
            "org",
            "names an organisation of --config.file, which is not set; to set the label, set GENESYSCLOUD_ORG",
        );
    }
    match (raw.config_file.as_deref(), who) {
        (Some(path), Who::Configured) => from_file(values, gathered, Path::new(path), true, run, shard),
        (Some(path), Who::Nobody) => from_file(values, gathered, Path::new(path), false, run, shard),
        (_, who) => {
            let simulated = matches!(who, Who::Simulated(..));
            let state_file = if simulated && !values.is_given("state.file") { None } else { state_file(raw) };
            let watched = one(values, gathered, who, [state_file, None]);
            watched.map(|(platform, watch)| {
                let organisation = platform.map(|platform| OrganisationSettings { platform, watch: watch.clone() });
                let organisations = organisation.into_iter().collect();
                Configured { organisations, named: Vec::new(), watch, number: 1 }
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
            let (client_secret, authorities) = (SecretSource::Value(secret), genesys::Authorities::default());
            Some(Some(platform::Who { client_id: id, client_secret, endpoints, proxy: None, authorities }))
        }
        Who::Configured => real_organisation(values, gathered).map(Some),
        Who::Nobody => Some(None),
    };
    let org = org_label(values, raw);
    let files = files(raw);
    let in_force = in_force(values, &files);
    let (refresh, tuning, who, org, in_force) = (refresh?, tuning?, who?, org?, in_force?);
    let words = if values.is_of_file() { with_keys } else { str::to_owned };
    let watch = Watch { refresh, files, in_force, state_file, inherited_state, words };
    Some((who.map(|who| tuning.organisation(org, who)), watch))
}

/// The organisations of the configuration file, or the one that `--org` names. Of the others, only the syntax is checked.
fn from_file(
    values: &mut Values<'_>,
    process: &Gathered,
    path: &Path,
    is_called: bool,
    run: For,
    shard: Option<Shard>,
) -> Option<Configured> {
    if values.is_given("state.file") {
        values.flag_wrong(
            "state.file",
            "cannot be used together with --config.file; use --state.dir, in which each organisation has a file",
        );
    }
    values.errors.extend(file::given_twice(process));
    // A name without GENESYS, such as CLIENT_ID, may belong to another program.
    let foreign =
        process.foreign.iter().filter(|(name, ..)| name.starts_with("GENESYS") || name.starts_with("PURECLOUD"));
    for (name, ours, origin) in foreign {
        let (name, key) = (variable_from(name, origin), with_keys(ours));
        values
            .warnings
            .push(format!("{name} is set, but the exporter does not read it; set {key} in the file of --config.file"));
    }
    let (defaults, mut stanzas) = asked_for(values, process, path, is_called)?;
    let number = stanzas.len();
    // The organisations of other shards are theirs to check: a mistake in one of them must not stop this process.
    let org = |stanza: &Stanza| stanza.gathered.raw.genesyscloud_org.clone().unwrap_or_default();
    stanzas.retain(|stanza| shard.is_none_or(|shard| shard.has(&org(stanza))));
    let several = number > 1;
    let mut warnings: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |gathered: &Gathered, line: usize, is_misread: bool, who: Who| {
        let mut own = Values::new(&gathered.origins, &gathered.hidden).of_organisation(path, line);
        own.tolerates_secret_files = run == For::Serving || (run == For::Each && several);
        let org = gathered.raw.genesyscloud_org.clone().unwrap_or_default();
        let in_directory = |name: &str| state_directory(&process.raw).map(|directory| directory.join(name));
        let state_files = [in_directory(&store::file_name(&org)), in_directory(STATE_FILE)];
        let watched = one(&mut own, gathered, who, state_files);
        let baseline_setting = own.setting("baseline.file");
        // Those about the defaults alone are repeated by the organisations that they affect.
        for warning in own.warnings.iter().filter(|_| !org.is_empty()).map(|warning| with_keys(warning)) {
            match warnings.iter_mut().find(|(known, _)| *known == warning) {
                Some((_, orgs)) => orgs.push(org.clone()),
                None => warnings.push((warning, vec![org.clone()])),
            }
        }
        // A mistake in the defaults is one for each organisation.
        let is_new = |error: &ConfigError| !(values.errors.contains(error) || is_misread && error.is_about_absence());
        let errors = own.errors.into_iter().filter(is_new).collect::<Vec<_>>();
        values.errors.extend(errors);
        watched.map(|(platform, watch)| (platform, NamedOrganisation { org, baseline_setting, watch }))
    };
    let defaults = add(&defaults, 1, false, Who::Nobody);
    let who = || if is_called { Who::Configured } else { Who::Nobody };
    let watched: Vec<_> =
        stanzas.iter().map(|stanza| add(&stanza.gathered, stanza.line, stanza.is_misread, who())).collect();
    values.warnings.extend(warnings.iter().map(|(warning, orgs)| {
        let label = if orgs.len() == 1 { "organisation" } else { "organisations" };
        format!("{label} {}: {warning}", listed(orgs.iter().map(String::as_str), MOST_NAMED))
    }));
    // After the last mistake was found.
    let watched = watched.into_iter().collect::<Option<Vec<_>>>()?;
    let watch = match watched.as_slice() {
        [(_, only)] => only.watch.clone(),
        _ => defaults?.1.watch,
    };
    let called = |(platform, named): &(Option<genesys::Config>, NamedOrganisation)| {
        Some(OrganisationSettings { platform: platform.clone()?, watch: named.watch.clone() })
    };
    let organisations = watched.iter().filter_map(called).collect();
    let named = watched.into_iter().map(|(_, named)| named).collect();
    Some(Configured { organisations, named, watch, number })
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
    Some(refresh::InForce { policy: policy.ok()?.shared(), baseline: baseline.ok()?.map(Arc::new) })
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

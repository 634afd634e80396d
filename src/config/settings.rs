//! The validated settings, composed of the `Config` structs of the components.
//!
//! Not where the values come from (`read`), and not the settings for calls of the platform (`platform`).
//!
//! Policy and baseline are read once, together with the settings, so that the mistakes of all of them are reported
//! together. Only a reload reads them again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::endpoints::Endpoints;
use super::error::{ConfigError, quoted};
use super::file::{self, Organisations, Stanza};
use super::link_base::link_base;
use super::platform::{Tuning, org_label, real_organisation};
use super::raw::RawSettings;
use super::read::Gathered;
use super::scalar::{lasting, within};
use super::values::Values;
use super::{address, duration, scalar};
use crate::secret::{SecretSource, SecretString};
use crate::telemetry::{self, Level, LogFormat};
use crate::text::nearest;
use crate::{exposition, genesys, policy, refresh, server, store};

const STATE_FILE: &str = "genesyscloud-oauth-exporter.state.json";
/// The demo refreshes more often than the default, so that changes are visible soon.
const DEMO_INTERVAL: Duration = Duration::from_secs(5);

const SECS: fn(u64) -> Duration = Duration::from_secs;

/// All settings of the process, validated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The audited organisations; none if the settings are [`Settings::offline`].
    pub organisations: Vec<Organisation>,
    /// How the only organisation is watched, or how one is watched that is read from a file and not configured.
    pub watch: Watch,
    /// Where to listen, and what to serve.
    pub server: server::Config,
    /// The URL at which people reach the exporter, without a slash at its end; `None` if there are no links to it.
    pub external_url: Option<String>,
    /// Which metric families to render.
    pub exposition: exposition::Config,
    /// The level and format of the log.
    pub log: telemetry::Config,
    /// What is suspicious but valid. The caller logs it once logging is started.
    pub warnings: Vec<String>,
}

/// What the settings are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// A command that needs every organisation that it is asked for.
    OneCommand,
    Serving,
}

/// One audited organisation.
#[derive(Debug, Clone)]
pub struct Organisation {
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
}

impl Settings {
    /// For commands that call the platform: credentials and region are required. Returns every error.
    pub fn from_raw(gathered: &Gathered) -> Result<Self, Vec<ConfigError>> {
        build(gathered, Who::Configured, For::OneCommand)
    }

    /// For a process that serves until it is stopped. As [`Self::from_raw`], but if one of several organisations has a secret file that
    /// cannot be used, the others are watched, and its refreshes fail until the file can be used.
    pub fn to_serve(gathered: &Gathered) -> Result<Self, Vec<ConfigError>> {
        build(gathered, Who::Configured, For::Serving)
    }

    /// For commands that do not call the platform: credentials and region are ignored, and there are no organisations.
    pub fn offline(gathered: &Gathered) -> Result<Self, Vec<ConfigError>> {
        build(gathered, Who::Nobody, For::OneCommand)
    }

    /// For a simulated organisation whose API and login host are both at `api_url`. Credentials in the environment are
    /// ignored. Unless the flags say otherwise, it is refreshed every 5 s and there is no state file.
    pub fn for_simulated(
        gathered: &Gathered,
        api_url: Url,
        client_id: String,
        secret: SecretString,
    ) -> Result<Self, Vec<ConfigError>> {
        build(gathered, Who::Simulated(api_url, client_id, secret), For::Serving)
    }

    /// Only the addresses that the server listens on, and whether it may speak TLS. Needs no credentials and reads no file.
    pub fn listen_addresses(gathered: &Gathered) -> Result<(Vec<SocketAddr>, bool), Vec<ConfigError>> {
        let mut values = Values::new(&gathered.origins, &gathered.hidden);
        let addresses = gathered.raw.web_listen_address.as_ref();
        let has_web_config = gathered.raw.web_config_file.as_ref().is_some_and(|path| !path.is_empty());
        let addresses = values.flag("web.listen-address", addresses, address::listen_addresses);
        addresses.map(|addresses| (addresses, has_web_config)).ok_or(values.errors)
    }

    /// Only what the alert rules depend on. Needs no credentials, and reads neither policy nor baseline.
    pub fn of_alerts(gathered: &Gathered) -> Result<AlertSettings, Vec<ConfigError>> {
        let mut values = Values::new(&gathered.origins, &gathered.hidden);
        values.errors.clone_from(&gathered.errors);
        let refresh = refresh_config(&mut values, &gathered.raw, false);
        let external_url = external_url(&mut values, &gathered.raw);
        match refresh {
            Some(refresh::Config { stale_after, interval, .. }) if values.errors.is_empty() => {
                Ok(AlertSettings { stale_after, interval, external_url })
            }
            _ => Err(values.errors),
        }
    }

    /// Only where the policy is and which scopes the flags add to it. Needs no credentials.
    pub fn policy(gathered: &Gathered) -> Result<refresh::Files, Vec<ConfigError>> {
        if gathered.errors.is_empty() { Ok(files(&gathered.raw)) } else { Err(gathered.errors.clone()) }
    }
}

/// The settings that the alert rules depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSettings {
    /// The age at which data is withdrawn.
    pub stale_after: Duration,
    /// The time between two refreshes.
    pub interval: Duration,
    /// The URL at which people reach the exporter, without a slash at its end.
    pub external_url: Option<String>,
}

/// The organisations that the process calls.
enum Who {
    Configured,
    Simulated(Url, String, SecretString),
    Nobody,
}

fn build(gathered: &Gathered, who: Who, run: For) -> Result<Settings, Vec<ConfigError>> {
    let raw = &gathered.raw;
    let mut values = Values::new(&gathered.origins, &gathered.hidden);
    values.warnings.clone_from(&gathered.warnings);
    values.errors.clone_from(&gathered.errors);

    let server = server_config(&mut values, raw, !matches!(who, Who::Nobody));
    let external_url = external_url(&mut values, raw);
    let exposition = exposition_config(&mut values, raw);
    let log = log_config(&mut values, raw);
    if raw.org.is_some() && raw.config_file.is_none() {
        values.flag_wrong(
            "org",
            "names an organisation of --config.file, which is not set; to set the label, set GENESYSCLOUD_ORG",
        );
    }
    let watched = match (raw.config_file.as_deref(), who) {
        (Some(path), Who::Configured) => from_file(&mut values, gathered, Path::new(path), true, run),
        (Some(path), Who::Nobody) => from_file(&mut values, gathered, Path::new(path), false, run),
        (_, who) => {
            let simulated = matches!(who, Who::Simulated(..));
            let state_file = if simulated && !values.is_given("state.file") { None } else { state_file(raw) };
            let watched = one(&mut values, gathered, who, state_file);
            watched.map(|(platform, watch)| {
                let organisation = platform.map(|platform| Organisation { platform, watch: watch.clone() });
                (organisation.into_iter().collect(), watch)
            })
        }
    };
    match (server, exposition, log, watched) {
        (Some(server), Some(exposition), Some(log), Some((organisations, watch))) if values.errors.is_empty() => {
            let warnings = values.warnings;
            Ok(Settings { organisations, watch, server, external_url, exposition, log, warnings })
        }
        _ => Err(values.errors),
    }
}

/// One organisation. There is no platform if nobody is called.
fn one(
    values: &mut Values<'_>,
    gathered: &Gathered,
    who: Who,
    state_file: Option<PathBuf>,
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
    let watch = Watch { refresh, files, in_force, state_file };
    Some((who.map(|who| tuning.organisation(org, who)), watch))
}

/// The organisations of the configuration file, and how an organisation is watched that it does not have.
fn from_file(
    values: &mut Values<'_>,
    process: &Gathered,
    path: &Path,
    is_called: bool,
    run: For,
) -> Option<(Vec<Organisation>, Watch)> {
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
        let mut own = Values::of_organisation(gathered, path, line);
        own.tolerates_secret_files = run == For::Serving;
        let org = gathered.raw.genesyscloud_org.clone().unwrap_or_default();
        let state_file = state_directory(&process.raw).map(|directory| directory.join(store::file_name(&org)));
        let watched = one(&mut own, gathered, who, state_file);
        let warnings =
            own.warnings.iter().map(|warning| format!("organisation {org}: {}", file::in_words_of_the_file(warning)));
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
    let organisation = |(platform, watch): (Option<_>, _)| Some(Organisation { platform: platform?, watch });
    Some((watched.into_iter().filter_map(organisation).collect(), watch))
}

fn server_config(values: &mut Values<'_>, raw: &RawSettings, has_server: bool) -> Option<server::Config> {
    let listen_addresses =
        values.flag("web.listen-address", raw.web_listen_address.as_ref(), address::listen_addresses);
    let web = web_config(values, raw.web_config_file.as_deref().filter(|_| has_server));
    let telemetry_path = values.flag("web.telemetry-path", raw.web_telemetry_path.as_ref(), address::telemetry_path);
    let enable_lifecycle = values.flag("web.enable-lifecycle", raw.web_enable_lifecycle.as_ref(), scalar::switch);
    let expose_report = values.flag("web.expose-report", raw.web_expose_report.as_ref(), scalar::switch);
    let max_connections = values.flag("web.max-connections", raw.web_max_connections.as_ref(), within(1..=10_000));
    Some(server::Config {
        listen_addresses: listen_addresses?,
        web: web?,
        telemetry_path: telemetry_path?,
        enable_lifecycle: enable_lifecycle?,
        expose_report: expose_report?,
        max_connections: max_connections?,
    })
}

/// `None` if it is not set, and after adding an error.
fn external_url(values: &mut Values<'_>, raw: &RawSettings) -> Option<String> {
    raw.web_external_url.as_ref().and_then(|url| values.flag("web.external-url", Some(url), link_base))
}

/// Reads the web configuration, if there is a file and the command serves.
fn web_config(values: &mut Values<'_>, path: Option<&str>) -> Option<Arc<server::WebConfig>> {
    let read = match path.filter(|path| !path.is_empty()) {
        Some(path) => server::WebConfig::read(Path::new(path)),
        None => server::WebConfig::absent().map(|config| (config, Vec::new())).map_err(|mistake| vec![mistake]),
    };
    match read {
        Ok((config, warnings)) => {
            let named = |warning: String| format!("--web.config.file: {warning}");
            values.warnings.extend(warnings.into_iter().map(named));
            Some(Arc::new(config))
        }
        Err(mistakes) => {
            for mistake in mistakes {
                values.flag_wrong("web.config.file", mistake);
            }
            None
        }
    }
}

fn refresh_config(values: &mut Values<'_>, raw: &RawSettings, demo: bool) -> Option<refresh::Config> {
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

fn exposition_config(values: &mut Values<'_>, raw: &RawSettings) -> Option<exposition::Config> {
    let disabled_families: Vec<String> = names(raw.metrics_disable.as_deref());
    for mistake in exposition::Config::check(&disabled_families).err().unwrap_or_default() {
        values.flag_wrong("metrics.disable", mistake);
    }
    let max_client_series =
        values.flag("metrics.max-client-series", raw.metrics_max_client_series.as_ref(), within(1..=10_000_000));
    Some(exposition::Config { disabled_families, max_client_series: max_client_series? })
}

fn log_config(values: &mut Values<'_>, raw: &RawSettings) -> Option<telemetry::Config> {
    let level = values.flag("log.level", raw.log_level.as_ref(), |text| scalar::choice(text, &Level::WORDS));
    let format = values.flag("log.format", raw.log_format.as_ref(), |text| scalar::choice(text, &LogFormat::WORDS));
    Some(telemetry::Config { level: level?, format: format? })
}

fn files(raw: &RawSettings) -> refresh::Files {
    let path = |path: Option<&String>| path.filter(|path| !path.is_empty()).map(PathBuf::from);
    let extension = policy::Extension {
        required_scopes: names(raw.audit_required_scopes.as_deref()),
        dangerous_scopes: names(raw.audit_dangerous_scopes.as_deref()),
    };
    refresh::Files { policy: path(raw.policy_file.as_ref()), extension, baseline: path(raw.baseline_file.as_ref()) }
}

fn in_force(values: &mut Values<'_>, files: &refresh::Files) -> Option<refresh::InForce> {
    let policy = refresh::Reloader::read(files.policy.as_ref(), &files.extension).map_err(|mistakes| {
        for mistake in mistakes.lines() {
            values.flag_wrong("policy.file", mistake);
        }
    });
    let baseline = refresh::Reloader::read_baseline(files.baseline.as_deref()).map_err(|mistake| {
        values.flag_wrong("baseline.file", mistake);
    });
    Some(refresh::InForce { policy: Arc::new(policy.ok()?), baseline: baseline.ok()?.map(Arc::new) })
}

/// The names in a comma-separated list.
fn names<C: FromIterator<String>>(list: Option<&str>) -> C {
    let names = list.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
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

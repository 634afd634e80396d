//! The validated settings, composed of the `Config` structs of the components.
//!
//! Not where the values come from (`read`), and not the settings for calls of the platform (`platform`).
//!
//! Policy and baseline are read once, together with the settings, so that the mistakes of all of them are reported
//! together. Only a reload reads them again.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::asked::each;
use super::duration;
use super::error::ConfigError;
use super::link_base::link_base;
use super::organisations::{
    Configured, For, NamedOrganisation, OrganisationSettings, Watch, Who, files, organisations, refresh_config,
};
use super::raw::RawSettings;
use super::read::Gathered;
use super::scalar::{lasting, names, within};
use super::shard::{self, Shard};
use super::values::Values;
use super::{address, scalar};
use crate::secret::SecretString;
use crate::telemetry::{self, Level, LogFormat};
use crate::{exposition, refresh, server};

/// All settings of the process, validated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The audited organisations; none if the settings are [`Settings::offline`].
    pub organisations: Vec<OrganisationSettings>,
    /// The organisations of the configuration file that the command is asked for, in its order, called or not. None without a file.
    pub named: Vec<NamedOrganisation>,
    /// How the only organisation is watched, or how one is watched that is read from a file and not configured.
    pub watch: Watch,
    /// The place of this process among those that share the configuration file; `None` if it watches all organisations of the file.
    pub shard: Option<Shard>,
    /// The number of shards, which a command that is not one of them can ask for too.
    pub shards: Option<u32>,
    /// The number of organisations that are configured, in all shards.
    pub configured: usize,
    /// What a reload reads the configuration file with; `None` if there is none, or if the command does not reload.
    pub again: Option<Arc<Gathered>>,
    /// How often changed files are looked for; `None` if only a signal or a request reloads them.
    pub auto_reload: Option<Duration>,
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

impl Settings {
    /// For commands that call the platform: credentials and region are required. Returns every error.
    pub fn from_raw(gathered: &Gathered) -> Result<Self, Vec<ConfigError>> {
        build(gathered, Who::Configured, For::OneCommand)
    }

    /// For commands that report on each organisation. As [`Self::from_raw`], but if one of several organisations has a secret file that
    /// cannot be used, the others are read, and the calls of this one fail.
    pub fn for_each(gathered: &Gathered) -> Result<Self, Vec<ConfigError>> {
        build(gathered, Who::Configured, For::Each)
    }

    /// For a process that serves until it is stopped. As [`Self::from_raw`], but if one of several organisations has a secret file that
    /// cannot be used, the others are watched, and its refreshes fail until the file can be used.
    pub fn to_serve(gathered: &Arc<Gathered>) -> Result<Self, Vec<ConfigError>> {
        let mut settings = build(gathered, Who::Configured, For::Serving)?;
        settings.again = gathered.config_file().map(|_| Arc::clone(gathered));
        Ok(settings)
    }

    /// The organisations as the configuration file has them now, with the warnings about them. As [`Self::to_serve`] otherwise.
    pub fn organisations_again(
        gathered: &Gathered,
    ) -> Result<(Vec<OrganisationSettings>, Vec<String>), Vec<ConfigError>> {
        let mut values = Values::new(&gathered.origins, &gathered.hidden);
        let (shard, _) = shards(&mut values, &gathered.raw, For::Serving);
        let watched = organisations(&mut values, gathered, Who::Configured, For::Serving, shard);
        match watched {
            Some(configured) if values.errors.is_empty() => Ok((configured.organisations, values.warnings)),
            _ => Err(values.errors),
        }
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

    /// Only what the alert rules depend on: one file of rules serves all organisations, so it has the longest times. Needs no
    /// credentials, and reads neither policy nor baseline.
    pub fn of_alerts(gathered: &Gathered) -> Result<AlertSettings, Vec<ConfigError>> {
        let mut values = Values::new(&gathered.origins, &gathered.hidden);
        values.errors.clone_from(&gathered.errors);
        let refresh = each(&mut values, gathered, |values, raw| refresh_config(values, raw, false)).unwrap_or_default();
        let external_url = external_url(&mut values, &gathered.raw);
        let longest = |time: fn(&refresh::Config) -> Duration| refresh.iter().map(time).max();
        match (longest(|refresh| refresh.stale_after), longest(|refresh| refresh.interval)) {
            (Some(stale_after), Some(interval)) if values.errors.is_empty() => {
                Ok(AlertSettings { stale_after, interval, external_url })
            }
            _ => Err(values.errors),
        }
    }

    /// Only where the policies are and which scopes the flags add to them, each once. Needs no credentials.
    pub fn policies(gathered: &Gathered) -> Result<Vec<refresh::Files>, Vec<ConfigError>> {
        let mut values = Values::new(&gathered.origins, &gathered.hidden);
        values.errors.clone_from(&gathered.errors);
        let all = each(&mut values, gathered, |_, raw| Some(refresh::Files { baseline: None, ..files(raw) }));
        let mut policies: Vec<refresh::Files> = Vec::new();
        for files in all.into_iter().flatten() {
            if !policies.contains(&files) {
                policies.push(files);
            }
        }
        if values.errors.is_empty() { Ok(policies) } else { Err(values.errors) }
    }
}

/// The settings that the alert rules depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSettings {
    /// The age at which data is withdrawn; the longest of all organisations.
    pub stale_after: Duration,
    /// The time between two refreshes; the longest of all organisations.
    pub interval: Duration,
    /// The URL at which people reach the exporter, without a slash at its end.
    pub external_url: Option<String>,
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
    let auto_reload = values.flag("config.auto-reload-interval", raw.config_auto_reload_interval.as_ref(), auto_reload);
    let is_simulated = matches!(who, Who::Simulated(..));
    let (shard, shards) = if is_simulated { (None, None) } else { shards(&mut values, raw, run) };
    let watched = organisations(&mut values, gathered, who, run, shard);
    match (server, exposition, log, watched) {
        (Some(server), Some(exposition), Some(log), Some(configured)) if values.errors.is_empty() => {
            let Configured { organisations, named, watch, number } = configured;
            let warnings = values.warnings;
            let auto_reload = auto_reload.filter(|interval| !interval.is_zero());
            Ok(Settings {
                organisations,
                named,
                watch,
                shard,
                shards,
                configured: number,
                again: None,
                auto_reload,
                server,
                external_url,
                exposition,
                log,
                warnings,
            })
        }
        _ => Err(values.errors),
    }
}

/// The shard of a process that serves, and the number of shards. One organisation cannot be divided.
fn shards(values: &mut Values<'_>, raw: &RawSettings, run: For) -> (Option<Shard>, Option<u32>) {
    if raw.config_file.is_none() && (raw.shard_total.is_some() || raw.shard_index.is_some()) {
        let flag = if raw.shard_total.is_some() { "shard.total" } else { "shard.index" };
        values.flag_wrong(
            flag,
            "divides the organisations of --config.file, which is not set; unset it, or name the file",
        );
        return (None, None);
    }
    if run != For::Serving && raw.shard_index.is_none() {
        return (None, shard::total(values, raw));
    }
    let shard = Shard::read(values, raw);
    (shard.filter(|_| run == For::Serving), shard.map(|shard| shard.total))
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

/// Zero, or a time that is long enough to read files.
fn auto_reload(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(Duration::ZERO) => Ok(Duration::ZERO),
        _ => lasting(Duration::from_secs(1)..=Duration::from_hours(24))(text),
    }
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

//! The validated settings, made of the components' own `Config` structs.
//!
//! The one place where rules between settings are checked; not where values come from (`read`).

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::credentials::{client_id, client_secret};
use super::endpoints::{Endpoints, endpoints};
use super::error::{ConfigError, variable_from};
use super::raw::RawSettings;
use super::read::Gathered;
use super::values::Values;
use super::{address, duration, names, scalar};
use crate::genesys::{self, AuthStyle, Limits, PacingConfig, RetryConfig};
use crate::secret::{SecretSource, SecretString};
use crate::telemetry::{self, Level, LogFormat};
use crate::{exposition, refresh, server};

const STATE_FILE: &str = "genesyscloud-oauth-exporter.state.json";
/// A demo that shows nothing for five minutes shows nothing.
const DEMO_INTERVAL: Duration = Duration::from_secs(5);
/// Requests a minute for each token, by the vendor's limits.
const PLATFORM_LIMIT: u32 = 300;

const MS: fn(u64) -> Duration = Duration::from_millis;
const SECS: fn(u64) -> Duration = Duration::from_secs;

/// All settings of the process, valid as a whole.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The audited organisations: one.
    pub organisations: Vec<genesys::Config>,
    /// When to refresh.
    pub refresh: refresh::Config,
    /// What to serve.
    pub server: server::Config,
    /// What to render.
    pub exposition: exposition::Config,
    /// Where the last complete snapshot survives a restart; `None` is off.
    pub state_file: Option<PathBuf>,
    /// The policy; `None` is the built-in one.
    pub policy_file: Option<PathBuf>,
    /// What to log.
    pub log: telemetry::Config,
    /// What is odd but not wrong, for the log once it is there.
    pub warnings: Vec<String>,
}

impl Settings {
    /// For everything that talks to the platform: credentials and region are required. Returns every mistake.
    pub fn from_raw(gathered: &Gathered) -> Result<Self, Vec<ConfigError>> {
        build(gathered, None)
    }

    /// For a simulated organisation at `api_url`, which is its login too: credentials in the environment are not looked
    /// at. Without a choice of theirs, it is refreshed every 5 s and nothing is kept on disk.
    pub fn for_simulated(
        gathered: &Gathered,
        api_url: Url,
        client_id: String,
        secret: SecretString,
    ) -> Result<Self, Vec<ConfigError>> {
        build(gathered, Some((api_url, client_id, secret)))
    }
}

type Simulated = (Url, String, SecretString);

fn build(gathered: &Gathered, simulated: Option<Simulated>) -> Result<Settings, Vec<ConfigError>> {
    let raw = &gathered.raw;
    let mut values = Values::new(&gathered.origins);
    values.warnings.clone_from(&gathered.warnings);
    values.errors.clone_from(&gathered.errors);
    let demo = simulated.is_some();

    let server = server_config(&mut values, raw);
    let refresh = refresh_config(&mut values, raw, demo);
    let exposition = exposition_config(&mut values, raw);
    let log = log_config(&mut values, raw);
    let tuning = Tuning::read(&mut values, raw);
    let who = match simulated {
        Some((api_url, id, secret)) => {
            let region = api_url.host_str().unwrap_or("localhost").to_owned();
            let endpoints = Endpoints { login_url: api_url.clone(), api_url, region };
            Some((id, SecretSource::Value(secret), endpoints))
        }
        None => real_organisation(&mut values, gathered),
    };
    let org = org_label(&mut values, raw);

    match (server, refresh, exposition, log, tuning, who, org) {
        (Some(server), Some(refresh), Some(exposition), Some(log), Some(tuning), Some(who), Some(org))
            if values.errors.is_empty() =>
        {
            let state_file = if demo && !values.is_given("state.file") { None } else { state_file(raw) };
            Ok(Settings {
                organisations: vec![tuning.organisation(org, who)],
                refresh,
                server,
                exposition,
                state_file,
                policy_file: raw.policy_file.as_ref().filter(|path| !path.is_empty()).map(PathBuf::from),
                log,
                warnings: values.warnings,
            })
        }
        _ => Err(values.errors),
    }
}

fn server_config(values: &mut Values<'_>, raw: &RawSettings) -> Option<server::Config> {
    let listen_address = values.flag("web.listen-address", raw.web_listen_address.as_ref(), address::listen_address);
    let telemetry_path = values.flag("web.telemetry-path", raw.web_telemetry_path.as_ref(), address::telemetry_path);
    let enable_lifecycle = values.flag("web.enable-lifecycle", raw.web_enable_lifecycle.as_ref(), scalar::switch);
    let expose_report = values.flag("web.expose-report", raw.web_expose_report.as_ref(), scalar::switch);
    let max_connections = values.flag("web.max-connections", raw.web_max_connections.as_ref(), within(1..=10_000));
    Some(server::Config {
        listen_address: listen_address?,
        telemetry_path: telemetry_path?,
        enable_lifecycle: enable_lifecycle?,
        expose_report: expose_report?,
        max_connections: max_connections?,
    })
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
                "--refresh.stale-after is {shown}, less than three times --refresh.interval ({every}): \
                 one or two failed refreshes withdraw the data"
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
    let families = raw.metrics_disable.as_deref().unwrap_or_default().split(',').map(str::trim);
    let disabled_families = families.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let max_client_series =
        values.flag("metrics.max-client-series", raw.metrics_max_client_series.as_ref(), within(1..=10_000_000));
    Some(exposition::Config { disabled_families, max_client_series: max_client_series? })
}

fn log_config(values: &mut Values<'_>, raw: &RawSettings) -> Option<telemetry::Config> {
    let level = values.flag("log.level", raw.log_level.as_ref(), |text| scalar::choice(text, &Level::WORDS));
    let format = values.flag("log.format", raw.log_format.as_ref(), |text| scalar::choice(text, &LogFormat::WORDS));
    Some(telemetry::Config { level: level?, format: format? })
}

/// How an organisation is talked to, whichever it is.
struct Tuning {
    auth_style: AuthStyle,
    token_scope: Option<String>,
    clients_path: String,
    retry: RetryConfig,
    pacing: PacingConfig,
    limits: Limits,
}

impl Tuning {
    fn read(values: &mut Values<'_>, raw: &RawSettings) -> Option<Self> {
        let styles = [("basic", AuthStyle::Basic), ("body", AuthStyle::Body)];
        let auth_style =
            values.flag("genesys.auth-style", raw.genesys_auth_style.as_ref(), |text| scalar::choice(text, &styles));
        let token_scope = values.flag("genesys.token-scope", raw.genesys_token_scope.as_ref(), token_scope);
        let clients_path = values.flag("genesys.clients-path", raw.genesys_clients_path.as_ref(), address::plain_path);
        let attempts = values.flag("genesys.retry-attempts", raw.genesys_retry_attempts.as_ref(), within(1..=10));
        let base = values.flag("genesys.retry-base", raw.genesys_retry_base.as_ref(), lasting(MS(1)..=SECS(60)));
        let max_retry_after =
            values.flag("genesys.max-retry-after", raw.genesys_max_retry_after.as_ref(), lasting(MS(0)..=SECS(3600)));
        let per_minute =
            values.flag("genesys.requests-per-minute", raw.genesys_requests_per_minute.as_ref(), within(1..=3000_u32));
        let burst = values.flag("genesys.burst", raw.genesys_burst.as_ref(), within(1..=3000_u32));
        let connect_timeout =
            values.flag("genesys.connect-timeout", raw.genesys_connect_timeout.as_ref(), lasting(MS(10)..=SECS(60)));
        let read_timeout =
            values.flag("genesys.read-timeout", raw.genesys_read_timeout.as_ref(), lasting(MS(10)..=SECS(300)));
        let max_body_bytes = values.flag("genesys.max-body-bytes", raw.genesys_max_body_bytes.as_ref(), scalar::size);
        let max_pages = values.flag("genesys.max-pages", raw.genesys_max_pages.as_ref(), within(1..=100_000));
        if let (Some(per_minute), Some(burst)) = (per_minute, burst)
            && per_minute + burst > PLATFORM_LIMIT
        {
            values.warnings.push(format!(
                "--genesys.requests-per-minute ({per_minute}) and --genesys.burst ({burst}) together exceed {PLATFORM_LIMIT} \
                 requests in one minute, the platform's limit unless it was raised for the organisation"
            ));
        }
        Some(Self {
            auth_style: auth_style?,
            token_scope: token_scope?,
            clients_path: clients_path?,
            retry: RetryConfig { attempts: attempts?, base: base?, max_retry_after: max_retry_after? },
            pacing: PacingConfig { per_minute: per_minute?, burst: burst? },
            limits: Limits {
                connect_timeout: connect_timeout?,
                read_timeout: read_timeout?,
                max_body_bytes: max_body_bytes?,
                max_pages: max_pages?,
            },
        })
    }

    fn organisation(self, org: String, who: (String, SecretSource, Endpoints)) -> genesys::Config {
        let (client_id, client_secret, Endpoints { api_url, login_url, region }) = who;
        let Self { auth_style, token_scope, clients_path, retry, pacing, limits } = self;
        genesys::Config {
            org,
            client_id,
            client_secret,
            api_url,
            login_url,
            region,
            auth_style,
            token_scope,
            clients_path,
            retry,
            pacing,
            limits,
        }
    }
}

fn real_organisation(values: &mut Values<'_>, gathered: &Gathered) -> Option<(String, SecretSource, Endpoints)> {
    let raw = &gathered.raw;
    let plain_http =
        values.flag("genesys.allow-plain-http", raw.genesys_allow_plain_http.as_ref(), scalar::switch).unwrap_or(false);
    let id = required(values, gathered, names::CLIENT_ID, "the id of the exporter's own OAuth client", client_id);
    let what = "the secret of that client (or GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE with a file that holds it)";
    let secret = required(values, gathered, names::CLIENT_SECRET, what, client_secret);
    let what = "an AWS region such as eu-west-1 or a domain such as mypurecloud.ie \
                (or set both GENESYSCLOUD_API_URL and GENESYSCLOUD_LOGIN_URL)";
    let found = required(values, gathered, names::REGION, what, |values, raw| endpoints(values, raw, plain_http));
    Some((id?, secret?, found?))
}

/// A value without which nothing works; where it is missing, a name of another guide explains it best.
fn required<T>(
    values: &mut Values<'_>,
    gathered: &Gathered,
    name: &str,
    what: &str,
    read: impl FnOnce(&mut Values<'_>, &RawSettings) -> Option<T>,
) -> Option<T> {
    let before = values.errors.len();
    let value = read(values, &gathered.raw);
    if value.is_none() && values.errors.len() == before {
        let foreign: Vec<String> = gathered
            .foreign
            .iter()
            .filter(|(_, ours, _)| *ours == name)
            .map(|(foreign, _, origin)| variable_from(foreign, origin))
            .collect();
        let hint = if foreign.is_empty() {
            String::new()
        } else {
            format!("; {} is set, but is not a name that this exporter reads: rename it", foreign.join(", "))
        };
        values.variable_wrong(name, format!("is not set; it takes {what}{hint}"));
    }
    value
}

fn org_label(values: &mut Values<'_>, raw: &RawSettings) -> Option<String> {
    let org = raw.genesyscloud_org.as_deref().unwrap_or("default");
    if org.chars().any(char::is_control) || org.chars().count() > 64 {
        values.variable_wrong(names::ORG, "must have 1 to 64 characters, none of them a control character");
        return None;
    }
    Some(org.to_owned())
}

fn token_scope(text: &str) -> Result<Option<String>, String> {
    let legal = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if legal {
        Ok(Some(text.to_owned()).filter(|scope| !scope.is_empty()))
    } else {
        Err("must be printable ASCII".to_owned())
    }
}

/// An empty value turns it off.
fn state_file(raw: &RawSettings) -> Option<PathBuf> {
    match raw.state_file.as_deref() {
        Some("") => None,
        Some(path) => Some(path.into()),
        None => {
            let directories = raw.state_directory.as_deref().unwrap_or_default();
            let first = directories.split(':').find(|directory| !directory.is_empty());
            Some(first.map(PathBuf::from).unwrap_or_default().join(STATE_FILE))
        }
    }
}

fn within<N>(limits: RangeInclusive<N>) -> impl FnOnce(&str) -> Result<N, String>
where
    N: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    move |text| scalar::whole(text, &limits)
}

fn lasting(limits: RangeInclusive<Duration>) -> impl FnOnce(&str) -> Result<Duration, String> {
    move |text| scalar::span(text, &limits)
}

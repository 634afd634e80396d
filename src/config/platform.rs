//! The settings for calls of one organisation: credentials, URLs, pace, retries and limits.
//!
//! Not the checks of ids, secrets and URLs (`credentials`, `endpoints`).

use std::path::Path;
use std::time::Duration;

use super::credentials::{client_id, client_secret};
use super::endpoints::{Endpoints, endpoints};
use super::error::{ConfigError, variable_from};
use super::names::CA_FILE;
use super::raw::RawSettings;
use super::read::Gathered;
use super::scalar::{lasting, within};
use super::values::Values;
use super::{address, names, proxy, scalar};
use crate::genesys::{self, AuthStyle, Authorities, Limits, PacingConfig, Proxy, RetryConfig};
use crate::secret::SecretSource;

/// Requests per minute that the platform allows for each token (the vendor's limits).
const PLATFORM_LIMIT: u32 = 300;

/// The longest time of one attempt, unless a single read may take longer.
const ATTEMPT_DEADLINE: Duration = Duration::from_mins(1);

const MS: fn(u64) -> Duration = Duration::from_millis;
const SECS: fn(u64) -> Duration = Duration::from_secs;

/// Who is called, and how.
pub(crate) struct Who {
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretSource,
    pub(crate) endpoints: Endpoints,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) authorities: Authorities,
}

/// The settings that apply to every organisation.
pub(crate) struct Tuning {
    auth_style: AuthStyle,
    token_scope: Option<String>,
    clients_path: String,
    retry: RetryConfig,
    pacing: PacingConfig,
    limits: Limits,
}

impl Tuning {
    pub(crate) fn read(values: &mut Values<'_>, raw: &RawSettings) -> Option<Self> {
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
                 requests in one minute, which is the platform's limit; lower one of them, unless the limit was raised for \
                 the organisation"
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
                attempt_deadline: ATTEMPT_DEADLINE.max(read_timeout? * 2),
                max_body_bytes: max_body_bytes?,
                max_pages: max_pages?,
            },
        })
    }

    /// Adds the credentials and URLs of one organisation.
    pub(crate) fn organisation(self, org: String, who: Who) -> genesys::Config {
        let Who { client_id, client_secret, endpoints, proxy, authorities } = who;
        let Endpoints { api_url, login_url, region } = endpoints;
        let Self { auth_style, token_scope, clients_path, retry, pacing, limits } = self;
        genesys::Config {
            org,
            client_id,
            client_secret,
            api_url,
            login_url,
            proxy,
            authorities,
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

/// Reads the credentials and URLs, all of which are required, and the proxy.
pub(crate) fn real_organisation(values: &mut Values<'_>, gathered: &Gathered) -> Option<Who> {
    let raw = &gathered.raw;
    let plain_http =
        values.flag("genesys.allow-plain-http", raw.genesys_allow_plain_http.as_ref(), scalar::switch).unwrap_or(false);
    let id = required(values, gathered, names::CLIENT_ID, "the id of the exporter's own OAuth client", client_id);
    let (name, what) = if values.is_of_file() {
        let what = "a file that contains the secret of that client (or set client_secret_env to the name of a variable that contains it)";
        (names::CLIENT_SECRET_FILE, what)
    } else {
        let what = "the secret of that client (or set GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE to a file that contains it)";
        (names::CLIENT_SECRET, what)
    };
    let secret = required(values, gathered, name, what, client_secret);
    let what = "an AWS region such as eu-west-1 or a domain such as mypurecloud.ie \
                (or set both GENESYSCLOUD_API_URL and GENESYSCLOUD_LOGIN_URL)";
    let found = required(values, gathered, names::REGION, what, |values, raw| endpoints(values, raw, plain_http));
    let proxy = proxy::in_force(values, raw, &gathered.proxies);
    let authorities = authorities(values, gathered);
    Some(Who { client_id: id?, client_secret: secret?, endpoints: found?, proxy, authorities: authorities? })
}

/// The authorities of `--genesys.ca-file` or, without it, those that the TLS library finds. The files are checked.
fn authorities(values: &mut Values<'_>, gathered: &Gathered) -> Option<Authorities> {
    if let Some(path) = gathered.raw.genesys_ca_file.as_deref().filter(|path| !path.is_empty()) {
        let path = Path::new(path);
        let setting = if values.is_of_file() { "ca_file" } else { "--genesys.ca-file" };
        let authorities = Authorities::of_file(path, setting);
        let wrong = |problem| values.flag_wrong("genesys.ca-file", format!("{}: {problem}", path.display()));
        return authorities.map_err(wrong).ok();
    }
    if let Some((name, path)) = gathered.trusted.iter().find(|(name, _)| *name == CA_FILE)
        && let Err(problem) = genesys::check_readable(Path::new(path))
    {
        values.errors.push(ConfigError::new(*name, format!("{path}: {problem}")));
        return None;
    }
    Some(Authorities::System { named_by: gathered.trusted.clone() })
}

/// Reads a required value. If it is missing, the error names variables of other guides that are set instead.
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
            format!("; rename {}, which is set but not read by this exporter", foreign.join(" and "))
        };
        values.variable_wrong(name, format!("is not set; set it to {what}{hint}"));
    } else {
        // Our own variable is set too, so this one may belong to another program: a warning, not an error.
        for (foreign, _, origin) in gathered.foreign.iter().filter(|(_, ours, _)| *ours == name) {
            let foreign = variable_from(foreign, origin);
            values.warnings.push(format!("{foreign} is set, but this exporter does not read it; it reads {name}"));
        }
    }
    value
}

/// The value of the label `org`.
pub(crate) fn org_label(values: &mut Values<'_>, raw: &RawSettings) -> Option<String> {
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
        Err("must contain only printable ASCII characters".to_owned())
    }
}

//! Every flag of the settings, as clap sees it. The reference of the settings is generated from these help texts.
//!
//! Not the validation: each value stays text. Defaults are defined only here.

use clap::Args;

/// The flags that every subcommand accepts. Their values are read through [`super::read()`], never from this struct.
#[derive(Debug, Clone, Args)]
pub struct SettingsArgs {
    /// Address to listen on, as `host:port`. `:9847` and `[::]:9847` listen on every address, IPv4 and IPv6, and
    /// `0.0.0.0:9847` on every IPv4 address. A host name is resolved once, at startup. Port 0 lets the system choose a port.
    /// For several addresses, give the flag several times, or separate them with commas.
    #[arg(
        long = "web.listen-address",
        global = true,
        help_heading = "Web",
        value_name = "ADDRESS",
        value_delimiter = ',',
        default_value = "127.0.0.1:9847"
    )]
    pub web_listen_address: Vec<String>,
    /// YAML file with TLS certificates, rules for client certificates and passwords, in the format that Prometheus exporters
    /// share. It is read again when it changes, and so are the files that it names. Without it, the server speaks plain HTTP
    /// without passwords.
    #[arg(long = "web.config.file", global = true, help_heading = "Web", value_name = "FILE")]
    pub web_config_file: Option<String>,
    /// Path of the metrics. It must not be the path of another route: `/`, `/api/...`, `/-/...`, `/clients...`,
    /// `/findings`, `/rules...` or `/runbooks...`.
    #[arg(
        long = "web.telemetry-path",
        global = true,
        help_heading = "Web",
        value_name = "PATH",
        default_value = "/metrics"
    )]
    pub web_telemetry_path: String,
    /// Serve `POST /-/reload`, which reads the configuration file, the policies and the baselines again, as SIGHUP does.
    /// Everyone who can reach the port may call it.
    #[arg(long = "web.enable-lifecycle", global = true, help_heading = "Web", value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub web_enable_lifecycle: String,
    /// Serve the details of the status page and the report on any address, and not only on loopback, and answer requests
    /// that name any host or come through a proxy. They show which credentials of the organisation have the most privileges.
    #[arg(long = "web.expose-report", global = true, help_heading = "Web", value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub web_expose_report: String,
    /// URL at which people reach the exporter, for example through a proxy. The links in alerts and reports begin with it. It is
    /// exported as the label `external_url` of `genesyscloud_oauth_exporter_web_info`.
    #[arg(long = "web.external-url", global = true, help_heading = "Web", value_name = "URL")]
    pub web_external_url: Option<String>,
    /// Maximum number of simultaneous connections, 1 to 10000. For a further one, the exporter closes a connection that
    /// waits without a request or does not read its response.
    #[arg(
        long = "web.max-connections",
        global = true,
        help_heading = "Web",
        value_name = "NUMBER",
        default_value = "64"
    )]
    pub web_max_connections: String,
    /// Time between the starts of two refreshes of an organisation, 1s to 1d.
    #[arg(
        long = "refresh.interval",
        global = true,
        help_heading = "Refresh",
        value_name = "DURATION",
        default_value = "5m"
    )]
    pub refresh_interval: String,
    /// Age at which the data of an organisation is withdrawn from the metrics, up to 365d. It must be longer than
    /// --refresh.interval. The alert rules look back for this time plus 2h: if you change this setting, print the rules
    /// again (`alerts`).
    #[arg(
        long = "refresh.stale-after",
        global = true,
        help_heading = "Refresh",
        value_name = "DURATION",
        default_value = "24h"
    )]
    pub refresh_stale_after: String,
    /// Time limit for one refresh with all its requests and waits, 1s to 1h.
    #[arg(
        long = "refresh.deadline",
        global = true,
        help_heading = "Refresh",
        value_name = "DURATION",
        default_value = "120s"
    )]
    pub refresh_deadline: String,
    /// Reject a list of clients if its length differs from the `total` that the platform sends with it. Set this to false
    /// only if that `total` is known to be wrong.
    #[arg(long = "refresh.trust-total", global = true, help_heading = "Refresh", value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub refresh_trust_total: String,
    /// Reject a list of clients that does not contain the exporter's own client. Set this to false if that client belongs
    /// to another organisation.
    #[arg(long = "refresh.require-self", global = true, help_heading = "Refresh", value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub refresh_require_self: String,
    /// TOML file with the policy. Without it, the built-in policy applies.
    #[arg(long = "policy.file", global = true, help_heading = "Policy", value_name = "FILE")]
    pub policy_file: Option<String>,
    /// Scopes that every client must hold, in addition to those that the policy requires. Separate names with commas, or
    /// give the flag several times.
    #[arg(
        long = "audit.required-scopes",
        global = true,
        help_heading = "Policy",
        value_name = "SCOPES",
        value_delimiter = ','
    )]
    pub audit_required_scopes: Vec<String>,
    /// Scopes that are dangerous with severity high, in addition to those of the policy. `*` matches any characters.
    /// Separate names with commas, or give the flag several times.
    #[arg(
        long = "audit.dangerous-scopes",
        global = true,
        help_heading = "Policy",
        value_name = "SCOPES",
        value_delimiter = ','
    )]
    pub audit_dangerous_scopes: Vec<String>,
    /// JSON file with the approved state of the organisation, created by `baseline init`. If the file does not exist, a
    /// warning is logged. Without a baseline, no grant needs approval.
    #[arg(long = "baseline.file", global = true, help_heading = "Policy", value_name = "FILE")]
    pub baseline_file: Option<String>,
    /// File that keeps the last complete snapshot and the first-seen times across restarts. It contains no secrets. By
    /// default `genesyscloud-oauth-exporter.state.json` in the first directory of `$STATE_DIRECTORY` or, if that is not
    /// set, in the working directory. An empty value turns it off: every restart then begins without data.
    #[arg(long = "state.file", global = true, help_heading = "State", value_name = "FILE")]
    pub state_file: Option<String>,
    /// Directory with a state file for each organisation of `--config.file`. By default the first directory of
    /// `$STATE_DIRECTORY` or, if that is not set, the working directory. An empty value turns the state files off.
    #[arg(long = "state.dir", global = true, help_heading = "State", value_name = "DIRECTORY")]
    pub state_dir: Option<String>,
    /// Per-client metric families to leave out. Separate names with commas, or give the flag several times.
    #[arg(
        long = "metrics.disable",
        global = true,
        help_heading = "Metrics",
        value_name = "FAMILIES",
        value_delimiter = ','
    )]
    pub metrics_disable: Vec<String>,
    /// Maximum number of per-client series of one organisation, 1 to 10000000. Above it, entire families are left out, and
    /// `genesyscloud_oauth_exporter_series_dropped` shows how many series are missing.
    #[arg(
        long = "metrics.max-client-series",
        global = true,
        help_heading = "Metrics",
        value_name = "NUMBER",
        default_value = "200000"
    )]
    pub metrics_max_client_series: String,
    /// Path of the list of clients, relative to the API URL.
    #[arg(
        long = "genesys.clients-path",
        global = true,
        help_heading = "Platform",
        value_name = "PATH",
        default_value = "/api/v2/oauth/clients"
    )]
    pub genesys_clients_path: String,
    /// How the credentials are sent to the token endpoint: `basic` (in a header, as all tools of the vendor do) or `body`
    /// (in the request body, which some gateways need).
    #[arg(
        long = "genesys.auth-style",
        global = true,
        help_heading = "Platform",
        value_name = "STYLE",
        default_value = "basic"
    )]
    pub genesys_auth_style: String,
    /// Value of the `scope` parameter of the token request. The platform ignores it for client credentials, but some
    /// gateways require it.
    #[arg(long = "genesys.token-scope", global = true, help_heading = "Platform", value_name = "SCOPE")]
    pub genesys_token_scope: Option<String>,
    /// Allow `http://` URLs to hosts other than loopback. The client's secret is then sent unencrypted.
    #[arg(long = "genesys.allow-plain-http", global = true, help_heading = "Platform", value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub genesys_allow_plain_http: String,
    /// Proxy for https URLs, as `http://proxy.example:3128` or `http://user@proxy.example:3128`, in place of `HTTPS_PROXY` and
    /// `ALL_PROXY`. `direct` stands for none. The exceptions of `NO_PROXY` remain. The URL can contain a password only in the
    /// variable.
    #[arg(long = "genesys.proxy-url", global = true, help_heading = "Platform", value_name = "URL")]
    pub genesys_proxy_url: Option<String>,
    /// File that contains the password of the user in `--genesys.proxy-url`. It is read again after two failed refreshes in a row.
    #[arg(long = "genesys.proxy-password-file", global = true, help_heading = "Platform", value_name = "FILE")]
    pub genesys_proxy_password_file: Option<String>,
    /// PEM file with the certificate authorities that the platform's certificates are checked with, in place of those of the
    /// system, of `SSL_CERT_FILE` and of `SSL_CERT_DIR`. It is read again after two failed refreshes in a row.
    #[arg(long = "genesys.ca-file", global = true, help_heading = "Platform", value_name = "FILE")]
    pub genesys_ca_file: Option<String>,
    /// Maximum number of attempts for one request, including the first, 1 to 10.
    #[arg(
        long = "genesys.retry-attempts",
        global = true,
        help_heading = "Platform",
        value_name = "NUMBER",
        default_value = "4"
    )]
    pub genesys_retry_attempts: String,
    /// Wait before the second attempt, 1ms to 1m. It doubles with each further attempt, with jitter.
    #[arg(
        long = "genesys.retry-base",
        global = true,
        help_heading = "Platform",
        value_name = "DURATION",
        default_value = "500ms"
    )]
    pub genesys_retry_base: String,
    /// Longest `Retry-After` that a request waits for, up to 1h. A longer one fails the refresh, and the next refresh
    /// starts no sooner than requested, but never waits for longer than 1h or a quarter of `--refresh.stale-after`.
    #[arg(
        long = "genesys.max-retry-after",
        global = true,
        help_heading = "Platform",
        value_name = "DURATION",
        default_value = "180s"
    )]
    pub genesys_max_retry_after: String,
    /// Maximum number of requests per minute, 1 to 3000. The platform allows 300 for each token, unless the limit was
    /// raised for the organisation.
    #[arg(
        long = "genesys.requests-per-minute",
        global = true,
        help_heading = "Platform",
        value_name = "NUMBER",
        default_value = "180"
    )]
    pub genesys_requests_per_minute: String,
    /// Number of requests that may be sent without a pause before the pace applies, 1 to 3000.
    #[arg(
        long = "genesys.burst",
        global = true,
        help_heading = "Platform",
        value_name = "NUMBER",
        default_value = "60"
    )]
    pub genesys_burst: String,
    /// Time limit for establishing a connection, 10ms to 1m.
    #[arg(
        long = "genesys.connect-timeout",
        global = true,
        help_heading = "Platform",
        value_name = "DURATION",
        default_value = "5s"
    )]
    pub genesys_connect_timeout: String,
    /// Longest pause between two reads of a response, 10ms to 5m. A whole response may take 1m, or twice this time if that
    /// is longer.
    #[arg(
        long = "genesys.read-timeout",
        global = true,
        help_heading = "Platform",
        value_name = "DURATION",
        default_value = "10s"
    )]
    pub genesys_read_timeout: String,
    /// Maximum size of one response body, 1KiB to 1GiB. The platform may send all clients in one page.
    #[arg(
        long = "genesys.max-body-bytes",
        global = true,
        help_heading = "Platform",
        value_name = "SIZE",
        default_value = "64MiB"
    )]
    pub genesys_max_body_bytes: String,
    /// Maximum number of pages of one list, 1 to 100000.
    #[arg(
        long = "genesys.max-pages",
        global = true,
        help_heading = "Platform",
        value_name = "NUMBER",
        default_value = "1000"
    )]
    pub genesys_max_pages: String,
    /// TOML file with several organisations, each with its own credentials, policy and baseline. It is used in place of the
    /// variables and flags that are about one organisation.
    #[arg(long = "config.file", global = true, help_heading = "Files", value_name = "FILE")]
    pub config_file: Option<String>,
    /// How often to look whether the contents of the configuration file, a policy or a baseline changed, 1s to 1d. A change is read as
    /// SIGHUP does. 0s turns it off.
    #[arg(
        long = "config.auto-reload-interval",
        global = true,
        help_heading = "Files",
        value_name = "DURATION",
        default_value = "0s"
    )]
    pub config_auto_reload_interval: String,
    /// Only this organisation of `--config.file`. Commands that work with one organisation need it if the file has several.
    #[arg(long = "org", global = true, help_heading = "Files", value_name = "ORG")]
    pub org: Option<String>,
    /// Number of processes (shards) that share `--config.file`, up to 1000. Each watches the organisations that `config check`
    /// lists for it. Only `serve` watches a share; the other commands work with every organisation.
    #[arg(long = "shard.total", global = true, help_heading = "Files", value_name = "NUMBER")]
    pub shard_total: Option<String>,
    /// Number of this shard, counted from 0, or the name of a pod of a `StatefulSet`, which ends with the number.
    #[arg(long = "shard.index", global = true, help_heading = "Files", value_name = "NUMBER")]
    pub shard_index: Option<String>,
    /// File with lines `NAME=value` for the variables of these flags and the credentials. Flags and the environment take
    /// precedence. Put values that contain `$` in single quotes. No file is read unless it is named here.
    #[arg(long = "env-file", global = true, help_heading = "Files", value_name = "FILE")]
    pub env_file: Option<String>,
    /// Lowest level that is logged (to stderr): `error`, `warn`, `info`, `debug` or `trace`. Unless this is set, one-off
    /// commands such as `audit` log only `warn` and `error`.
    #[arg(long = "log.level", global = true, help_heading = "Log", value_name = "LEVEL", default_value = "info")]
    pub log_level: String,
    /// Format of the log lines: `logfmt` or `json`. Both have the same keys.
    #[arg(long = "log.format", global = true, help_heading = "Log", value_name = "FORMAT", default_value = "logfmt")]
    pub log_format: String,
}

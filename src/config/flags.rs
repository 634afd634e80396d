//! Every flag of the settings, as clap sees it: the help text is the manual.
//!
//! Not validation: each value stays text. Defaults are written here and nowhere else.

use clap::Args;

/// The flags that every subcommand takes. Their values are read through [`super::read()`], never from here.
#[derive(Debug, Clone, Args)]
pub struct SettingsArgs {
    /// Address to listen on, as `host:port`. `:9847` means every IPv4 address; write `[::]:9847` for IPv6 as
    /// well. A host name is looked up once, at the start; port 0 lets the system choose.
    #[arg(
        long = "web.listen-address",
        global = true,
        help_heading = "Web",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9847"
    )]
    pub web_listen_address: String,
    /// Path of the metrics. It must not be one of the other routes: `/`, `/api/...`, `/-/...`, `/clients...`.
    #[arg(
        long = "web.telemetry-path",
        global = true,
        help_heading = "Web",
        value_name = "PATH",
        default_value = "/metrics"
    )]
    pub web_telemetry_path: String,
    /// Serve `POST /-/reload`, which reads policy and baseline again. Whoever reaches the port may then call it; SIGHUP
    /// does the same.
    #[arg(long = "web.enable-lifecycle", global = true, help_heading = "Web", value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub web_enable_lifecycle: String,
    /// Serve the details of the status page and the report on any address, not on loopback only. They are a map
    /// of the strongest credentials of the organisation.
    #[arg(long = "web.expose-report", global = true, help_heading = "Web", value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub web_expose_report: String,
    /// Connections at the same time, 1 to 10000.
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
    /// Age at which the data of an organisation is withdrawn from the metrics, up to 365d; longer than the
    /// interval. The alert rules that come with the exporter hold their memory for 26h, which is this default
    /// and 2h more: change both together.
    #[arg(
        long = "refresh.stale-after",
        global = true,
        help_heading = "Refresh",
        value_name = "DURATION",
        default_value = "24h"
    )]
    pub refresh_stale_after: String,
    /// Limit of one whole refresh with all its requests and waits, 1s to 1h.
    #[arg(
        long = "refresh.deadline",
        global = true,
        help_heading = "Refresh",
        value_name = "DURATION",
        default_value = "120s"
    )]
    pub refresh_deadline: String,
    /// Refuse a list of clients whose number differs from the `total` that the platform sends with it. Set to
    /// false only where that `total` is known to be wrong.
    #[arg(long = "refresh.trust-total", global = true, help_heading = "Refresh", value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub refresh_trust_total: String,
    /// Refuse a list of clients that lacks the exporter's own client. Set to false where that client belongs to
    /// another organisation.
    #[arg(long = "refresh.require-self", global = true, help_heading = "Refresh", value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub refresh_require_self: String,
    /// TOML file with the policy. Without it the built-in rules apply as they are.
    #[arg(long = "policy.file", global = true, help_heading = "Policy", value_name = "FILE")]
    pub policy_file: Option<String>,
    /// Scopes that every client must hold, beside those that the policy requires: names with commas between, or the
    /// flag several times.
    #[arg(
        long = "audit.required-scopes",
        global = true,
        help_heading = "Policy",
        value_name = "SCOPES",
        value_delimiter = ','
    )]
    pub audit_required_scopes: Vec<String>,
    /// Scopes that are dangerous beside those of the policy, with severity high; `*` stands for any run of
    /// characters. Names with commas between, or the flag several times.
    #[arg(
        long = "audit.dangerous-scopes",
        global = true,
        help_heading = "Policy",
        value_name = "SCOPES",
        value_delimiter = ','
    )]
    pub audit_dangerous_scopes: Vec<String>,
    /// JSON file with the approved state of the organisation, made by `baseline init`. Named but missing, it is warned
    /// of. Without one no approval is asked for.
    #[arg(long = "baseline.file", global = true, help_heading = "Policy", value_name = "FILE")]
    pub baseline_file: Option<String>,
    /// File that keeps the last complete snapshot and the first-seen times over a restart, without secrets. By
    /// default `genesyscloud-oauth-exporter.state.json` in the first directory of `$STATE_DIRECTORY`, else in the
    /// working directory. Empty turns it off: every restart then begins without data.
    #[arg(long = "state.file", global = true, help_heading = "State", value_name = "FILE")]
    pub state_file: Option<String>,
    /// Per-client metric families to leave out: names with commas between, or the flag several times.
    #[arg(
        long = "metrics.disable",
        global = true,
        help_heading = "Metrics",
        value_name = "FAMILIES",
        value_delimiter = ','
    )]
    pub metrics_disable: Vec<String>,
    /// Limit of the per-client series of one organisation, 1 to 10000000. Over it whole families are left out,
    /// and a metric says so.
    #[arg(
        long = "metrics.max-client-series",
        global = true,
        help_heading = "Metrics",
        value_name = "NUMBER",
        default_value = "200000"
    )]
    pub metrics_max_client_series: String,
    /// Path of the list of clients, below the API URL.
    #[arg(
        long = "genesys.clients-path",
        global = true,
        help_heading = "Platform",
        value_name = "PATH",
        default_value = "/api/v2/oauth/clients"
    )]
    pub genesys_clients_path: String,
    /// How the credentials travel to the token endpoint: `basic`, as all tools of the vendor do, or `body`,
    /// which some gateways need.
    #[arg(
        long = "genesys.auth-style",
        global = true,
        help_heading = "Platform",
        value_name = "STYLE",
        default_value = "basic"
    )]
    pub genesys_auth_style: String,
    /// A `scope` parameter for the token request. The platform ignores it for client credentials; some gateways
    /// ask for it.
    #[arg(long = "genesys.token-scope", global = true, help_heading = "Platform", value_name = "SCOPE")]
    pub genesys_token_scope: Option<String>,
    /// Allow `http://` URLs to other hosts than loopback. The client's secret then travels unencrypted.
    #[arg(long = "genesys.allow-plain-http", global = true, help_heading = "Platform", value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub genesys_allow_plain_http: String,
    /// Attempts for one request in all, the first included, 1 to 10.
    #[arg(
        long = "genesys.retry-attempts",
        global = true,
        help_heading = "Platform",
        value_name = "NUMBER",
        default_value = "4"
    )]
    pub genesys_retry_attempts: String,
    /// Wait before the second attempt, 1ms to 1m; it doubles each time, with jitter.
    #[arg(
        long = "genesys.retry-base",
        global = true,
        help_heading = "Platform",
        value_name = "DURATION",
        default_value = "500ms"
    )]
    pub genesys_retry_base: String,
    /// Longest wait asked for by `Retry-After` that is slept through, up to 1h. A longer one fails the refresh,
    /// and the next starts no sooner than asked.
    #[arg(
        long = "genesys.max-retry-after",
        global = true,
        help_heading = "Platform",
        value_name = "DURATION",
        default_value = "180s"
    )]
    pub genesys_max_retry_after: String,
    /// Requests a minute, 1 to 3000. The platform allows 300 for each token unless the organisation has a raised
    /// limit.
    #[arg(
        long = "genesys.requests-per-minute",
        global = true,
        help_heading = "Platform",
        value_name = "NUMBER",
        default_value = "180"
    )]
    pub genesys_requests_per_minute: String,
    /// Requests that may follow each other at once before the pace applies, 1 to 3000.
    #[arg(
        long = "genesys.burst",
        global = true,
        help_heading = "Platform",
        value_name = "NUMBER",
        default_value = "60"
    )]
    pub genesys_burst: String,
    /// Limit for establishing a connection, 10ms to 1m.
    #[arg(
        long = "genesys.connect-timeout",
        global = true,
        help_heading = "Platform",
        value_name = "DURATION",
        default_value = "5s"
    )]
    pub genesys_connect_timeout: String,
    /// Limit for the wait between two reads of an answer, 10ms to 5m.
    #[arg(
        long = "genesys.read-timeout",
        global = true,
        help_heading = "Platform",
        value_name = "DURATION",
        default_value = "10s"
    )]
    pub genesys_read_timeout: String,
    /// Limit of one response body, 1KiB to 1GiB. The platform may send all clients in one page.
    #[arg(
        long = "genesys.max-body-bytes",
        global = true,
        help_heading = "Platform",
        value_name = "SIZE",
        default_value = "64MiB"
    )]
    pub genesys_max_body_bytes: String,
    /// Limit of the pages of one listing, 1 to 100000.
    #[arg(
        long = "genesys.max-pages",
        global = true,
        help_heading = "Platform",
        value_name = "NUMBER",
        default_value = "1000"
    )]
    pub genesys_max_pages: String,
    /// File with lines `NAME=value`, for the variables of these flags and the credentials. Flags and the
    /// environment beat it. Put values with a `$` in single quotes. No file is read unless it is named here.
    #[arg(long = "env-file", global = true, help_heading = "Files", value_name = "FILE")]
    pub env_file: Option<String>,
    /// The least level that is logged, to stderr: `error`, `warn`, `info`, `debug` or `trace`. Unless it is set, commands
    /// that end by themselves, such as `audit`, log from `warn` on.
    #[arg(long = "log.level", global = true, help_heading = "Log", value_name = "LEVEL", default_value = "info")]
    pub log_level: String,
    /// Format of the log lines: `logfmt` or `json`.
    #[arg(long = "log.format", global = true, help_heading = "Log", value_name = "FORMAT", default_value = "logfmt")]
    pub log_format: String,
}

//! The settings as text, deserialised by `envy`.
//!
//! Not validated. The struct is flat because envy cannot nest: a field is a variable's name in lower case without the prefix.

use serde::{Deserialize, Deserializer};

use crate::secret::SecretString;

/// One field for each flag, and for each variable without a flag.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawSettings {
    pub(crate) web_listen_address: Option<String>,
    pub(crate) web_config_file: Option<String>,
    pub(crate) web_telemetry_path: Option<String>,
    pub(crate) web_enable_lifecycle: Option<String>,
    pub(crate) web_expose_report: Option<String>,
    pub(crate) web_external_url: Option<String>,
    pub(crate) web_max_connections: Option<String>,
    pub(crate) refresh_interval: Option<String>,
    pub(crate) refresh_stale_after: Option<String>,
    pub(crate) refresh_deadline: Option<String>,
    pub(crate) refresh_trust_total: Option<String>,
    pub(crate) refresh_require_self: Option<String>,
    pub(crate) policy_file: Option<String>,
    pub(crate) audit_required_scopes: Option<String>,
    pub(crate) audit_dangerous_scopes: Option<String>,
    pub(crate) baseline_file: Option<String>,
    pub(crate) state_file: Option<String>,
    pub(crate) state_dir: Option<String>,
    pub(crate) metrics_disable: Option<String>,
    pub(crate) metrics_max_client_series: Option<String>,
    pub(crate) genesys_clients_path: Option<String>,
    pub(crate) genesys_auth_style: Option<String>,
    pub(crate) genesys_token_scope: Option<String>,
    pub(crate) genesys_allow_plain_http: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub(crate) genesys_proxy_url: Option<SecretString>,
    pub(crate) genesys_proxy_password_file: Option<String>,
    pub(crate) genesys_ca_file: Option<String>,
    pub(crate) genesys_retry_attempts: Option<String>,
    pub(crate) genesys_retry_base: Option<String>,
    pub(crate) genesys_max_retry_after: Option<String>,
    pub(crate) genesys_requests_per_minute: Option<String>,
    pub(crate) genesys_burst: Option<String>,
    pub(crate) genesys_connect_timeout: Option<String>,
    pub(crate) genesys_read_timeout: Option<String>,
    pub(crate) genesys_max_body_bytes: Option<String>,
    pub(crate) genesys_max_pages: Option<String>,
    pub(crate) config_file: Option<String>,
    pub(crate) config_auto_reload_interval: Option<String>,
    pub(crate) org: Option<String>,
    pub(crate) shard_total: Option<String>,
    pub(crate) shard_index: Option<String>,
    pub(crate) env_file: Option<String>,
    pub(crate) log_level: Option<String>,
    pub(crate) log_format: Option<String>,
    pub(crate) genesyscloud_oauthclient_id: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub(crate) genesyscloud_oauthclient_secret: Option<SecretString>,
    pub(crate) genesyscloud_oauthclient_secret_file: Option<String>,
    pub(crate) genesyscloud_region: Option<String>,
    pub(crate) genesyscloud_api_url: Option<String>,
    pub(crate) genesyscloud_login_url: Option<String>,
    pub(crate) genesyscloud_org: Option<String>,
    pub(crate) genesys_cloud_client_id: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub(crate) genesys_cloud_client_secret: Option<SecretString>,
    pub(crate) genesys_cloud_client_secret_file: Option<String>,
    pub(crate) genesys_cloud_region: Option<String>,
    pub(crate) state_directory: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|secret| !secret.is_empty()).map(SecretString::from))
}

/// Deserialises known variables. An unknown one is an error, so that no flag can lack a field.
pub(crate) fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<RawSettings, envy::Error> {
    let prefix = super::names::PREFIX;
    envy::from_iter(pairs.into_iter().map(|(name, value)| match name.strip_prefix(prefix) {
        Some(rest) => (rest.to_owned(), value),
        None => (name, value),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::{command_line, names};
    use super::*;

    #[test]
    fn every_flag_and_variable_has_a_field_and_every_field_has_one_of_them() {
        let flags = command_line::defaults().into_iter().map(|(flag, _)| names::variable_of(&flag));
        let variables = names::VARIABLES.iter().flat_map(|v| [Some(v.name), v.alias]).flatten().map(str::to_owned);
        let pairs = flags.chain(variables).map(|name| (name, "x".to_owned()));
        let raw = from_pairs(pairs).expect("a field for each");
        assert!(!format!("{raw:?}").contains("None"), "a field without flag or variable: {raw:?}");
    }

    #[test]
    fn debug_hides_secrets() {
        let pairs =
            [names::CLIENT_SECRET, names::CLIENT_SECRET_ALIAS].map(|name| (name.to_owned(), "hunter2".to_owned()));
        let raw = from_pairs(pairs).expect("two secrets");
        assert!(raw.genesyscloud_oauthclient_secret.is_some() && raw.genesys_cloud_client_secret.is_some());
        assert!(!format!("{raw:?}").contains("hunter2"));
    }
}

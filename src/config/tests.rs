//! Reading the settings: flags, environment and file in, `Settings` or every error out.
//!
//! Single values are tested beside their parsers.

use std::time::Duration;

use crate::config::{self, Settings};
use crate::refresh::Files;
use crate::secret::{SecretSource, SecretString};

const SECRET: &str = "hunter2-hunter2";
const CREDENTIALS: [(&str, &str); 3] = [
    ("GENESYSCLOUD_OAUTHCLIENT_ID", "6f2c0d3a-1111-2222-3333-444455556666"),
    ("GENESYSCLOUD_OAUTHCLIENT_SECRET", SECRET),
    ("GENESYSCLOUD_REGION", "eu-west-1"),
];

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Reads the settings from these flags and this environment; errors as text.
fn read(flags: Pairs<'_>, environment: Pairs<'_>) -> Result<Settings, Vec<String>> {
    let flags: Vec<(String, String)> = flags.iter().map(|(flag, value)| ((*flag).into(), (*value).into())).collect();
    let settings = Settings::from_raw(&config::read(&flags, environment.iter().copied()));
    settings.map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn with_credentials(more: Pairs<'_>) -> Vec<(&str, &str)> {
    CREDENTIALS.iter().chain(more).copied().collect()
}

fn without<'a>(name: &str, more: Pairs<'a>) -> Vec<(&'a str, &'a str)> {
    with_credentials(more).into_iter().filter(|(known, _)| *known != name).collect()
}

#[test]
fn credentials_alone_are_enough_and_the_defaults_are_those_of_the_manual() {
    let settings = read(&[], &CREDENTIALS).expect("valid");
    let [organisation] = settings.organisations.as_slice() else { panic!("one organisation") };
    let organisation = &organisation.platform;
    assert_eq!(organisation.org, "default");
    assert_eq!(organisation.api_url.as_str(), "https://api.mypurecloud.ie/");
    assert_eq!(organisation.login_url.as_str(), "https://login.mypurecloud.ie/");
    assert_eq!(organisation.region, "mypurecloud.ie");
    assert_eq!(organisation.clients_path, "/api/v2/oauth/clients");
    assert_eq!((organisation.pacing.per_minute, organisation.pacing.burst), (180, 60));
    assert_eq!((organisation.retry.attempts, organisation.retry.base), (4, Duration::from_millis(500)));
    assert_eq!(organisation.retry.max_retry_after, Duration::from_mins(3));
    assert_eq!((organisation.limits.max_body_bytes, organisation.limits.max_pages), (64 << 20, 1000));
    assert_eq!(settings.server.listen_addresses, ["127.0.0.1:9847".parse().expect("an address")]);
    assert_eq!(settings.server.telemetry_path, "/metrics");
    assert!(!settings.server.enable_lifecycle && !settings.server.expose_report);
    assert_eq!(settings.watch.refresh.interval, Duration::from_mins(5));
    assert_eq!(settings.watch.refresh.stale_after, Duration::from_hours(24));
    assert_eq!(settings.watch.refresh.deadline, Duration::from_mins(2));
    assert!(settings.watch.refresh.trust_total && settings.watch.refresh.require_self);
    assert_eq!(settings.exposition.max_client_series, 200_000);
    assert!(settings.exposition.disabled_families.is_empty());
    assert_eq!(settings.watch.state_file.as_deref(), Some("genesyscloud-oauth-exporter.state.json".as_ref()));
    assert_eq!(settings.watch.files, Files::default());
    assert_eq!(settings.warnings, [""; 0]);
}

#[test]
fn every_error_is_reported_with_name_and_origin() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("x.env");
    std::fs::write(&file, "GENESYSCLOUD_OAUTH_EXPORTER_LOG_LEVEL=loud\nGENESYSCLOUD_REGION=nowhere\n").expect("a file");
    let file = file.to_string_lossy().into_owned();
    let flags = [("env-file", file.as_str()), ("web.telemetry-path", "/api/x"), ("genesys.burst", "0")];
    let environment = [
        ("GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_INTERVAL", "5 minutes"),
        ("GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_DEADLINE", "2h"),
        ("GENESYSCLOUD_OAUTH_EXPORTER_WEB_EXPOSE_REPORT", "maybe"),
        ("GENESYSCLOUD_OAUTH_EXPORTER_WEB_LISTEN_ADDRESS", "nine"),
        ("GENESYSCLOUD_OAUTH_EXPORTER_GENESYS_MAX_BODY_BYTES", "64MB"),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "hunter2\nhunter2"),
        ("GENESYSCLOUD_ORG", "a\nb"),
        ("CLIENT_ID", "x"),
    ];
    let errors = read(&flags, &environment).expect_err("many mistakes");
    let expected = [
        "--web.listen-address (environment variable GENESYSCLOUD_OAUTH_EXPORTER_WEB_LISTEN_ADDRESS): \"nine\" has no port",
        "--web.telemetry-path: \"/api/x\" is the path of another route",
        "--web.expose-report (environment variable GENESYSCLOUD_OAUTH_EXPORTER_WEB_EXPOSE_REPORT): \"maybe\" is not a boolean",
        &format!(
            "--log.level (GENESYSCLOUD_OAUTH_EXPORTER_LOG_LEVEL in {file}): \"loud\" is not one of error, warn, info"
        ),
        "--refresh.interval (environment variable GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_INTERVAL): \"5 minutes\" is not a \
         duration; use for example 30s, 5m or 24h",
        "--refresh.deadline (environment variable GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_DEADLINE): \"2h\" is not between 1s and 1h",
        "--genesys.burst: \"0\" is not a whole number from 1 to 3000",
        "--genesys.max-body-bytes (environment variable GENESYSCLOUD_OAUTH_EXPORTER_GENESYS_MAX_BODY_BYTES): \"64MB\" is not",
        "GENESYSCLOUD_OAUTHCLIENT_ID: is not set; set it to the id of the exporter's own OAuth client; rename CLIENT_ID, which is set but not read by this exporter",
        "GENESYSCLOUD_OAUTHCLIENT_SECRET: contains a line break",
        &format!(
            "GENESYSCLOUD_REGION (in {file}): \"nowhere\" is not a region; use one of us-east-1 (mypurecloud.com), "
        ),
        "GENESYSCLOUD_ORG: must have 1 to 64 characters",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "\n{error}\n{expected}");
        assert!(!error.contains("hunter2") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_secret_reaches_neither_debug_nor_an_error() {
    let settings = read(&[], &CREDENTIALS).expect("valid");
    assert!(!format!("{settings:?}").contains(SECRET));
    let gathered = config::read(&[], CREDENTIALS);
    assert!(!format!("{gathered:?}").contains(SECRET));
    let url = format!("https://user:{SECRET}@gateway.example/");
    for environment in [
        with_credentials(&[("GENESYS_CLOUD_CLIENT_SECRET", "another-secret")]),
        with_credentials(&[("GENESYSCLOUD_API_URL", &url)]),
        with_credentials(&[("GENESYSCLOUD_LOGIN_URL", &url)]),
        with_credentials(&[("GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE", "/nonexistent")]),
        without("GENESYSCLOUD_REGION", &[("GENESYSCLOUD_REGION", &url)]),
    ] {
        let errors = read(&[], &environment).expect_err("a mistake").join("\n");
        assert!(!errors.contains(SECRET) && !errors.contains("another-secret"), "{errors}");
    }
}

#[test]
fn aliases_are_read_and_must_not_contradict() {
    let aliases = [
        ("GENESYS_CLOUD_CLIENT_ID", "id"),
        ("GENESYS_CLOUD_CLIENT_SECRET", SECRET),
        ("GENESYS_CLOUD_REGION", "eu_west_1"),
    ];
    let settings = read(&[], &aliases).expect("valid");
    assert_eq!(
        (settings.organisations[0].platform.client_id.as_str(), settings.organisations[0].platform.region.as_str()),
        ("id", "mypurecloud.ie")
    );
    let same = with_credentials(&[("GENESYS_CLOUD_REGION", "mypurecloud.ie"), ("GENESYS_CLOUD_CLIENT_SECRET", SECRET)]);
    assert!(read(&[], &same).is_ok(), "the same region in two spellings");
    for (alias, name) in [
        ("GENESYS_CLOUD_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"),
        ("GENESYS_CLOUD_CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"),
        ("GENESYS_CLOUD_REGION", "GENESYSCLOUD_REGION"),
    ] {
        let errors = read(&[], &with_credentials(&[(alias, "us-east-1")])).expect_err(alias);
        assert_eq!(errors, [format!("{name}: differs from {alias}, which means the same; set only one of them")]);
    }
}

#[test]
fn names_of_other_guides_are_refused_with_a_hint_unless_ours_are_set() {
    for (foreign, name) in [
        ("GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"),
        ("CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"),
        ("PURECLOUD_CLIENTID", "GENESYSCLOUD_OAUTHCLIENT_ID"),
        ("GENESYS_CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"),
        ("CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"),
        ("PURECLOUD_CLIENTSECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"),
        ("GENESYS_ENV_URL", "GENESYSCLOUD_REGION"),
        ("GENESYS_ENV", "GENESYSCLOUD_REGION"),
        ("PURECLOUD_REGION", "GENESYSCLOUD_REGION"),
        ("PURECLOUD_ENVIRONMENT", "GENESYSCLOUD_REGION"),
    ] {
        let errors = read(&[], &without(name, &[(foreign, SECRET)])).expect_err(foreign);
        let [error] = errors.as_slice() else { panic!("{errors:?}") };
        assert!(error.starts_with(&format!("{name}: is not set")), "{error}");
        assert!(
            error.contains(&format!("; rename {foreign}, which is set but not read by this exporter"))
                && !error.contains(SECRET),
            "{error}"
        );
        let beside = read(&[], &with_credentials(&[(foreign, SECRET)])).expect("it can be another program's");
        assert!(beside.warnings.iter().any(|w| w.starts_with(foreign) && !w.contains(SECRET)), "{:?}", beside.warnings);
    }
}

#[test]
fn a_secret_file_stays_a_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("secret");
    std::fs::write(&path, format!("{SECRET}\n")).expect("a file");
    let path = path.to_string_lossy().into_owned();
    for name in ["GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE", "GENESYS_CLOUD_CLIENT_SECRET_FILE"] {
        let settings = read(&[], &without("GENESYSCLOUD_OAUTHCLIENT_SECRET", &[(name, &path)])).expect("valid");
        match &settings.organisations[0].platform.client_secret {
            SecretSource::File(found) => assert_eq!(found.to_string_lossy(), path),
            SecretSource::Value(_) => panic!("the file must be read again at each token fetch"),
        }
        let both = read(&[], &with_credentials(&[(name, &path)])).expect_err("both");
        assert_eq!(both, [format!("GENESYSCLOUD_OAUTHCLIENT_SECRET: is set, and so is {name}; set only one of them")]);
    }
}

#[test]
fn a_file_may_hold_everything_and_is_never_found_by_chance() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("x.env");
    let lines = CREDENTIALS.map(|(name, value)| format!("{name}={value}"));
    std::fs::write(&path, lines.join("\n")).expect("a file");
    let settings = read(&[("env-file", &path.to_string_lossy())], &[("GENESYSCLOUD_REGION", "mypurecloud.de")]);
    assert_eq!(settings.expect("valid").organisations[0].platform.region, "mypurecloud.de");
    let missing = dir.path().join("no.env");
    let errors = read(&[("env-file", &missing.to_string_lossy())], &CREDENTIALS).expect_err("named but missing");
    assert!(errors.len() == 1 && errors[0].starts_with("--env-file: ") && errors[0].contains("cannot be read"));
}

#[test]
fn where_the_state_goes() {
    let state = |flags: Pairs<'_>, environment: Pairs<'_>| {
        read(flags, &with_credentials(environment))
            .expect("valid")
            .watch
            .state_file
            .map(|path| path.to_string_lossy().into_owned())
    };
    let directory = ("STATE_DIRECTORY", "/var/lib/a:/var/lib/b");
    assert_eq!(state(&[], &[directory]).as_deref(), Some("/var/lib/a/genesyscloud-oauth-exporter.state.json"));
    assert_eq!(state(&[("state.file", "/x")], &[directory]).as_deref(), Some("/x"));
    assert_eq!(state(&[("state.file", "")], &[directory]), None);
    assert_eq!(state(&[], &[directory, ("GENESYSCLOUD_OAUTH_EXPORTER_STATE_FILE", "")]), None);
}

#[test]
fn intervals_that_withdraw_good_data_are_rejected_or_cause_a_warning() {
    let flags = |interval, stale| [("refresh.interval", interval), ("refresh.stale-after", stale)];
    let errors = read(&flags("5m", "5m"), &CREDENTIALS).expect_err("stale before the next refresh");
    assert_eq!(errors, ["--refresh.stale-after: 5m must be longer than --refresh.interval, which is 5m"]);
    assert_eq!(read(&flags("5m", "14m59s"), &CREDENTIALS).expect("valid").warnings.len(), 1);
    assert_eq!(read(&flags("5m", "15m"), &CREDENTIALS).expect("valid").warnings.len(), 0);
}

#[test]
fn a_pace_above_the_platforms_limit_causes_a_warning() {
    let warnings = |burst| read(&[("genesys.burst", burst)], &CREDENTIALS).expect("valid").warnings;
    assert_eq!(warnings("120").len(), 0);
    assert!(warnings("121")[0].contains("together exceed 300"));
}

#[test]
fn families_to_leave_out_are_a_list() {
    let families = "genesyscloud_oauth_client_scopes, genesyscloud_oauth_client_findings,,";
    let settings = read(&[("metrics.disable", families)], &CREDENTIALS).expect("valid");
    let expected = ["genesyscloud_oauth_client_scopes", "genesyscloud_oauth_client_findings"];
    assert_eq!(settings.exposition.disabled_families, expected);
    let errors = read(&[("metrics.disable", "a,b"), ("policy.file", "/nonexistent")], &CREDENTIALS).expect_err("wrong");
    let starts = ["--metrics.disable: no per-client family", "--metrics.disable: no per", "--policy.file: policy file"];
    assert_eq!(errors.len(), starts.len());
    assert!(errors.iter().zip(starts).all(|(error, start)| error.starts_with(start)), "{errors:?}");
}

#[test]
fn the_demo_needs_no_credentials_and_uses_none() {
    let url = "http://127.0.0.1:12345/".parse().expect("a URL");
    let simulated = |flags: &[(String, String)]| {
        let gathered =
            config::read(flags, [("GENESYSCLOUD_OAUTHCLIENT_ID", "real"), ("GENESYSCLOUD_REGION", "nowhere")]);
        Settings::for_simulated(&gathered, url, "simulated".to_owned(), SecretString::from(SECRET))
    };
    let given = |flag: &str, value: &str| (flag.to_owned(), value.to_owned());
    let run = simulated(&[given("refresh.deadline", "7s")]).expect("valid");
    assert_eq!(run.watch.refresh.interval, Duration::from_secs(5));
    assert_eq!(run.watch.refresh.deadline, Duration::from_secs(7));
    assert_eq!(run.watch.state_file, None);
    assert_eq!(run.organisations[0].platform.client_id, "simulated");
    assert_eq!(run.organisations[0].platform.login_url.as_str(), "http://127.0.0.1:12345/");
    assert_eq!(run.organisations[0].platform.region, "127.0.0.1");
    assert!(!format!("{run:?}").contains(SECRET));
}

#[test]
fn the_demo_takes_what_was_chosen() {
    let given: Vec<(String, String)> =
        [("refresh.interval", "5m"), ("state.file", "x.json")].map(|(flag, value)| (flag.into(), value.into())).into();
    let url = "http://127.0.0.1:12345/".parse().expect("a URL");
    let gathered = config::read(&given, [("X", "y")]);
    let run =
        Settings::for_simulated(&gathered, url, "simulated".to_owned(), SecretString::from(SECRET)).expect("valid");
    assert_eq!(run.watch.refresh.interval, Duration::from_mins(5), "the default, but chosen");
    assert_eq!(run.watch.state_file.as_deref(), Some("x.json".as_ref()));
}

#[test]
fn certificates_must_be_in_a_regular_file_of_limited_size() {
    for (path, expected) in [
        ("/dev/zero", "SSL_CERT_FILE: /dev/zero: it is"),
        ("/", "SSL_CERT_FILE: /: it is"),
        ("/nowhere/ca.pem", "SSL_CERT_FILE: /nowhere/ca.pem: "),
    ] {
        let errors = read(&[], &with_credentials(&[("SSL_CERT_FILE", path)])).expect_err(path);
        let [error] = errors.as_slice() else { panic!("one error: {errors:?}") };
        assert!(error.starts_with(expected), "{error}");
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("UTF-8");
    for path in [path, ""] {
        read(&[], &with_credentials(&[("SSL_CERT_FILE", path)])).expect("valid");
    }
    std::fs::write(path, "\u{feff}-----BEGIN CERTIFICATE-----\n").expect("writable");
    let errors =
        read(&[], &with_credentials(&[("SSL_CERT_FILE", path)])).expect_err("its first certificate would be ignored");
    assert!(errors[0].contains("byte order mark"), "{errors:?}");
}

#[test]
fn a_secret_in_the_wrong_variable_is_not_shown() {
    let token = "Zq7aB-_".repeat(6);
    let flags = [
        "log.level",
        "refresh.interval",
        "genesys.auth-style",
        "genesys.burst",
        "genesys.max-body-bytes",
        "genesys.clients-path",
        "genesys.allow-plain-http",
        "web.listen-address",
        "metrics.disable",
        "policy.file",
        "env-file",
    ];
    let environment =
        |secret, other| [CREDENTIALS.as_slice(), &[("GENESYSCLOUD_OAUTHCLIENT_SECRET", secret), other]].concat();
    for (secret, value) in [("unrelated", token.as_str()), ("hunter2.x", "hunter2.x"), ("hunter2", "xhunter2x")] {
        for flag in flags {
            let errors = read(&[(flag, value)], &environment(secret, ("X", "y"))).expect_err(flag).join("\n");
            assert!(errors.contains(flag) && !errors.contains("Zq7") && !errors.contains("hunter2"), "{errors}");
        }
        let errors = read(&[], &environment(secret, ("GENESYSCLOUD_REGION", value))).expect_err("a region").join("\n");
        assert!(errors.contains("REGION") && !errors.contains("Zq7") && !errors.contains("hunter2"), "{errors}");
    }
}

#[test]
fn a_password_of_a_proxy_is_accepted_only_where_nobody_else_can_read_it() {
    let url = "http://user:hunter2@proxy.example:3128";
    let name = "GENESYSCLOUD_OAUTH_EXPORTER_GENESYS_PROXY_URL";
    let settings = read(&[], &with_credentials(&[(name, url), ("HTTPS_PROXY", "http://")])).expect("counts before");
    let shown = settings.organisations[0].platform.outbound();
    assert_eq!(shown.proxy, "proxy.example:3128 (--genesys.proxy-url)");
    assert!(!format!("{settings:?}").contains("hunter2"));
    let gathered = config::read(&[], [(name, url)]);
    assert!(!format!("{gathered:?}").contains("hunter2"));
    let none =
        read(&[("genesys.proxy-url", "direct")], &with_credentials(&[("HTTPS_PROXY", "http://x")])).expect("valid");
    assert_eq!(none.organisations[0].platform.outbound().proxy, "none");
    for (flags, environment, expected) in [
        (&[("genesys.proxy-url", url)][..], &[][..], "--genesys.proxy-url: contains a password, but every user"),
        (&[("genesys.proxy-url", "socks5://user:hunter2@h")], &[], "--genesys.proxy-url: names a proxy that is not"),
        (&[], &[(name, "http://user:hunter2@")], "--genesys.proxy-url (environment variable"),
        (&[("genesys.proxy-password-file", "/x")], &[], "--genesys.proxy-password-file: is set without"),
        (
            &[("genesys.proxy-password-file", "/nowhere/x")],
            &[(name, "http://user@h")],
            "--genesys.proxy-password-file: /nowhere/x: there is no",
        ),
        (&[("genesys.ca-file", "/nowhere/x")], &[], "--genesys.ca-file: /nowhere/x: there is no such file"),
        (&[("genesys.ca-file", "/dev/null")], &[], "--genesys.ca-file: /dev/null: it is a device"),
    ] {
        let errors = read(flags, &with_credentials(environment)).expect_err(expected);
        assert!(errors.len() == 1 && errors[0].starts_with(expected), "{errors:#?}\n{expected}");
        assert!(!errors[0].contains("hunter2"), "{errors:?}");
    }
}

#[test]
fn a_variable_of_the_tls_library_in_a_file_has_no_effect_and_is_reported() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "SSL_CERT_FILE=/nowhere/ca.pem\nSSL_CERT_DIR=\n").expect("writable");
    let path = file.path().display().to_string();
    let settings = read(&[("env-file", &path)], &CREDENTIALS).expect("valid");
    let expected = format!(
        "SSL_CERT_FILE (in {path}) has no effect, because it is read only in the environment; use --genesys.ca-file"
    );
    assert_eq!(settings.warnings, [expected]);
    let settings = read(&[], &with_credentials(&[("SSL_CERT_DIR", "/certs")])).expect("valid");
    assert_eq!(settings.organisations[0].platform.outbound().authorities, "of /certs (SSL_CERT_DIR)");
}

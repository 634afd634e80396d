//! A good file gives each organisation its settings, and every mistake is reported with its line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use crate::config::{self, Settings};
use crate::secret::SecretSource;

pub(super) const GOOD: &str = r#"[defaults]
interval = "10m"
client_secret_file = "secrets/all"
burst = 20

[[organisation]]
org = "production"
region = "eu-west-1"
client_id = "id-1"
policy_file = "policy.toml"

[[organisation]]
org = "Test"
api_url = "https://gw.example/test"
login_url = "https://login.example/"
client_id = "id-2"
client_secret_file = "secrets/two"
interval = "1m"
trust_total = false
required_scopes = ["oauth", "users"]
"#;

/// A folder with this file and what it names.
pub(super) fn folder(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("organisations.toml");
    fs::write(&path, text).expect("writable");
    fs::create_dir(folder.path().join("secrets")).expect("new");
    for name in ["secrets/all", "secrets/two"] {
        let secret = folder.path().join(name);
        fs::write(&secret, "hunter2").expect("writable");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    fs::write(folder.path().join("policy.toml"), "[defaults]\nfail_on = \"low\"\n").expect("writable");
    (folder, path)
}

pub(super) fn gathered(
    path: &std::path::Path,
    flags: &[(&str, &str)],
    environment: &[(&str, &str)],
) -> config::Gathered {
    let mut given = vec![("config.file".to_owned(), path.display().to_string())];
    given.extend(flags.iter().map(|(flag, value)| ((*flag).to_owned(), (*value).to_owned())));
    config::read(&given, environment.iter().map(|(name, value)| (*name, *value)))
}

pub(super) fn errors(text: &str, flags: &[(&str, &str)], environment: &[(&str, &str)]) -> Vec<String> {
    let (folder, path) = folder(text);
    let errors = Settings::from_raw(&gathered(&path, flags, environment)).expect_err(text);
    let folder = format!("{}/", folder.path().display());
    errors.iter().map(|error| error.to_string().replace(&folder, "")).collect()
}

#[test]
fn each_organisation_has_its_own_settings_over_the_defaults_of_the_file() {
    let (folder, path) = folder(GOOD);
    let settings = Settings::from_raw(&gathered(&path, &[("state.dir", "/var/lib/x")], &[])).expect("valid");
    let [first, second] = settings.organisations.as_slice() else { panic!("two organisations") };
    assert_eq!((first.platform.org.as_str(), second.platform.org.as_str()), ("production", "Test"));
    assert_eq!(first.platform.api_url.as_str(), "https://api.mypurecloud.ie/");
    assert_eq!(second.platform.api_url.as_str(), "https://gw.example/test/");
    assert_eq!(first.watch.refresh.interval, Duration::from_mins(10));
    assert_eq!(second.watch.refresh.interval, Duration::from_mins(1));
    assert!(first.watch.refresh.trust_total && !second.watch.refresh.trust_total);
    assert_eq!((first.platform.pacing.burst, second.platform.pacing.burst), (20, 20));
    assert_eq!(first.watch.files.policy, Some(folder.path().join("policy.toml")), "relative to the file");
    assert_eq!(second.watch.files.policy, None);
    let required = second.watch.files.extension.required_scopes.clone();
    assert_eq!(required, ["oauth", "users"]);
    let secret = |name: &str| SecretSource::File(folder.path().join(name));
    assert_eq!(format!("{:?}", first.platform.client_secret), format!("{:?}", secret("secrets/all")));
    assert_eq!(format!("{:?}", second.platform.client_secret), format!("{:?}", secret("secrets/two")));
    assert_eq!(first.watch.state_file, Some("/var/lib/x/production.state.json".into()));
    assert_eq!(second.watch.state_file, Some("/var/lib/x/%54est.state.json".into()));
    assert_eq!(settings.warnings, [""; 0]);
}

#[test]
fn a_secret_can_be_in_any_variable_and_is_in_no_error() {
    let text = GOOD.replace("client_secret_file = \"secrets/two\"", "client_secret_env = \"TEST_SECRET\"");
    let (_folder, path) =
        folder(&text.replace("client_secret_file = \"secrets/all\"\n", "client_secret_env = \"ALL\"\n"));
    let environment = [("TEST_SECRET", "hunter2"), ("ALL", "hunter3")];
    let settings = Settings::from_raw(&gathered(&path, &[], &environment)).expect("valid");
    for organisation in &settings.organisations {
        assert!(matches!(organisation.platform.client_secret, SecretSource::Value(_)), "{organisation:?}");
    }
    assert!(!format!("{settings:?}").contains("hunter"));
    let errors = Settings::from_raw(&gathered(&path, &[], &environment[1..])).expect_err("no variable");
    assert!(errors[0].to_string().contains("client_secret_env: the environment has no variable"), "{}", errors[0]);
}

#[test]
fn every_mistake_is_reported_with_its_line_and_in_the_words_of_the_file() {
    let text = r#"[defaults]
interval = "soon"
org = "x"

[[organisation]]
org = "one"
regoin = "eu-west-1"
client_id = "a:b"
client_secret_file = "secrets/missing"

[[organisation]]
org = "one"
region = "eu-west-1"
client_id = "id"
stale_after = "1m"
policy_file = "no.toml"
burst = { x = 1 }

[[organisation]]
region = "nowhere"

[organization]
"#;
    let expected = [
        "organisations.toml line 3: org belongs to one [[organisation]]",
        "organisations.toml line 7: there is no key regoin; did you mean region?",
        "organisations.toml line 11: the organisation \"one\" is in line 5 already",
        "organisations.toml line 17: burst: expected a whole number, without quotes",
        "organisations.toml line 19: org is not set; every organisation needs a name of its own",
        "organisations.toml line 22: there is no \"organization\"; did you mean organisation?",
        "organisations.toml line 2: interval: \"soon\" is not a duration",
        "organisations.toml line 8: client_id: contains a colon",
        "organisations.toml line 9: client_secret_file: secrets/missing cannot be read",
        "organisations.toml line 16: policy_file: policy file no.toml: there is no such file",
        "organisations.toml line 19: client_id: is not set",
        "organisations.toml line 19: client_secret_file: is not set",
        "organisations.toml line 20: region: \"nowhere\" is not a region",
    ];
    let found = errors(text, &[], &[]);
    assert_eq!(found.len(), expected.len(), "a region that may be misspelt is not missing: {found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{expected}: {found}");
    }
    let text = text.replace("org = \"x\"", "").replace("regoin", "region").replace("burst = { x = 1 }", "");
    let text = text.replacen(
        "org = \"one\"\nregion = \"eu-west-1\"\nclient_id = \"id\"",
        "org = \"two\"\nclient_id = \"id\"",
        1,
    );
    let text = text.replace("region = \"nowhere\"\n\n[organization]", "org = \"three\"\nregion = \"nowhere\"");
    let found = errors(&text, &[], &[]);
    for expected in [
        "organisations.toml line 2: interval: ",
        "organisations.toml line 8: client_id: contains a colon",
        "organisations.toml line 9: client_secret_file: ",
        "organisations.toml line 11: client_secret_file: is not set",
        "organisations.toml line 11: region: is not set; set it to an AWS region such as eu-west-1 or a domain such as mypurecloud.ie (or set both api_url and login_url)",
        "organisations.toml line 15: policy_file: policy file no.toml: there is no such file",
        "organisations.toml line 18: client_id: is not set",
        "organisations.toml line 20: region: ",
    ] {
        assert!(found.iter().any(|error| error.starts_with(expected)), "{expected}: {found:#?}");
    }
    assert!(!found.concat().contains("GENESYSCLOUD") && !found.concat().contains("hunter2"), "{found:#?}");
}

#[test]
fn a_file_without_an_organisation_or_with_bad_syntax_is_refused() {
    assert_eq!(errors("[defaults]\n", &[], &[]), ["organisations.toml line 1: the file names no [[organisation]]"]);
    let found = errors("[[organisation]]\norg = \"a\norg2 = 3\n", &[], &[]);
    assert!(found[0].starts_with("organisations.toml line 2: "), "{found:?}");
    let gathered = gathered("/nonexistent/x.toml".as_ref(), &[], &[]);
    let missing = Settings::from_raw(&gathered).expect_err("no file")[0].to_string();
    assert_eq!(missing, "--config.file /nonexistent/x.toml: the file does not exist");
}

#[test]
fn settings_of_one_organisation_outside_the_file_are_refused() {
    let flags = [("refresh.interval", "1m"), ("state.file", "x.json")];
    let environment = [
        ("GENESYSCLOUD_OAUTHCLIENT_ID", "id"),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "hunter2"),
        ("GENESYSCLOUD_ORG", "x"),
    ];
    let found = errors(GOOD, &flags, &environment);
    let instead = "cannot be used together with --config.file; set";
    let in_file = "in the file, for one [[organisation]] or in [defaults]";
    assert_eq!(
        found,
        [
            "--state.file: cannot be used together with --config.file; use --state.dir, in which each organisation has a file".to_owned(),
            format!("GENESYSCLOUD_ORG: {instead} org {in_file}"),
            format!("GENESYSCLOUD_OAUTHCLIENT_ID: {instead} client_id {in_file}"),
            format!("GENESYSCLOUD_OAUTHCLIENT_SECRET: {instead} client_secret_file {in_file}"),
            format!("--refresh.interval: {instead} interval {in_file}"),
        ]
    );
}

#[test]
fn a_missing_secret_file_of_one_organisation_stops_a_check_and_not_the_service() {
    let text = GOOD.replace("secrets/two", "secrets/missing");
    let (_folder, path) = folder(&text);
    let gathered = gathered(&path, &[], &[]);
    let errors = Settings::from_raw(&gathered).expect_err("a missing file");
    assert_eq!(errors.len(), 1);
    assert!(errors[0].to_string().contains("line 17: client_secret_file: "), "{}", errors[0]);
    let settings = Settings::to_serve(&gathered.into()).expect("the other one can be watched");
    assert_eq!(settings.organisations.len(), 2);
    assert!(settings.warnings[0].starts_with("organisation Test: ") && settings.warnings[0].contains("cannot be read"));
}

#[test]
fn one_organisation_can_be_chosen_and_its_policy_counts_for_files_too() {
    let (folder, path) = folder(GOOD);
    let chosen = |org: &str| gathered(&path, &[("org", org)], &[]);
    let settings = Settings::from_raw(&chosen("production")).expect("valid");
    assert_eq!(settings.organisations.len(), 1);
    assert_eq!(settings.watch.files.policy, Some(folder.path().join("policy.toml")));
    let settings = Settings::offline(&chosen("production")).expect("valid");
    assert_eq!((settings.organisations.len(), settings.watch.files.policy.is_some()), (0, true));
    let errors = Settings::from_raw(&chosen("prodution")).expect_err("a typing mistake");
    let error = errors[0].to_string();
    assert!(error.starts_with("--org: ") && error.ends_with("did you mean production?"), "{error}");
    let errors = Settings::from_raw(&chosen("x")).expect_err("an unknown label");
    assert!(errors[0].to_string().ends_with("has no organisation \"x\"; it has production, Test"), "{}", errors[0]);
    let without_file = config::read(&[("org".to_owned(), "x".to_owned())], Vec::<(String, String)>::new());
    let errors = Settings::offline(&without_file).expect_err("there is no file");
    assert!(errors[0].to_string().starts_with("--org: names an organisation of --config.file"), "{}", errors[0]);
}

#[test]
fn the_document_has_every_key_and_what_it_is_the_same_as() {
    let document = include_str!("../../../docs/organisations.md");
    for key in super::KEYS {
        let same = match key.setting {
            super::Setting::Flag(flag) => format!("`--{flag}`"),
            super::Setting::Variable(variable) => format!("`{variable}`"),
            super::Setting::SecretFrom => "the name of the variable".to_owned(),
        };
        let row = format!("\n| `{}` | {same}", key.name);
        assert!(document.contains(&row), "{row}");
    }
    let (_, keys) = document.split_once("\n## Keys\n").expect("the section");
    let (keys, _) = keys.split_once("\n## ").expect("the next section");
    let keys = keys.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(keys, super::KEYS.len());
}

#[test]
fn the_file_of_certificates_is_checked_once_for_all_organisations() {
    let found = errors(GOOD, &[], &[("SSL_CERT_FILE", "/nonexistent/ca.pem")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("SSL_CERT_FILE: /nonexistent/ca.pem: "), "{found:?}");
}

#[test]
fn a_variable_is_refused_under_its_other_name_too() {
    let environment = [("GENESYS_CLOUD_REGION", "eu-west-1"), ("GENESYS_CLOUD_CLIENT_SECRET", "hunter2")];
    let found = errors(GOOD, &[], &environment);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("GENESYS_CLOUD_REGION: cannot be used"), "{found:?}");
    assert!(found[1].starts_with("GENESYS_CLOUD_CLIENT_SECRET: cannot be used"), "{found:?}");
}

#[test]
fn proxy_and_authorities_are_set_for_each_organisation_and_checked_with_their_line() {
    let key = rcgen::KeyPair::generate().expect("a key");
    let authority = rcgen::CertificateParams::new(vec!["authority.example".to_owned()]).expect("a name");
    let authority = authority.self_signed(&key).expect("signed").pem();
    let text = GOOD
        .replace(
            "burst = 20\n",
            "burst = 20\nproxy_url = \"http://user@one.example:3128\"\nproxy_password_file = \"secrets/two\"\n",
        )
        .replace("org = \"Test\"\n", "org = \"Test\"\nproxy_url = \"direct\"\nca_file = \"ca.pem\"\n");
    let (folder, path) = folder(&text);
    fs::write(folder.path().join("ca.pem"), authority).expect("writable");
    let settings =
        Settings::from_raw(&gathered(&path, &[], &[("HTTPS_PROXY", "http://usual.example")])).expect("valid");
    let shown: Vec<_> = settings.organisations.iter().map(|organisation| organisation.platform.outbound()).collect();
    let ca = folder.path().join("ca.pem");
    assert_eq!(shown[0].proxy, "one.example:3128 (proxy_url)");
    assert_eq!(shown[0].authorities, "of the system");
    assert_eq!(
        (shown[1].proxy.as_str(), shown[1].authorities.clone()),
        ("none", format!("of {} (ca_file)", ca.display()))
    );
    assert!(!format!("{settings:?}").contains("hunter2"));

    let text = GOOD.replace(
        "org = \"Test\"\n",
        "org = \"Test\"\nproxy_url = \"http://user:hunter2@one.example\"\nca_file = \"secrets/two\"\n",
    );
    let found = errors(&text, &[], &[]);
    let expected = [
        "organisations.toml line 14: proxy_url: contains a password, but this file contains no secrets; leave the password out of the \
         URL, and name a file that contains it in proxy_password_file",
        "organisations.toml line 15: ca_file: secrets/two: there is no certificate in it",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected) && !found.contains("hunter"), "\n{found}\n{expected}");
    }
    let text = GOOD.replace("burst = 20\n", "burst = 20\nproxy_password_file = \"secrets/two\"\n");
    let found = errors(&text, &[], &[]);
    assert!(
        found.len() == 1 && found[0].contains("line 5: proxy_password_file: is set without proxy_url"),
        "{found:#?}"
    );
    let found =
        errors(GOOD, &[("genesys.proxy-url", "http://user:hunter2@one.example"), ("genesys.ca-file", "x")], &[]);
    assert!(
        found.len() == 2 && found[0].contains("set proxy_url in the file") && !found[0].contains("hunter"),
        "{found:#?}"
    );
}

#[test]
fn variables_of_other_programs_are_reported_with_a_file_too() {
    let (_folder, path) = folder(GOOD);
    let environment = [("GENESYS_REGION", "x"), ("CLIENT_ID", "x"), ("GENESYS_PROXY", "x")];
    let settings = Settings::from_raw(&gathered(&path, &[], &environment)).expect("valid");
    let expected = [
        "GENESYS_PROXY is set, but the exporter does not read it; to use a proxy, set --genesys.proxy-url or HTTPS_PROXY",
        "GENESYS_REGION is set, but the exporter does not read it; set region in the file of --config.file",
    ];
    assert_eq!(settings.warnings, expected);
}

#[test]
fn a_shard_has_its_own_organisations_and_is_not_stopped_by_a_mistake_in_those_of_another() {
    // Of two shards, the first has sandbox and the second production.
    let (_folder, path) = folder(&GOOD.replace("policy.toml", "missing.toml").replace("\"Test\"", "\"sandbox\""));
    let serve = |flags: &[(&str, &str)]| {
        let settings = Settings::to_serve(&gathered(&path, flags, &[]).into());
        settings.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let first = serve(&[("shard.total", "2"), ("shard.index", "0")]).expect("the mistake is not in sandbox");
    let orgs: Vec<&str> = first.organisations.iter().map(|watched| watched.platform.org.as_str()).collect();
    assert_eq!((orgs.as_slice(), first.configured), (&["sandbox"][..], 2));
    let second = serve(&[("shard.total", "2"), ("shard.index", "x-1")]).expect_err("its policy is missing");
    assert!(second.len() == 1 && second[0].contains("policy_file"), "{second:?}");
    // A mistake in the structure of the file is one for all.
    let (_folder, path) = folder(&GOOD.replace("policy_file", "polcy_file"));
    let flags = [("shard.total", "2"), ("shard.index", "0")];
    assert!(Settings::to_serve(&gathered(&path, &flags, &[]).into()).is_err());
    for (flags, expected) in [
        (&[("shard.total", "2")][..], "--shard.index: is not set, but --shard.total is"),
        (&[("shard.index", "2")], "--shard.total: is not set, but --shard.index is"),
    ] {
        let errors = Settings::to_serve(&gathered(&path, flags, &[]).into()).expect_err(expected);
        assert!(errors.iter().any(|error| error.to_string().starts_with(expected)), "{errors:?}");
    }
}

#[test]
fn one_organisation_of_the_environment_cannot_be_divided() {
    let given = [("shard.total".to_owned(), "2".to_owned()), ("shard.index".to_owned(), "0".to_owned())];
    let errors = Settings::to_serve(&config::read(&given, Vec::<(String, String)>::new()).into()).expect_err("no file");
    assert!(
        errors[0].to_string().starts_with("--shard.total: divides the organisations of --config.file"),
        "{errors:?}"
    );
}

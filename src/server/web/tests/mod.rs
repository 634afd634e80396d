//! Files on the disk that are read, read again, and refused.

mod handshakes;

use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use super::users::tests::HUNTER2;
use super::*;

fn pair() -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).expect("a host");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (parameters.self_signed(&key).expect("signed").pem(), key.serialize_pem())
}

struct Folder(tempfile::TempDir);

impl Folder {
    /// With a certificate, its key, and an authority.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.write_pair(&pair());
        folder.write("ca.crt", &pair().0);
        folder
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("writable");
        path
    }

    fn write_pair(&self, (certificate, key): &(String, String)) {
        self.write("server.crt", certificate);
        self.write("server.key", key);
    }

    fn read(&self, text: &str) -> Result<WebConfig, String> {
        WebConfig::read(&self.write("web.yml", text)).map(|(config, _)| config).map_err(|mistakes| mistakes.join("\n"))
    }
}

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

fn users() -> String {
    format!("basic_auth_users:\n  alice: {HUNTER2}\n")
}

fn indented(pem: &str) -> String {
    format!("    {}\n", pem.trim_end().replace('\n', "\n    "))
}

/// As in the documentation of the format and in the guides of exporters.
#[test]
fn files_as_users_have_them_are_accepted() {
    let folder = Folder::new();
    let (certificate, key) = pair();
    let inline = format!("tls_server_config:\n  cert: |\n{}  key: |\n{}", indented(&certificate), indented(&key));
    let absolute = folder.0.path().display();
    for (text, scheme, closed) in [
        (String::new(), "http", false),
        (TLS.to_owned(), "https", false),
        (users(), "http", true),
        (format!("{TLS}{}", users()), "https", true),
        (format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"), "https", true),
        (format!("{TLS}  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [a]\n"), "https", true),
        (format!("{TLS}  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt\n"), "https", false),
        (format!("{TLS}  client_auth_type: RequestClientCert\n"), "https", false),
        (format!("{TLS}  client_auth_type: \"NoClientCert\"\n"), "https", false),
        (format!("{TLS}http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n"), "https", false),
        (format!("{TLS}  min_version: TLS13\n  curve_preferences: [X25519]\n  cipher_suites:\n"), "https", false),
        (
            format!("{TLS}  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"),
            "https",
            false,
        ),
        (inline, "https", false),
        (
            format!("tls_server_config: {{cert_file: {absolute}/server.crt, key_file: {absolute}/server.key}}"),
            "https",
            false,
        ),
        ("rate_limit:\n  interval: 1s\n  burst: 5\n".to_owned(), "http", false),
    ] {
        let config = folder.read(&text).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes}"));
        assert_eq!((config.scheme(), config.in_force().are_closed()), (scheme, closed), "{text}");
        let debug = format!("{config:?}");
        assert!(!debug.contains("Xc25") && !debug.contains("PRIVATE"), "{debug}");
    }
}

#[test]
fn every_mistake_in_the_file_and_in_the_files_that_it_names_is_reported_at_once_with_its_line() {
    let folder = Folder::new();
    folder.write("junk.crt", "junk");
    folder.write("broken.crt", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
    folder.write("other.key", &pair().1);
    folder.write("encrypted.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let certificate = |file: &str| TLS.replace("server.crt", file);
    let key = |file: &str| TLS.replace("server.key", file);
    for (text, expected) in [
        (
            certificate("missing.crt"),
            &["web.yml: line 2: tls_server_config.cert_file", "missing.crt: cannot be read: there is no such file"][..],
        ),
        (certificate("junk.crt"), &["line 2", "there is no certificate in it"]),
        (certificate("broken.crt"), &["line 2", "it is not valid PEM"]),
        (key("missing.key"), &["line 3: tls_server_config.key_file", "cannot be read"]),
        (key("server.crt"), &["line 3", "there is no private key in it"]),
        (key("encrypted.key"), &["line 3", "not encrypted"]),
        (key("other.key"), &["line 2", "the key does not belong to the certificate"]),
        (key("."), &["line 3", "it is a directory"]),
        (
            format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: junk.crt\n"),
            &["line 5", "there is no certificate in it"],
        ),
        (
            format!(
                "{}  client_auth_type: X\n{}",
                key("nothing.key").replace("server.crt", "junk.crt"),
                users().replace("$04$", "$31$")
            ),
            &["client_auth_type: \"X\" is unknown", "has the cost 31", "nothing.key: cannot be read"],
        ),
    ] {
        let mistakes = folder.read(&text).expect_err(&text);
        for expected in expected {
            assert!(mistakes.contains(expected), "{text}\n{mistakes}\nexpected {expected}");
        }
        assert!(!mistakes.contains("junk\"") && !mistakes.contains("AAAA") && !mistakes.contains("Xc25"), "{mistakes}");
    }
    let missing = WebConfig::read(&folder.0.path().join("nowhere.yml")).expect_err("no file").join("");
    assert!(missing.ends_with("nowhere.yml cannot be read: there is no such file"), "{missing}");
}

#[test]
fn a_new_certificate_ends_kept_connections_after_their_next_response_and_new_rules_for_clients_end_them_at_once() {
    let folder = Folder::new();
    let config = folder.read(&format!("{TLS}{}", users())).expect("valid");
    let before = config.in_force();
    assert_eq!(config.refresh(false), Ok(()));
    assert!(Arc::ptr_eq(&before, &config.in_force()), "nothing has changed");
    // Only passwords: connections stay.
    folder.write("web.yml", &format!("{TLS}{}", users().replace("alice", "bob")));
    assert_eq!(config.refresh(false), Ok(()));
    assert!(!Arc::ptr_eq(&before, &config.in_force()));
    assert!(Arc::ptr_eq(&before.transport(), &config.in_force().transport()));
    folder.write_pair(&pair());
    assert!(!before.transport().is_renewed());
    assert_eq!(config.refresh(false), Ok(()));
    assert!(before.transport().is_renewed() && !before.transport().retired.is_cancelled());
    let other = config.in_force();
    assert!(!other.transport().is_renewed());
    for more in [
        "client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt\n",
        "client_auth_type: RequestClientCert\n",
    ] {
        let before = config.in_force();
        folder.write("web.yml", &format!("{TLS}  {more}{}", users()));
        assert_eq!(config.refresh(false), Ok(()));
        assert!(before.transport().is_renewed() && before.transport().retired.is_cancelled(), "{more}");
    }
}

#[test]
fn a_file_that_cannot_be_used_changes_nothing_and_is_reported_once() {
    let folder = Folder::new();
    let good = format!("{TLS}{}", users());
    let config = folder.read(&good).expect("valid");
    let before = config.in_force();
    let other = pair();
    for (name, text) in [
        ("server.crt", other.0.as_str()),
        ("server.key", "junk"),
        ("web.yml", "tls_server_config: ["),
        ("web.yml", ""),
        ("web.yml", TLS),
        ("web.yml", &users()),
        ("web.yml", &good.replace("$04$", "$31$")),
    ] {
        let saved = fs::read_to_string(folder.0.path().join(name)).expect("it is there");
        folder.write(name, text);
        // The first failure may be half of a replacement.
        assert!(config.refresh(false).is_err(), "{name}: {text}");
        assert!(config.is_usable(), "{name}: {text}");
        assert!(config.refresh(false).is_err() && !config.is_usable(), "{name}: {text}");
        assert!(Arc::ptr_eq(&before, &config.in_force()), "{name}: {text}");
        folder.write(name, &saved);
        assert_eq!(config.refresh(false), Ok(()));
        assert!(config.is_usable() && Arc::ptr_eq(&before, &config.in_force()), "{name}: {text}");
    }
    fs::remove_file(folder.0.path().join("web.yml")).expect("removable");
    assert!(config.refresh(true).is_err() && !config.is_usable(), "a request is answered at once");
    assert!(Arc::ptr_eq(&before, &config.in_force()));
}

#[test]
fn a_door_that_is_closed_is_never_opened_by_a_new_file() {
    let folder = Folder::new();
    let client = format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n");
    let (tls, password) = (TLS.to_owned(), users());
    let both = format!("{TLS}{password}");
    for (from, to, allowed) in [
        (&tls, &String::new(), false),
        (&password, &String::new(), false),
        (&both, &tls, false),
        (&both, &password, false),
        (&client, &tls, false),
        (&client, &both, true),
        (&both, &client, true),
        (&String::new(), &both, true),
        (&tls, &client, true),
        (&password, &both, true),
    ] {
        let config = folder.read(from).expect("valid");
        folder.write("web.yml", to);
        let refreshed = config.refresh(true);
        assert_eq!(refreshed.is_ok(), allowed, "{from}\n{to}\n{refreshed:?}");
        assert!(
            allowed || refreshed.is_err_and(|mistakes| mistakes[0].contains("restart the exporter to serve without"))
        );
    }
}

//! The keys of `tls_server_config`: which there are, and what their values may be.
//!
//! Not what the server does with them (`tls`).

use std::path::Path;

use rustls::NamedGroup;

use super::section::{Remarks, Section};
use super::source::Source;
use super::yaml::Node;

/// The settings of TLS, before the files are read that they name.
#[derive(Debug)]
pub(super) struct TlsDraft {
    pub(super) certificate: Source,
    pub(super) key: Source,
    pub(super) client_ca: Option<Source>,
    pub(super) settings: Settings,
}

/// The settings of TLS apart from keys and certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) client_auth: ClientAuth,
    /// `None` allows every name.
    pub(super) allowed_sans: Option<Vec<String>>,
    pub(super) tls12: bool,
    pub(super) tls13: bool,
    /// The cipher suites of TLS 1.2 that are allowed, by the names of IANA; `None` allows all.
    pub(super) suites: Option<Vec<&'static str>>,
    /// `None` allows all.
    pub(super) groups: Option<Vec<NamedGroup>>,
}

/// Which client certificates the server asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientAuth {
    None,
    Request,
    RequireAny,
    VerifyIfGiven,
    RequireAndVerify,
}

impl ClientAuth {
    const WORDS: [(&str, Self); 6] = [
        ("NoClientCert", Self::None),
        ("RequestClientCert", Self::Request),
        ("RequireAnyClientCert", Self::RequireAny),
        ("VerifyClientCertIfGiven", Self::VerifyIfGiven),
        ("RequireAndVerifyClientCert", Self::RequireAndVerify),
        // The name in old versions of the format.
        ("RequireClientCert", Self::RequireAny),
    ];

    /// Whether there is no connection without a certificate.
    pub(super) fn requires(self) -> bool {
        matches!(self, Self::RequireAny | Self::RequireAndVerify)
    }

    /// Whether a certificate must be from the authority of the file.
    pub(super) fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }
}

const KEYS: [&str; 13] = [
    "cert",
    "key",
    "client_ca",
    "cert_file",
    "key_file",
    "client_auth_type",
    "client_ca_file",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
];
const VERSIONS: [(&str, u8); 4] = [("TLS13", 13), ("TLS12", 12), ("TLS11", 11), ("TLS10", 10)];

/// A cipher suite of the format: one of TLS 1.2 that the server has, one of TLS 1.3, or one that it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suite {
    Tls12(&'static str),
    Tls13,
    Absent,
}

const fn tls12(name: &'static str) -> (&'static str, Suite) {
    (name, Suite::Tls12(name))
}

const SUITES: [(&str, Suite); 20] = [
    ("TLS_AES_128_GCM_SHA256", Suite::Tls13),
    ("TLS_AES_256_GCM_SHA384", Suite::Tls13),
    ("TLS_CHACHA20_POLY1305_SHA256", Suite::Tls13),
    tls12("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    tls12("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    tls12("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    tls12("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    tls12("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    tls12("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Suite::Absent),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Suite::Absent),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", Suite::Absent),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Suite::Absent),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Suite::Absent),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", Suite::Absent),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", Suite::Absent),
    ("TLS_RSA_WITH_AES_256_CBC_SHA", Suite::Absent),
    ("TLS_RSA_WITH_AES_128_CBC_SHA256", Suite::Absent),
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", Suite::Absent),
    ("TLS_RSA_WITH_AES_256_GCM_SHA384", Suite::Absent),
];
const CURVES: [(&str, Option<NamedGroup>); 4] = [
    ("X25519", Some(NamedGroup::X25519)),
    ("CurveP256", Some(NamedGroup::secp256r1)),
    ("CurveP384", Some(NamedGroup::secp384r1)),
    ("CurveP521", None),
];

/// Reads the section. `None` if it has no certificate, or after a mistake.
pub(super) fn read(node: &Node, folder: &Path, remarks: &mut Remarks) -> Option<TlsDraft> {
    let section = Section::read(node, "tls_server_config.", &KEYS, remarks);
    section.switch("prefer_server_cipher_suites", remarks);
    let client_auth = client_auth(&section, remarks);
    let allowed_sans = allowed_sans(&section, client_auth, remarks);
    let (tls12, tls13) = versions(&section, remarks);
    let suites = suites(&section, tls13, remarks);
    let groups = groups(&section, remarks);
    let mut source = |file: &'static str, inline: &'static str| {
        let (path, text) = (section.text(file, remarks), section.text(inline, remarks));
        if let (Some(_), Some((line, _))) = (path, text) {
            remarks.odd(line, format!("tls_server_config.{inline} has no effect, because {file} is set too"));
        }
        path.map(|(line, path)| Source::file(file, line, folder, path))
            .or_else(|| text.map(|(line, text)| Source::inline(inline, line, text)))
    };
    let (certificate, key) = (source("cert_file", "cert"), source("key_file", "key"));
    let client_ca = source("client_ca_file", "client_ca");
    if section.is_empty() {
        return None;
    }
    let line = node.line;
    if certificate.is_none() {
        remarks.wrong(
            line,
            "tls_server_config has neither cert_file nor cert, so there would be no TLS; name a certificate",
        );
    }
    if key.is_none() {
        remarks.wrong(line, "tls_server_config has neither key_file nor key; name the key of the certificate");
    }
    match &client_ca {
        Some(source) if client_auth == ClientAuth::None => remarks.wrong(
            source.line,
            format!(
                "tls_server_config.{} has no effect without client_auth_type; use RequireAndVerifyClientCert, or remove it",
                source.key
            ),
        ),
        None if client_auth.verifies() => {
            remarks.wrong(
                line,
                "tls_server_config.client_auth_type verifies certificates, but neither client_ca_file nor client_ca says whose; \
                 name the authority of your clients",
            );
        }
        Some(_) | None => {}
    }
    let suites = suites.filter(|_| tls12);
    let tls12 = tls12 && suites.as_ref().is_none_or(|suites| !suites.is_empty());
    let settings = Settings { client_auth, allowed_sans, tls12, tls13, suites, groups };
    Some(TlsDraft { certificate: certificate?, key: key?, client_ca, settings })
}

fn client_auth(section: &Section<'_>, remarks: &mut Remarks) -> ClientAuth {
    section.word("client_auth_type", &ClientAuth::WORDS, remarks).map_or(ClientAuth::None, |(_, auth)| auth)
}

/// Without a required certificate there would be connections without any name to compare.
fn allowed_sans(section: &Section<'_>, client_auth: ClientAuth, remarks: &mut Remarks) -> Option<Vec<String>> {
    let sans = section.list("client_allowed_sans", remarks)?;
    if !client_auth.requires() {
        let line = section.node("client_allowed_sans").map_or(1, |node| node.line);
        remarks.wrong(
            line,
            "tls_server_config.client_allowed_sans needs client_auth_type RequireAndVerifyClientCert (or RequireAnyClientCert, \
             which anyone can satisfy)",
        );
    }
    Some(sans.into_iter().map(|(_, san)| san.to_owned()).collect())
}

/// Whether TLS 1.2 and TLS 1.3 are allowed.
fn versions(section: &Section<'_>, remarks: &mut Remarks) -> (bool, bool) {
    let lowest = section.word("min_version", &VERSIONS, remarks);
    let highest = section.word("max_version", &VERSIONS, remarks);
    let (min, max) = (lowest.map_or(12, |(_, version)| version), highest.map_or(13, |(_, version)| version));
    if let Some((line, ..=11)) = lowest {
        remarks.odd(
            line,
            "tls_server_config.min_version: TLS 1.0 and 1.1 are insecure and not available; the lowest is TLS12",
        );
    }
    if let Some((line, max)) = highest {
        if max < 12 {
            remarks.wrong(
                line,
                "tls_server_config.max_version: TLS 1.0 and 1.1 are insecure and not available; use TLS12 or TLS13",
            );
        } else if max < min {
            remarks.wrong(line, "tls_server_config.max_version is lower than min_version, so no version is left");
        }
    }
    (min <= 12, max >= 13)
}

/// The suites of TLS 1.2; those of TLS 1.3 cannot be chosen, as in the format.
fn suites(section: &Section<'_>, tls13: bool, remarks: &mut Remarks) -> Option<Vec<&'static str>> {
    let (line, suites) = section.words("cipher_suites", &SUITES, remarks)?;
    if suites.contains(&Suite::Absent) {
        remarks.odd(
            line,
            "tls_server_config.cipher_suites: those with CBC or without ECDHE are insecure and not available",
        );
    }
    let found: Vec<&str> = suites
        .iter()
        .filter_map(|suite| match suite {
            Suite::Tls12(name) => Some(*name),
            Suite::Tls13 | Suite::Absent => None,
        })
        .collect();
    if found.is_empty() && !tls13 {
        remarks.wrong(
            line,
            "tls_server_config.cipher_suites has no suite that is available for TLS 1.2; add one with GCM or CHACHA20",
        );
    }
    Some(found)
}

fn groups(section: &Section<'_>, remarks: &mut Remarks) -> Option<Vec<NamedGroup>> {
    let (line, curves) = section.words("curve_preferences", &CURVES, remarks)?;
    let found: Vec<NamedGroup> = curves.iter().copied().flatten().collect();
    if found.is_empty() {
        remarks.wrong(
            line,
            "tls_server_config.curve_preferences: CurveP521 is not available; add X25519, CurveP256 or CurveP384",
        );
    } else if found.len() < curves.len() {
        remarks.odd(line, "tls_server_config.curve_preferences: CurveP521 is not available");
    }
    Some(found)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::yaml;
    use super::*;

    /// The names of the suites of TLS 1.2 that the server has.
    pub(in crate::server::web) fn available() -> Vec<&'static str> {
        SUITES.iter().filter(|(_, suite)| matches!(suite, Suite::Tls12(_))).map(|(name, _)| *name).collect()
    }

    const PAIR: &str = "cert_file: a.crt\nkey_file: a.key\n";

    fn read(text: &str) -> (Option<TlsDraft>, Remarks) {
        let mut remarks = Remarks::default();
        let root = yaml::read(text).expect("YAML");
        let draft = super::read(&root, Path::new("/etc/x"), &mut remarks);
        (draft, remarks)
    }

    #[test]
    fn every_key_of_the_format_has_its_meaning() {
        let (draft, remarks) = read(&format!(
            "{PAIR}client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: /ca.crt\nclient_allowed_sans: [a, b]\n\
             min_version: TLS12\nmax_version: TLS12\ncipher_suites:\n- TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n\
             - TLS_AES_128_GCM_SHA256\nprefer_server_cipher_suites: false\ncurve_preferences: [CurveP384, X25519]\n"
        ));
        assert!(remarks.mistakes.is_empty() && remarks.warnings.is_empty(), "{remarks:?}");
        let expected = Settings {
            client_auth: ClientAuth::RequireAndVerify,
            allowed_sans: Some(vec!["a".to_owned(), "b".to_owned()]),
            tls12: true,
            tls13: false,
            suites: Some(vec!["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]),
            groups: Some(vec![NamedGroup::secp384r1, NamedGroup::X25519]),
        };
        assert_eq!(draft.expect("TLS").settings, expected);
        let (draft, remarks) = read("cert: one\nkey: two\n");
        assert!(remarks.mistakes.is_empty() && remarks.warnings.is_empty(), "{remarks:?}");
        let defaults = Settings {
            client_auth: ClientAuth::None,
            allowed_sans: None,
            tls12: true,
            tls13: true,
            suites: None,
            groups: None,
        };
        let draft = draft.expect("TLS");
        assert_eq!(draft.settings, defaults);
        assert!(!format!("{draft:?}").contains("two"), "{draft:?}");
    }

    #[test]
    fn a_section_without_a_value_switches_nothing_on_and_one_with_a_value_never_means_no_tls() {
        for text in ["", "{}", "cert_file: ''\nkey_file:\n"] {
            let (draft, remarks) = read(text);
            assert!(draft.is_none() && remarks.mistakes.is_empty(), "{text}: {remarks:?}");
        }
        for text in ["min_version: TLS13", "client_auth_type: NoClientCert", "key_file: a.key", "cipher_suites: []"] {
            let (draft, remarks) = read(text);
            assert!(draft.is_none() && !remarks.mistakes.is_empty(), "{text}");
        }
    }

    #[test]
    fn what_cannot_work_is_a_mistake_with_its_line() {
        for (text, expected) in [
            (
                "client_auth_type: Always",
                "line 3: tls_server_config.client_auth_type: \"Always\" is unknown; use NoClientCert",
            ),
            (
                "client_ca_file: ca.crt",
                "line 3: tls_server_config.client_ca_file has no effect without client_auth_type",
            ),
            ("client_ca: x\nclient_auth_type: NoClientCert", "line 3: tls_server_config.client_ca has no effect"),
            ("client_auth_type: RequireAndVerifyClientCert", "neither client_ca_file nor client_ca says whose"),
            ("client_auth_type: VerifyClientCertIfGiven", "neither client_ca_file nor client_ca says whose"),
            ("client_allowed_sans: [a]", "line 3: tls_server_config.client_allowed_sans needs client_auth_type"),
            (
                "client_allowed_sans: [a]\nclient_auth_type: RequestClientCert",
                "client_allowed_sans needs client_auth_type",
            ),
            ("client_allowed_sans: a\nclient_auth_type: RequireAnyClientCert", "client_allowed_sans must be a list"),
            ("client_allowed_sans: [[a]]\nclient_auth_type: RequireAnyClientCert", "each element must be a text"),
            ("min_version: TLS14", "line 3: tls_server_config.min_version: \"TLS14\" is unknown; use TLS13"),
            ("max_version: SSL30", "line 3: tls_server_config.max_version: \"SSL30\" is unknown"),
            ("max_version: TLS11", "line 3: tls_server_config.max_version: TLS 1.0 and 1.1 are insecure"),
            (
                "min_version: TLS13\nmax_version: TLS12",
                "line 4: tls_server_config.max_version is lower than min_version",
            ),
            ("cipher_suites: [TLS_INVENTED]", "line 3: tls_server_config.cipher_suites: \"TLS_INVENTED\" is unknown"),
            ("cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\nmax_version: TLS12", "has no suite that is available"),
            ("curve_preferences: [CurveP1]", "line 3: tls_server_config.curve_preferences: \"CurveP1\" is unknown"),
            ("curve_preferences: [CurveP521]", "CurveP521 is not available; add"),
            ("prefer_server_cipher_suites: perhaps", "is neither true nor false"),
            ("cert_path: x", "line 3: tls_server_config.cert_path: there is no such key"),
        ] {
            let (_, remarks) = read(&format!("{PAIR}{text}\n"));
            assert_eq!(remarks.mistakes.len(), 1, "{text}: {remarks:?}");
            assert!(remarks.mistakes[0].contains(expected), "{text}: {remarks:?}");
        }
    }

    #[test]
    fn what_is_accepted_without_effect_is_a_warning() {
        for (text, expected, tls12) in [
            ("min_version: TLS10", "line 3: tls_server_config.min_version", true),
            ("cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]", "those with CBC", false),
            ("curve_preferences: [CurveP521, X25519]", "CurveP521 is not available", true),
            ("cert: x", "line 3: tls_server_config.cert has no effect, because cert_file is set too", true),
        ] {
            let (draft, remarks) = read(&format!("{PAIR}{text}\n"));
            assert!(remarks.mistakes.is_empty(), "{text}: {remarks:?}");
            assert!(remarks.warnings.len() == 1 && remarks.warnings[0].contains(expected), "{text}: {remarks:?}");
            assert_eq!(draft.expect("TLS").settings.tls12, tls12, "{text}");
        }
    }

    #[test]
    fn all_five_types_of_client_authentication_are_known() {
        for (word, expected, requires, verifies) in [
            ("NoClientCert", ClientAuth::None, false, false),
            ("RequestClientCert", ClientAuth::Request, false, false),
            ("RequireAnyClientCert", ClientAuth::RequireAny, true, false),
            ("RequireClientCert", ClientAuth::RequireAny, true, false),
            ("VerifyClientCertIfGiven", ClientAuth::VerifyIfGiven, false, true),
            ("RequireAndVerifyClientCert", ClientAuth::RequireAndVerify, true, true),
        ] {
            let (draft, _) =
                read(&format!("{PAIR}client_auth_type: {word}\n{}", if verifies { "client_ca: x\n" } else { "" }));
            let auth = draft.expect("TLS").settings.client_auth;
            assert_eq!((auth, auth.requires(), auth.verifies()), (expected, requires, verifies), "{word}");
        }
    }
}

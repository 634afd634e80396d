//! Handshakes in memory: which client certificates each type of client authentication accepts, and which versions of TLS.
//!
//! Tests only. The same with the real curl is in `tests/behaviour/web_config.rs`.

use std::fs;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::super::WebConfig;

struct Authority(Issuer<'static, KeyPair>, String);

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = parameters.self_signed(&key).expect("signed").pem();
        Self(Issuer::new(parameters, key), pem)
    }

    /// A certificate for this name and its key, in PEM.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        (parameters.signed_by(&key, &self.0).expect("signed").pem(), key.serialize_pem())
    }
}

/// The files of a server, and clients.
struct World {
    folder: tempfile::TempDir,
    authority: Authority,
    client: (String, String),
    other: (String, String),
    foreign: (String, String),
}

impl World {
    fn new() -> Self {
        let (folder, authority) = (tempfile::tempdir().expect("a folder"), Authority::new("authority"));
        let (certificate, key) = authority.sign("localhost");
        for (name, text) in [("server.crt", &certificate), ("server.key", &key), ("ca.crt", &authority.1)] {
            fs::write(folder.path().join(name), text).expect("writable");
        }
        let (client, other) = (authority.sign("prometheus"), authority.sign("other"));
        Self { folder, client, other, foreign: Authority::new("foreign").sign("prometheus"), authority }
    }

    fn server(&self, keys: &str) -> WebConfig {
        let path = self.folder.path().join("web.yml");
        let text = format!("tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n{keys}");
        fs::write(&path, text).expect("writable");
        WebConfig::read(&path).expect("valid").0
    }

    fn client(
        &self,
        identity: Option<&(String, String)>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(self.authority.1.as_bytes()).expect("PEM");
        roots.add(authority).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).expect("versions");
        let builder = builder.with_root_certificates(roots);
        let Some((certificate, key)) = identity else { return builder.with_no_client_auth() };
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM")];
        builder
            .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM"))
            .expect("a key")
    }
}

/// The version of a connection over which both sides have sent a byte, and whether the server has seen a certificate.
async fn connect(server: &WebConfig, own_machine: bool, client: ClientConfig) -> Option<(ProtocolVersion, bool)> {
    let transport = server.in_force().transport();
    let config = transport.tls.as_ref().expect("TLS").config(own_machine);
    let (here, there) = tokio::io::duplex(1 << 16);
    let serving = async {
        let mut stream = TlsAcceptor::from(config).accept(here).await.ok()?;
        stream.read_u8().await.ok()?;
        stream.write_u8(1).await.ok()?;
        stream.flush().await.ok()?;
        let connection = stream.get_ref().1;
        Some((connection.protocol_version()?, connection.peer_certificates().is_some()))
    };
    let asking = async {
        let name = ServerName::try_from("localhost").expect("a name");
        let mut stream = TlsConnector::from(Arc::new(client)).connect(name, there).await.ok()?;
        stream.write_u8(1).await.ok()?;
        stream.read_u8().await.ok()
    };
    let (accepted, asked) = tokio::join!(serving, asking);
    accepted.filter(|_| asked.is_some())
}

#[tokio::test]
async fn each_type_of_client_authentication_accepts_what_it_says_from_elsewhere() {
    const CA: &str = "  client_ca_file: ca.crt\n";
    const SANS: &str = "  client_allowed_sans: [prometheus]\n";
    let world = World::new();
    // Whether there is a connection without a certificate, with one of the authority, with one for another name, and a foreign one.
    for (auth, more, expected) in [
        ("NoClientCert", "", [true, true, true, true]),
        ("RequestClientCert", "", [true, true, true, true]),
        ("RequireAnyClientCert", "", [false, true, true, true]),
        ("RequireAnyClientCert", SANS, [false, true, false, true]),
        ("VerifyClientCertIfGiven", CA, [true, true, true, false]),
        ("RequireAndVerifyClientCert", CA, [false, true, true, false]),
        (
            "RequireAndVerifyClientCert",
            "  client_ca_file: ca.crt\n  client_allowed_sans: [prometheus]\n",
            [false, true, false, false],
        ),
        ("RequireAndVerifyClientCert", "  client_ca_file: ca.crt\n  client_allowed_sans: []\n", [false; 4]),
    ] {
        let server = world.server(&format!("  client_auth_type: {auth}\n{more}"));
        let clients = [None, Some(&world.client), Some(&world.other), Some(&world.foreign)];
        for version in [&TLS12, &TLS13] {
            for (client, expected) in clients.into_iter().zip(expected) {
                let connected = connect(&server, false, world.client(client, &[version])).await;
                let name = client.map_or("none", |(certificate, _)| &certificate[30..40]);
                assert_eq!(connected.is_some(), expected, "{auth} {more} {name} {version:?}");
                if let Some((_, seen)) = connected {
                    assert_eq!(seen, client.is_some() && auth != "NoClientCert", "{auth}");
                }
                // On this machine, a client without a certificate is connected too.
                let own_machine = connect(&server, true, world.client(client, &[version])).await;
                assert_eq!(own_machine.is_some(), expected || client.is_none(), "{auth} {more} {name} {version:?}");
            }
        }
    }
}

#[tokio::test]
async fn only_the_versions_suites_and_curves_of_the_file_are_spoken() {
    let world = World::new();
    for (keys, tls12, tls13) in [
        ("", true, true),
        ("  min_version: TLS13\n", false, true),
        ("  max_version: TLS12\n", true, false),
        ("  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n", true, true),
        // The certificate is not RSA, and TLS 1.3 has suites of its own.
        ("  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n", false, true),
        ("  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", false, true),
        ("  curve_preferences: [CurveP384]\n", true, true),
    ] {
        let server = world.server(keys);
        for (version, expected) in [(&TLS12, tls12), (&TLS13, tls13)] {
            let connected = connect(&server, false, world.client(None, &[version])).await;
            assert_eq!(connected.map(|(version, _)| version), expected.then_some(version.version), "{keys}");
        }
    }
}

//! A platform whose TLS certificate cannot be trusted: the failure says why, and neither the secret nor any request leaves.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_SECRET, Simulator};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::blocking::{get, until_scraped};
use crate::signals::Running;
use crate::support::{Scrape, program_for, simulator, until};

/// The certificate of a host, and the authorities that the exporter trusts.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    /// In PEM.
    pub(crate) trusted: String,
}

impl Identity {
    /// For this host, signed by an authority that the exporter trusts.
    pub(crate) fn trusted(host: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut authority = parameters("authority.example");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().expect("a key");
        let trusted = authority.self_signed(&authority_key).expect("signed").pem();
        let mut host = parameters(host);
        change(&mut host);
        let key = KeyPair::generate().expect("a key");
        let issuer = Issuer::new(authority, authority_key);
        let certificate = host.signed_by(&key, &issuer).expect("signed").der().clone();
        Self { certificate, key, trusted }
    }

    /// For this host, signed by itself. The exporter trusts somebody else.
    fn self_signed(host: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters(host).self_signed(&key).expect("signed").der().clone();
        Self { certificate, key, trusted: Self::trusted(host, |_| {}).trusted }
    }
}

fn parameters(host: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(vec![host.to_owned()]).expect("a host");
    parameters.distinguished_name.push(DnType::CommonName, host);
    parameters
}

/// A host that speaks TLS with this certificate and passes everything on to the simulator. Returns its URL.
pub(crate) async fn tls_host(simulator: &Simulator, identity: &Identity) -> String {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], key)
        .expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    let platform = simulator.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, platform) = (acceptor.clone(), platform.clone());
            tokio::spawn(async move {
                let mut inside = acceptor.accept(stream).await?;
                let mut outside = TcpStream::connect(platform).await?;
                tokio::io::copy_bidirectional(&mut inside, &mut outside).await
            });
        }
    });
    format!("https://localhost:{port}")
}

/// The exporter, which trusts these authorities and no others.
async fn exporter(url: &str, trusted: &str) -> (Running, SocketAddr) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("authorities.pem");
    fs::write(&file, trusted).expect("writable");
    let mut command = program_for(url);
    command.env("SSL_CERT_FILE", &file).args(["--web.listen-address=127.0.0.1:0", "--genesys.retry-base=1ms"]);
    command.arg("--refresh.interval=1s");
    let exporter = Running::start(command, folder);
    let address = exporter.address().await.parse().expect("an address");
    (exporter, address)
}

/// The exporter calls `url` and cannot trust it. `reason` is why.
async fn assert_refused(simulator: &Simulator, url: &str, trusted: &str, reason: &str) {
    let (exporter, address) = exporter(url, trusted).await;
    let failed = |scrape: &Scrape| scrape.sum("exporter_refreshes_total", &["outcome=\"error\""]) >= 1.0;
    let scrape = until_scraped(address, "a failed refresh", failed).await;
    assert_eq!(scrape.own("last_refresh_successful"), Some(0.0), "{reason}");
    assert_eq!(scrape.count("clients", &[]), 0, "{reason}");
    assert!(scrape.sum("exporter_token_fetches_total", &["outcome=\"network\""]) >= 1.0, "{reason}");
    let host = url.trim_start_matches("https://");
    let (status, why) = get(address, "/-/ready").await.expect("an answer");
    // Another thread writes the log.
    let in_log = || std::future::ready(Some(exporter.log()).filter(|log| log.contains("refresh failed")));
    let log = until("the failure in the log", in_log).await;
    assert_eq!(status, 503, "{why}");
    for text in [&why, &log] {
        assert!(text.contains("token: "), "{text}");
        assert!(text.contains(reason) && text.contains(host) && text.contains("check the"), "{reason}: {text}");
        assert!(!text.contains(DEFAULT_CLIENT_SECRET), "{text}");
    }
    assert_eq!(get(address, "/-/healthy").await, Some((200, "healthy\n".to_owned())), "a restart would not help");
    assert!(simulator.organisation().requests().is_empty(), "{reason}: nothing is sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_a_trusted_authority_is_accepted() {
    let simulator = simulator().await;
    let identity = Identity::trusted("localhost", |_| {});
    let url = tls_host(&simulator, &identity).await;
    let (exporter, address) = exporter(&url, &identity.trusted).await;
    until_scraped(address, "a refresh", |scrape| scrape.own("last_refresh_successful") == Some(1.0)).await;
    assert_eq!(get(address, "/-/ready").await.map(|(status, _)| status), Some(200), "{}", exporter.log());
    assert_eq!(simulator.organisation().tokens_issued(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_signed_certificate_is_refused() {
    let simulator = simulator().await;
    let identity = Identity::self_signed("localhost");
    let url = tls_host(&simulator, &identity).await;
    assert_refused(&simulator, &url, &identity.trusted, "no certificate authority that this machine trusts").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_host_is_refused() {
    let simulator = simulator().await;
    let identity = Identity::trusted("other.example", |_| {});
    let url = tls_host(&simulator, &identity).await;
    assert_refused(&simulator, &url, &identity.trusted, "it is for another host").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_has_expired_or_is_not_valid_yet_is_refused() {
    let simulator = simulator().await;
    for (from, to, reason) in [(2000, 2001, "it has expired"), (4000, 4001, "it is not valid yet")] {
        let identity = Identity::trusted("localhost", |host| {
            host.not_before = date_time_ymd(from, 1, 1);
            host.not_after = date_time_ymd(to, 1, 1);
        });
        let url = tls_host(&simulator, &identity).await;
        assert_refused(&simulator, &url, &identity.trusted, reason).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_at_the_port_of_https_is_refused() {
    let simulator = simulator().await;
    let url = simulator.url().replace("http://127.0.0.1", "https://localhost");
    let trusted = Identity::trusted("localhost", |_| {}).trusted;
    assert_refused(&simulator, url.trim_end_matches('/'), &trusted, "does not answer with TLS").await;
}

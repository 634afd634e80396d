//! The settings for the way to the platform: a proxy with a password, and a file of authorities. No password appears in any output.
//!
//! The usual variables are in `proxy`, and certificates that are refused in `tls`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::blocking::until_scraped;
use crate::signals::Running;
use crate::support::{program, simulator, text};
use crate::tls::{Identity, tls_host};

/// Not a name of this machine, because calls of this machine use no proxy.
const HOST: &str = "platform.example.invalid";

/// A proxy that wants the user `exporter` with a password, and leads every tunnel to one port of loopback.
struct Tunnel {
    /// Host and port.
    address: String,
}

impl Tunnel {
    async fn start(password: &str, to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound").to_string();
        let wanted = STANDARD.encode(format!("exporter:{password}"));
        let to = format!("127.0.0.1:{}", to.trim_start_matches("https://localhost:"));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (wanted, to) = (wanted.clone(), to.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await?);
                    }
                    if !String::from_utf8_lossy(&head).contains(&format!("Basic {wanted}\r\n")) {
                        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
                        return stream.write_all(refusal).await;
                    }
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                    let mut inside = TcpStream::connect(to).await?;
                    tokio::io::copy_bidirectional(&mut stream, &mut inside).await.map(drop)
                });
            }
        });
        Self { address }
    }
}

/// The program with the credentials for the platform at [`HOST`].
fn exporter() -> Command {
    let mut command = program();
    let url = format!("https://{HOST}/");
    command
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", DEFAULT_CLIENT_ID)
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", DEFAULT_CLIENT_SECRET)
        .env("GENESYSCLOUD_API_URL", &url)
        .env("GENESYSCLOUD_LOGIN_URL", &url);
    command
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends")
}

fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// The files of a proxy's password and of an authority in this folder, and the paths.
fn files(folder: &Path, password: &str, authority: &str) -> (String, String) {
    let path = |name: &str| folder.join(name).display().to_string();
    let (password_file, ca_file) = (path("password"), path("ca.pem"));
    fs::write(&password_file, format!("{password}\n")).expect("writable");
    fs::write(&ca_file, authority).expect("writable");
    (password_file, ca_file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_settings_count_before_the_variables_and_doctor_shows_them_without_the_password() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().expect("a folder"));
    let identity = Identity::trusted(HOST, |_| {});
    let tunnel = Tunnel::start("p@ss/hunter2%", &tls_host(&simulator, &identity).await).await;
    let (password, ca) = files(folder.path(), "p@ss/hunter2%", &identity.trusted);
    let other = folder.path().join("other.pem");
    fs::write(&other, Identity::trusted(HOST, |_| {}).trusted).expect("writable");
    let mut command = exporter();
    command
        .env("HTTPS_PROXY", "http://user:hunter3@127.0.0.1:9")
        .env("SSL_CERT_FILE", &other)
        .arg(format!("--genesys.proxy-url=http://exporter@{}", tunnel.address))
        .arg(format!("--genesys.proxy-password-file={password}"))
        .arg(format!("--genesys.ca-file={ca}"))
        .args(["doctor", "--log.level=trace"]);
    let output = run(command).await;
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(&format!("  proxy           {} (--genesys.proxy-url)\n", tunnel.address)), "{said}");
    assert!(said.contains(&format!("  authorities     of {ca} (--genesys.ca-file)\n")), "{said}");
    assert!(!said.contains("hunter") && !said.contains("exporter@"), "{said}");

    // The same with the password in the variable, encoded, and with an authority that the file does not have.
    let mut command = exporter();
    let url = format!("http://exporter:p%40ss%2Fhunter2%25@{}", tunnel.address);
    command.env("GENESYSCLOUD_OAUTH_EXPORTER_GENESYS_PROXY_URL", url);
    command.arg(format!("--genesys.ca-file={}", other.display())).args(["doctor", "--log.level=trace"]);
    let output = run(command).await;
    let said = self::said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let why = format!("no certificate authority of {} (--genesys.ca-file) has signed it", other.display());
    assert!(said.contains(&why) && !said.contains("hunter"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_or_authority_is_used_without_a_restart_and_the_way_is_logged_once_for_all_organisations() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().expect("a folder"));
    let identity = Identity::trusted(HOST, |_| {});
    let tunnel = Tunnel::start("hunter3", &tls_host(&simulator, &identity).await).await;
    let (password, ca) = files(folder.path(), "hunter2", &Identity::trusted(HOST, |_| {}).trusted);
    let mut file = format!(
        "[defaults]\ninterval = \"1s\"\nretry_attempts = 1\nclient_id = \"{DEFAULT_CLIENT_ID}\"\nclient_secret_env = \"SECRET\"\n\
         api_url = \"https://{HOST}\"\nlogin_url = \"https://{HOST}\"\nrequire_self = false\n\
         proxy_url = \"http://exporter@{}\"\nproxy_password_file = \"password\"\nca_file = \"ca.pem\"\n",
        tunnel.address
    );
    for org in ["one", "two"] {
        file += &["[[organisation]]\norg = \"", org, "\"\n"].concat();
    }
    file += "[[organisation]]\norg = \"three\"\nproxy_url = \"direct\"\n";
    let path = folder.path().join("organisations.toml");
    fs::write(&path, file).expect("writable");
    let mut command = program();
    command.env("SECRET", DEFAULT_CLIENT_SECRET).arg(format!("--config.file={}", path.display()));
    command.args(["--web.listen-address=127.0.0.1:0", "--log.level=trace", "--state.dir="]);
    let exporter = Running::start(command, tempfile::tempdir().expect("a folder"));
    let address = exporter.address().await.parse().expect("an address");
    exporter.until_logged("the proxy wants a user name and a password").await;
    fs::write(&password, "hunter3").expect("writable");
    exporter.until_logged("(ca_file) has signed it").await;
    fs::write(&ca, &identity.trusted).expect("writable");
    until_scraped(address, "the new authority", |scrape| scrape.count("clients", &["org=\"one\""]) > 0).await;

    let log = exporter.log();
    let way = |line: &&str| line.contains("how the platform is called");
    let ways: Vec<&str> = log.lines().filter(way).collect();
    assert_eq!(ways.len(), 2, "{log}");
    let shown = format!("proxy=\"{} (proxy_url)\" certificate_authorities=\"of {ca} (ca_file)\"", tunnel.address);
    assert!(ways.iter().any(|line| line.contains(&shown) && line.contains("organisations=2")), "{ways:#?}");
    assert!(ways.iter().any(|line| line.contains("proxy=none ") && line.contains("organisations=1")), "{ways:#?}");
    assert!(!log.contains("hunter"), "{log}");
}

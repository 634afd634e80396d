//! The exporter listens on both families of addresses, and the health check finds it.
//!
//! Not a system without IPv6 (`src/server/listen.rs`), and not what a request may see (`local`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpStream;

use crate::signals::Running;
use crate::support::program;

/// A demo that listens there, on a port that the system chooses.
async fn demo(listen: &str) -> (Running, u16) {
    let mut command = program();
    command.args(["demo", "--web.listen-address", listen]).stdout(std::process::Stdio::null());
    let running = Running::start(command, tempfile::tempdir().expect("a folder"));
    let address: SocketAddr = running.address().await.parse().expect("an address");
    (running, address.port())
}

/// Whether a connection to this address is accepted.
async fn accepts(ip: impl Into<IpAddr>, port: u16) -> bool {
    TcpStream::connect((ip.into(), port)).await.is_ok()
}

fn has_ipv6() -> bool {
    std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_without_host_listens_on_both_families_and_the_health_check_finds_each_address() {
    let ipv6 = has_ipv6();
    for (listen, on_ipv4, on_ipv6) in [
        (":0", true, true),
        ("[::]:0", true, true),
        ("0.0.0.0:0", true, false),
        ("[::1]:0", false, true),
        ("127.0.0.1:0", true, false),
        ("[::ffff:127.0.0.1]:0", true, false),
    ] {
        if !ipv6 && listen.contains("::1") {
            continue;
        }
        let (_running, port) = demo(listen).await;
        assert_eq!(accepts(Ipv4Addr::LOCALHOST, port).await, on_ipv4, "{listen}");
        if ipv6 {
            assert_eq!(accepts(Ipv6Addr::LOCALHOST, port).await, on_ipv6, "{listen}");
        }
        let of_port = listen.strip_suffix('0').expect("port 0");
        // Without certificates: a plain address needs none.
        let check = program()
            .args(["healthcheck", "--web.listen-address", &format!("{of_port}{port}")])
            .env("SSL_CERT_FILE", "/dev/null")
            .output()
            .expect("it runs");
        assert!(check.status.success(), "{listen}: {}", String::from_utf8_lossy(&check.stderr));
    }
}

#[test]
fn the_image_and_the_manifests_listen_on_both_families() {
    for (file, setting) in [
        ("Dockerfile", "GENESYSCLOUD_OAUTH_EXPORTER_WEB_LISTEN_ADDRESS=:9847"),
        ("deploy/kubernetes/base/statefulset.yaml", "value: \":9847\""),
        ("deploy/kubernetes/base/service.yaml", "ipFamilyPolicy: PreferDualStack"),
    ] {
        let text = std::fs::read_to_string(file).expect(file);
        assert!(text.contains(setting) && !text.contains("0.0.0.0"), "{file}");
    }
}

//! `healthcheck`: asks a running exporter whether it is healthy, for containers without a shell.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::args::HealthcheckArgs;
use super::console::{complain, say};
use super::exit::{CLEAN, FAILURE};
use super::prepare::refuse;
use crate::config::{Gathered, Settings};

/// Less than the 6 s that the Dockerfile's `HEALTHCHECK` allows, so that the reason for a timeout is printed.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The part of the answer that is read, in bytes. An exporter's answer is one line.
const LONGEST_ANSWER: usize = 4096;

pub(super) async fn run(args: &HealthcheckArgs, gathered: &Gathered) -> u8 {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => match Settings::listen_address(gathered) {
            Ok(address) => format!("http://{}/-/healthy", reachable(address)),
            Err(errors) => return refuse(&errors),
        },
    };
    match ask(&url).await {
        Ok(text) => {
            say(text.trim_end());
            CLEAN
        }
        Err(why) => {
            complain(format_args!("{url}: the health check failed: {why}"));
            FAILURE
        }
    }
}

async fn ask(url: &str) -> Result<String, String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().timeout(TIMEOUT).no_proxy();
    // Plain http needs no certificates, and reading those of the system can fail or block.
    let builder = if url.starts_with("http://") { builder.tls_certs_only([]) } else { builder };
    let client = builder.build().map_err(|error| error.to_string())?;
    let mut response = client.get(url).send().await.map_err(|error| root_cause(&error))?;
    let status = response.status();
    let mut body = Vec::new();
    while body.len() < LONGEST_ANSWER
        && let Some(chunk) = response.chunk().await.map_err(|error| root_cause(&error))?
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(LONGEST_ANSWER);
    let text = String::from_utf8_lossy(&body);
    if status.is_success() { Ok(text.into_owned()) } else { Err(format!("HTTP {status}: {}", text.trim_end())) }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}

/// The address to connect to: loopback if the exporter listens on every address. Then it listens on IPv4 in every case, and
/// containers often have no IPv6.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = address.ip().to_canonical();
    SocketAddr::new(if ip.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { ip }, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_is_reached_over_loopback() {
        for (listening, asked) in [
            ("0.0.0.0:9847", "127.0.0.1:9847"),
            ("[::]:9847", "127.0.0.1:9847"),
            ("[::ffff:0.0.0.0]:9847", "127.0.0.1:9847"),
            ("[::1]:9847", "[::1]:9847"),
            ("[::ffff:127.0.0.1]:9847", "127.0.0.1:9847"),
            ("[2001:db8::7]:9847", "[2001:db8::7]:9847"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("192.0.2.7:9847", "192.0.2.7:9847"),
        ] {
            assert_eq!(reachable(listening.parse().expect("an address")).to_string(), asked);
        }
    }
}

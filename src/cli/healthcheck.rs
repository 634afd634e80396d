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
    let urls = match &args.url {
        Some(url) => vec![url.clone()],
        None => match Settings::listen_addresses(gathered) {
            Ok((addresses, has_web_config)) => urls(&addresses, has_web_config),
            Err(errors) => return refuse(&errors),
        },
    };
    let mut failures = Vec::new();
    let asking = async {
        for url in &urls {
            match ask(url, args.url.is_none()).await {
                Ok(text) => return Some(text),
                Err(why) => failures.push(format!("{url}: the health check failed: {why}")),
            }
        }
        None
    };
    if let Ok(Some(text)) = tokio::time::timeout(TIMEOUT, asking).await {
        say(text.trim_end());
        return CLEAN;
    }
    if failures.is_empty() {
        failures.extend(urls.iter().map(|url| format!("{url}: there was no answer within {} s", TIMEOUT.as_secs())));
    }
    for failure in failures {
        complain(failure);
    }
    FAILURE
}

/// The URLs to ask, one after the other. With a web configuration, the exporter may speak TLS or not: what it was started with decides, and
/// the file may have changed since.
fn urls(addresses: &[SocketAddr], has_web_config: bool) -> Vec<String> {
    let on_loopback = |address: &&SocketAddr| reachable(**address).ip().is_loopback();
    let Some(address) = addresses.iter().find(on_loopback).or_else(|| addresses.first()) else { return Vec::new() };
    let schemes = if has_web_config { &["https", "http"][..] } else { &["http"] };
    schemes.iter().map(|scheme| format!("{scheme}://{}/-/healthy", reachable(*address))).collect()
}

async fn ask(url: &str, is_default: bool) -> Result<String, String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().timeout(TIMEOUT).no_proxy();
    let is_own_machine = url.parse::<url::Url>().is_ok_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    });
    // Plain http needs no certificates, and reading those of the system can fail or block. On this machine any certificate is accepted: it
    // is for the name that others use, and nothing is sent that must stay secret.
    let builder = if url.starts_with("http://") || is_own_machine || is_default {
        builder.tls_certs_only([]).tls_danger_accept_invalid_certs(true)
    } else {
        builder
    };
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
    fn an_address_on_this_machine_is_preferred_and_tls_is_tried_first_if_there_can_be_any() {
        let parsed = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect::<Vec<_>>();
        for (addresses, has_web_config, expected) in [
            (&["192.0.2.7:1", "[::]:2"][..], false, &["http://127.0.0.1:2/-/healthy"][..]),
            (&["192.0.2.7:1", "[::1]:2"], false, &["http://[::1]:2/-/healthy"]),
            (&["192.0.2.7:1"], true, &["https://192.0.2.7:1/-/healthy", "http://192.0.2.7:1/-/healthy"]),
        ] {
            assert_eq!(urls(&parsed(addresses), has_web_config), expected);
        }
    }

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

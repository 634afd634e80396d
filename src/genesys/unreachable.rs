//! What a failed connection means and what to do about it: which host, through which proxy, the chain of causes, and advice.
//!
//! `tls` explains failed handshakes.

use std::error::Error;
use std::io;

use super::authorities::Authorities;
use super::proxy::Via;
use super::redact::printable;
use super::tls;

/// The sentence about a request that had no answer. It contains no URL, only host and port.
pub(super) fn explain(error: &reqwest::Error, host: &str, via: Option<&Via>, authorities: &Authorities) -> String {
    // Behind a proxy, an answer that breaks off is as likely to be the fault of the host.
    let through = via.filter(|_| error.is_connect()).map(ToString::to_string).unwrap_or_default();
    if let Some(explanation) = tls::explain(error, host, authorities) {
        return format!("{explanation}{through}");
    }
    let causes = printable(&causes(error));
    let advice = if error.is_connect() { advice_on_connect(error, &causes, via) } else { ADVICE_ON_ANSWER };
    format!("cannot reach {host}{through}: {causes}; {advice}")
}

const ADVICE_ON_ANSWER: &str =
    "the connection broke before the answer was complete; check what is between the exporter and the platform";

fn advice_on_connect(error: &reqwest::Error, causes: &str, via: Option<&Via>) -> &'static str {
    let kind = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    // The proxy answers, but there is no tunnel.
    let is_tunnel = causes.contains("tunnel error") && !causes.contains("underlying connection");
    match kind {
        _ if is_tunnel && causes.contains("authorization") => {
            "the proxy wants a user name and a password; add them to its URL, with special characters encoded with %, or name a \
             file with the password in --genesys.proxy-password-file"
        }
        _ if is_tunnel => {
            "the proxy does not connect to this host; let it, or name the host in NO_PROXY if it must be called directly"
        }
        _ if causes.contains("dns error") && via.is_some() => {
            "the name of the proxy cannot be resolved; check its URL and the DNS of this machine"
        }
        _ if causes.contains("dns error") => {
            "the name cannot be resolved; check the region or the URL, and the DNS of this machine"
        }
        Some(io::ErrorKind::ConnectionRefused) if via.is_some() => {
            "nothing listens at the address of the proxy; check its URL"
        }
        Some(io::ErrorKind::ConnectionRefused) => {
            "nothing listens there, or a firewall rejects it; check the URL, and whether this network needs a proxy"
        }
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            "there is no route to it; check the network of this machine, and whether it needs a proxy"
        }
        _ => "check the URL, the network, and whether it needs a proxy",
    }
}

/// The causes below the outermost messages, which only repeat the URL and the kind of the error.
fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut last: &(dyn Error + 'static) = error;
    for cause in chain(error).skip(1) {
        // Below an error of HTTP/2 is text of the peer (the debug data of GOAWAY), which could be an echo of the request.
        if last.is::<hyper::Error>() && !cause.is::<io::Error>() {
            break;
        }
        let text = cause.to_string();
        if !text.starts_with("client error (") && !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        last = cause;
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |error| (*error).source())
}

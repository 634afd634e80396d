//! Decides which requests may see details or trigger a reload.
//!
//! This is not authentication; there is none yet. Details and the report show which clients have the most privileges.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{Request, Uri};

use super::Config;

/// The reason why details are hidden from this request; `None` if they are shown.
///
/// They are shown on loopback or with `--web.expose-report`. On loopback, the request must also name a loopback host.
/// Otherwise a web page could resolve a name of its own to 127.0.0.1 and read the report through the browser of a visitor
/// (DNS rebinding).
pub(super) fn details_closed<B>(config: &Config, bound: SocketAddr, request: &Request<B>) -> Option<&'static str> {
    if config.expose_report {
        return None;
    }
    if !bound.ip().to_canonical().is_loopback() {
        return Some(
            "Details are hidden because they show which clients have the most privileges. To see them, listen on a \
             loopback address, or start the exporter with --web.expose-report.",
        );
    }
    if !names_loopback(request.uri(), request.headers()) {
        return Some(
            "Details are hidden because the request names a host that is not loopback, which a malicious web page can do \
             through a browser. To see them, use localhost or 127.0.0.1 in the address, or start the exporter with \
             --web.expose-report.",
        );
    }
    None
}

/// Whether the request comes from a web page of another origin. Tools such as curl send no `Origin`.
pub(super) fn is_cross_site<B>(request: &Request<B>) -> bool {
    let host = request.headers().get(HOST).map(hyper::header::HeaderValue::as_bytes);
    request.headers().get(ORIGIN).is_some_and(|origin| {
        let origin = origin.as_bytes();
        let origin = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
        origin.is_none() || origin != host
    })
}

/// Whether every host that the request names, in its URI or its headers, is loopback. False if it names none.
fn names_loopback(uri: &Uri, headers: &HeaderMap) -> bool {
    let hosts = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let mut names = hosts.chain(uri.authority().map(Authority::as_str)).peekable();
    names.peek().is_some() && names.all(is_loopback)
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(bound: &str, expose_report: bool, uri: &str, hosts: &[&str]) -> bool {
        let bound: SocketAddr = bound.parse().expect("an address");
        let config = Config {
            listen_address: bound,
            telemetry_path: "/metrics".to_owned(),
            enable_lifecycle: false,
            expose_report,
            max_connections: 1,
        };
        let mut request = Request::get(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        details_closed(&config, bound, &request.body(()).expect("a request")).is_some()
    }

    #[test]
    fn details_need_a_loopback_address_and_host_name_or_the_flag() {
        for (bound, expose, uri, hosts, expected) in [
            ("127.0.0.1:9847", false, "/", &["localhost:9847"][..], false),
            ("127.0.0.1:9847", false, "/", &["LOCALHOST"], false),
            ("127.0.0.1:9847", false, "/", &["127.0.0.1:9847"], false),
            ("127.9.9.9:9847", false, "/", &["127.9.9.9:9847"], false),
            ("[::1]:9847", false, "/", &["[::1]:9847"], false),
            ("[::ffff:127.0.0.1]:9847", false, "/", &["localhost"], false),
            ("0.0.0.0:9847", false, "/", &["localhost:9847"], true),
            ("[::]:9847", false, "/", &["localhost:9847"], true),
            ("10.0.0.7:9847", false, "/", &["localhost:9847"], true),
            ("10.0.0.7:9847", true, "/", &["exporter.example.com"], false),
            ("127.0.0.1:9847", false, "/", &["rebound.example.com:9847"], true),
            ("127.0.0.1:9847", false, "/", &["127.0.0.1.example.com"], true),
            ("127.0.0.1:9847", false, "/", &["localhost.example.com"], true),
            ("127.0.0.1:9847", false, "/", &["localhost@example.com"], true),
            ("127.0.0.1:9847", false, "/", &["10.0.0.7:9847"], true),
            ("127.0.0.1:9847", false, "/", &["localhost", "example.com"], true),
            ("127.0.0.1:9847", false, "http://example.com/", &["localhost"], true),
            ("127.0.0.1:9847", false, "/", &[], true),
            ("127.0.0.1:9847", false, "/", &[""], true),
            ("127.0.0.1:9847", true, "/", &["rebound.example.com"], false),
        ] {
            assert_eq!(closed(bound, expose, uri, hosts), expected, "{bound} {uri} {hosts:?}");
        }
    }

    #[test]
    fn a_web_page_of_another_origin_is_cross_site_and_a_tool_is_not() {
        for (origin, expected) in [
            (None, false),
            (Some("http://localhost:9847"), false),
            (Some("https://localhost:9847"), false),
            (Some("http://localhost:3000"), true),
            (Some("https://example.com"), true),
            (Some("null"), true),
        ] {
            let mut request = Request::post("/-/reload").header(HOST, "localhost:9847");
            if let Some(origin) = origin {
                request = request.header(ORIGIN, origin);
            }
            assert_eq!(is_cross_site(&request.body(()).expect("a request")), expected, "{origin:?}");
        }
    }
}

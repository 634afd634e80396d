//! Decides what a request may see and do, from where it comes and what it names. One check for all routes.
//!
//! This is not authentication (`web`): whoever has a password or a verified client certificate may see and do everything, and is not
//! asked here. Nothing else that a request says opens anything: a header can only close.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{Request, Uri, Version};

use super::Config;

/// What a request may see and do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everything.
    Open,
    /// Everything except details, for this reason: the listener is open to other machines.
    WithoutDetails(&'static str),
    /// Metrics and health only, for this reason: the request may come from another machine through a proxy.
    Forwarded(&'static str),
    /// Nothing, for this reason.
    Refused(&'static str),
}

impl Access {
    /// The reason why details of the pages and the report are hidden; `None` if they are shown.
    pub(super) fn details_closed(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::WithoutDetails(reason) | Self::Forwarded(reason) | Self::Refused(reason) => Some(reason),
        }
    }

    /// The reason why the request may not reload, unless a browser sends it; `None` if it may.
    pub(super) fn reload_closed(self) -> Option<&'static str> {
        match self {
            Self::Open | Self::WithoutDetails(_) => None,
            Self::Forwarded(reason) | Self::Refused(reason) => Some(reason),
        }
    }
}

const OFF_LOOPBACK: &str = "Details are hidden because they show which clients have the most privileges. To see them, \
    protect the port with passwords or client certificates (--web.config.file), listen on a loopback address, or start the exporter \
    with --web.expose-report.";
const FOREIGN_HOST: &str = "Refused, because the exporter listens on loopback and the request names a host that is not \
    loopback. A malicious web page can send such requests through a browser on this machine. Use localhost or 127.0.0.1 in the \
    address. To serve the exporter under another name, start it with --web.expose-report, which also opens the details and the \
    report.";
const THROUGH_PROXY: &str = "Details are hidden because the request came through a proxy, so it may come from another machine, \
    and they show which clients have the most privileges. Metrics and health are served. To see details, connect to the exporter \
    directly. To open them to everyone who can use the proxy, start the exporter with --web.expose-report.";

const FROM_BROWSER: &str = "Refused, because the request comes from a browser (it has an Origin or a Sec-Fetch header), and a \
    malicious web page can send such requests. Reload with a tool such as curl, or send SIGHUP.";

/// What this request from `peer` may see and do.
///
/// With `--web.expose-report`, everything. On a loopback listener, a request must name a loopback host: otherwise a web page could
/// resolve a name of its own to 127.0.0.1 and use the exporter through the browser of a visitor (DNS rebinding). The script of such
/// a page can add headers, so no header makes a request local.
pub(super) fn of<B>(config: &Config, bound: SocketAddr, peer: SocketAddr, request: &Request<B>) -> Access {
    if config.expose_report {
        return Access::Open;
    }
    if !is_loopback(bound.ip()) {
        return Access::WithoutDetails(OFF_LOOPBACK);
    }
    if !names_loopback(request.uri(), request.headers()) {
        return Access::Refused(FOREIGN_HOST);
    }
    // A rule of the packet filter can redirect other machines to a loopback address.
    if !is_loopback(peer.ip()) || is_forwarded(request) {
        return Access::Forwarded(THROUGH_PROXY);
    }
    Access::Open
}

/// Headers that proxies and content delivery networks add, besides those that start with one of `FORWARDING_PREFIXES`. The value
/// does not matter, because a proxy can leave it empty. `_` counts as `-`, because CGI gateways treat them alike.
const FORWARDING: [&str; 28] = [
    "forwarded",
    "forwarded-for",
    "via",
    "cdn-loop",
    "client-ip",
    "fastly-client-ip",
    "front-end-https",
    "max-forwards",
    "proxy-client-ip",
    "proxy-connection",
    "remote-addr",
    "remote-user",
    "surrogate-capability",
    "true-client-ip",
    "wl-proxy-client-ip",
    "x-amzn-trace-id",
    "x-appengine-user-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-nginx-proxy",
    "x-originating-ip",
    "x-proxyuser-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-remote-user",
    "x-request-id",
    "x-scheme",
];
const FORWARDING_PREFIXES: [&str; 10] = [
    "x-forwarded",
    "x-real-",
    "x-original-",
    "x-rewrite-",
    "x-envoy-",
    "x-arr-",
    "x-azure-",
    "x-auth-request-",
    "tailscale-user-",
    "cf-",
];

/// Whether anything suggests that a proxy forwarded the request.
///
/// HTTP/1.0 does: browsers and curl do not use it, but nginx does towards the servers behind it unless it is configured otherwise,
/// and adds none of the headers.
fn is_forwarded<B>(request: &Request<B>) -> bool {
    request.version() < Version::HTTP_11 || request.headers().keys().any(is_forwarding)
}

fn is_forwarding(name: &HeaderName) -> bool {
    // The name of a parsed header is lower case.
    let name = name.as_str().replace('_', "-");
    FORWARDING.contains(&name.as_str()) || FORWARDING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The reason why a request may not reload that a browser sends: tools such as curl and the reloaders of Kubernetes send none of these
/// headers, and no page of the exporter reloads. The origin is not compared with the host: a web page that resolves its own name to
/// the exporter's address (DNS rebinding) sends the same in both.
pub(super) fn from_browser<B>(request: &Request<B>) -> Option<&'static str> {
    let is_of_browser = |name: &HeaderName| *name == ORIGIN || name.as_str().starts_with("sec-fetch-");
    request.headers().keys().any(is_of_browser).then_some(FROM_BROWSER)
}

/// Whether every host that the request names, in its URI or its headers, is loopback. False if it names none.
fn names_loopback(uri: &Uri, headers: &HeaderMap) -> bool {
    let hosts = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let mut names = hosts.chain(uri.authority().map(Authority::as_str)).peekable();
    names.peek().is_some() && names.all(is_loopback_host)
}

fn is_loopback_host(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback)
}

/// Also for an IPv4 address in its IPv6 form.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::super::WebConfig;
    use super::*;

    const BOUND: &str = "127.0.0.1:9847";

    fn access(bound: &str, peer: &str, expose_report: bool, request: &Request<()>) -> Access {
        let bound: SocketAddr = bound.parse().expect("an address");
        let config = Config {
            listen_addresses: vec![bound],
            web: WebConfig::absent().expect("random numbers").into(),
            telemetry_path: "/metrics".to_owned(),
            enable_lifecycle: false,
            expose_report,
            max_connections: 1,
        };
        of(&config, bound, peer.parse().expect("an address"), request)
    }

    fn request(uri: &str, headers: &[(&str, &str)]) -> Request<()> {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        request.body(()).expect("a request")
    }

    #[test]
    fn a_loopback_listener_answers_only_requests_that_name_loopback() {
        let hidden = Access::WithoutDetails(OFF_LOOPBACK);
        let refused = Access::Refused(FOREIGN_HOST);
        for (bound, expose, uri, hosts, expected) in [
            (BOUND, false, "/", &["localhost:9847"][..], Access::Open),
            (BOUND, false, "/", &["LOCALHOST"], Access::Open),
            (BOUND, false, "/", &["127.0.0.1:9847"], Access::Open),
            (BOUND, false, "http://localhost:9847/", &["localhost:9847"], Access::Open),
            ("127.9.9.9:9847", false, "/", &["127.9.9.9:9847"], Access::Open),
            ("[::1]:9847", false, "/", &["[::1]:9847"], Access::Open),
            ("[::1]:9847", false, "/", &["[::ffff:127.0.0.1]:9847"], Access::Open),
            ("[::ffff:127.0.0.1]:9847", false, "/", &["localhost"], Access::Open),
            ("0.0.0.0:9847", false, "/", &["localhost:9847"], hidden),
            ("[::]:9847", false, "/", &["localhost:9847"], hidden),
            ("10.0.0.7:9847", false, "/", &["localhost:9847"], hidden),
            ("10.0.0.7:9847", false, "/", &["exporter.example.com"], hidden),
            ("10.0.0.7:9847", true, "/", &["exporter.example.com"], Access::Open),
            (BOUND, false, "/", &["rebound.example.com:9847"], refused),
            (BOUND, false, "/", &["127.0.0.1.example.com"], refused),
            (BOUND, false, "/", &["localhost.example.com"], refused),
            (BOUND, false, "/", &["localhost."], refused),
            (BOUND, false, "/", &["localhost@example.com"], refused),
            (BOUND, false, "/", &["10.0.0.7:9847"], refused),
            (BOUND, false, "/", &["0.0.0.0:9847"], refused),
            (BOUND, false, "/", &["2130706433"], refused),
            (BOUND, false, "/", &["localhost", "example.com"], refused),
            (BOUND, false, "/", &["localhost, example.com"], refused),
            (BOUND, false, "http://example.com/", &["localhost"], refused),
            (BOUND, false, "/", &[], refused),
            (BOUND, false, "/", &[""], refused),
            (BOUND, true, "/", &["rebound.example.com"], Access::Open),
        ] {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            let actual = access(bound, "127.0.0.1:4000", expose, &request(uri, &headers));
            assert_eq!(actual, expected, "{bound} {uri} {hosts:?}");
        }
    }

    #[test]
    fn a_forwarded_request_is_not_local_and_no_header_makes_a_request_local() {
        for (name, value) in [
            ("Forwarded", "for=192.0.2.1"),
            ("forwarded", ""),
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-FORWARDED-HOST", "localhost"),
            ("x-forwarded-proto", "https"),
            ("X-Forwarded-Port", "443"),
            ("X-Forwarded-Server", "localhost"),
            ("X-Forwarded-Prefix", "/exporter"),
            ("X-Forwarded", ""),
            ("X_Forwarded_For", "192.0.2.1"),
            ("Forwarded-For", "192.0.2.1"),
            ("X-Real-IP", ""),
            ("Via", "1.1 proxy"),
            ("CF-Connecting-IP", "192.0.2.1"),
            ("CF-Ray", "1"),
            ("CDN-Loop", "cdn"),
            ("True-Client-IP", "192.0.2.1"),
            ("X-Client-IP", "192.0.2.1"),
            ("X-Cluster-Client-IP", "192.0.2.1"),
            ("X-Original-Forwarded-For", "192.0.2.1"),
            ("X-Original-URL", "/"),
            ("X-Rewrite-URL", "/"),
            ("X-Envoy-External-Address", "192.0.2.1"),
            ("X-Request-ID", "1"),
            ("X-Amzn-Trace-Id", "1"),
            ("X-ARR-LOG-ID", "1"),
            ("X-Azure-ClientIP", "192.0.2.1"),
            ("X-Appengine-User-IP", "192.0.2.1"),
            ("X-Auth-Request-User", "x"),
            ("Remote-User", "x"),
            ("X-Remote-User", "x"),
            ("Tailscale-User-Login", "x"),
            ("Max-Forwards", "10"),
            ("Proxy-Connection", "keep-alive"),
            ("Surrogate-Capability", "x"),
            ("X-Nginx-Proxy", "true"),
            ("X-Originating-IP", "192.0.2.1"),
        ] {
            let local = access(BOUND, "127.0.0.1:4000", false, &request("/", &[("host", "localhost"), (name, value)]));
            assert_eq!(local, Access::Forwarded(THROUGH_PROXY), "{name}");
            assert!(local.details_closed().is_some() && local.reload_closed().is_some());
            let rebound = request("/", &[("host", "rebound.example.com"), (name, "127.0.0.1")]);
            assert_eq!(access(BOUND, "127.0.0.1:4000", false, &rebound), Access::Refused(FOREIGN_HOST), "{name}");
            let exposed = request("/", &[("host", "exporter.example.com"), (name, value)]);
            assert_eq!(access(BOUND, "127.0.0.1:4000", true, &exposed), Access::Open, "{name}");
            let elsewhere = access("0.0.0.0:9847", "192.0.2.1:4000", false, &exposed);
            assert_eq!(elsewhere, Access::WithoutDetails(OFF_LOOPBACK), "{name}");
        }
        for name in ["Accept", "User-Agent", "X-Prometheus-Scrape-Timeout-Seconds", "Traceparent", "Cache-Control"] {
            let plain = request("/", &[("host", "localhost"), (name, "1")]);
            assert_eq!(access(BOUND, "127.0.0.1:4000", false, &plain), Access::Open, "{name}");
        }
    }

    #[test]
    fn an_old_protocol_or_a_peer_elsewhere_is_a_sign_of_a_proxy() {
        let mut old = request("/", &[("host", "127.0.0.1:9847")]);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(access(BOUND, "127.0.0.1:4000", false, &old), Access::Forwarded(THROUGH_PROXY));
        let plain = request("/", &[("host", "localhost")]);
        for (peer, expected) in [
            ("127.0.0.1:4000", Access::Open),
            ("[::ffff:127.0.0.1]:4000", Access::Open),
            ("192.0.2.1:4000", Access::Forwarded(THROUGH_PROXY)),
            ("[2001:db8::1]:4000", Access::Forwarded(THROUGH_PROXY)),
        ] {
            assert_eq!(access(BOUND, peer, false, &plain), expected, "{peer}");
        }
    }

    #[test]
    fn a_browser_cannot_reload_whatever_its_origin_and_a_tool_can() {
        for (headers, expected) in [
            (&[][..], false),
            (&[("user-agent", "curl/8.5.0"), ("content-type", "text/plain")], false),
            (&[("sec-fetch", "1"), ("x-origin", "1")], false),
            (&[("origin", "http://localhost:9847")], true),
            (&[("origin", "https://example.com")], true),
            (&[("Origin", "null")], true),
            (&[("origin", "")], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("Sec-Fetch-Site", "none")], true),
            (&[("sec-fetch-mode", "navigate")], true),
            (&[("sec-fetch-dest", "")], true),
            (&[("sec-fetch-user", "?1")], true),
        ] {
            let headers = [&[("host", "localhost:9847")], headers].concat();
            assert_eq!(from_browser(&request("/-/reload", &headers)).is_some(), expected, "{headers:?}");
        }
    }
}

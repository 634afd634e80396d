//! Parses the address that the server listens on, and paths.
//!
//! Not the sockets (`server`).

use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};

use super::error::quoted;

/// The largest number of addresses.
const MOST_ADDRESSES: usize = 16;

/// Parses addresses that are separated by commas.
pub(crate) fn listen_addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    let mut addresses = Vec::new();
    for part in text.split(',').map(str::trim) {
        let address = listen_address(part)?;
        if addresses.contains(&address) && address.port() != 0 {
            return Err(format!("{} is named twice; remove one of them", quoted(part)));
        }
        addresses.push(address);
    }
    if addresses.len() > MOST_ADDRESSES {
        return Err(format!("there are more than {MOST_ADDRESSES} addresses; use for example :9847 for every address"));
    }
    Ok(addresses)
}

/// Parses `host:port`, `[v6]:port`, or `:port` for every address, IPv4 and IPv6.
///
/// A host name is resolved here. IPv4 is preferred: `localhost` has both, and most Prometheus configurations use IPv4.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let wrong = |why: &str| format!("{} {why}; use for example 127.0.0.1:9847, :9847 or [::]:9847", quoted(text));
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    let Some((host, port)) = text.rsplit_once(':') else { return Err(wrong("has no port")) };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.is_empty() {
        return Err(wrong("has no port"));
    }
    let Ok(port) = port.parse::<u16>() else { return Err(wrong("has a port above 65535")) };
    if host.is_empty() {
        return Ok((Ipv6Addr::UNSPECIFIED, port).into());
    }
    if host.contains([':', '/', '@']) || host.contains(char::is_whitespace) {
        return Err(wrong("is not an address"));
    }
    let addresses: Vec<SocketAddr> = match (host, port).to_socket_addrs() {
        Ok(found) => found.collect(),
        Err(error) => return Err(wrong(&format!("cannot be resolved: {error}"))),
    };
    let first = addresses.iter().find(|address| address.is_ipv4()).or_else(|| addresses.first());
    first.copied().ok_or_else(|| wrong("resolves to no address"))
}

/// Parses the path of the metrics, which must not be one of the server's other routes.
pub(crate) fn telemetry_path(text: &str) -> Result<String, String> {
    plain_path(text)?;
    let first = text.split('/').nth(1).unwrap_or_default();
    if text.ends_with('/') {
        return Err(format!("{} must not end with a slash; use for example /metrics", quoted(text)));
    }
    if matches!(first, "api" | "-" | "clients" | "findings" | "rules" | "runbooks") {
        return Err(format!(
            "{} is the path of another route; use a path other than /, /api/..., /-/..., /clients..., /findings, /rules... and /runbooks...",
            quoted(text)
        ));
    }
    Ok(text.to_owned())
}

/// Parses an absolute path without query, fragment, and empty or dotted segments.
pub(crate) fn plain_path(text: &str) -> Result<String, String> {
    let Some(rest) = text.strip_prefix('/') else { return Err(format!("{} must start with a slash", quoted(text))) };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if !rest.bytes().all(legal) {
        return Err(format!("{} may contain only letters, digits and - . _ ~ /", quoted(text)));
    }
    let odd = |segment: &str| matches!(segment, "." | "..");
    if rest.split('/').any(odd) || text.contains("//") {
        return Err(format!("{} must not contain //, /./ or /../", quoted(text)));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_host() {
        for (text, expected) in [
            ("127.0.0.1:9847", "127.0.0.1:9847"),
            (":9847", "[::]:9847"),
            ("[::]:9847", "[::]:9847"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("localhost:9847", "127.0.0.1:9847"),
        ] {
            assert_eq!(listen_address(text).map(|address| address.to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn several_addresses_are_separated_by_commas_and_none_is_named_twice() {
        let shown = |text: &str| {
            let addresses = listen_addresses(text)?;
            Ok::<_, String>(addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(shown(":9847").as_deref(), Ok("[::]:9847"));
        assert_eq!(
            shown("127.0.0.1:9847, [::1]:9847,10.0.0.7:1").as_deref(),
            Ok("127.0.0.1:9847 [::1]:9847 10.0.0.7:1")
        );
        assert_eq!(shown("127.0.0.1:0,127.0.0.1:0").as_deref(), Ok("127.0.0.1:0 127.0.0.1:0"), "two ports");
        for (text, expected) in [
            ("127.0.0.1:9847,localhost:9847", "\"localhost:9847\" is named twice"),
            ("127.0.0.1:9847,", "\"\" has no port"),
            (",", "\"\" has no port"),
            (&vec!["127.0.0.1:0"; 17].join(","), "more than 16 addresses"),
        ] {
            let error = listen_addresses(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn bad_addresses_come_with_examples() {
        for text in
            ["", "9847", "localhost", "127.0.0.1:", "127.0.0.1:65536", ":x", "::1:9847", "http://a:1", "a b:1", ":+1"]
        {
            let error = listen_address(text).expect_err(text);
            assert!(error.contains("use for example 127.0.0.1:9847"), "{text}: {error}");
        }
    }

    #[test]
    fn the_telemetry_path_must_not_be_another_route() {
        for text in ["/metrics", "/a/metrics", "/clientele", "/apis", "/-x"] {
            assert_eq!(telemetry_path(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "metrics",
            "/",
            "/metrics/",
            "/api",
            "/api/v1/report",
            "/-",
            "/-/healthy",
            "/clients",
            "/clients/x",
            "/findings",
            "/rules",
            "/runbooks/x",
            "//m",
            "/a/../-/x",
            "/m?x",
            "/m#x",
            "/m m",
            "/mé",
            "/%2d",
        ] {
            assert!(telemetry_path(text).is_err(), "{text}");
        }
    }
}

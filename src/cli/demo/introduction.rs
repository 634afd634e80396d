//! What `demo` prints about the addresses, however many organisations there are.

use std::net::SocketAddr;

use crate::cli::console::say;
use crate::cli::healthcheck;

/// Prints the addresses. `home` says what `/` is.
pub(super) fn introduce(home: &str, address: SocketAddr, scheme: &str) {
    let url = format!("{scheme}://{}", healthcheck::reachable(address));
    say(format_args!("  {home:<13} {url}/"));
    say(format_args!("  metrics       {url}/metrics"));
    say(format_args!("  report        {url}/api/v1/report\n"));
    if !address.ip().to_canonical().is_loopback() {
        say(
            "The details of the page and the report are served only on loopback; --web.expose-report serves them on any \
             address.\n",
        );
    }
    say("Stop it with Ctrl-C.");
}

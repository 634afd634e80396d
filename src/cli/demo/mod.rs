//! `demo`: runs the exporter against simulated organisations, one or several.
//!
//! Not how the exporter runs (`serve`), and not the organisations themselves (`simulator`).

mod files;
mod one;
mod several;
mod story;

use std::net::SocketAddr;

use clap::Args;

use super::console::say;
use super::healthcheck;
use crate::config::Gathered;

/// The largest number of organisations.
const MOST: u16 = 200;

/// The flags of `demo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct DemoArgs {
    /// The number of simulated organisations, at most 200.
    ///
    /// Several have their own sizes and stories, and are configured by a file as with --config.file.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST)))]
    pub organisations: u16,
}

/// Runs the exporter against simulated organisations that change over time. `given` are the settings that were given as flags.
pub(super) async fn demo(args: DemoArgs, gathered: &Gathered, given: &[(String, String)]) -> u8 {
    match args.organisations {
        0 | 1 => one::run(gathered).await,
        number => several::run(number, given).await,
    }
}

/// Prints the addresses. `home` says what `/` is.
fn introduce(home: &str, address: SocketAddr, scheme: &str) {
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

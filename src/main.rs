//! The process: hand the command line over, give the exit code back.

use std::process::ExitCode;

fn main() -> ExitCode {
    genesyscloud_oauth_exporter::cli::run(std::env::args_os())
}

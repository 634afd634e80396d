//! The program: passes the command line to `cli` and returns the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    genesyscloud_oauth_exporter::cli::run(std::env::args_os())
}

//! The program: passes the command line to `cli` and returns the exit code.

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Overwrites memory when it is freed. Records of clients can contain a secret, and the buffers of the HTTP and TLS libraries through which
/// they pass are not overwritten by their owners.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    genesyscloud_oauth_exporter::cli::run(std::env::args_os())
}

//! The program: passes the command line to `cli` and returns the exit code.

use std::process::ExitCode;

use dlmalloc::GlobalDlmalloc;
use zeroizing_alloc::ZeroAlloc;

/// One heap, which returns freed memory to the system. The allocator of glibc keeps a heap for each thread, so memory that a refresh
/// used stays with the thread that ran it: docs/performance.md has the figures.
///
/// Overwrites memory when it is freed. Records of clients can contain a secret, and the buffers of the HTTP and TLS libraries through which
/// they pass are not overwritten by their owners.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<GlobalDlmalloc> = ZeroAlloc(GlobalDlmalloc);

fn main() -> ExitCode {
    genesyscloud_oauth_exporter::cli::run(std::env::args_os())
}

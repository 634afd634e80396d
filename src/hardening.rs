//! Keeps the memory of the process, which contains the secret, from other processes of the same user and from core dumps.
//!
//! Not what an administrator can read: root can trace every process.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Prevents core dumps and tracing. Call it before secrets are read; a second call changes nothing.
///
/// Without `PR_SET_DUMPABLE`, every process of the same user can read the memory and the environment of this one in `/proc`. It also
/// prevents core dumps that the kernel pipes to a program, which no limit prevents.
pub fn protect() -> Result<(), String> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| format!("the process can be traced by its own user: PR_SET_DUMPABLE: {error}"))?;
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if getrlimit(Resource::Core) == none {
        return Ok(());
    }
    setrlimit(Resource::Core, none)
        .map_err(|error| format!("core dumps are limited by the system only: RLIMIT_CORE: {error}"))
}

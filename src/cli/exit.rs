//! The exit codes of the subcommands, the same for every output format.
//!
//! Code 4 is a failure to start or to run that is neither the usage (2) nor the audit (3), such as a port in use or a
//! dead task.

/// The command did its work, and found nothing that fails it.
pub(super) const CLEAN: u8 = 0;
/// There is drift from the baseline.
pub(super) const DRIFT: u8 = 1;
/// The usage, policy, baseline or configuration is invalid.
pub(super) const USAGE: u8 = 2;
/// The audit could not run, or the list of clients is incomplete.
pub(super) const INCOMPLETE: u8 = 3;
/// The exporter could not start or had to stop (a port in use, a dead task), or output could not be written.
pub(super) const FAILURE: u8 = 4;

//! Prometheus' and Alertmanager's own checkers.

use std::process::Command;

/// The promtool of the machine, and that of Prometheus 3, which `scripts/prometheus-3` installs.
pub(crate) const PROMTOOLS: [&str; 2] = ["promtool", "target/tools/prometheus-3/promtool"];

/// The output of a checker, and whether it succeeded.
pub(crate) struct Verdict {
    pub(crate) content: bool,
    pub(crate) said: String,
}

/// Runs `promtool` or `amtool`.
pub(crate) fn ask<S: AsRef<std::ffi::OsStr>>(tool: &str, arguments: impl IntoIterator<Item = S>) -> Verdict {
    let output = Command::new(tool).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{tool}: {error}; scripts/check installs it"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Verdict { content: output.status.success(), said: said.into_owned() }
}

/// Runs a checker, and panics if it fails.
pub(crate) fn must<S: AsRef<std::ffi::OsStr>>(tool: &str, arguments: impl IntoIterator<Item = S>) -> String {
    let verdict = ask(tool, arguments);
    assert!(verdict.content, "{tool} says:\n{}", verdict.said);
    verdict.said
}

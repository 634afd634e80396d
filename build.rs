//! Records the revision, target and compiler for `--version` and the build information.
//!
//! `GENESYSCLOUD_OAUTH_EXPORTER_REVISION` in the environment takes precedence over the git checkout, for builds outside of one.
//! Without both, the revision is `unknown` and the build succeeds.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=GENESYSCLOUD_OAUTH_EXPORTER_REVISION");
    println!("cargo::rerun-if-changed=build.rs");
    let revision = given("GENESYSCLOUD_OAUTH_EXPORTER_REVISION")
        .or_else(revision_of_checkout)
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=GENESYSCLOUD_OAUTH_EXPORTER_REVISION={revision}");
    let target = given("TARGET").unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=GENESYSCLOUD_OAUTH_EXPORTER_TARGET={target}");
    let rustc = given("RUSTC").unwrap_or_else(|| "rustc".to_owned());
    let version = output(&rustc, &["--version"]).unwrap_or_default();
    let version = version.split(' ').nth(1).unwrap_or("unknown").to_owned();
    println!("cargo::rustc-env=GENESYSCLOUD_OAUTH_EXPORTER_RUSTC={version}");
}

/// The commit of this checkout. An unpacked archive has none, even if it is inside another git repository.
fn revision_of_checkout() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    // A checkout changes HEAD, and a commit changes the log of HEAD. git knows their paths: in a worktree, `.git` is a file.
    // A path that does not exist would make cargo rebuild every time.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = output("git", &["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    output("git", &["rev-parse", "--short=12", "HEAD"])
}

fn given(variable: &str) -> Option<String> {
    std::env::var_os(variable)?.into_string().ok().filter(|value| !value.is_empty())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

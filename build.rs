//! Tells the binary which revision and which compiler it was built from.
//!
//! `GENESYSCLOUD_OAUTH_EXPORTER_REVISION` in the environment wins, for builds outside a git checkout.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=GENESYSCLOUD_OAUTH_EXPORTER_REVISION");
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/refs/heads");
    println!("cargo::rerun-if-changed=build.rs");
    let revision = std::env::var_os("GENESYSCLOUD_OAUTH_EXPORTER_REVISION")
        .and_then(|revision| revision.into_string().ok())
        .or_else(|| output("git", &["rev-parse", "--short=12", "HEAD"]))
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=GENESYSCLOUD_OAUTH_EXPORTER_REVISION={revision}");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = output(&rustc.to_string_lossy(), &["--version"]).unwrap_or_default();
    let version = version.split(' ').nth(1).unwrap_or("unknown").to_owned();
    println!("cargo::rustc-env=GENESYSCLOUD_OAUTH_EXPORTER_RUSTC={version}");
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

//! The program accepts the settings and policies in `deploy/kubernetes`.
//!
//! Not a test of the manifests: `scripts/check-kubernetes` builds and validates them.

use std::fs;
use std::process::Output;

use crate::support::program;

const STANDARD: &str = "deploy/kubernetes/overlays/standard";
/// The folder of policy and baseline in the pod.
const MOUNTED: &str = "/etc/genesyscloud-oauth-exporter";

/// `config check` with the variables of the pod, and policy and baseline from this repository.
fn config_check(settings: &str) -> Output {
    let here = settings.replace(MOUNTED, STANDARD);
    let lines = here.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    program()
        .args(["config", "check"])
        .envs(lines.map(|line| line.split_once('=').expect("NAME=value")))
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", "11111111-0000-4000-8000-000000000000")
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", "hunter2")
        .output()
        .expect("it runs")
}

#[test]
fn the_settings_of_the_overlay_are_valid() {
    let settings = fs::read_to_string(format!("{STANDARD}/settings.env")).expect("settings");
    assert!(settings.contains(MOUNTED), "the policy is read from where it is mounted");
    let output = config_check(&settings);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wrong = config_check(&settings.replace("policy.toml", "policies.toml"));
    assert_eq!(wrong.status.code(), Some(2), "a missing policy is reported");
}

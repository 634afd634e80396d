//! Closed pipes and full disks: every command that prints ends silently with 0 if nobody reads its output, and with 4 and the cause if
//! the output cannot be written.

use std::fs::OpenOptions;
use std::os::unix::fs::symlink;
use std::process::{Output, Stdio};

use genesyscloud_oauth_exporter::simulator::Simulator;
use tempfile::TempDir;

use crate::support::{QUICK_RETRIES, program_for, simulator, text};

/// Every command that prints and ends, in each of its formats. `CLIENT` stands for the id of a client.
const COMMANDS: &[&str] = &[
    "--help",
    "-h",
    "--version",
    "audit --help",
    "audit -h",
    "policy check --help",
    "completions bash",
    "completions zsh",
    "completions fish",
    "docs metrics",
    "docs settings",
    "docs rules",
    "docs policy-schema",
    "rules list",
    "rules list --format json",
    "rules explain dangerous-scope",
    "rules explain dangerous-scope --format json",
    "config check",
    "policy check",
    "policy check --live",
    "policy explain CLIENT",
    "policy explain CLIENT --all",
    "policy explain CLIENT --format json",
    "policy test-glob users*",
    "baseline diff",
    "baseline diff --format json",
    "baseline approve --all --by Kim --reason OPS-1 --dry-run",
    "baseline prune --dry-run --by Kim --reason OPS-1",
    "baseline show",
    "doctor",
    "doctor --format json",
    "audit",
    "audit --all",
    "audit --format json",
    "audit --format csv",
    "audit --format sarif",
    "audit --format markdown",
    "audit --format json --output csv=report.csv",
];

/// A simulated organisation that drifted from its baseline, and a folder in which the program runs.
struct World {
    simulator: Simulator,
    folder: TempDir,
    client: String,
}

impl World {
    async fn start() -> Self {
        let simulator = simulator().await;
        let folder = tempfile::tempdir().expect("a folder");
        let world = Self { simulator, folder, client: String::new() };
        let approved = world.run("baseline init --by Kim --reason OPS-1", Stdio::piped());
        assert_eq!(approved.status.code(), Some(0), "{}", text(&approved.stderr));
        let report = world.run("audit --format json --fail-on never", Stdio::piped());
        let report: serde_json::Value = serde_json::from_slice(&report.stdout).expect("JSON");
        let clients = report["organisations"][0]["clients"].as_array().expect("clients");
        let clean = clients.iter().find(|client| client["status"] == "COMPLIANT" && client["grant_type"] == "code");
        let client = clean.expect("one")["client_id"].as_str().expect("an id").to_owned();
        world.simulator.organisation().grant_scope(&client, "scim");
        Self { client, ..world }
    }

    fn run(&self, line: &str, stdout: impl Into<Stdio>) -> Output {
        let mut command = program_for(&self.simulator.url());
        command.envs([QUICK_RETRIES]).current_dir(self.folder.path());
        command.env("GENESYSCLOUD_OAUTH_EXPORTER_BASELINE_FILE", "baseline.json");
        command.args(line.split(' ').map(|word| if word == "CLIENT" { &*self.client } else { word }));
        command.stdout(stdout).output().expect("it runs")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_ends_silently_with_0_if_nobody_reads_its_output() {
    let world = World::start().await;
    for line in COMMANDS {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = world.run(line, writer);
        assert_eq!((output.status.code(), &*text(&output.stderr)), (Some(0), ""), "{line}");
    }
    assert!(world.folder.path().join("report.csv").exists(), "the files are written all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_ends_with_4_and_the_cause_if_its_output_cannot_be_written() {
    let world = World::start().await;
    for line in COMMANDS {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("a device of Linux");
        let output = world.run(line, full);
        let expected = "error: the output cannot be written to stdout: No space left on device (os error 28)\n";
        assert_eq!((output.status.code(), &*text(&output.stderr)), (Some(4), expected), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_file_on_a_full_disk_ends_with_4_and_the_cause() {
    let world = World::start().await;
    // Links, so that no mistake replaces the device of the machine.
    symlink("/dev/full", world.folder.path().join("full")).expect("a link");
    for flag in [
        "--output=table=full",
        "--output=json=full",
        "--output=csv=full",
        "--output=sarif=full",
        "--output=markdown=full",
        "--snapshot-out=full",
    ] {
        let output = world.run(&format!("audit {flag}"), Stdio::piped());
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{flag}: {errors}");
        assert!(errors.contains("full: ") && errors.contains("No space left on device"), "{flag}: {errors}");
        assert!(world.folder.path().join("full").is_symlink(), "{flag} does not replace a device");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_pipe_hides_no_other_failure() {
    let world = World::start().await;
    for (line, code) in [("rules explain nothing", 2), ("audit --output=json=no/such/folder.json", 4)] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = world.run(line, writer);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", text(&output.stderr));
    }
}

//! A byte order mark in each file that people write, as editors of Windows put it there.

use std::fs;
use std::path::Path;

use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Options, Simulator};

use crate::support::{QUICK_RETRIES, program};

const MARK: &str = "\u{feff}";

fn marked(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, format!("{MARK}{content}")).expect("writable");
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_order_mark_is_ignored_in_every_file_that_people_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    simulator.organisation().set_rate_limit(1_000_000);
    let url = simulator.url();
    let secret = marked(folder.path(), "secret", &format!("{DEFAULT_CLIENT_SECRET}\n"));
    let environment = format!(
        "GENESYSCLOUD_OAUTHCLIENT_ID={DEFAULT_CLIENT_ID}\nGENESYSCLOUD_OAUTHCLIENT_SECRET_FILE={secret}\n\
         GENESYSCLOUD_API_URL={url}\nGENESYSCLOUD_LOGIN_URL={url}\n"
    );
    let environment = marked(folder.path(), "exporter.env", &environment);
    let policy = marked(folder.path(), "policy.toml", "[rules.no-owner]\nenabled = false\n");
    let baseline = folder.path().join("baseline.json").display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = program();
        command.envs([QUICK_RETRIES]).args(arguments).args(["--env-file", &environment, "--policy.file", &policy]);
        command.args(["--genesys.allow-plain-http", "--baseline.file", &baseline]);
        let output = command.output().expect("it runs");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), said)
    };
    let (code, said) = run(&["baseline", "init", "--by", "Kim", "--reason", "OPS-1"]);
    assert_eq!(code, Some(0), "{said}");
    let written = fs::read_to_string(&baseline).expect("it is there");
    marked(folder.path(), "baseline.json", &written);
    let (code, said) = run(&["baseline", "diff"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&["policy", "check"]);
    assert_eq!(code, Some(0), "{said}");
    // A snapshot that was written for `--snapshot-in`, and edited since.
    let snapshot = folder.path().join("snapshot.json").display().to_string();
    let (_, said) = run(&["audit", "--format", "json", "--snapshot-out", &snapshot]);
    let kept = fs::read_to_string(&snapshot).expect(&said);
    let snapshot = marked(folder.path(), "snapshot.json", &kept);
    let (code, said) = run(&["audit", "--format", "json", "--snapshot-in", &snapshot]);
    let document: serde_json::Value = serde_json::from_str(&said).expect(&said);
    assert_eq!(code, Some(1));
    let text = document.to_string();
    assert!(
        text.contains("\"rule\":\"no-description\"") && !text.contains("\"title\":\"No owner\""),
        "the policy is in force"
    );
}

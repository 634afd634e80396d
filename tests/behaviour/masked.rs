//! A secret that somebody wrote into a client is in no output of the program, not even if a file of an earlier version has it.

use std::fs;

use genesyscloud_oauth_exporter::simulator::{Options, Simulator};

use crate::support::{QUICK_RETRIES, program, program_for, text};

const SECRET: &str = "Zq7Secret9Zq7";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_output_has_a_secret_that_an_earlier_version_saved() {
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let mut online = program_for(&simulator.url());
    online.envs([QUICK_RETRIES]).current_dir(folder.path()).args(["audit", "--snapshot-out=now.json"]);
    assert!(online.output().expect("it runs").status.code() < Some(2));
    let saved = fs::read_to_string(file("now.json")).expect("written");
    let uris = format!(
        r#""redirect_uris":["https://joe:{SECRET}@a.example/cb","https://a.example/cb?x=1;%63lient_secret={SECRET}#token={SECRET}","#
    );
    let saved = saved.replace(r#""redirect_uris":[""#, &format!("{uris}\""));
    let saved = saved.replace(r#""description":"#, r#""description":"password=Zq7Secret9Zq7","was":"#);
    assert!(saved.matches(SECRET).count() > 5, "the file has the secret");
    fs::write(file("old.json"), saved).expect("written");
    let outputs = ["json=r.json", "csv=r.csv", "sarif=r.sarif", "markdown=r.md"];
    for (arguments, code) in [
        (vec!["audit", "--snapshot-in=old.json", "--snapshot-out=new.json"], Some(1)),
        (vec!["audit", "--snapshot-in=old.json", "--only-new", "--previous=now.json"], Some(1)),
    ] {
        let mut command = program();
        command.current_dir(folder.path()).args(arguments).args(outputs.map(|output| format!("--output={output}")));
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), code, "{}", text(&output.stderr));
        let mut shown = vec![text(&output.stdout), text(&output.stderr)];
        for name in ["r.json", "r.csv", "r.sarif", "r.md"] {
            let report = fs::read_to_string(file(name)).expect("written");
            assert!(report.contains("exposed-secret"), "{name} reports that there is a secret");
            shown.push(report);
        }
        if let Ok(snapshot) = fs::read_to_string(file("new.json")) {
            shown.push(snapshot);
        }
        for part in ["Zq7", "Secret9"] {
            assert!(shown.iter().all(|shown| !shown.contains(part)), "{part}");
        }
    }
}

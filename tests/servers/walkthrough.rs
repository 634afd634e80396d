//! What getting-started.md and examples/monitoring show is what the programs print and accept.

use std::fs;
use std::process::{Command, Stdio};

use crate::programs::{Alertmanager, free_port, text, turn};
use crate::support::{program, program_for, simulator, until};

/// The first code block after a text, without its fences.
fn block<'a>(document: &'a str, after: &str) -> &'a str {
    let (_, rest) = document.split_once(after).unwrap_or_else(|| panic!("no {after}"));
    let (_, rest) = rest.split_once("```").expect("a block");
    let (_, rest) = rest.split_once('\n').expect("its first line");
    rest.split_once("```").expect("closed").0
}

/// The commands of a document: the text after each prompt, without comments.
fn commands(document: &str) -> Vec<&str> {
    let lines = document.lines().filter_map(|line| line.trim_start().strip_prefix("$ "));
    lines.map(|line| line.split("  #").next().unwrap_or(line).trim_end()).collect()
}

/// A program whose output goes to a file. It is stopped when dropped.
struct Printing {
    child: std::process::Child,
    output: tempfile::NamedTempFile,
}

impl Printing {
    fn start(command: &mut Command) -> Self {
        let output = tempfile::NamedTempFile::new().expect("a file");
        let stdout = output.reopen().expect("the same file");
        // Not opened again: the two must share their position in the file.
        let stderr = stdout.try_clone().expect("the same file");
        let child = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn().expect("it starts");
        Self { child, output }
    }

    /// Waits until it has printed this, and returns everything that it has printed.
    async fn until(&self, wanted: &str) -> String {
        until(wanted, || async {
            let said = fs::read_to_string(self.output.path()).ok()?;
            said.contains(wanted).then_some(said)
        })
        .await
    }
}

impl Drop for Printing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_demo_prints_what_getting_started_shows() {
    let document = text("docs/getting-started.md");
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("127.0.0.1:{}", free_port());
    let mut demo = program();
    let demo = Printing::start(demo.env("TMPDIR", folder.path()).args(["demo", "--web.listen-address", &address]));
    let said = demo.until("Stop it with Ctrl-C.").await;
    for line in block(&document, "prints:").lines() {
        let line = line.replace("127.0.0.1:9847", &address);
        assert!(said.lines().any(|printed| printed == line), "the demo does not print {line:?}, but:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checks_print_what_getting_started_shows() {
    let document = text("docs/getting-started.md");
    let simulator = simulator().await;
    let region =
        commands(&document).iter().find_map(|line| line.strip_prefix("export GENESYSCLOUD_REGION=")).expect("it");
    let run = |arguments: &[&str], region: &str| {
        let mut command = program_for(&simulator.url());
        let output = command.args(arguments).env("GENESYSCLOUD_REGION", region).output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    let shown = block(&document, "**Check before you start.**");
    let (check, doctor) = shown.split_once("$ genesyscloud-oauth-exporter doctor\n").expect("both commands");
    assert_eq!(check.lines().last(), run(&["config", "check"], region).lines().next());
    let said = run(&["doctor"], region);
    // The status and the name of a check; what follows depends on the organisation.
    let start = |line: &str| line.chars().take(22).collect::<String>().trim_end().to_owned();
    let printed: Vec<String> = said.lines().map(start).collect();
    assert_eq!(doctor.lines().map(start).collect::<Vec<_>>(), printed, "{said}");
    assert_eq!(doctor.lines().next(), said.lines().next());

    // The other spellings of the region that the document mentions.
    assert!(
        document.contains("# or the domain: mypurecloud.ie\n")
            && document.contains("`api.mypurecloud.ie`, is an error")
    );
    assert!(run(&["config", "check"], "mypurecloud.ie").starts_with("the configuration is valid"));
    let refused = run(&["config", "check"], "api.mypurecloud.ie");
    assert!(refused.contains("use mypurecloud.ie"), "{refused}");
}

/// There are five commands, and the last four start the programs. The receiver prints what Alertmanager sends to the example's address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_of_the_example_prints_a_notification() {
    let _turn = turn().await;
    let document = text("examples/monitoring/README.md");
    let [install, receiver, alertmanager, prometheus, demo] = commands(&document)[..] else {
        panic!("not five commands: {:?}", commands(&document));
    };
    assert!(install.starts_with("sudo apt install prometheus prometheus-alertmanager "), "{install}");
    assert_eq!(demo, "cargo run --release -- demo");
    for command in [alertmanager, prometheus] {
        let mut words = command.split(' ');
        let name = words.next().unwrap_or_default();
        assert!(install.contains(&format!(" {name}")), "{name} is the name of a package's program");
        let help = Command::new(name).arg("--help").output().expect("it is installed");
        let help = String::from_utf8_lossy(&help.stdout).into_owned() + &String::from_utf8_lossy(&help.stderr);
        for flag in words {
            let (flag, value) = flag.split_once('=').expect("a flag with a value");
            assert!(help.contains(flag), "{name} has no {flag}");
            assert!(flag != "--config.file" || crate::programs::root().join(value).exists(), "{value}");
        }
    }

    assert!(receiver.contains("9099") && text("alerts/alertmanager.example.yml").contains("127.0.0.1:9099"));
    let port = free_port();
    let receiver = receiver.replace("9099", &port.to_string());
    let receiver = Printing::start(Command::new("bash").arg("-c").arg(format!("exec {receiver}")));
    until("the receiver listens", || async { std::net::TcpStream::connect(("127.0.0.1", port)).ok() }).await;
    let folder = tempfile::tempdir().expect("a folder");
    let alertmanager = Alertmanager::start(folder.path(), port);
    until("the alert is accepted", || alertmanager.send("GenesysOAuthDangerousScopeUnapproved")).await;
    receiver.until("FIRING GenesysOAuthDangerousScopeUnapproved").await;
}

//! The real program as its users run it: arguments, environment, output, exit codes, signals.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

use genesyscloud_oauth_exporter::simulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Endpoint, Fault, Options, PLANTED_SECRET, Simulator,
};

use crate::support::{QUICK_RETRIES, program, program_for, text};

/// A simulated organisation, and a function that runs the program against it.
pub(crate) async fn organisation() -> (Simulator, impl Fn(&[&str]) -> Output) {
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let url = simulator.url();
    let run = move |arguments: &[&str]| {
        let mut command = program_for(&url);
        command.args(arguments).envs([QUICK_RETRIES, ("GENESYSCLOUD_OAUTH_EXPORTER_LOG_LEVEL", "trace")]);
        command.output().expect("it runs")
    };
    (simulator, run)
}

/// The output must not contain a secret, at any log level.
fn assert_clean(output: &Output) {
    for printed in [text(&output.stdout), text(&output.stderr)] {
        for secret in [PLANTED_SECRET, DEFAULT_CLIENT_SECRET, "Bearer ", "Basic "] {
            assert!(!printed.contains(secret), "{secret} in {printed}");
        }
        // The access tokens of the simulated organisation.
        assert!(!printed.contains("access_token"), "{printed}");
    }
}

#[test]
fn every_error_is_reported_at_once_and_none_shows_a_secret() {
    let output = program()
        .args(["config", "check", "--web.listen-address=nowhere"])
        .env("GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_INTERVAL", "soon")
        .env("GENESYSCLOUD_REGION", "atlantis-1")
        .env("CLIENT_SECRET", "a-secret-of-another-guide")
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    for part in [
        "GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_INTERVAL",
        "--web.listen-address",
        "GENESYSCLOUD_OAUTHCLIENT_ID",
        "GENESYSCLOUD_OAUTHCLIENT_SECRET",
        "GENESYSCLOUD_REGION",
        "eusc-de-east-1",
        "CLIENT_SECRET",
    ] {
        assert!(errors.contains(part), "{part} in {errors}");
    }
    assert!(!errors.contains("a-secret-of-another-guide"), "{errors}");
}

#[test]
fn a_bad_policy_file_and_a_bad_family_end_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.toml");
    std::fs::write(&file, "[scopes]\nexakt = true\n[rules.nothing]\nenabled = true\n").expect("writable");
    let output = program()
        .args(["config", "check", "--metrics.disable", "nonsense", "--policy.file"])
        .arg(&file)
        .env("GENESYSCLOUD_REGION", "eu-west-1")
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", "id")
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", "secret")
        .output()
        .expect("it runs");
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("line 2, column 1") && errors.contains("nonsense"), "{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_ends_with_the_code_that_its_findings_deserve() {
    let (simulator, run) = organisation().await;
    for (arguments, code) in [
        (&["audit"][..], 1),
        (&["audit", "--fail-on", "never"], 0),
        (&["audit", "--fail-on=critical", "--format", "json"], 1),
        (&["audit", "--format", "yaml"], 2),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert_clean(&output);
    }
    simulator.organisation().set_fault(Fault::WithoutSelf);
    assert_eq!(run(&["audit"]).status.code(), Some(3));
    assert_eq!(run(&["audit", "--allow-incomplete"]).status.code(), Some(1));
    assert_eq!(run(&["audit", "--refresh.require-self=false"]).status.code(), Some(1));
    let forbidden = Fault::Forbidden { permission: "authorization:role:view".to_owned() };
    simulator.organisation().set_fault(forbidden.at(Endpoint::Roles));
    assert_eq!(run(&["audit", "--fail-on", "never"]).status.code(), Some(0));
    let strict = run(&["audit", "--fail-on", "never", "--strict"]);
    assert_eq!(strict.status.code(), Some(3));
    assert!(text(&strict.stdout).contains("authorization:role:view"), "{}", text(&strict.stdout));
    simulator.organisation().set_fault(Fault::ServerError(500));
    let failed = run(&["audit", "--allow-incomplete"]);
    assert_eq!(failed.status.code(), Some(3), "there is no data to evaluate");
    assert_clean(&failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_json_report_is_one_document_with_the_true_counts() {
    let (simulator, run) = organisation().await;
    let output = run(&["audit", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["complete"], true);
    assert_eq!(report["exit_code"], 1);
    let organisation = &report["organisations"][0];
    let truth = simulator.organisation().truth();
    assert_eq!(organisation["clients"].as_array().map(Vec::len), Some(truth.clients));
    assert_eq!(organisation["org_id"], truth.organisation_id);
    let calls = organisation["calls"].as_array().expect("the calls made");
    assert!(calls.iter().any(|call| call["endpoint"] == "roles" && call["count"] == 2), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_distinguishes_the_cases_and_says_what_to_do() {
    let (simulator, run) = organisation().await;
    let well = run(&["doctor"]);
    let said = text(&well.stdout);
    assert_eq!(well.status.code(), Some(0), "{said}");
    for part in ["ok  token", "ok  clients", "ok  roles", "ok  clock", "Northwind"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let forbidden = |permission: &str| Fault::Forbidden { permission: permission.to_owned() };
    for (fault, code, part) in [
        (Fault::InvalidClient(400).at(Endpoint::Token), 3, "GENESYSCLOUD_REGION is the organisation's own region"),
        (Fault::InvalidClient(401).at(Endpoint::Token), 3, "GENESYSCLOUD_REGION is the organisation's own region"),
        (Fault::Unauthorized.at(Endpoint::Clients), 3, "refuses a new token"),
        (forbidden("oauth:client:view").at(Endpoint::Clients), 3, "add oauth:client:view to the role"),
        (forbidden("authorization:role:view").at(Endpoint::Roles), 0, "add authorization:role:view to the role"),
        (Fault::EmptyList.at(Endpoint::Clients), 3, "empty list of clients"),
        (Fault::HtmlInsteadOfJson.at(Endpoint::Clients), 3, "HTML, not JSON"),
    ] {
        simulator.organisation().set_fault(fault);
        let output = run(&["doctor"]);
        let said = text(&output.stdout);
        assert!(said.contains(part), "{part} in {said}");
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_clean(&output);
    }
    simulator.organisation().clear_faults();
    let role =
        simulator.organisation().client(DEFAULT_CLIENT_ID).expect("our own")["roleDivisions"][0]["roleId"].clone();
    simulator.organisation().grant_permission(role.as_str().expect("an id"), "oauth:client:add");
    let said = text(&run(&["doctor"]).stdout);
    assert!(said.contains("has permissions that it does not need: oauth:client:add"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_no_call_names_the_organisation_both_responses_are_reported() {
    let (simulator, run) = organisation().await;
    let forbidden = Fault::Forbidden { permission: "x:token:view".to_owned() };
    simulator.organisation().add_fault(forbidden.at(Endpoint::TokenInfo));
    assert_eq!(run(&["doctor"]).status.code(), Some(0), "the organisation's own endpoint is enough");
    simulator.organisation().add_fault(Fault::NotFound.at(Endpoint::OrganisationInfo));
    for (arguments, code) in [(&["doctor"][..], 3), (&["audit"], 3)] {
        let output = run(arguments);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for part in [
            "GET /api/v2/tokens/me",
            "tokens_me: forbidden (HTTP 403)",
            "lacks x:token:view",
            "GET /api/v2/organizations/me",
            "organizations_me: not found (HTTP 404)",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
    // A temporary failure is reported as such.
    simulator.organisation().clear_faults();
    let forbidden = Fault::Forbidden { permission: "x:token:view".to_owned() };
    simulator.organisation().add_fault(forbidden.at(Endpoint::TokenInfo));
    simulator.organisation().add_fault(Fault::ServerError(503).at(Endpoint::OrganisationInfo));
    assert!(text(&run(&["doctor"]).stdout).contains("organizations_me: HTTP 503"));
}

/// A running `demo`, with its output up to the last address.
struct Demo {
    child: Child,
    page: String,
}

impl Demo {
    fn start() -> Self {
        let mut command = program();
        command.args(["demo", "--web.listen-address=127.0.0.1:0", "--log.level=trace"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let printed: Vec<String> =
            lines.map(|line| line.expect("UTF-8")).take_while(|line| !line.starts_with("Stop")).collect();
        let page = printed.iter().find_map(|line| line.trim().strip_prefix("status page")).expect("an address");
        Self { child, page: page.trim().trim_end_matches('/').to_owned() }
    }

    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill is installed").success());
        let mut log = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut log).expect("UTF-8");
        (self.child.wait().expect("it ends").code(), log)
    }
}

#[test]
fn the_demo_needs_nothing_and_stops_cleanly() {
    for signal in ["-INT", "-TERM"] {
        let demo = Demo::start();
        let health = program().args(["healthcheck", "--url", &format!("{}/-/healthy", demo.page)]).output();
        let health = health.expect("it runs");
        assert_eq!((health.status.code(), text(&health.stdout).as_str()), (Some(0), "healthy\n"));
        let (code, log) = demo.stop(signal);
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("msg=stopped"), "{log}");
        for secret in [PLANTED_SECRET, DEFAULT_CLIENT_SECRET, "Bearer "] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}

/// As in a container whose root file system is read-only.
#[test]
fn the_demo_runs_where_nothing_can_be_written() {
    let mut command = program();
    command.env("TMPDIR", "/nowhere").args(["demo", "--web.listen-address=127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let last = lines.map(|line| line.expect("UTF-8")).find(|line| line.starts_with("Stop"));
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.expect("kill is installed").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(last.is_some(), "it says that it runs");
}

#[test]
fn a_health_check_of_nothing_fails_and_says_so() {
    let output = program().args(["healthcheck", "--web.listen-address", "127.0.0.1:1"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("http://127.0.0.1:1/-/healthy"), "{}", text(&output.stderr));
}

#[test]
fn a_taken_port_ends_the_start_with_a_hint() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = taken.local_addr().expect("bound").to_string();
    let output = program().args(["demo", "--web.listen-address", &address]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(4));
    let errors = text(&output.stderr);
    assert!(errors.contains("cannot listen on") && errors.contains("--web.listen-address"), "{errors}");
}

#[test]
fn a_closed_output_is_not_an_error() {
    for arguments in [&["--help"][..], &["docs", "metrics"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = program().args(arguments).stdout(writer).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = program().args(["config", "check"]).stderr(writer).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "the log is lost, the verdict is not");
}

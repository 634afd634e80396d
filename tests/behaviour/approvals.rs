//! `baseline approve` as its users run it: what may be approved, what is refused, and what is shown before.

use std::fs;
use std::path::PathBuf;

use genesyscloud_oauth_exporter::simulator::{Endpoint, Fault, Options, SimulatedOrganisation, Simulator};
use serde_json::json;

use crate::support::{QUICK_RETRIES, program_for};

/// A simulated organisation with a baseline of it.
struct Approved {
    simulator: Simulator,
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Approved {
    async fn start() -> Self {
        let simulator = Simulator::start(Options::default()).await.expect("loopback");
        simulator.organisation().set_rate_limit(1_000_000);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("baseline.json");
        let approved = Self { simulator, _folder: folder, file };
        let (code, said) = approved.run(&["init", "--by", "Kim", "--reason", "OPS-1"]);
        assert_eq!(code, Some(0), "{said}");
        approved
    }

    fn organisation(&self) -> SimulatedOrganisation {
        self.simulator.organisation()
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = program_for(&self.simulator.url())
            .envs([QUICK_RETRIES])
            .arg("baseline")
            .args(arguments)
            .arg("--baseline.file")
            .arg(&self.file)
            .output()
            .expect("it runs");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), format!("{out}{err}"))
    }

    fn approve(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.run(&[&["approve"], arguments, &["--by", "Kim", "--reason", "OPS-2"]].concat())
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.file).expect("it is there")
    }

    /// Checks that the approval fails with that exit code and these words, and writes nothing.
    fn refuses(&self, arguments: &[&str], code: i32, parts: &[&str]) {
        let before = self.text();
        let (ended, said) = self.approve(arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {said}");
        for part in parts {
            assert!(said.contains(part), "{arguments:?}: {part:?} in {said}");
        }
        assert_eq!(self.text(), before, "{arguments:?}: nothing is written");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_a_client_holds_is_approved() {
    let approved = Approved::start().await;
    let organisation = approved.organisation();
    organisation.edit_role("Partner onboarding", |role| role["permissions"] = json!(["admin"]));
    organisation.grant_scope("CRM screen pop", "oauth");
    let held = |name: &str| organisation.client_id(name).expect("it is there");
    let crm = held("CRM screen pop");
    let partner = held("Partner onboarding bot");

    approved.refuses(&[&crm, "--scope", "oath"], 2, &["does not hold the scope oath; it holds: oauth, "]);
    approved.refuses(&[&partner, "--permission", "a:b:c"], 2, &["does not hold the permission a:b:c"]);
    approved.refuses(
        &[&partner, "--permission", "authorization:grant:delete"],
        2,
        &["it holds: authorization:grant:add"],
    );
    let advice = "only under a condition; write \"authorization:grant:add (conditional)\"";
    approved.refuses(&[&partner, "--permission", "authorization:grant:add"], 2, &[advice]);
    let advice = "without a condition; write \"groups:team:view\"";
    approved.refuses(&[&partner, "--permission", "groups:team:view (conditional)"], 2, &[advice]);

    for (client, flag, privilege) in [
        (&crm, "--scope", "oauth"),
        (&partner, "--permission", "authorization:grant:add (conditional)"),
        (&partner, "--permission", "groups:team:view"),
        (&partner, "--permission", "admin"),
    ] {
        let (code, said) = approved.approve(&[client, flag, privilege]);
        assert_eq!(code, Some(0), "{said}");
        assert!(approved.text().contains(&format!("\"{privilege}\"")), "{privilege}");
    }
}

/// Such an approval would become effective if the client's grant type changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_effect_is_not_approved() {
    let approved = Approved::start().await;
    let organisation = approved.organisation();
    assert!(organisation.grant_scope("ServiceNow ticket sync", "oauth"));
    approved.refuses(&["ServiceNow ticket sync", "--scope", "oauth"], 2, &["have no effect", "client_credentials"]);
    assert!(organisation.add_role("CRM screen pop", "OAuth client factory", "*"));
    approved.refuses(&["CRM screen pop", "--permission", "oauth:client:add"], 2, &["have no effect", "code"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_named_by_id_or_by_a_name_that_only_it_has() {
    let approved = Approved::start().await;
    let organisation = approved.organisation();
    organisation.grant_scope("CRM screen pop", "oauth");
    approved.refuses(&["Nobody"], 2, &["no client has the id or the exact name \"Nobody\"", "ids are shown"]);
    let (code, said) = approved.approve(&["CRM screen pop", "--scope", "oauth"]);
    assert_eq!(code, Some(0), "{said}");
    let id = organisation.client_id("CRM screen pop").expect("it is there");
    let twin = organisation.client_id("Postman tests").expect("it is there");
    organisation.rename("Postman tests", "CRM screen pop");
    approved.refuses(&["CRM screen pop"], 2, &["2 clients are named", &id, &twin]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_read_is_not_approved() {
    let approved = Approved::start().await;
    let organisation = approved.organisation();
    organisation.grant_scope("CRM screen pop", "oauth");
    let forbidden = Fault::Forbidden { permission: "authorization:role:view".to_owned() };
    organisation.set_fault(forbidden.at(Endpoint::Roles));
    let cure = ["roles could not be read", "authorization:role:view"];
    approved.refuses(&["--all"], 3, &cure);
    approved.refuses(&["Wallboard Dublin"], 3, &cure);
    approved.refuses(&["Wallboard Dublin", "--permission", "routing:queue:view"], 3, &cure);
    let (code, said) = approved.run(&["diff"]);
    assert!(code == Some(1) && said.contains("note: roles could not be read") && said.contains(cure[1]), "{said}");
    // A client without roles was read completely.
    let (code, said) = approved.approve(&["CRM screen pop"]);
    assert_eq!(code, Some(0), "{said}");
    fs::remove_file(&approved.file).expect("it is there");
    let (code, said) = approved.run(&["init", "--by", "Kim", "--reason", "OPS-1"]);
    assert!(code == Some(3) && said.contains(cure[1]), "{said}");
    assert!(!approved.file.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_address_goes_into_the_file() {
    let approved = Approved::start().await;
    let before = approved.text();
    for (by, reason) in [("kim@example.com", "x"), ("Kim", "asked by kim@example.com, Monday"), ("Kim", "<kim@x.org>")]
    {
        let (code, said) = approved.run(&["approve", "--all", "--by", by, "--reason", reason]);
        assert!(code == Some(2) && said.contains("e-mail address"), "{by} {reason}: {said}");
    }
    assert_eq!(approved.text(), before);
    let (code, said) = approved.run(&["approve", "--all", "--by", "Kim", "--reason", "bought @ 3, see #12"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("level=info"), "the log does not talk into the output: {said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_client_and_a_new_role_are_shown_with_what_they_bring() {
    let approved = Approved::start().await;
    let organisation = approved.organisation();
    organisation.add_role("Wallboard Dublin", "OAuth client factory", "*");
    let role = organisation.role_id("OAuth client factory").expect("it is there");
    let many: Vec<_> = (0..30).map(|number| json!(format!("action{number:02}"))).collect();
    organisation.edit_role("Quality reader", |role| {
        let policies = role["permissionPolicies"].as_array_mut().expect("a list");
        policies.push(json!({ "domain": "quality", "entityName": "form", "actionSet": many }));
    });
    let home = organisation.division_id("Home").expect("it is there");
    let quality = organisation.role_id("Quality reader").expect("it is there");
    organisation.add_client(json!({
        "name": "New reader",
        "authorizedGrantType": "CLIENT-CREDENTIALS",
        "roleIds": [quality],
        "roleDivisions": [{ "roleId": quality, "divisionId": home }],
    }));
    organisation.add_client(json!({
        "name": "New page", "authorizedGrantType": "CODE", "scope": ["presence", "oauth"],
        "registeredRedirectUri": ["https://example.org/cb"],
    }));
    for (code, said) in [approved.run(&["diff"]), approved.approve(&["--all", "--dry-run"])] {
        assert!(code.is_some_and(|code| code < 2), "{said}");
        for part in [
            format!("  + role OAuth client factory ({role}) in *: 3 permissions, 2 dangerous\n"),
            "    ! oauth:client:add\n    ! oauth:client:edit\n      oauth:client:view\n".to_owned(),
            "  + client, client_credentials, active\n".to_owned(),
            format!("  + role Quality reader ({quality}) in Home ({home}): 32 permissions\n"),
            "      and 12 more\n".to_owned(),
            "  + client, code, active\n  + scope oauth, dangerous\n  + scope presence\n  + redirect URI https://example.org/cb\n"
                .to_owned(),
        ] {
            assert!(said.contains(&part), "{part:?} in {said}");
        }
        assert!(!said.contains("action25"), "{said}");
    }
}

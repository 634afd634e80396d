//! The published schema of the configuration file accepts what the program accepts, wherever a schema can say it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use genesyscloud_oauth_exporter::config::{self, Settings};
use serde_json::{Value, json};

use crate::support::text;

const BASE: &str = "[defaults]\nregion = \"eu-west-1\"\nclient_id = \"id\"\n";

#[test]
fn the_published_schema_of_the_configuration_file_is_the_one_of_the_code() {
    let published = fs::read_to_string("docs/config.schema.json").expect("docs/config.schema.json");
    let generated = format!("{:#}\n", config::json_schema());
    assert!(published == generated, "docs/config.schema.json differs from the code; run scripts/generate");
}

/// Whether the schema accepts each of these files.
fn by_schema(files: &[String]) -> Vec<bool> {
    let files: Vec<Value> = files.iter().map(|file| toml::from_str(file).expect(file)).collect();
    let input = json!({ "schema": config::json_schema(), "files": files }).to_string();
    let script = "import json, sys, jsonschema\n\
        input = json.load(sys.stdin)\n\
        jsonschema.Draft202012Validator.check_schema(input['schema'])\n\
        validator = jsonschema.Draft202012Validator(input['schema'])\n\
        print(json.dumps([validator.is_valid(file) for file in input['files']]))";
    let python = Command::new("python3").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut python = python.expect("python3");
    python.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success(), "if python3 has no jsonschema, run: pip install jsonschema");
    serde_json::from_str(&text(&output.stdout)).expect("a list")
}

/// The mistakes that the program finds in a file in this folder.
fn by_program(folder: &Path, file: &str) -> Vec<String> {
    let path = folder.join("organisations.toml");
    fs::write(&path, file).expect("writable");
    let given = [("config.file".to_owned(), path.display().to_string())];
    let settings = Settings::from_raw(&config::read(&given, [("SECRET", "hunter2"), ("TEST_SECRET", "hunter2")]));
    settings.err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// Both accept these files, or both refuse them.
fn assert_agreed(folder: &Path, files: &[(String, bool)]) {
    let texts: Vec<String> = files.iter().map(|(file, _)| file.clone()).collect();
    for ((file, expected), by_schema) in files.iter().zip(by_schema(&texts)) {
        let mistakes = by_program(folder, file);
        assert_eq!((by_schema, mistakes.is_empty()), (*expected, *expected), "{file}\n{mistakes:?}");
    }
}

/// A file with this line in an organisation, in place of the one for the same key.
fn with(line: &str) -> String {
    let key = |line: &str| line.split(' ').next().map(str::to_owned);
    let usual = ["org = \"one\"", "client_secret_env = \"SECRET\""].into_iter().filter(|usual| key(usual) != key(line));
    let lines: Vec<&str> = usual.chain([line]).collect();
    format!("{BASE}\n[[organisation]]\n{}\n", lines.join("\n"))
}

#[test]
fn the_schema_and_the_program_accept_the_same_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    let schema = config::json_schema();
    for (key, about) in schema["$defs"].as_object().expect("definitions") {
        if let (Some(least), Some(most)) = (about["minimum"].as_u64(), about["maximum"].as_u64()) {
            for (number, good) in [(least, true), (most, true), (least - 1, false), (most + 1, false)] {
                files.push((with(&format!("{key} = {number}")), good));
            }
            files.push((with(&format!("{key} = \"{least}\"")), false));
        }
        if about["type"] == "boolean" {
            for (value, good) in [("true", true), ("false", true), ("\"true\"", false), ("1", false)] {
                files.push((with(&format!("{key} = {value}")), good));
            }
        }
        if about["type"] == "string" {
            for value in ["1", "true", "[\"x\"]", "{ x = 1 }", "1.5", "2026-01-01"] {
                files.push((with(&format!("{key} = {value}")), false));
            }
        }
        if let Some(default) = about.get("default") {
            files.push((with(&format!("{key} = {default}")), true));
        }
    }
    assert!(files.len() > 150, "{}", files.len());
    for (line, good) in [
        ("interval = \"10m\"", true),
        ("interval = \"1h30m\"", true),
        ("interval = \"30m1h\"", false),
        ("interval = \"10\"", false),
        ("interval = \"\"", false),
        ("interval = \"soon\"", false),
        ("auth_style = \"body\"", true),
        ("auth_style = \"digest\"", false),
        ("required_scopes = [\"oauth\", \"users\"]", true),
        ("required_scopes = \"oauth,users\"", true),
        ("required_scopes = [1]", false),
        ("clients_path = \"/gateway/clients\"", true),
        ("clients_path = \"gateway\"", false),
        ("max_body_bytes = 1048576", true),
        ("max_body_bytes = \"64MB\"", false),
        ("max_body_bytes = 1023", false),
        ("api_url = \"https://gateway.example\"", true),
        ("api_url = \"gateway.example\"", false),
        ("client_id = \"a:b\"", false),
        ("client_id = \" \"", false),
        ("region = \"\"", false),
        ("policy_file = \"\"", true),
        ("client_secret_file = \"\"", false),
        ("client_secret_file = \"secret\"", false),
        ("proxy_url = \"http://user@proxy.example:3128\"", true),
        ("proxy_url = \"proxy.example:3128\"", true),
        ("proxy_url = \"direct\"", true),
        ("proxy_url = \"http://user:hunter2@proxy.example:3128\"", false),
        ("proxy_url = \"user:hunter2@proxy.example:3128\"", false),
        ("intervall = \"10m\"", false),
        ("[[organisation]]\norg = \"two\"\nclient_secret_env = \"SECRET\"", true),
        ("[[organisation]]\nclient_secret_env = \"SECRET\"", false),
        ("[[organisation]]\norg = \"\"\nclient_secret_env = \"SECRET\"", false),
        ("[[organisation]]\norg = \"a\\u0007b\"\nclient_secret_env = \"SECRET\"", false),
        ("[organisations]", false),
        ("[policy]\nfile = \"x\"", false),
    ] {
        files.push((with(line), good));
    }
    for (length, good) in [(64, true), (65, false)] {
        let org = format!("[[organisation]]\norg = \"{}\"\nclient_secret_env = \"SECRET\"", "é".repeat(length));
        files.push((with(&org), good));
    }
    files.push((BASE.to_owned(), false));
    files
        .push((format!("{BASE}org = \"x\"\n[[organisation]]\norg = \"one\"\nclient_secret_env = \"SECRET\"\n"), false));
    files.push((format!("{BASE}[organisation]\norg = \"one\"\nclient_secret_env = \"SECRET\"\n"), false));
    files.push((format!("organisation = []\n{BASE}"), false));
    assert_agreed(folder.path(), &files);
}

#[test]
fn the_examples_of_the_documentation_are_valid_for_the_schema_and_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("secrets")).expect("new");
    for name in ["secrets/production", "secrets/sandbox"] {
        let secret = folder.path().join(name);
        fs::write(&secret, "hunter2").expect("writable");
        fs::set_permissions(secret, fs::Permissions::from_mode(0o600)).expect("ours");
    }
    fs::write(folder.path().join("policy.toml"), "[defaults]\nfail_on = \"low\"\n").expect("writable");
    let document = fs::read_to_string("docs/organisations.md").expect("UTF-8");
    let examples: Vec<&str> =
        document.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(it, _)| it).collect();
    let examples: Vec<(String, bool)> = examples.into_iter().map(|example| (example.to_owned(), true)).collect();
    assert!(examples.len() >= 2, "the complete file, and one more organisation");
    assert_agreed(folder.path(), &examples);
}

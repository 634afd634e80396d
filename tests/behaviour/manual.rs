//! Completions and man pages, as a package ships them.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use genesyscloud_oauth_exporter::cli::args;

use crate::support::program;

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("it runs")
}

#[test]
fn each_shell_gets_completions_with_every_command_and_setting() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        let script = String::from_utf8(output.stdout).expect("UTF-8");
        for word in ["audit", "doctor", "test-glob", "web.listen-address", "genesys.retry-base"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(&["completions", "edlin"]).status.code(), Some(2));
}

/// The completions that bash offers for the last word of a line.
fn offered(words: &[&str]) -> Vec<String> {
    let script = run(&["completions", "bash"]).stdout;
    let driver = format!(
        "\nCOMP_WORDS=({}); COMP_CWORD={}; \
         complete=$(complete -p genesyscloud-oauth-exporter | sed 's/.* -F \\([^ ]*\\).*/\\1/'); \
         $complete genesyscloud-oauth-exporter '{}' '{}'; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        words.join(" "),
        words.len() - 1,
        words.last().expect("a word"),
        words[words.len() - 2],
    );
    let mut bash =
        Command::new("bash").arg("--norc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash");
    let mut input = bash.stdin.take().expect("piped");
    input.write_all(&[script.as_slice(), driver.as_bytes()].concat()).expect("it reads");
    drop(input);
    let output = bash.wait_with_output().expect("it ends");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_flags() {
    assert_eq!(offered(&["genesyscloud-oauth-exporter", "hea"]), ["healthcheck"]);
    assert_eq!(offered(&["genesyscloud-oauth-exporter", "audit", "--fail"]), ["--fail-on"]);
    let severities = offered(&["genesyscloud-oauth-exporter", "audit", "--fail-on", "cri"]);
    assert_eq!(severities, ["critical"]);
}

#[test]
fn there_is_a_man_page_for_each_command_that_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().to_str().expect("UTF-8");
    assert_eq!(run(&["man", directory]).status.code(), Some(0));
    let mut expected = Vec::new();
    let mut below = vec![("genesyscloud-oauth-exporter".to_owned(), args::command())];
    while let Some((name, command)) = below.pop() {
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
        below.extend(shown.map(|command| (format!("{name}-{}", command.get_name()), command.clone())));
        expected.push(format!("{name}.1"));
    }
    expected.sort();
    let written = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut written: Vec<String> = written.map(|name| name.into_string().expect("UTF-8")).collect();
    written.sort();
    assert_eq!(written, expected);
    let page = fs::read_to_string(folder.path().join("genesyscloud-oauth-exporter.1")).expect("UTF-8");
    for part in [".TH genesyscloud-oauth-exporter 1", "GENESYSCLOUD_OAUTH_EXPORTER_REFRESH_INTERVAL"] {
        assert!(page.contains(part), "{part}");
    }
    let output = run(&["man", "/nonexistent"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent"));
}

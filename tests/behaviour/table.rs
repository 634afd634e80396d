//! The table of the real program: on terminals of several widths, and in a pipe.

use std::process::{Command, Output};

use genesyscloud_oauth_exporter::simulator::Simulator;
use genesyscloud_oauth_exporter::text::columns;

use crate::support::{program_for, simulator, text};

/// Runs a program on a terminal that has as many columns as the first argument says, and copies what it prints to stdout.
const TERMINAL: &str = "
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 50, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
while True:
    try:
        printed = os.read(terminal, 65536)
    except OSError:
        break
    if not printed:
        break
    sys.stdout.buffer.write(printed)
os.waitpid(child, 0)
";

fn on_a_terminal(simulator: &Simulator, width: usize, arguments: &[&str]) -> String {
    let command = program_for(&simulator.url());
    let mut python = Command::new("python3");
    python.args(["-c", TERMINAL, &width.to_string()]).arg(command.get_program()).args(arguments);
    // The path: python3 may be a script that starts the real one.
    python.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    python.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = python.output().expect("python3");
    assert!(output.status.success(), "{}", text(&output.stderr));
    without_colours(&text(&output.stdout).replace('\r', ""))
}

fn without_colours(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |plain, piece| plain + piece.split_once(['m', 'K']).map_or("", |(_, rest)| rest))
}

fn piped(simulator: &Simulator, arguments: &[&str]) -> Output {
    program_for(&simulator.url()).args(arguments).output().expect("it runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_uses_the_width_of_the_terminal_and_truncates_nothing() {
    let simulator = simulator().await;
    let mut lines_of = Vec::new();
    for width in [60, 100, 150, 240] {
        let table = on_a_terminal(&simulator, width, &["audit", "--all"]);
        assert!(table.contains("67 clients: "), "{table}");
        let widest = table.lines().map(columns).max().expect("lines");
        assert!(widest <= width, "{width}: {widest}\n{table}");
        assert!(!table.contains('…'), "{width}: {table}");
        lines_of.push(table.lines().count());
    }
    assert!(lines_of.is_sorted_by(|narrow, wide| narrow > wide), "a wider terminal needs fewer lines: {lines_of:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_pipe_each_finding_is_one_line_with_everything_that_the_json_has() {
    let simulator = simulator().await;
    let output = piped(&simulator, &["audit", "--all", "--output=json=/dev/stderr"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stderr).expect("JSON");
    let table = text(&output.stdout);
    let organisation = &report["organisations"][0];
    let findings = organisation["findings"].as_array().expect("findings");
    assert!(findings.len() > 200);
    for finding in findings {
        let part = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let [id, rule, evidence] = [&finding["client_id"], &finding["rule"], &finding["evidence"]["text"]].map(part);
        let is_it = |line: &str| line.contains(&id) && line.contains(&rule) && line.contains(&evidence);
        assert!(table.lines().any(is_it), "{finding}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_is_bounded_and_says_how_many_findings_it_leaves_out() {
    let simulator = simulator().await;
    for bounded in [text(&piped(&simulator, &["audit"]).stdout), on_a_terminal(&simulator, 200, &["audit"])] {
        let (listed, _) = bounded.split_once(" more; --all lists them\n").expect("it is bounded");
        let heading = listed.rsplit("\n\n").next().expect("a section").lines().next().expect("a heading");
        let (_, count) = heading.split_once("  ").expect("a count");
        let (count, _) = count.split_once(' ').expect("a count");
        let (_, left_out) = listed.rsplit_once("… and ").expect("a count");
        let [count, left_out] = [count, left_out].map(|number| number.parse::<usize>().expect(number));
        assert_eq!(left_out + 50, count, "{heading}");
    }
    let all = text(&piped(&simulator, &["audit", "--all"]).stdout);
    assert!(!all.contains("more; --all"), "{all}");
}

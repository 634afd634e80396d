//! Real readers of both formats: the strict OpenMetrics parser of `prometheus_client`, and `promtool check metrics`.
//!
//! Needs `python3` with `prometheus_client`, and `promtool`, in `PATH`. A missing program fails the test with a message.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use genesyscloud_oauth_exporter::app::process;
use genesyscloud_oauth_exporter::exposition::{Config, Encoding, Format};
use genesyscloud_oauth_exporter::fixtures::world;
use genesyscloud_oauth_exporter::metric::Registry;
use serde_json::Value;

/// Prints each sample as a line of JSON; fails on anything that the specification forbids.
const PARSE: &str = r"
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
text = sys.stdin.buffer.read().decode('utf-8')
for family in text_string_to_metric_families(text):
    for sample in family.samples:
        print(json.dumps([family.name, family.type, sample.name, sample.labels, str(sample.value), sample.timestamp]))
";

pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program} cannot be run; install it: {error}"));
    // Both programs read all input before they answer. If one fails, stderr has the reason.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("an exit code")
}

/// The samples that the strict parser reads.
fn parse(openmetrics: &str) -> Vec<Value> {
    let check = run("python3", &["-c", "import prometheus_client"], "");
    assert!(check.status.success(), "python3 has no prometheus_client; run: pip install prometheus_client");
    let output = run("python3", &["-c", PARSE], openmetrics);
    assert!(output.status.success(), "{}\nin:\n{openmetrics}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("JSON");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn the_strict_parser_reads_every_sample_and_the_names_that_were_put_in() {
    let world = world::ugly();
    let parts = world::render(&world, &Config::default());
    let text = world::scrape(&parts, &world::own(), Format::OpenMetrics, Encoding::Gzip);
    let samples = parse(&text);
    assert_eq!(samples.len(), text.lines().filter(|line| !line.starts_with('#')).count());
    assert!(samples.iter().all(|sample| sample[5].is_null()), "no sample has a timestamp");
    let names: Vec<&str> = samples
        .iter()
        .filter(|sample| sample[2] == "genesyscloud_oauth_client_info" && sample[3]["org"] == "default")
        .filter_map(|sample| sample[3]["client_name"].as_str())
        .collect();
    for (client, read) in world[0].snapshot.clients.iter().zip(&names) {
        if client.name.chars().count() <= 256 {
            assert_eq!(*client.name, **read);
        } else {
            assert_eq!(read.chars().count(), 256);
        }
    }
    assert_eq!(names.len(), 4);
}

#[test]
fn the_strict_parser_reads_odd_values_and_names_of_own_families() {
    let samples = parse(&world::scrape(&Default::default(), &world::odd(), Format::OpenMetrics, Encoding::Identity));
    let value = |name: &str| {
        samples.iter().find(|sample| sample[2] == name).map(|sample| sample[4].as_str().map(str::to_owned))
    };
    assert_eq!(value("demo_without_suffix_total"), Some(Some("2.5".to_owned())));
    assert_eq!(value("demo_nan"), Some(Some("nan".to_owned())));
    assert_eq!(value("demo_below"), Some(Some("-inf".to_owned())));
}

#[test]
fn the_strict_parser_reads_the_process_families() {
    let registry = Registry::default();
    process::register(&registry).expect("no family twice")();
    let samples = parse(&world::scrape(&Default::default(), &registry, Format::OpenMetrics, Encoding::Identity));
    let cpu =
        samples.iter().find(|sample| sample[2] == "process_cpu_seconds_total").expect("a process uses its processor");
    assert_eq!((cpu[0].as_str(), cpu[1].as_str()), (Some("process_cpu_seconds"), Some("counter")));
}

#[test]
fn promtool_finds_nothing_to_complain_of() {
    let parts = world::render(&world::ugly(), &Config::default());
    let text = world::scrape(&parts, &world::own(), Format::Text, Encoding::Gzip);
    let output = run("promtool", &["check", "metrics"], &text);
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}\nin:\n{text}", String::from_utf8_lossy(&said));
}

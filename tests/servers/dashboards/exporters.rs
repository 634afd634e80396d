//! Exporters against a simulated organisation, the `demo`, and the Prometheus that scrapes them.

use std::fs;
use std::path::Path;
use std::process::Command;

use genesyscloud_oauth_exporter::simulator::Simulator;

use crate::programs::{PROMETHEUS_2, Program, Prometheus, free_port};
use crate::support::{program, program_for};

/// Starts an exporter that refreshes every second, and returns its address. `name` is the name of its state file.
pub(crate) fn exporter(simulator: &Simulator, folder: &Path, name: &str, flags: &[(&str, &Path)]) -> (Program, String) {
    let mut command = program_for(&simulator.url());
    command.arg("serve").arg("--genesys.burst=3000");
    for (flag, value) in flags {
        command.arg(flag).arg(value);
    }
    start(command, folder, name)
}

/// Starts `demo`, which simulates its own organisation, and returns its address.
pub(crate) fn demo(folder: &Path) -> (Program, String) {
    let mut command = program();
    command.env("TMPDIR", folder).arg("demo");
    start(command, folder, "demo")
}

/// Starts a command that serves, with its state in the folder under that name, and returns its address.
pub(crate) fn start(mut command: Command, folder: &Path, name: &str) -> (Program, String) {
    let address = format!("127.0.0.1:{}", free_port());
    command.args(["--refresh.interval=1s", "--genesys.requests-per-minute=3000", "--web.listen-address", &address]);
    command.arg("--state.file").arg(folder.join(format!("{name}.state.json")));
    (Program::start(&mut command), address)
}

/// A Prometheus that scrapes these exporters and itself, as most do: no panel may count series of other targets.
pub(crate) fn prometheus(folder: &Path, targets: &[String]) -> Prometheus {
    let mut prometheus = Prometheus::start(PROMETHEUS_2, folder, targets, free_port());
    let config = folder.join("prometheus.yml");
    let yaml = fs::read_to_string(&config).expect("it was written");
    let itself = prometheus.url.trim_start_matches("http://");
    let job = format!("  - job_name: prometheus\n    static_configs:\n      - targets: ['{itself}']\n");
    fs::write(&config, yaml + &job).expect("writable");
    prometheus.restart();
    prometheus
}

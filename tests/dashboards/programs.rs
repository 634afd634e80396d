//! A pair of exporters against one simulated organisation, and the `demo`.

use std::path::Path;
use std::process::Command;

use genesyscloud_oauth_exporter::simulator::Simulator;

use crate::support::programs::{self, Program, free_port};

/// Starts an exporter that refreshes every second, and tells its address. `name` tells its state file.
pub(crate) fn exporter(simulator: &Simulator, folder: &Path, name: &str, flags: &[(&str, &Path)]) -> (Program, String) {
    let mut command = programs::exporter(simulator);
    command.arg("serve").arg("--genesys.burst=3000");
    for (flag, value) in flags {
        command.arg(flag).arg(value);
    }
    start(command, folder, name)
}

/// Starts `demo`, which brings its own organisation, and tells its address.
pub(crate) fn demo(folder: &Path) -> (Program, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_genesyscloud-oauth-exporter"));
    command.env_clear().env("TMPDIR", folder).arg("demo");
    start(command, folder, "demo")
}

fn start(mut command: Command, folder: &Path, name: &str) -> (Program, String) {
    let address = format!("127.0.0.1:{}", free_port());
    command.args(["--refresh.interval=1s", "--genesys.requests-per-minute=3000", "--web.listen-address", &address]);
    command.arg("--state.file").arg(folder.join(format!("{name}.state.json")));
    (Program::start(&mut command), address)
}

//! Other processes of the same user cannot read the memory and the environment of the exporter, and it leaves no core dump.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::blocking::get;
use crate::signals::Running;
use crate::support::{program_for, simulator, until};

/// A user without rights, for tests that run as root: the kernel gives protected files to root, who would own them anyway.
const NOBODY: u32 = 65_534;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_environment_belong_to_root_and_core_dumps_are_disabled() {
    let simulator = simulator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let is_root = fs::metadata("/proc/self").expect("Linux has it").uid() == 0;
    let mut command = program_for(&simulator.url());
    if is_root {
        // The program may be in a folder that only root can enter.
        let copy = folder.path().join("program");
        fs::copy(command.get_program(), &copy).expect("writable");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let variables: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
        command = Command::new(copy);
        command.env_clear().envs(variables.into_iter().filter_map(|(name, value)| Some((name, value?))));
        command.uid(NOBODY).gid(NOBODY);
    }
    command.arg("--web.listen-address=127.0.0.1:0");
    let mut exporter = Running::start(command, folder);
    let address = exporter.address().await;
    let proc = format!("/proc/{}", exporter.pid());
    for file in ["environ", "mem", "maps", "fd"] {
        let owner = fs::metadata(format!("{proc}/{file}")).expect("it runs").uid();
        assert_eq!(owner, 0, "{file} can be read by the user of the process");
    }
    let limits = fs::read_to_string(format!("{proc}/limits")).expect("it runs");
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
    // The exporter can still read what it exports about itself.
    let address = address.parse().expect("an address");
    let (_, text) = until("a scrape", || get(address, "/metrics")).await;
    for family in ["process_open_fds", "process_max_fds", "process_resident_memory_bytes", "process_start_time_seconds"]
    {
        let sample = text.lines().find_map(|line| line.strip_prefix(&format!("{family} ")));
        assert!(sample.is_some_and(|value| value != "0"), "{family}: {sample:?}");
    }
    assert!(!exporter.log().contains("not fully protected"), "{}", exporter.log());
    exporter.send("-TERM");
    assert_eq!(exporter.ended().await.code(), Some(0), "{}", exporter.log());
}

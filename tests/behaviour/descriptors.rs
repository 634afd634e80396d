//! The limit on open files is raised or respected: peers do not use up the descriptors that refreshes and files need.

use std::process::Command;

use tokio::net::TcpStream;

use crate::blocking::get;
use crate::signals::Running;
use crate::support::{program_for, simulator, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_number_of_peers_leaves_the_descriptors_that_refreshes_and_files_need() {
    let simulator = simulator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.json");
    let exporter = program_for(&simulator.url());
    let mut command = Command::new("sh");
    let limited = "ulimit -Sn 64 && ulimit -Hn 160 && exec \"$0\" \"$@\"";
    command.args(["-c", limited]).arg(exporter.get_program()).args(exporter.get_args());
    command.env_clear().envs(exporter.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["--web.listen-address=127.0.0.1:0", "--web.max-connections=2000", "--refresh.interval=1s"]);
    command.arg(format!("--state.file={}", state.display()));
    let mut exporter = Running::start(command, folder);
    let address: std::net::SocketAddr = exporter.address().await.parse().expect("an address");
    let mut peers = Vec::new();
    for _ in 0..200 {
        peers.push(TcpStream::connect(address).await.expect("the exporter accepts"));
    }
    let refreshes = || async {
        let (_, text) = get(address, "/metrics").await?;
        let sample =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.split(' ').nth(1)?.parse::<f64>().ok());
        let count = sample("genesyscloud_oauth_exporter_state_writes_total{outcome=\"success\"}")?;
        (count >= 3.0).then(|| text.clone())
    };
    let text = until("three writes of the state", refreshes).await;
    assert!(text.contains("\nprocess_max_fds 160\n"), "the soft limit was raised to the hard limit");
    assert!(text.contains("genesyscloud_oauth_exporter_state_writes_total{outcome=\"error\"} 0"), "{text}");
    assert!(exporter.log().contains("the limit on open files allows fewer connections"), "{}", exporter.log());
    drop(peers);
    exporter.send("-TERM");
    assert_eq!(exporter.ended().await.code(), Some(0), "{}", exporter.log());
}

//! The program under soak as a process of its own: its start, its figures in `/proc`, and its end.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use crate::support::{program_for, until};

/// A running program. Dropping it kills it.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
    pub(crate) address: SocketAddr,
}

/// What the program uses at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) resident_kib: u64,
    pub(crate) threads: u64,
    /// 0 if another user's process may not be read.
    pub(crate) descriptors: u64,
}

impl Program {
    /// Starts the exporter against this platform, and waits until it listens.
    pub(crate) async fn start(url: &str, log: &Path, arguments: &[String]) -> Self {
        let mut command = program_for(url);
        command.arg("--web.listen-address=127.0.0.1:0").args(arguments);
        Self::run(command, log).await
    }

    pub(crate) async fn run(mut command: Command, log: &Path) -> Self {
        let child = command.stderr(File::create(log).expect("writable")).spawn().expect("it starts");
        let listening = || {
            let text = fs::read_to_string(log).unwrap_or_default();
            let line = text.lines().find(|line| line.contains("listening") && line.contains("address="));
            let address = line.and_then(|line| line.split_once("address=")?.1.split(' ').next()?.parse().ok());
            std::future::ready(address)
        };
        let address = until("it listens", listening).await;
        Self { child, log: log.to_owned(), address }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("UTF-8")
    }

    pub(crate) fn usage(&self) -> Usage {
        let folder = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
        };
        Usage {
            resident_kib: field("VmRSS:"),
            threads: field("Threads:"),
            descriptors: fs::read_dir(folder.join("fd")).map_or(0, |files| files.count() as u64),
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.expect("kill is installed").success());
    }

    /// Kills it as a crash would, without a chance to finish anything.
    pub(crate) fn crash(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    pub(crate) async fn until_ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        until("the end", || std::future::ready(child.try_wait().expect("it can be waited for"))).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

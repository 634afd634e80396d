//! The signals that end the process or ask it to read its files again.
//!
//! Not what happens then: the owner of the tasks decides.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal as listen};

/// Which signal asked the process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// SIGINT, as Ctrl-C sends it.
    Interrupt,
    /// SIGTERM, as service managers send it.
    Terminate,
}

impl Reason {
    /// The signal's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// Resolves at SIGINT or SIGTERM. The error means that a handler could not be installed: then nothing stops the process
/// gracefully, and the caller should not start.
pub async fn signal() -> io::Result<Reason> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => Ok(Reason::Interrupt),
        _ = terminate.recv() => Ok(Reason::Terminate),
    }
}

/// SIGHUP, from now on; several in a row may arrive as one.
#[derive(Debug)]
pub struct ReloadSignals(Signal);

impl ReloadSignals {
    /// Waits for the next one. Cancel safe; `false` means that no more can come.
    pub async fn recv(&mut self) -> bool {
        self.0.recv().await.is_some()
    }
}

/// Listens for SIGHUP, which from then on no longer ends the process.
pub fn reload_signals() -> io::Result<ReloadSignals> {
    listen(SignalKind::hangup()).map(ReloadSignals)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn send(signal: &str) {
        let status = Command::new("kill").args([signal, &std::process::id().to_string()]).status().expect("kill");
        assert!(status.success());
    }

    // One test: the signals belong to the whole process.
    #[tokio::test]
    async fn each_signal_says_which_it_was() {
        let mut reloads = reload_signals().expect("a handler");
        send("-HUP");
        assert!(reloads.recv().await);
        for (name, reason) in [("-TERM", Reason::Terminate), ("-INT", Reason::Interrupt)] {
            let mut waiting = Box::pin(signal());
            // The first poll installs the handlers.
            assert!(futures::poll!(&mut waiting).is_pending());
            send(name);
            assert_eq!(waiting.await.expect("a handler"), reason);
        }
    }
}

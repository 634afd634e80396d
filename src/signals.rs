//! Listens for the signals that stop the exporter, and for the signal that reloads policy and baseline.
//!
//! Not the reaction to a signal, which is up to the caller.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal as listen};

/// The signal that asked the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// SIGINT, which Ctrl-C sends.
    Interrupt,
    /// SIGTERM, which service managers send.
    Terminate,
}

impl Reason {
    /// The name of the signal, for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// Waits for SIGINT or SIGTERM. An error means that a handler could not be installed: the process could then not be stopped
/// gracefully, so the caller should not start.
pub async fn signal() -> io::Result<Reason> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => Ok(Reason::Interrupt),
        _ = terminate.recv() => Ok(Reason::Terminate),
    }
}

/// Receives SIGHUP. Several signals in quick succession may be received as one.
#[derive(Debug)]
pub struct ReloadSignals(Signal);

impl ReloadSignals {
    /// Waits for the next SIGHUP. Cancel safe. Returns `false` if no more signals can be received.
    pub async fn recv(&mut self) -> bool {
        self.0.recv().await.is_some()
    }
}

/// Starts listening for SIGHUP, which from then on no longer terminates the process.
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

    // A single test, because signals are sent to the entire process.
    #[tokio::test]
    async fn each_signal_is_received_by_its_listener() {
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

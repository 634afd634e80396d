//! Listens for the signals that stop the exporter, and for the signal that reloads policy and baseline.
//!
//! Not the reaction to a signal, which is up to the caller.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
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

/// Whether a stop signal ends the process in the signal handler, even if no task of the process gets a turn.
static AT_ONCE: AtomicBool = AtomicBool::new(true);

/// Lets SIGINT and SIGTERM end the process, also if it is the first one of a container: the kernel ignores a signal to that process
/// unless there is a handler.
pub fn end_also_as_first_process() -> io::Result<()> {
    if std::process::id() == 1 { end_at_once() } else { Ok(()) }
}

fn end_at_once() -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // The exit code that shells report for a process that the signal has killed.
        flag::register_conditional_shutdown(signal, 128 + signal, &AT_ONCE)?;
    }
    Ok(())
}

/// Receives SIGINT and SIGTERM. The first one asks the process to stop; a second one ends it at once.
#[derive(Debug)]
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Starts listening. An error means that a handler could not be installed: the process could then not be stopped gracefully, so
    /// the caller should not start. Call it once.
    pub fn listen() -> io::Result<Self> {
        AT_ONCE.store(false, Ordering::SeqCst);
        // The order matters: the first signal finds the flag unset, and sets it for the second one.
        end_at_once()?;
        for signal in [SIGINT, SIGTERM] {
            flag::register(signal, &AT_ONCE)?;
        }
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for the next signal. Cancel safe.
    pub async fn recv(&mut self) -> Reason {
        tokio::select! {
            _ = self.interrupt.recv() => Reason::Interrupt,
            _ = self.terminate.recv() => Reason::Terminate,
        }
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
        let mut stop = StopSignals::listen().expect("a handler");
        for (name, reason) in [("-TERM", Reason::Terminate), ("-INT", Reason::Interrupt)] {
            send(name);
            assert_eq!(stop.recv().await, reason);
            let at_once = AT_ONCE.swap(false, Ordering::SeqCst);
            assert!(at_once, "a second signal would end the process");
        }
    }
}

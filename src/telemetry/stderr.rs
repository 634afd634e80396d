//! Writes lines to stderr: directly, or through a bounded queue so that a reader that stopped reading blocks nobody.
//!
//! Not the format of a line.
//!
//! One-off commands write directly: a pipe that is read slowly slows them down, as it does for any program. The exporter must go on,
//! so it queues. `tracing-appender` was considered: its queue has no limit in bytes, and it cannot report afterwards how many lines
//! were dropped.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::metrics::Dropped;

/// The longest queue, in lines.
const MAX_LINES: usize = 1_024;
/// The longest queue, in bytes. A longer line is dropped.
const MAX_BYTES: usize = 1 << 20;
/// How long the end of the process waits for the queued lines.
const FLUSH: Duration = Duration::from_millis(500);

/// The queue of this process, once lines are queued.
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// Queues all further lines. A thread writes them; `report` makes the line that says how many were dropped.
pub(super) fn never_block(report: impl Fn(u64) -> Vec<u8> + Send + 'static) -> io::Result<()> {
    let queue = Arc::new(Queue::new(Dropped::of_process()));
    let writer = Arc::clone(&queue);
    std::thread::Builder::new().name("stderr".to_owned()).spawn(move || {
        loop {
            writer.step(&mut io::stderr(), &report);
        }
    })?;
    // If there is a queue already, lines stay in that one, and the new thread waits forever.
    let _ = QUEUE.set(queue);
    Ok(())
}

/// Writes or queues one line, which ends with a line feed. A line that stderr does not accept is lost.
pub fn line(bytes: &[u8]) {
    match QUEUE.get() {
        Some(queue) => queue.push(bytes),
        None => {
            let _ = io::stderr().write_all(bytes);
        }
    }
}

/// Waits until the queued lines are written, but only briefly. Call it before the process ends.
pub fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(FLUSH);
    }
}

/// A writer for `tracing-subscriber`, which writes each line with one call.
pub(super) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        line(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// All lines that were dropped since the start.
    dropped: Dropped,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// A line was taken and is being written.
    writing: bool,
    /// The queue was full. Until it is empty all lines are dropped, so that the log has one gap and one line about it.
    overflowed: bool,
    /// Dropped lines that the log does not mention yet.
    unreported: u64,
    /// The last write failed. The report waits until a line could be written.
    failing: bool,
}

enum Next {
    Line(Box<[u8]>),
    Report(u64),
}

impl Queue {
    fn new(dropped: Dropped) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), dropped }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut state = self.state();
        let full = state.lines.len() >= MAX_LINES || state.bytes + line.len() > MAX_BYTES;
        if state.overflowed || full {
            state.overflowed = true;
            state.unreported += 1;
            self.dropped.inc();
        } else {
            state.bytes += line.len();
            state.lines.push_back(line.into());
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for something to write, and writes it.
    fn step(&self, out: &mut impl Write, report: impl Fn(u64) -> Vec<u8>) {
        let next = self.next();
        let written = match &next {
            Next::Line(line) => out.write_all(line).is_ok(),
            Next::Report(dropped) => out.write_all(&report(*dropped)).is_ok(),
        };
        let mut state = self.state();
        state.writing = false;
        state.failing = !written;
        match next {
            Next::Line(_) if written => {}
            Next::Line(_) => {
                state.unreported += 1;
                self.dropped.inc();
            }
            Next::Report(dropped) => state.unreported -= if written { dropped } else { 0 },
        }
        drop(state);
        self.changed.notify_all();
    }

    fn next(&self) -> Next {
        let mut state = self.state();
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.len();
                state.writing = true;
                return Next::Line(line);
            }
            state.overflowed = false;
            if state.unreported > 0 && !state.failing {
                state.writing = true;
                return Next::Report(state.unreported);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until everything is written, at most this long.
    fn flush(&self, limit: Duration) -> bool {
        let pending = |state: &mut State| {
            let report = state.unreported > 0 && !state.failing;
            !state.lines.is_empty() || state.writing || report
        };
        let waited = self.changed.wait_timeout_while(self.state(), limit, pending);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts everything, or nothing.
    #[derive(Default)]
    struct Pipe {
        text: String,
        closed: bool,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.closed {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.text.push_str(std::str::from_utf8(bytes).expect("UTF-8"));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn queue() -> Queue {
        Queue::new(Dropped::default())
    }

    fn report(dropped: u64) -> Vec<u8> {
        format!("{dropped} dropped\n").into_bytes()
    }

    /// Writes until nothing is left.
    fn drained(queue: &Queue, out: &mut Pipe) {
        while !queue.flush(Duration::ZERO) {
            queue.step(out, report);
        }
    }

    #[test]
    fn a_full_queue_drops_and_counts_and_the_log_says_how_many_lines_are_missing_and_where() {
        let (queue, mut out) = (queue(), Pipe::default());
        for index in 0..MAX_LINES + 3 {
            queue.push(format!("{index}\n").as_bytes());
        }
        // There is room for one line again, but the gap is not reported yet.
        queue.step(&mut out, report);
        queue.push(b"also dropped\n");
        assert_eq!(queue.dropped.get(), 4);
        drained(&queue, &mut out);
        queue.push(b"after\n");
        drained(&queue, &mut out);
        let lines: Vec<&str> = out.text.lines().collect();
        assert_eq!(lines.len(), MAX_LINES + 2);
        assert_eq!(lines[MAX_LINES - 1..], [&(MAX_LINES - 1).to_string(), "4 dropped", "after"]);
    }

    #[test]
    fn the_queue_is_bounded_in_bytes_and_a_line_beyond_the_bound_does_not_stop_the_log() {
        let (queue, mut out) = (queue(), Pipe::default());
        let half = vec![b'x'; MAX_BYTES / 2];
        for _ in 0..3 {
            queue.push(&half);
        }
        assert_eq!((queue.dropped.get(), queue.state().bytes), (1, MAX_BYTES));
        drained(&queue, &mut out);
        queue.push(&vec![b'x'; MAX_BYTES + 1]);
        drained(&queue, &mut out);
        queue.push(b"after\n");
        drained(&queue, &mut out);
        assert_eq!(queue.dropped.get(), 2);
        assert!(out.text.ends_with("x1 dropped\n1 dropped\nafter\n"));
        assert_eq!(queue.state().bytes, 0);
    }

    #[test]
    fn lines_that_stderr_refuses_are_counted_and_reported_once_it_accepts_lines_again() {
        let (queue, mut out) = (queue(), Pipe { closed: true, ..Pipe::default() });
        for line in ["one\n", "two\n"] {
            queue.push(line.as_bytes());
        }
        drained(&queue, &mut out);
        assert_eq!(queue.dropped.get(), 2);
        out.closed = false;
        queue.push(b"three\n");
        drained(&queue, &mut out);
        assert_eq!(out.text, "three\n2 dropped\n");
        assert_eq!(queue.dropped.get(), 2, "the report itself is not a line of the log");
    }

    #[test]
    fn the_end_waits_for_lines_and_for_no_longer_than_its_limit() {
        let (queue, mut out) = (queue(), Pipe::default());
        assert!(queue.flush(Duration::ZERO), "nothing to wait for");
        queue.push(b"last words\n");
        assert!(!queue.flush(Duration::from_millis(1)), "nobody writes");
        std::thread::scope(|scope| {
            scope.spawn(|| queue.step(&mut out, report));
            assert!(queue.flush(Duration::from_mins(1)));
        });
        assert_eq!(out.text, "last words\n");
    }
}

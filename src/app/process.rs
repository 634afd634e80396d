//! The families `process_*`, which every Prometheus exporter has: measured when somebody scrapes, at most once a second.
//!
//! Their names and meanings are those of the Prometheus client libraries, and `docs/metrics.md` does not list them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use crate::file;
use crate::metric::{Counter, Family, Gauge, Kind, RegisterError, Registry};

const CPU: Family = Family {
    name: "process_cpu_seconds_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Total user and system CPU time spent in seconds.",
};
const OPEN_FDS: Family = gauge("process_open_fds", "Number of open file descriptors.");
const MAX_FDS: Family = gauge("process_max_fds", "Maximum number of open file descriptors.");
const VIRTUAL: Family = gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
const RESIDENT: Family = gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
const START: Family = gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.");
const THREADS: Family = gauge("process_threads", "Number of OS threads in the process.");

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels: &[], help }
}

/// The shortest time between two measurements: reading `/proc` takes longer than all the rest of a small scrape.
pub const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// `/proc/self/stat` is one line. `/proc/stat` has a line per processor and a number per interrupt.
const LIMIT: u64 = 1 << 20;

/// Registers the families, and returns what measures them. They are absent if `/proc` cannot be read. Fails if one of the names is
/// already registered.
pub fn register(registry: &Registry) -> Result<Box<dyn FnMut() + Send>, RegisterError> {
    let Some(now) = Stat::of_self() else { return Ok(Box::new(|| ())) };
    let start: Gauge = registry.add_single(&START)?;
    if let Some(boot) = boot_time() {
        start.set(boot.saturating_add(now.start.cast_signed()));
    }
    let cpu: Counter = registry.add_single(&CPU)?;
    let [open_fds, max_fds, virtual_memory, resident, threads] = [
        registry.add_single(&OPEN_FDS)?,
        registry.add_single(&MAX_FDS)?,
        registry.add_single(&VIRTUAL)?,
        registry.add_single(&RESIDENT)?,
        registry.add_single::<Gauge>(&THREADS)?,
    ];
    Ok(Box::new(move || {
        // What cannot be read keeps its last value.
        if let Some(descriptors) = open_descriptors() {
            open_fds.set(descriptors);
        }
        if let Some(max) = getrlimit(Resource::Nofile).current {
            max_fds.set(max.try_into().unwrap_or(i64::MAX));
        }
        if let Some(stat) = Stat::of_self() {
            cpu.raise_to(stat.cpu);
            threads.set(stat.threads);
            virtual_memory.set(stat.virtual_memory);
            resident.set(stat.resident);
        }
    }))
}

/// What `/proc/self/stat` says. The numbers of its fields are those of `proc_pid_stat(5)`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// User and system time in seconds: fields 14 and 15.
    cpu: u64,
    /// Field 20.
    threads: i64,
    /// Seconds after the boot: field 22.
    start: u64,
    /// In bytes: field 23.
    virtual_memory: i64,
    /// In bytes: field 24, which is in pages.
    resident: i64,
}

impl Stat {
    fn of_self() -> Option<Self> {
        let line = file::read_text(Path::new("/proc/self/stat"), LIMIT).ok()?;
        Self::parse(&line, clock_ticks_per_second(), page_size().try_into().ok()?)
    }

    fn parse(line: &str, ticks_per_second: u64, page_size: i64) -> Option<Self> {
        // The second field is the name of the program in parentheses. It can contain anything, also a parenthesis.
        let (_, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3);
        let count = |number| field(number)?.parse::<u64>().ok();
        let whole = |number| field(number)?.parse::<i64>().ok();
        Some(Self {
            cpu: count(14)?.checked_add(count(15)?)?.checked_div(ticks_per_second)?,
            threads: whole(20)?,
            start: count(22)?.checked_div(ticks_per_second)?,
            // It can be larger than the positive numbers of the gauge in theory only.
            virtual_memory: count(23)?.try_into().unwrap_or(i64::MAX),
            resident: whole(24)?.saturating_mul(page_size),
        })
    }
}

/// When the computer was started, as a Unix timestamp.
fn boot_time() -> Option<i64> {
    let text = file::read_text(Path::new("/proc/stat"), LIMIT).ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn open_descriptors() -> Option<i64> {
    let folder = Path::new("/proc/self/fd");
    // Since Linux 6.2, the size of the folder is the number of descriptors.
    let size = fs::metadata(folder).ok()?.len();
    // Reading the folder needs a descriptor, which is in it too.
    let number = if size > 0 { size } else { fs::read_dir(folder).ok()?.count().saturating_sub(1) as u64 };
    number.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_name_of_the_program() {
        let numbers = "S 1 2 3 4 5 6 7 8 9 10 250 170 0 0 20 0 9 0 12345 1000448 77 18446744073709551615 1 1";
        let expected = Stat { cpu: 4, threads: 9, start: 123, virtual_memory: 1_000_448, resident: 77 * 4096 };
        for name in ["exporter", "a b", ") S 9 (", "", "(("] {
            let line = format!("42 ({name}) {numbers}\n");
            assert_eq!(Stat::parse(&line, 100, 4096).as_ref(), Some(&expected), "{name}");
        }
        for damaged in ["", "42 (x", "42 (x) S 1 2 3", &format!("42 (x) {}", numbers.replace("250", "many"))] {
            assert_eq!(Stat::parse(damaged, 100, 4096), None, "{damaged}");
        }
    }

    #[test]
    fn the_process_is_measured_when_somebody_asks() {
        let registry = Registry::default();
        let mut measure = register(&registry).expect("free names");
        let value = |family: &Family| registry.values(family.name, &[])[0];
        assert!(value(&RESIDENT) <= 0.0, "not measured yet");
        measure();
        for family in [&OPEN_FDS, &MAX_FDS, &VIRTUAL, &RESIDENT, &START, &THREADS] {
            assert!(value(family) >= 1.0, "{}", family.name);
        }
        assert!(value(&VIRTUAL) > value(&RESIDENT) && value(&OPEN_FDS) < value(&MAX_FDS));
        assert_eq!(registry.list().len(), 7);
    }
}

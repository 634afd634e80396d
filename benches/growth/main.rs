//! What clients and organisations cost in memory, and what a refresh of one organisation costs beside others in the process.
//!
//! `cargo bench --bench growth` prints both tables. The allocator is that of the program, and counts the bytes in use. The time of
//! single steps is in `steps`. Nothing asserts a figure.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has no result")]
#![expect(clippy::print_stdout, reason = "the tables are the result")]
#![expect(clippy::disallowed_types, reason = "no clock is paused here")]

mod organisations;
mod parts;
#[path = "../steps/world.rs"]
#[allow(dead_code, reason = "`steps` uses the rest")]
mod world;

use std::env;
use std::process::Command;

use cap::Cap;
use dlmalloc::GlobalDlmalloc;
use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static ALLOCATOR: Cap<ZeroAlloc<GlobalDlmalloc>> = Cap::new(ZeroAlloc(GlobalDlmalloc), usize::MAX);

const CLIENTS: [&str; 4] = ["100", "1000", "10000", "100000"];
const ORGANISATIONS: [&str; 4] = ["1", "10", "50", "200"];

/// `growth clients N...` and `growth organisations N...` print rows for these numbers. Each row is measured in a process of its own,
/// so that none finds memory that another one left.
fn main() {
    // `cargo bench` adds an option.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        [] => {
            table("clients", &parts::HEADS, &CLIENTS);
            println!();
            table("organisations", &organisations::HEADS, &ORGANISATIONS);
        }
        ["row", "clients", number] => row(&parts::row(number.parse().expect("a number"))),
        ["row", "organisations", number] => row(&organisations::row(number.parse().expect("a number"))),
        ["world", index, version] => organisations::print(index, version),
        ["clients", numbers @ ..] => table("clients", &parts::HEADS, numbers),
        ["organisations", numbers @ ..] => table("organisations", &organisations::HEADS, numbers),
        _ => println!("Usage: growth [(clients | organisations) N...]"),
    }
}

fn table(kind: &str, heads: &[&str], numbers: &[&str]) {
    println!("| {} |\n|{}", heads.join(" | "), "---|".repeat(heads.len()));
    for number in numbers {
        let program = env::current_exe().expect("a program");
        let status = Command::new(program).args(["row", kind, number]).status().expect("a process");
        assert!(status.success(), "the row of {number} {kind}: {status}");
    }
}

fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// The bytes in use.
fn used() -> usize {
    ALLOCATOR.allocated()
}

/// A value, and by how much it increased the bytes in use.
fn grown<T>(make: impl FnOnce() -> T) -> (T, usize) {
    let before = used();
    let value = make();
    (value, used().saturating_sub(before))
}

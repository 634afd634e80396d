//! `completions` and `man`: shell completions and man pages, for packagers.
//!
//! clap generates both from the help texts in `args`.

use std::path::Path;

use clap_complete::Shell;

use super::args;
use super::console::{complain, print};
use super::exit::{CLEAN, FAILURE};

pub(super) fn completions(shell: Shell) -> u8 {
    let mut command = args::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    // clap replaces the hyphens in the program's name in two different ways, so that bash completes nothing after a subcommand
    // (clap issue 6421).
    let script = String::from_utf8_lossy(&script).replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__"));
    print(|stdout| stdout.write_all(script.as_bytes()));
    CLEAN
}

pub(super) fn pages(directory: &Path) -> u8 {
    // What is hidden in the short help would be missing in the man pages.
    let command = args::command().mut_args(|arg| arg.hide_short_help(false));
    match clap_mangen::generate_to(command, directory) {
        Ok(()) => CLEAN,
        Err(error) => {
            complain(format_args!("the man pages cannot be written to {}: {error}", directory.display()));
            FAILURE
        }
    }
}

//! `alerts`: prints the alert rules for the settings of this exporter.
//!
//! Not which alerts there are: `templates/alerts` has their text. The files in `alerts/` are the output with the defaults.

mod annotations;
pub(super) mod args;
mod fill;
mod span;

use args::{AlertsArgs, RuleFile};
use fill::Facts;

use super::console::{complain, print};
use super::exit::{CLEAN, FAILURE, USAGE};
use crate::config::{Gathered, Settings};
use crate::file::{self, Mode};

/// Prints one file or both, or writes both into a directory.
pub(super) fn run(args: &AlertsArgs, gathered: &Gathered) -> u8 {
    let settings = match Settings::of_alerts(gathered) {
        Ok(settings) => settings,
        Err(errors) => return super::refuse(&errors),
    };
    if let Some(twice) = args.label_given_twice() {
        complain(format_args!("--label {twice}: the label is given twice; give it one value"));
        return USAGE;
    }
    let facts = Facts::new(args, &settings);
    let Some(directory) = &args.directory else {
        let text = match args.file {
            Some(file) => facts.file(file),
            None => joined(&RuleFile::ALL.map(|file| facts.file(file))),
        };
        print(|stdout| stdout.write_all(text.as_bytes()));
        return CLEAN;
    };
    for file in RuleFile::ALL.into_iter().filter(|file| args.file.is_none_or(|wanted| wanted == *file)) {
        let path = directory.join(file.name());
        if let Err(error) = file::replace(&path, facts.file(file).as_bytes(), Mode::AsBefore) {
            let path = path.display();
            complain(format_args!("--directory: {path} cannot be written: {error}; the directory must exist"));
            return FAILURE;
        }
    }
    CLEAN
}

/// One rule file with the groups of all: Prometheus reads one document from a file.
fn joined(files: &[String]) -> String {
    const GROUPS: &str = "\ngroups:\n";
    let mut text = String::new();
    for file in files {
        if text.is_empty() {
            text.push_str(file);
        } else {
            let (comment, groups) = file.split_once(GROUPS).unwrap_or(("", file));
            text.extend(["\n", comment, "\n", groups]);
        }
    }
    text
}

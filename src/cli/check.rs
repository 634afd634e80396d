//! `config check`: whether the settings are valid, and whether what they name is usable. Calls nobody.
//!
//! The settings themselves, and the files of policy, baseline and secret, were checked when they were read.

use super::console::{complain, say};
use super::exit::{CLEAN, USAGE};
use crate::config::{self, Settings};
use crate::genesys::{Metrics, Platform};

pub(super) fn run(settings: &Settings) -> u8 {
    if let Some(path) = &settings.watch.files.baseline
        && settings.watch.in_force.baseline.is_none()
    {
        // Not a mistake: the first start can precede the first baseline.
        let path = path.display();
        complain(format_args!(
            "warning: --baseline.file: there is no file {path}, so nothing is approved; create it with `baseline init`"
        ));
    }
    let mistakes = mistakes(settings);
    for mistake in &mistakes {
        complain(mistake);
    }
    if !mistakes.is_empty() {
        return USAGE;
    }
    say("the configuration is valid");
    CLEAN
}

fn mistakes(settings: &Settings) -> Vec<String> {
    let mut mistakes = Vec::new();
    for config::OrganisationSettings { platform: organisation, .. } in &settings.organisations {
        if let Err(error) = Platform::new(organisation.clone(), &Metrics::unregistered()) {
            mistakes.push(format!("{}: {error}", organisation.org));
        }
    }
    if let Some(path) = &settings.watch.state_file {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if directory.is_some_and(|directory| !directory.is_dir()) {
            let path = path.display();
            mistakes
                .push(format!("--state.file: the directory of {path} does not exist; create it, or name another file"));
        }
    }
    mistakes
}

//! `config check`: whether the settings are valid, and whether what they name is usable. Calls nobody.
//!
//! The settings themselves, and the files of policy, baseline and secret, were checked when they were read.

use std::collections::BTreeSet;
use std::path::Path;

use super::console::{caution, complain, say};
use super::exit::{CLEAN, USAGE};
use crate::config::{self, Settings, Watch, shard_of};
use crate::file;
use crate::genesys::{Metrics, Platform};
use crate::text::{counted, visible};

pub(super) fn run(settings: &Settings) -> u8 {
    for (baseline_setting, watch) in watches(settings) {
        if let Some(path) = watch.files.baseline.as_ref().filter(|_| watch.in_force.lacks_baseline(&watch.files)) {
            // Not a mistake: the first start can precede the first baseline.
            let path = path.display();
            caution(format_args!(
                "{baseline_setting}: there is no file {path}, so nothing is approved; create it with `baseline init`"
            ));
        }
    }
    let mistakes = mistakes(settings);
    for mistake in &mistakes {
        complain(mistake);
    }
    if !mistakes.is_empty() {
        return USAGE;
    }
    match settings.named.len() {
        0 => say("the configuration is valid"),
        number => say(format_args!("the configuration is valid: {}", counted(number, "organisation"))),
    }
    if let Some(total) = settings.shards {
        let orgs: Vec<&str> = settings.organisations.iter().map(|watched| watched.platform.org.as_str()).collect();
        for shard in 0..total {
            let own: Vec<&str> = orgs.iter().copied().filter(|org| shard_of(org, total) == shard).collect();
            say(format_args!("shard {shard}: {}{}", counted(own.len(), "organisation"), listed(&own)));
        }
        if total > 1 {
            warn_of_lost_memory(settings);
        }
    }
    CLEAN
}

/// Without a baseline, only the state file knows what is new.
fn warn_of_lost_memory(settings: &Settings) {
    let without = settings.organisations.iter().filter(|watched| watched.watch.in_force.baseline.is_none());
    let without: Vec<&str> = without.map(|watched| watched.platform.org.as_str()).collect();
    if !without.is_empty() {
        caution(format_args!(
            "no baseline is loaded for {}; if an organisation moves to a shard that does not have its state file, open pages about \
             new grants end: add a baseline_file, or give all shards the same --state.dir",
            visible(&without.join(", "))
        ));
    }
}

fn listed(orgs: &[&str]) -> String {
    if orgs.is_empty() { String::new() } else { format!(": {}", visible(&orgs.join(", "))) }
}

/// How each organisation is watched, with the setting that names its baseline.
fn watches(settings: &Settings) -> Vec<(String, &Watch)> {
    if settings.named.is_empty() {
        return vec![("--baseline.file".to_owned(), &settings.watch)];
    }
    let named = settings.named.iter();
    named.map(|named| (format!("organisation {}, {}", named.org, named.baseline_setting), &named.watch)).collect()
}

fn mistakes(settings: &Settings) -> Vec<String> {
    let mut mistakes = Vec::new();
    for config::OrganisationSettings { platform: organisation, .. } in &settings.organisations {
        if let Err(error) = Platform::new(organisation.clone(), &Metrics::unregistered()) {
            mistakes.push(format!("{}: {error}", organisation.org));
        }
    }
    let (setting, what) = if settings.named.is_empty() {
        ("--state.file", "name another file")
    } else {
        ("--state.dir", "name another directory")
    };
    let watches = watches(settings);
    let files = watches.iter().filter_map(|(_, watch)| watch.state_file.as_deref());
    let directories: BTreeSet<&Path> = files.filter_map(Path::parent).collect();
    for directory in directories {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        if !directory.is_dir() {
            let directory = directory.display();
            mistakes.push(format!("{setting}: the directory {directory} does not exist; create it, or {what}"));
        } else if !file::can_write_in(directory) {
            // Not a mistake: the exporter starts without the file, and this may be another user than that of the exporter.
            let directory = directory.display();
            caution(format_args!(
                "{setting}: this user cannot write in the directory {directory}; without write access, first-seen times and \
                 the last data are lost at every restart"
            ));
        }
    }
    mistakes
}

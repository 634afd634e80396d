//! `config check`: whether the settings are valid, and whether what they name is usable. Calls nobody.
//!
//! The settings themselves, and the files of policy, baseline and secret, were checked when they were read.

use std::collections::BTreeMap;
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
    // The directory of several files is named, and of a single one the file.
    let is_one = settings.named.is_empty();
    let (setting, what) = if is_one { ("--state.file", "file") } else { ("--state.dir", "directory") };
    let watches = watches(settings);
    let files = watches.iter().filter_map(|(_, watch)| watch.state_file.as_deref());
    let directories: BTreeMap<&Path, &Path> = files.filter_map(|file| Some((file.parent()?, file))).collect();
    for (directory, file) in directories {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let named = if is_one {
            format!("the directory of {}", file.display())
        } else {
            format!("the directory {}", directory.display())
        };
        if !directory.is_dir() {
            mistakes.push(format!("{setting}: {named} does not exist; create it, or name another {what}"));
        } else if !file::can_write_in(directory) {
            // Not a mistake: the exporter starts without the file, and this may be another user than that of the exporter.
            caution(format_args!(
                "{setting}: this user cannot write in {named}; without write access, first-seen times and the last data are lost at \
                 every restart"
            ));
        }
    }
    mistakes
}

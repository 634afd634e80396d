//! `config check`: whether the settings are valid, and whether what they name is usable. Calls nobody.
//!
//! The settings themselves, and the files of policy, baseline and secret, were checked when they were read.

use tracing::warn;

use super::console::{complain, say};
use super::exit::{CLEAN, USAGE};
use crate::config::{self, Settings, shard_of};
use crate::genesys::{Metrics, Platform};
use crate::text::{counted, visible};

pub(super) fn run(settings: &Settings) -> u8 {
    if let Some(path) = &settings.watch.files.baseline
        && settings.watch.in_force.baseline.is_none()
    {
        // Not a mistake: the first start can precede the first baseline.
        let path = path.display();
        warn!("--baseline.file: there is no file {path}, so nothing is approved; create it with `baseline init`");
    }
    let mistakes = mistakes(settings);
    for mistake in &mistakes {
        complain(mistake);
    }
    if !mistakes.is_empty() {
        return USAGE;
    }
    say("the configuration is valid");
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
        warn!(
            "no baseline is loaded for {}; if an organisation moves to a shard that does not have its state file, open pages about \
             new grants end: add a baseline_file, or give all shards the same --state.dir",
            visible(&without.join(", "))
        );
    }
}

fn listed(orgs: &[&str]) -> String {
    if orgs.is_empty() { String::new() } else { format!(": {}", visible(&orgs.join(", "))) }
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

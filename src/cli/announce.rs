//! What a process that serves logs once at its start about its organisations: the way to the platform, and its shard.
//!
//! Not what it listens on (`app`).

use std::collections::BTreeMap;

use tracing::info;

use crate::config::{Settings, Shard};

/// Logs the shard, and each different way to the platform once, however many organisations use it.
pub(super) fn announce(settings: &Settings) {
    if let Some(Shard { index, total }) = settings.shard {
        let (organisations, configured) = (settings.organisations.len(), settings.configured);
        info!(
            shard = index,
            shards = total,
            organisations,
            configured,
            "this process watches the organisations of its shard"
        );
    }
    let mut ways = BTreeMap::new();
    for organisation in &settings.organisations {
        *ways.entry(organisation.platform.outbound()).or_insert(0_usize) += 1;
    }
    for (way, organisations) in ways {
        info!(
            proxy = way.proxy,
            certificate_authorities = way.authorities,
            organisations,
            "how the platform is called"
        );
    }
}

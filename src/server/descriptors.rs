//! Keeps enough file descriptors free for refreshes, the state file and the files of policy and baseline, however many peers connect.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{info, warn};

/// Descriptors that are not for the connections of [`super::Limits::connections`]: for those of the reserve, for the connections to
/// the platform, and for files.
const OTHERS: u64 = 96;
/// The number of connections that are allowed at any limit.
const FEWEST: usize = 8;

/// The number of connections that the limit on open files allows, at most the wanted number. If it allows fewer, the soft limit is
/// raised as far as the hard limit permits.
pub fn connections_within_limit(wanted: usize) -> usize {
    let needed = wanted as u64 + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(before) = current.filter(|current| *current < needed) else { return wanted };
    let raised = maximum.map_or(needed, |maximum| maximum.min(needed));
    let limit = match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
        Ok(()) => {
            info!(before, now = raised, "raised the limit on open files for --web.max-connections");
            raised
        }
        Err(cause) => {
            warn!(%cause, "cannot raise the limit on open files");
            before
        }
    };
    let allowed = within(limit, wanted);
    if allowed < wanted {
        warn!(
            limit,
            wanted,
            allowed,
            "the limit on open files allows fewer connections than --web.max-connections; raise the hard limit (LimitNOFILE in systemd, \
             ulimits in containers)"
        );
    }
    allowed
}

fn within(limit: u64, wanted: usize) -> usize {
    usize::try_from(limit.saturating_sub(OTHERS)).unwrap_or(usize::MAX).clamp(FEWEST.min(wanted), wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_for_everything_else_are_kept_free() {
        for (limit, wanted, allowed) in [
            (1024, 64, 64),
            (1024, 2_000, 928),
            (256, 2_000, 160),
            (160, 64, 64),
            (159, 64, 63),
            (64, 64, 8),
            (0, 4, 4),
        ] {
            assert_eq!(within(limit, wanted), allowed, "{limit} {wanted}");
        }
    }
}

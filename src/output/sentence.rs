//! What reports conclude from an audit: the exit code, and what was not read.
//!
//! Not the options of the command `audit`, which can change the exit code further.

use super::Organisation;
use crate::domain::{Collector, NotRead, Severity, Snapshot};

/// The default of `--fail-on`.
pub const FAIL_ON: Severity = Severity::High;

/// The exit code of an audit without options: 3 where something is missing, 1 with open findings from that severity on, else 0.
pub fn exit_code(organisations: &[Organisation<'_>], fail_on: Severity) -> u8 {
    if organisations.iter().any(|organisation| !organisation.complete || organisation.audited.is_none()) {
        return 3;
    }
    let worst = organisations.iter().filter_map(|organisation| organisation.audited?.report.worst_open()).max();
    u8::from(worst >= Some(fail_on))
}

/// The inputs that could not be read, with the reason, in the order of [`Collector::ALL`].
pub fn unread(snapshot: &Snapshot) -> impl Iterator<Item = (Collector, &NotRead)> {
    Collector::ALL.into_iter().filter_map(|collector| Some((collector, snapshot.not_read(collector)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    #[test]
    fn what_is_missing_beats_what_was_found() {
        let (planted, clean) = (sample::planted(), sample::clean());
        let incomplete = Organisation { complete: false, ..planted.organisation() };
        for (organisations, fail_on, expected) in [
            (vec![clean.organisation()], Severity::High, 0),
            (vec![clean.organisation(), planted.organisation()], Severity::High, 1),
            (vec![planted.organisation()], Severity::Critical, 1),
            (vec![incomplete, planted.organisation()], Severity::High, 3),
            (vec![sample::failed()], Severity::High, 3),
        ] {
            assert_eq!(exit_code(&organisations, fail_on), expected, "{organisations:?}");
        }
    }
}

//! What reports conclude from an audit: the exit code, and what was not read.
//!
//! Not the process's end: `cli` does that.

use super::ReportedOrganisation;
use crate::audit::Status;
use crate::domain::{Collector, NotRead, Severity, Snapshot};

/// From which severity on open findings fail an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailOn {
    /// As the policy says.
    #[default]
    Policy,
    /// From this one on.
    Severity(Severity),
    /// They do not.
    Never,
}

/// What makes an audit fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailWhen {
    /// Open findings.
    pub fail_on: FailOn,
    /// An enabled input or a client's record that could not be read, or a role of which nobody knows what it permits.
    pub strict: bool,
    /// Not an incomplete list of clients, as long as there is one.
    pub allow_incomplete: bool,
}

/// The exit code of an audit: 3 where something is missing, since that may be worse than what was seen; 1 with open findings; else 0.
pub fn exit_code(organisations: &[ReportedOrganisation<'_>], when: FailWhen) -> u8 {
    let missing = |organisation: &ReportedOrganisation<'_>| match organisation.audited {
        None => true,
        Some(audited) => {
            (!organisation.complete && !when.allow_incomplete)
                || (when.strict
                    && (unread(audited.snapshot).next().is_some()
                        || !audited.snapshot.unread.is_empty()
                        || !audited.report.unjudged_roles.is_empty()))
        }
    };
    if organisations.iter().any(missing) {
        return 3;
    }
    let found = |organisation: &ReportedOrganisation<'_>| {
        let Some(report) = organisation.audited.map(|audited| audited.report) else { return false };
        let least = match when.fail_on {
            FailOn::Policy => report.fail_on,
            FailOn::Severity(least) => least,
            FailOn::Never => return false,
        };
        let mut open = report.findings.iter().filter(|finding| finding.status == Status::Open);
        open.any(|finding| finding.severity >= least && organisation.selection.is_counted(finding))
    };
    u8::from(organisations.iter().any(found))
}

/// The inputs that could not be read, with the reason, in the order of [`Collector::ALL`].
pub fn unread(snapshot: &Snapshot) -> impl Iterator<Item = (Collector, &NotRead)> {
    Collector::ALL.into_iter().filter_map(|collector| Some((collector, snapshot.not_read(collector)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;
    use crate::output::{Selection, fingerprints};

    #[test]
    fn what_is_missing_beats_what_was_found() {
        let (planted, clean) = (sample::planted(), sample::clean());
        let incomplete = ReportedOrganisation { complete: false, ..planted.organisation() };
        let usual = FailWhen::default();
        let lenient = FailWhen { allow_incomplete: true, ..usual };
        let never = FailWhen { fail_on: FailOn::Never, ..usual };
        for (organisations, when, expected) in [
            (vec![clean.organisation()], usual, 0),
            (vec![clean.organisation(), planted.organisation()], usual, 1),
            (vec![planted.organisation()], FailWhen { fail_on: FailOn::Severity(Severity::Critical), ..usual }, 1),
            (vec![planted.organisation()], never, 0),
            (vec![incomplete, planted.organisation()], usual, 3),
            (vec![incomplete], never, 3),
            (vec![incomplete], lenient, 1),
            (vec![sample::failed()], usual, 3),
            (vec![sample::failed()], lenient, 3),
        ] {
            assert_eq!(exit_code(&organisations, when), expected, "{organisations:?} {when:?}");
        }
    }

    #[test]
    fn what_is_printed_does_not_decide_and_what_was_there_before_does_not_count() {
        let planted = sample::planted();
        let all = fingerprints(&planted.report);
        let but_one = all.iter().skip(1).copied().collect();
        for (selection, expected) in [
            (Selection::default(), 1),
            (Selection { least: Some(Severity::Critical), ..Selection::default() }, 1),
            (Selection { before: Some(&all), ..Selection::default() }, 0),
            (Selection { before: Some(&but_one), ..Selection::default() }, 1),
        ] {
            let organisation = ReportedOrganisation { selection, ..planted.organisation() };
            assert_eq!(exit_code(&[organisation], FailWhen::default()), expected, "{selection:?}");
        }
    }

    #[test]
    fn an_input_that_was_not_read_is_3_under_strict_only() {
        let (planted, clean) = (sample::planted(), sample::clean());
        let strict = FailWhen { strict: true, ..FailWhen::default() };
        assert_eq!(exit_code(&[planted.organisation()], strict), 3);
        assert_eq!(exit_code(&[clean.organisation()], strict), 0);
        let mut unknown_role = sample::clean();
        unknown_role.report.unjudged_roles.insert(crate::domain::RoleId::new("a-role"));
        assert_eq!(exit_code(&[unknown_role.organisation()], strict), 3, "nobody knows what the role permits");
        assert_eq!(exit_code(&[unknown_role.organisation()], FailWhen::default()), 0);
        let mut unreadable = sample::clean();
        unreadable.snapshot.unread.insert(crate::domain::ClientId::new("unreadable"));
        assert_eq!(exit_code(&[unreadable.organisation()], strict), 3, "nobody knows what the client holds");
        assert_eq!(exit_code(&[unreadable.organisation()], FailWhen::default()), 0);
    }
}

//! The exit code of an audit, and the inputs that could not be read.
//!
//! The process itself exits in `cli`.

use super::ReportedOrganisation;
use crate::audit::Status;
use crate::domain::Severity;

/// The severity at or above which an open finding fails an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailOn {
    /// The policy's `fail_on`.
    #[default]
    Policy,
    /// This severity.
    Severity(Severity),
    /// Open findings never fail the audit.
    Never,
}

/// The conditions that make an audit fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailWhen {
    /// The least severity of an open finding that fails the audit.
    pub fail_on: FailOn,
    /// Also fail if an enabled input or a client's record could not be read, or if the permissions of a held role are unknown.
    pub strict: bool,
    /// Do not fail because the list of clients is incomplete. A missing list still fails.
    pub allow_incomplete: bool,
}

/// The exit code of an audit: 3 if data is missing, since the missing part may be worse than the findings; 1 with open
/// findings; otherwise 0.
pub fn exit_code(organisations: &[ReportedOrganisation<'_>], when: FailWhen) -> u8 {
    let missing = |organisation: &ReportedOrganisation<'_>| match organisation.audited {
        None => true,
        Some(audited) => {
            (!organisation.complete && !when.allow_incomplete)
                || (when.strict
                    && (audited.snapshot.input_gaps().next().is_some()
                        || audited.snapshot.clients.partial().next().is_some()
                        || !audited.report.role_gaps.is_empty()))
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
        let mut open = report.findings().filter(|finding| finding.status == Status::Open);
        open.any(|finding| finding.severity >= least && organisation.selection.is_counted(finding))
    };
    u8::from(organisations.iter().any(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::sample;
    use crate::output::{Earlier, Selection};

    #[test]
    fn missing_data_takes_precedence_over_findings() {
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
    fn the_shown_severity_does_not_affect_the_exit_code_and_earlier_findings_do_not_count() {
        let planted = sample::planted();
        let all = Earlier::new(&planted.snapshot, &planted.report);
        let mut report = planted.report.clone();
        report.edit_findings(|findings| {
            let settled = findings.iter_mut().find(|finding| finding.severity == Severity::Critical);
            settled.expect("a critical finding").about_mut().status = Status::Approved;
        });
        let but_one = Earlier::new(&planted.snapshot, &report);
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
    fn missing_data_gives_3_under_strict_only() {
        let (planted, clean) = (sample::planted(), sample::clean());
        let strict = FailWhen { strict: true, ..FailWhen::default() };
        assert_eq!(exit_code(&[planted.organisation()], strict), 3);
        assert_eq!(exit_code(&[clean.organisation()], strict), 0);
        let mut unknown_role = sample::clean();
        unknown_role.report.role_gaps.insert(crate::domain::RoleId::new("a-role"));
        assert_eq!(exit_code(&[unknown_role.organisation()], strict), 3, "the role's permissions are unknown");
        assert_eq!(exit_code(&[unknown_role.organisation()], FailWhen::default()), 0);
        let mut unreadable = sample::clean();
        let (field, gap) = (crate::domain::ClientField::Name, crate::domain::Gap::Unread);
        unreadable.snapshot.clients[0].gaps.insert(field, gap);
        assert_eq!(exit_code(&[unreadable.organisation()], strict), 3, "the client could not be evaluated");
        assert_eq!(exit_code(&[unreadable.organisation()], FailWhen::default()), 0);
    }
}

//! `audit`: runs one audit, prints the report, and returns an exit code for CI.
//!
//! Not the text of the report (`output`), and not the evaluation (`crate::audit`).

pub(super) mod args;
mod first_seen;
mod previous;
mod progress;
mod reports;
mod taken;

use std::time::SystemTime;

use args::{AuditArgs, FailOn};
use first_seen::FirstSeen;
use taken::Taken;

use super::console::{complain, notice};
use super::each::MOST_NAMED;
use super::exit::{FAILURE, USAGE};
use crate::audit::Report;
use crate::config::{Settings, Watch};
use crate::domain::{OrgId, Severity, Timestamp};
use crate::ledger::{Evaluation, Ledger};
use crate::output::{self, Audited, Earlier, FailWhen, ReportedOrganisation, Selection};
use crate::text::listed;

/// `only` is the organisation of `--org`.
pub(super) async fn run(settings: &Settings, args: &AuditArgs, only: Option<&str>) -> u8 {
    let now = Timestamp::from(SystemTime::now());
    let taken = match reports::check(args).and_then(|()| files_of(settings, args, only)) {
        Ok(Some(taken)) => Ok(taken),
        Ok(None) => Ok(taken::take_all(settings, args.allow_incomplete, now).await),
        Err(mistake) => Err(mistake),
    };
    let audited = taken.and_then(|mut taken| {
        report_missing_baselines(&taken);
        let before = if args.only_new { Some(previous::read(args, &mut taken)?) } else { None };
        Ok((taken, before))
    });
    let (mut taken, before) = match audited {
        Ok(audited) => audited,
        Err(mistake) => {
            complain(mistake);
            return USAGE;
        }
    };
    if let Some(path) = &args.snapshot_out
        && let Err(why) = taken::keep(path, &taken)
    {
        complain(format_args!("--snapshot-out {}: {why}", path.display()));
        return FAILURE;
    }
    if let Err(mistake) = reject_foreign_baselines(&mut taken, settings) {
        complain(mistake);
        return USAGE;
    }
    let reports: Vec<Option<(Report, Ledger)>> =
        taken.iter().map(|one| evaluated(one, taken.len() == 1, now)).collect();
    let earlier: Option<Vec<Earlier<'_>>> =
        before.as_ref().map(|before| before.iter().map(previous::Before::earlier).collect());
    let least = args.min_severity.map(Severity::from);
    let organisations: Vec<ReportedOrganisation<'_>> = (taken.iter().zip(&reports).enumerate())
        .map(|(number, (taken, report))| {
            let before = earlier.as_ref().and_then(|earlier| earlier.get(number));
            organisation(taken, report.as_ref(), Selection { least, before }, settings.external_url.as_deref())
        })
        .collect();
    let when =
        FailWhen { fail_on: fail_on(args.fail_on), strict: args.strict, allow_incomplete: args.allow_incomplete };
    let code = output::exit_code(&organisations, when);
    let watches: Vec<&Watch> = taken.iter().map(|taken| taken.watch).collect();
    match reports::write_all(&organisations, code, args, &watches) {
        Ok(()) => code,
        Err(why) => {
            complain(why);
            FAILURE
        }
    }
}

/// What is audited from a file; `None` if the platform is asked.
fn files_of<'a>(
    settings: &'a Settings,
    args: &AuditArgs,
    only: Option<&str>,
) -> Result<Option<Vec<Taken<'a>>>, String> {
    args.snapshot_in.as_ref().map(|path| taken::read(path, settings, only)).transpose()
}

/// The report of what was read, and since when its dangerous grants are known.
fn evaluated(taken: &Taken<'_>, is_alone: bool, now: Timestamp) -> Option<(Report, Ledger)> {
    let snapshot = taken.snapshot.as_deref()?;
    let report = taken.evaluate(snapshot, now);
    let evaluation = Evaluation { snapshot, policy: &taken.watch.in_force.policy, report: &report };
    let ledger = if let Some(saved) = &taken.ledger {
        first_seen::of_file(saved, evaluation, now)
    } else {
        let known = FirstSeen::read(taken, is_alone);
        known.of_fresh(evaluation, |snapshot| taken.evaluate(snapshot, now), now)
    };
    Some((report, ledger))
}

fn organisation<'a>(
    taken: &'a Taken<'_>,
    report: Option<&'a (Report, Ledger)>,
    selection: Selection<'a>,
    external_url: Option<&'a str>,
) -> ReportedOrganisation<'a> {
    let snapshot = taken.snapshot.as_deref();
    let policy = &taken.watch.in_force.policy;
    ReportedOrganisation {
        org: &taken.org,
        audited: snapshot.zip(report).map(|(snapshot, (report, ledger))| Audited { snapshot, report, policy, ledger }),
        complete: taken.failure.is_none(),
        failure: taken.failure.as_deref(),
        calls: &taken.calls,
        selection,
        external_url,
    }
}

/// A baseline file that does not exist approves nothing.
fn report_missing_baselines(taken: &[Taken<'_>]) {
    let lacking = taken.iter().filter(|taken| taken.watch.in_force.lacks_baseline(&taken.watch.files));
    let lacking: Vec<&Taken<'_>> = lacking.collect();
    let path = |taken: &Taken<'_>| taken.watch.files.baseline.clone().unwrap_or_default();
    match lacking.as_slice() {
        [] => {}
        [one] => {
            let path = path(one);
            notice(format_args!("baseline file {}: the file does not exist, so nothing is approved", path.display()));
        }
        several => {
            let names = listed(several.iter().map(|taken| taken.org.as_str()), MOST_NAMED);
            notice(format_args!(
                "the baseline files of these organisations do not exist, so nothing is approved there: {names}"
            ));
        }
    }
}

/// A baseline of another organisation would approve nothing. If that is so for all organisations, nothing is reported; otherwise, those
/// with a baseline of their own are.
fn reject_foreign_baselines(taken: &mut [Taken<'_>], settings: &Settings) -> Result<(), String> {
    // A file of an earlier audit can have several organisations that are not configured one by one. The baseline is that of one of them.
    let is_shared = |taken: &Taken<'_>| std::ptr::eq(taken.watch, &raw const settings.watch);
    let id = |taken: &Taken<'_>| taken.snapshot.as_ref().map(|snapshot| snapshot.organisation.id.clone());
    let shared: Vec<OrgId> = taken.iter().filter(|taken| is_shared(taken)).filter_map(id).collect();
    let mut foreign = Vec::new();
    for (number, taken) in taken.iter().enumerate() {
        let (Some(baseline), Some(id)) = (&taken.watch.in_force.baseline, id(taken)) else { continue };
        let of = &baseline.organisation;
        if *of == id || (is_shared(taken) && shared.contains(of)) {
            continue;
        }
        let path = taken.watch.files.baseline.clone().unwrap_or_default();
        let instead = if is_shared(taken) || settings.named.is_empty() { "--baseline.file" } else { "baseline_file" };
        let path = path.display();
        foreign.push((
            number,
            format!(
                "baseline file {path}: the baseline is for organisation {of}, but this is organisation {id}; name another {instead}"
            ),
        ));
    }
    if !foreign.is_empty() && foreign.len() == taken.len() {
        return Err(foreign.into_iter().map(|(_, mistake)| mistake).collect::<Vec<_>>().join("\nerror: "));
    }
    for (number, mistake) in foreign {
        if let Some(taken) = taken.get_mut(number) {
            taken.reject(mistake);
        }
    }
    Ok(())
}

fn fail_on(argument: Option<FailOn>) -> output::FailOn {
    let least = match argument {
        None => return output::FailOn::Policy,
        Some(FailOn::Never) => return output::FailOn::Never,
        Some(FailOn::Critical) => Severity::Critical,
        Some(FailOn::High) => Severity::High,
        Some(FailOn::Medium) => Severity::Medium,
        Some(FailOn::Low) => Severity::Low,
        Some(FailOn::Info) => Severity::Info,
    };
    output::FailOn::Severity(least)
}

//! `audit`: runs one audit, prints the report, and returns an exit code for CI.
//!
//! Not the text of the report (`output`), and not the evaluation (`crate::audit`).

pub(super) mod args;
mod first_seen;
mod previous;
mod progress;
mod reports;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use args::{AuditArgs, FailOn};
use first_seen::FirstSeen;

use super::console::{complain, notice};
use super::exit::{FAILURE, USAGE};
use crate::audit::{self, Report};
use crate::config::{self, Settings};
use crate::domain::{OrgId, Severity, Snapshot, Timestamp};
use crate::genesys::{self, Metrics, Platform};
use crate::ledger::{Evaluation, Ledger};
use crate::output::{self, Audited, Earlier, FailWhen, ReportedOrganisation, Selection};
use crate::policy::Policy;
use crate::refresh::{self, Previous, fetch};
use crate::store::snapshot_file::{self, Kept};

/// What was read of one organisation, or why nothing could be read.
struct Taken {
    org: String,
    snapshot: Option<Arc<Snapshot>>,
    /// Why the list of clients is incomplete or could not be read.
    failure: Option<String>,
    calls: Vec<(String, u64)>,
    /// What the file had, if a file is audited.
    ledger: Option<Arc<Ledger>>,
}

pub(super) async fn run(settings: &Settings, args: &AuditArgs) -> u8 {
    if let Err(mistake) = reports::check(args) {
        complain(mistake);
        return USAGE;
    }
    let refresh::InForce { policy, baseline } = &settings.watch.in_force;
    if let (Some(path), None) = (&settings.watch.files.baseline, baseline) {
        notice(format_args!("baseline file {}: the file does not exist, so nothing is approved", path.display()));
    }
    let now = Timestamp::from(SystemTime::now());
    let evaluate = |snapshot: &Snapshot, at: Timestamp| audit::evaluate(snapshot, policy, baseline.as_deref(), at);
    let taken = match &args.snapshot_in {
        Some(path) => read(path),
        None => Ok(take_all(settings, args.allow_incomplete, now).await),
    };
    let before = args.only_new.then(|| previous::Before::read(args, settings, evaluate)).transpose();
    let (taken, before) = match (taken, before) {
        (Ok(taken), Ok(before)) => (taken, before),
        (Err(mistake), _) | (_, Err(mistake)) => {
            complain(mistake);
            return USAGE;
        }
    };
    if let Some(path) = &args.snapshot_out
        && let Err(why) = keep(path, &taken)
    {
        complain(format_args!("--snapshot-out {}: {why}", path.display()));
        return FAILURE;
    }
    if let Some(baseline) = &settings.watch.in_force.baseline {
        let ids: Vec<&OrgId> = taken.iter().filter_map(|t| Some(&t.snapshot.as_ref()?.organisation.id)).collect();
        if !ids.is_empty() && !ids.contains(&&baseline.organisation) {
            let ids: Vec<&str> = ids.into_iter().map(OrgId::as_str).collect();
            let (of, this) = (&baseline.organisation, ids.join(", "));
            complain(format_args!(
                "the baseline is for organisation {of}, but this is organisation {this}; name another --baseline.file"
            ));
            return USAGE;
        }
    }
    let first_seen = if args.snapshot_in.is_none() { Some(FirstSeen::read(settings)) } else { None };
    let evaluated = |taken: &Taken| {
        let snapshot = taken.snapshot.as_deref()?;
        let report = evaluate(snapshot, now);
        let evaluation = Evaluation { snapshot, policy, report: &report };
        let ledger = match (&taken.ledger, &first_seen) {
            (Some(saved), _) => first_seen::of_file(saved, evaluation, now),
            (None, Some(known)) => known.of_fresh(evaluation, |snapshot| evaluate(snapshot, now), now),
            (None, None) => Ledger::default(),
        };
        Some((report, ledger))
    };
    let reports: Vec<Option<(Report, Ledger)>> = taken.iter().map(evaluated).collect();
    let earlier: Vec<Option<Earlier<'_>>> =
        taken.iter().map(|taken| before.as_ref().map(|before| before.of(taken.snapshot.as_deref()))).collect();
    let least = args.min_severity.map(Severity::from);
    let organisations: Vec<ReportedOrganisation<'_>> = taken
        .iter()
        .zip(&reports)
        .zip(&earlier)
        .map(|((taken, report), before)| {
            let selection = Selection { least, before: before.as_ref() };
            organisation(taken, report.as_ref(), policy, selection, settings.external_url.as_deref())
        })
        .collect();
    let when =
        FailWhen { fail_on: fail_on(args.fail_on), strict: args.strict, allow_incomplete: args.allow_incomplete };
    let code = output::exit_code(&organisations, when);
    match reports::write_all(&organisations, code, args, settings) {
        Ok(()) => code,
        Err(why) => {
            complain(why);
            FAILURE
        }
    }
}

fn organisation<'a>(
    taken: &'a Taken,
    report: Option<&'a (Report, Ledger)>,
    policy: &'a Policy,
    selection: Selection<'a>,
    external_url: Option<&'a str>,
) -> ReportedOrganisation<'a> {
    let snapshot = taken.snapshot.as_deref();
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

async fn take_all(settings: &Settings, allow_incomplete: bool, now: Timestamp) -> Vec<Taken> {
    let mut taken = Vec::new();
    for organisation in &settings.organisations {
        let config::OrganisationSettings { platform, watch } = organisation;
        taken.push(take(platform, &watch.refresh, allow_incomplete, now).await);
    }
    taken
}

/// Reads one organisation from the platform.
async fn take(platform: &genesys::Config, config: &refresh::Config, allow_incomplete: bool, now: Timestamp) -> Taken {
    let org = platform.org.clone();
    let platform = match Platform::new(platform.clone(), &Metrics::unregistered()) {
        Ok(platform) => platform,
        Err(error) => {
            return Taken { org, snapshot: None, failure: Some(error.to_string()), calls: Vec::new(), ledger: None };
        }
    };
    let lenient = refresh::Config {
        trust_total: config.trust_total && !allow_incomplete,
        require_self: config.require_self && !allow_incomplete,
        ..config.clone()
    };
    let work = Box::pin(fetch(&platform, &lenient, Previous::default(), now));
    let attempt = progress::shown(&org, || platform.calls().into_values().sum(), work).await;
    let calls = platform.calls().into_iter().map(|(endpoint, count)| (endpoint.to_owned(), count)).collect();
    match attempt.outcome {
        Ok(fetched) => {
            let incomplete = fetched.listing.check(config.trust_total, config.require_self).err();
            let failure = incomplete.map(|why| why.to_string());
            Taken { org, snapshot: Some(Arc::new(fetched.snapshot)), failure, calls, ledger: None }
        }
        Err(failure) => Taken { org, snapshot: None, failure: Some(failure.to_string()), calls, ledger: None },
    }
}

/// Reads a file that an earlier audit wrote with `--snapshot-out`, or a state file.
fn read(path: &Path) -> Result<Vec<Taken>, String> {
    let kept = snapshot_file::read(path).map_err(|why| format!("--snapshot-in {why}"))?;
    let kept = kept.ok_or_else(|| format!("--snapshot-in {}: the file does not exist", path.display()))?;
    let taken = |Kept { org, snapshot, incomplete, ledger }| Taken {
        org,
        snapshot: Some(snapshot),
        failure: incomplete,
        calls: Vec::new(),
        ledger: Some(ledger),
    };
    Ok(kept.into_iter().map(taken).collect())
}

/// Writes what was read and, for each organisation, why its list is incomplete if it is.
fn keep(path: &Path, taken: &[Taken]) -> Result<(), String> {
    let kept: Vec<Kept> = taken
        .iter()
        .filter_map(|taken| {
            let (org, incomplete) = (taken.org.clone(), taken.failure.clone());
            Some(Kept { org, snapshot: Arc::clone(taken.snapshot.as_ref()?), incomplete, ledger: Arc::default() })
        })
        .collect();
    if kept.is_empty() {
        // A file of an earlier audit is left in place. Without this message it could be taken for the current state.
        let why = taken.iter().find_map(|taken| taken.failure.as_deref()).unwrap_or("no organisation is configured");
        complain(format_args!("--snapshot-out {}: not written, because nothing could be read: {why}", path.display()));
        return Ok(());
    }
    snapshot_file::write(path, &kept).map_err(|error| error.to_string())
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

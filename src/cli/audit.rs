//! `audit`: one complete audit, printed, with an exit code for CI.
//!
//! The report's text is `output`'s, the judgement is `audit`'s.

use std::io::{IsTerminal, Write};
use std::time::SystemTime;

use super::args::{AuditArgs, AuditFormat, FailOn};
use super::{FAILURE, USAGE, complain};
use crate::audit::{self, Report};
use crate::baseline::Baseline;
use crate::config::Settings;
use crate::domain::{Severity, Snapshot, Timestamp};
use crate::genesys::{self, Metrics, Platform};
use crate::output::{self, Audited, FailWhen, Organisation, table};
use crate::policy::Policy;
use crate::refresh::{self, Reloader, fetch};

/// A table that goes to a file or a pipe is this wide.
const WIDTH: usize = 120;

/// The audit of one organisation, or why there is none.
struct Outcome {
    org: String,
    audited: Option<(Snapshot, Report)>,
    /// Why the list of clients is not complete, or could not be had.
    failure: Option<String>,
    calls: Vec<(String, u64)>,
}

pub(super) async fn run(settings: &Settings, args: AuditArgs) -> u8 {
    let policy = match Reloader::read(settings.policy_file.as_ref()) {
        Ok(policy) => policy,
        Err(mistakes) => {
            complain(mistakes);
            return USAGE;
        }
    };
    let baseline = match Reloader::read_baseline(settings.baseline_file.as_deref()) {
        Ok(baseline) => baseline,
        Err(mistake) => {
            complain(mistake);
            return USAGE;
        }
    };
    let mut outcomes = Vec::new();
    for organisation in &settings.organisations {
        outcomes.push(audit(organisation, &settings.refresh, &policy, baseline.as_ref(), args.allow_incomplete).await);
    }
    let organisations: Vec<Organisation<'_>> = outcomes
        .iter()
        .map(|outcome| Organisation {
            org: &outcome.org,
            audited: outcome.audited.as_ref().map(|(snapshot, report)| Audited { snapshot, report }),
            complete: outcome.failure.is_none(),
            failure: outcome.failure.as_deref(),
            calls: &outcome.calls,
        })
        .collect();
    let fail_on = fail_on(args.fail_on);
    let when = FailWhen { fail_on, strict: args.strict, allow_incomplete: args.allow_incomplete };
    let code = output::exit_code(&organisations, when);
    match print(&organisations, code, args.format) {
        // A reader that has seen enough closes the pipe; the verdict stands.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            complain(format_args!("the report cannot be written: {error}"));
            FAILURE
        }
        _ => code,
    }
}

async fn audit(
    platform: &genesys::Config,
    config: &refresh::Config,
    policy: &Policy,
    baseline: Option<&Baseline>,
    allow_incomplete: bool,
) -> Outcome {
    let org = platform.org.clone();
    let metrics = Metrics::register(&prometheus::Registry::new()).map_err(|error| error.to_string());
    let platform =
        metrics.and_then(|metrics| Platform::new(platform.clone(), &metrics).map_err(|error| error.to_string()));
    let platform = match platform {
        Ok(platform) => platform,
        Err(failure) => return Outcome { org, audited: None, failure: Some(failure), calls: Vec::new() },
    };
    let now = Timestamp::from(SystemTime::now());
    let lenient = refresh::Config {
        trust_total: config.trust_total && !allow_incomplete,
        require_self: config.require_self && !allow_incomplete,
        ..config.clone()
    };
    let outcome = fetch(&platform, &lenient, None, now, &mut Vec::new()).await;
    let calls = platform.calls().into_iter().map(|(endpoint, count)| (endpoint.to_owned(), count)).collect();
    match outcome {
        Ok(fetched) => {
            let incomplete = fetched.listing.check(config.trust_total, config.require_self).err();
            let report = audit::evaluate(&fetched.snapshot, policy, baseline, now);
            let failure = incomplete.map(|why| why.to_string());
            Outcome { org, audited: Some((fetched.snapshot, report)), failure, calls }
        }
        Err(failure) => Outcome { org, audited: None, failure: Some(failure.to_string()), calls },
    }
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

fn print(organisations: &[Organisation<'_>], code: u8, format: AuditFormat) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match format {
        AuditFormat::Json => {
            output::json::write(organisations, code, &mut stdout)?;
            writeln!(stdout)?;
        }
        AuditFormat::Table => {
            let terminal = stdout.is_terminal();
            let width = terminal_size::terminal_size().filter(|_| terminal).map_or(WIDTH, |(width, _)| width.0.into());
            let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            write!(stdout, "{}", table::render(organisations, table::Style { width, colour }))?;
        }
    }
    stdout.flush()
}

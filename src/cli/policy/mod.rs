//! `policy`: checks the policy, tests patterns against the platform, and explains a client's verdict.
//!
//! Not the text of an explanation (`explain`), and not what a policy means (`crate::policy`).

mod explain;
mod live;

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::args::{ExplainArgs, TextFormat};
use super::client;
use super::console::{complain, document_of, say};
use super::deadline::within_deadline;
use super::exit::{CLEAN, INCOMPLETE, USAGE};
use super::prepare::refuse;
use crate::audit;
use crate::config::{self, Gathered, Settings};
use crate::domain::{Severity, Timestamp};
use crate::genesys::{self, Metrics, Platform};
use crate::policy::Policy;
use crate::refresh::{self, Previous, fetch};
use explain::Explanation;
use live::Tried;

/// Of the JSON document of `policy explain`. Increased when a field is removed or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// `policy check` without the platform: the policy of each organisation, each once.
pub(super) fn check(gathered: &Gathered) -> u8 {
    let policies = match Settings::policies(gathered) {
        Ok(policies) => policies,
        Err(errors) => return refuse(&errors),
    };
    let mut code = CLEAN;
    for files in policies {
        match refresh::read_policy(files.policy.as_deref(), &files.extension) {
            Ok(policy) => summary(files.policy.as_ref(), &policy),
            Err(mistakes) => {
                mistakes.lines().for_each(complain);
                code = USAGE;
            }
        }
    }
    code
}

/// `policy check --live`.
pub(super) async fn check_live(settings: &Settings) -> u8 {
    let policy = &settings.watch.in_force.policy;
    summary(settings.watch.files.policy.as_ref(), policy);
    each(settings, async |platform| live::check(platform, policy).await.map_err(unread)).await
}

/// `policy test-glob`.
pub(super) async fn test_glob(settings: &Settings, pattern: &str) -> u8 {
    match Tried::parse(pattern) {
        Ok(tried) => each(settings, async |platform| live::test_glob(platform, &tried).await.map_err(unread)).await,
        Err(mistake) => {
            complain(mistake);
            USAGE
        }
    }
}

/// `policy explain`.
pub(super) async fn explain(settings: &Settings, args: &ExplainArgs) -> u8 {
    let explained_clients = RefCell::new(Vec::new());
    let code = each(settings, async |platform| {
        if let Some(document) = explained(platform, settings, args).await? {
            explained_clients.borrow_mut().push(document);
        }
        Ok(CLEAN)
    });
    let code = code.await;
    if args.format == TextFormat::Json {
        document_of(json!({"schema_version": SCHEMA_VERSION, "clients": explained_clients.into_inner()}));
    }
    code
}

/// Runs `work` for each organisation and returns the highest exit code.
async fn each(settings: &Settings, work: impl AsyncFn(&Platform) -> Result<u8, (u8, String)>) -> u8 {
    let mut code = CLEAN;
    for config::OrganisationSettings { platform: organisation, watch } in &settings.organisations {
        let outcome = match connect(organisation) {
            Ok(platform) => {
                let done = within_deadline(watch.refresh.deadline, &platform, work(&platform)).await;
                done.unwrap_or_else(|late| Err(unread(late)))
            }
            Err(failure) => Err(unread(failure)),
        };
        code = code.max(outcome.unwrap_or_else(|(code, mistake)| {
            complain(format_args!("organisation {}: {mistake}", organisation.org));
            code
        }));
    }
    code
}

fn unread(failure: String) -> (u8, String) {
    (INCOMPLETE, failure)
}

fn connect(config: &genesys::Config) -> Result<Platform, String> {
    Platform::new(config.clone(), &Metrics::unregistered()).map_err(|error| error.to_string())
}

fn summary(file: Option<&PathBuf>, policy: &Policy) {
    let name = file.map_or_else(|| "the built-in policy".to_owned(), |file| file.display().to_string());
    say(format_args!("{name} is valid"));
    let dangerous = &policy.scopes.dangerous;
    let critical = dangerous.iter().filter(|pattern| pattern.severity == Severity::Critical).count();
    say(format_args!("  dangerous scopes       {} ({critical} critical)", dangerous.len()));
    say(format_args!("  toxic combinations     {}", policy.scopes.toxic.len()));
    let dangerous = &policy.permissions.dangerous;
    let critical = dangerous.iter().filter(|pattern| pattern.severity == Severity::Critical).count();
    say(format_args!("  dangerous permissions  {} ({critical} critical)", dangerous.len()));
    let rules = audit::rules::all().len();
    let off = rules - audit::rules::enabled(policy).count();
    say(format_args!("  rules                  {rules} ({off} switched off)"));
    let now = Timestamp::from(SystemTime::now());
    let ended = policy.exemptions.iter().filter(|exemption| exemption.has_ended(now)).count();
    say(format_args!("  exemptions             {} ({ended} expired)", policy.exemptions.len()));
    let defaults = policy.defaults;
    say(format_args!("  audit fails at         {} and above", defaults.fail_on));
    say(format_args!("  clients are flagged at {} and above", defaults.flag_at));
}

/// Prints the explanation as text, or returns it for the JSON document.
async fn explained(
    platform: &Platform,
    settings: &Settings,
    args: &ExplainArgs,
) -> Result<Option<Value>, (u8, String)> {
    let refresh::InForce { policy, baseline } = &settings.watch.in_force;
    let now = Timestamp::from(SystemTime::now());
    let attempt = fetch(platform, &settings.watch.refresh, Previous::default(), now).await;
    let snapshot = attempt.outcome.map_err(|failure| unread(failure.to_string()))?.snapshot;
    let client = client::find(&snapshot, &args.client).map_err(|mistake| (USAGE, mistake))?;
    let report = audit::evaluate(&snapshot, policy, baseline.as_deref(), now);
    let explanation = Explanation::new(&snapshot, policy, &report, client);
    if args.format == TextFormat::Json {
        return Ok(Some(explanation.json(&platform.config().org)));
    }
    say(explanation.text(args.all).trim_end());
    Ok(None)
}

//! `doctor`: checks what the exporter's client may read, which permissions it lacks, and which it does not need.
//!
//! It makes the calls that a refresh makes, and changes nothing.

use std::cmp::Reverse;
use std::fmt::Display;

use serde::Serialize;
use serde_json::{Value, json};

use super::args::{DoctorArgs, TextFormat};
use super::console::{document_of, say};
use super::deadline::within_deadline;
use super::each::each;
use super::exit::{CLEAN, INCOMPLETE};
use crate::audit::rules::USEFUL_PERMISSIONS;
use crate::config::{OrganisationSettings, Settings};
use crate::domain::{Record, ScopeTable};
use crate::genesys::{ApiError, Config, Identity, Metrics, Outbound, Platform, Refusal, Scopes};
use crate::refresh::{self, Listing};
use crate::text::{columns, counted, shortened, visible};

/// With a larger difference, ages in metrics are wrong. Tokens do not depend on the clock.
const TOLERABLE_SKEW_SECONDS: u64 = 30;

/// Of the JSON document. Increased when a field is removed or changes its meaning.
const SCHEMA_VERSION: u32 = 1;
/// The longest message in the comparison of several organisations.
const LONGEST: usize = 100;

pub(super) async fn run(settings: &Settings, args: DoctorArgs) -> u8 {
    let is_text = args.format == TextFormat::Text;
    let several = settings.organisations.len() > 1;
    let examined = async |one: &OrganisationSettings| {
        // With several, the checks of each are printed together once they are known.
        let (prints, words) = (is_text && !several, one.watch.words);
        let mut report = Report { prints, words, worst: CheckOutcome::Ok, checks: Vec::new() };
        if report.prints {
            say(title(&one.platform));
        }
        examine(&one.platform, &one.watch.refresh, &mut report).await;
        if is_text && several {
            report.print(&one.platform);
        }
        report
    };
    let reports = each(&settings.organisations, examined).await;
    let code = reports.iter().map(|report| report.code(args.strict)).max().unwrap_or(CLEAN);
    let examined: Vec<(&Config, &Report)> =
        settings.organisations.iter().map(|one| &one.platform).zip(&reports).collect();
    if is_text {
        comparison(examined);
    } else {
        let organisations: Vec<Value> = examined.into_iter().map(described).collect();
        document_of(json!({"schema_version": SCHEMA_VERSION, "exit_code": code, "organisations": organisations}));
    }
    code
}

fn title(config: &Config) -> String {
    format!("organisation {}, region {}", visible(&config.org), config.region)
}

fn described((config, report): (&Config, &Report)) -> Value {
    json!({
        "org": config.org,
        "region": config.region,
        "api_url": config.api_url.as_str(),
        "login_url": config.login_url.as_str(),
        "checks": report.checks,
    })
}

/// One line for each of several organisations, the worst first, with its first check that is not ok.
fn comparison(mut examined: Vec<(&Config, &Report)>) {
    if examined.len() < 2 {
        return;
    }
    examined.sort_by_key(|(_, report)| Reverse(report.worst));
    let width = |text: fn(&Config) -> &str| examined.iter().map(|(config, _)| columns(&visible(text(config)))).max();
    let (org, region) = (width(|config| &config.org), width(|config| &config.region));
    let padded = |text: &str, width: Option<usize>| {
        let text = visible(text);
        let space = width.unwrap_or_default().saturating_sub(columns(&text));
        format!("{text}{:space$}", "")
    };
    for (config, report) in &examined {
        let worst = report.checks.iter().find(|check| check.outcome == report.worst);
        let why = worst.filter(|check| check.outcome != CheckOutcome::Ok);
        let why = why.map(|Check { name, message, .. }| {
            let message = shortened(message, LONGEST);
            if message.starts_with(&format!("{name}: ")) { message.into_owned() } else { format!("{name}: {message}") }
        });
        let (org, region) = (padded(&config.org, org), padded(&config.region, region));
        let line = format!("{:>4}  {org}  {region}  {}", report.worst.mark(), why.unwrap_or_default());
        say(line.trim_end());
    }
    let count = |outcome| examined.iter().filter(|(_, report)| report.worst == outcome).count();
    let [ok, odd, failed] = [CheckOutcome::Ok, CheckOutcome::Warning, CheckOutcome::Failed].map(count);
    let all = counted(examined.len(), "organisation");
    say(format_args!("{all}: {ok} ok, {odd} with warnings, {failed} failed"));
}

async fn examine(config: &Config, refresh: &refresh::Config, report: &mut Report) {
    report.good("hosts", format_args!("API {}, login {}", config.api_url, config.login_url));
    let Outbound { proxy, authorities } = config.outbound();
    report.good("proxy", proxy);
    report.good("authorities", authorities);
    let platform = match Platform::new(config.clone(), &Metrics::unregistered()) {
        Ok(platform) => platform,
        Err(error) => {
            report.bad("TLS", &error);
            return;
        }
    };
    let checks = checks(&platform, refresh, report);
    if let Err(late) = within_deadline(refresh.deadline, &platform, checks).await {
        report.bad("time", &late);
    }
}

async fn checks(platform: &Platform, refresh: &refresh::Config, report: &mut Report) {
    if let Err(error) = platform.authorise().await {
        report.bad("token", &error);
        return;
    }
    report.good("token", "issued by the platform");
    let identity = platform.identity(None).await;
    match &identity {
        Ok(identity) => report.good("organisation", format_args!("{} ({})", identity.org_name, identity.org_id)),
        Err(error) => report.bad("organisation", error),
    }
    match platform.clock_skew_seconds() {
        Some(skew) if skew.unsigned_abs() > TOLERABLE_SKEW_SECONDS => {
            report
                .odd("clock", format_args!("{skew} s off the platform's clock; synchronise it, for example with NTP"));
        }
        Some(_) => report.good("clock", "agrees with the platform's clock"),
        None => report.odd("clock", "not checked: the platform sent no date to compare with"),
    }
    inputs(platform, identity.ok().as_ref(), refresh, report).await;
    least_privilege(platform, report).await;
}

async fn inputs(platform: &Platform, identity: Option<&Identity>, refresh: &refresh::Config, report: &mut Report) {
    let scopes = match platform.scopes().await {
        Ok(scopes) => {
            report.good("scopes", format_args!("{} in the registry", scopes.records.descriptions().len()));
            scopes.records
        }
        Err(error) => {
            report.odd("scopes", format_args!("{error}; rules that need the registry of scopes are not evaluated"));
            report.advise(&error);
            Scopes::default()
        }
    };
    match (platform.clients(&scopes, ScopeTable::default()).await, identity) {
        (Ok(listed), Some(identity)) => {
            partial("clients", listed.clients.iter(), report);
            let listing = Listing::of(&listed, &identity.own_client);
            match listing.check(refresh.trust_total, refresh.require_self) {
                Ok(()) => report.good("clients", format_args!("{}, including the exporter's own", listing.distinct)),
                Err(why) => report.bad("clients", &why),
            }
        }
        (Err(error), _) => {
            report.bad("clients", &error);
            report.advise(&error);
        }
        (Ok(listed), None) => report.odd("clients", format_args!("{} listed", listed.clients.len())),
    }
    match platform.roles().await {
        Ok(roles) => {
            report.good("roles", roles.records.len());
            partial("roles", roles.records.iter(), report);
        }
        Err(error) => {
            report
                .odd("roles", format_args!("{error}; the permissions of client-credentials clients are not evaluated"));
            report.advise(&error);
        }
    }
    match platform.divisions().await {
        Ok(divisions) => report.good("divisions", divisions.records.len()),
        Err(error) => {
            report.odd("divisions", format_args!("{error}; rules that need divisions are not evaluated"));
            report.advise(&error);
        }
    }
}

/// Reports the records that cannot be read in full.
fn partial<'a, R: Record + 'a>(what: &'static str, records: impl Iterator<Item = &'a R>, report: &mut Report)
where
    R::Id: std::fmt::Display,
{
    let ids: Vec<String> = records.filter(|record| !record.gaps().is_empty()).map(|r| r.id().to_string()).collect();
    let Some(first) = ids.first() else { return };
    let first = visible(first);
    let count = ids.len();
    report.odd(what, format_args!("{count} cannot be read in full, for example {first}; audit lists the fields"));
}

async fn least_privilege(platform: &Platform, report: &mut Report) {
    match platform.own_permissions().await {
        Ok(held) => {
            let excess: Vec<String> = held
                .into_iter()
                .filter(|held| !USEFUL_PERMISSIONS.iter().any(|useful| held.eq_ignore_ascii_case(useful)))
                .collect();
            if excess.is_empty() {
                report.good("least privilege", "this client has no permission that it does not need");
            } else {
                report.odd(
                    "least privilege",
                    format_args!("this client has permissions that it does not need: {}", excess.join(", ")),
                );
            }
        }
        Err(error) => report.odd("least privilege", format_args!("not checked: {error}")),
    }
}

/// The checks of one organisation.
struct Report {
    /// Whether each check is printed as soon as its outcome is known.
    prints: bool,
    /// Puts the names of settings into the words in which they were given.
    words: fn(&str) -> String,
    worst: CheckOutcome,
    checks: Vec<Check>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum CheckOutcome {
    Ok,
    /// Part of the audit is left out, or something should be tidied up.
    Warning,
    /// An audit is not possible.
    Failed,
}

#[derive(Serialize)]
struct Check {
    #[serde(rename = "check")]
    name: &'static str,
    outcome: CheckOutcome,
    message: String,
    /// What to do about a refusal.
    advice: Option<String>,
}

impl Report {
    const fn code(&self, strict: bool) -> u8 {
        match self.worst {
            CheckOutcome::Failed => INCOMPLETE,
            CheckOutcome::Warning if strict => INCOMPLETE,
            CheckOutcome::Ok | CheckOutcome::Warning => CLEAN,
        }
    }

    fn bad(&mut self, what: &'static str, error: &dyn Display) {
        self.add(CheckOutcome::Failed, what, error);
    }

    fn good(&mut self, what: &'static str, said: impl Display) {
        self.add(CheckOutcome::Ok, what, &said);
    }

    fn odd(&mut self, what: &'static str, said: impl Display) {
        self.add(CheckOutcome::Warning, what, &said);
    }

    fn add(&mut self, outcome: CheckOutcome, name: &'static str, message: &dyn Display) {
        let message = (self.words)(&message.to_string());
        if self.prints {
            line(outcome.mark(), name, &message);
        }
        self.worst = self.worst.max(outcome);
        self.checks.push(Check { name, outcome, message, advice: None });
    }

    /// Adds what to do about a refusal to the last check. A permission is named only if the platform names it.
    fn advise(&mut self, error: &ApiError) {
        let Some(advice) = error.refusal().and_then(advice) else { return };
        if self.prints {
            line("", "", &advice);
        }
        if let Some(check) = self.checks.last_mut() {
            check.advice = Some(advice);
        }
    }

    /// All checks of one of several organisations, and an empty line.
    fn print(&self, config: &Config) {
        say(title(config));
        for Check { name, outcome, message, advice } in &self.checks {
            line(outcome.mark(), name, message);
            if let Some(advice) = advice {
                line("", "", advice);
            }
        }
        say("");
    }
}

impl CheckOutcome {
    const fn mark(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "!",
            Self::Failed => "FAIL",
        }
    }
}

fn line(mark: &str, what: &str, said: &dyn Display) {
    say(format_args!("{mark:>4}  {what:<16}{said}"));
}

/// What the administrator of the organisation can do about a refusal; `None` if the message already says what to do, or nothing is known.
fn advice(refusal: &Refusal) -> Option<String> {
    let advice = match refusal {
        Refusal::Permission(permission) => format!(
            "to grant it: under Admin > People & Permissions > Roles / Permissions, add {permission} to the role of this \
             client; then, under Admin > Integrations > OAuth, open this client and assign the role in all divisions on the \
             Roles tab"
        ),
        Refusal::UnnamedPermission => "compare the role of this client with docs/permissions.md, which lists all permissions \
             that the exporter needs; the role must be assigned in all divisions"
            .to_owned(),
        Refusal::Scope => "under Admin > Integrations > OAuth, add the scope to this client, or ask whoever turned the enforcement of \
             scopes on"
            .to_owned(),
        Refusal::FeatureOff => "nothing to grant: without the feature, the rules that need this input are not evaluated".to_owned(),
        Refusal::Policy => "nothing to grant: ask whoever manages the access policies of the organisation to exempt this client".to_owned(),
        Refusal::Between | Refusal::Other => return None,
    };
    Some(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_fails_only_a_strict_check() {
        let code =
            |worst, strict| Report { prints: false, words: str::to_owned, worst, checks: Vec::new() }.code(strict);
        for (worst, lenient, strict) in [
            (CheckOutcome::Ok, 0, 0),
            (CheckOutcome::Warning, 0, INCOMPLETE),
            (CheckOutcome::Failed, INCOMPLETE, INCOMPLETE),
        ] {
            assert_eq!((code(worst, false), code(worst, true)), (lenient, strict), "{worst:?}");
        }
    }
}

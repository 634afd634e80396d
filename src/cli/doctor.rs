//! `doctor`: checks what the exporter's client may read, which permissions it lacks, and which it does not need.
//!
//! It makes the calls that a refresh makes, and changes nothing.

use super::console::say;
use super::deadline::within_deadline;
use super::exit::{CLEAN, INCOMPLETE};
use crate::audit::rules::USEFUL_PERMISSIONS;
use crate::config::Settings;
use crate::domain::Record;
use crate::genesys::{ApiError, Config, Identity, Metrics, Platform, Scopes};
use crate::refresh::Listing;
use crate::text::visible;

/// With a larger difference, ages in metrics are wrong. Tokens do not depend on the clock.
const TOLERABLE_SKEW_SECONDS: u64 = 30;

pub(super) async fn run(settings: &Settings) -> u8 {
    let mut code = CLEAN;
    for organisation in &settings.organisations {
        code = code.max(examine(organisation, settings).await);
    }
    code
}

async fn examine(config: &Config, settings: &Settings) -> u8 {
    let mut report = Report { code: CLEAN };
    say(format_args!("organisation {}, region {}", config.org, config.region));
    good("hosts", format_args!("API {}, login {}", config.api_url, config.login_url));
    let platform = match Platform::new(config.clone(), &Metrics::unregistered()) {
        Ok(platform) => platform,
        Err(error) => {
            report.bad("TLS", &error);
            return report.code;
        }
    };
    let checks = checks(&platform, settings, &mut report);
    if let Err(late) = within_deadline(settings, &platform, checks).await {
        report.bad("time", &late);
    }
    report.code
}

async fn checks(platform: &Platform, settings: &Settings, report: &mut Report) {
    if let Err(error) = platform.authorise().await {
        report.bad("token", &error);
        return;
    }
    good("token", "issued by the platform");
    let identity = platform.identity(None).await;
    match &identity {
        Ok(identity) => good("organisation", format_args!("{} ({})", identity.org_name, identity.org_id)),
        Err(error) => report.bad("organisation", error),
    }
    match platform.clock_skew_seconds() {
        Some(skew) if skew.unsigned_abs() > TOLERABLE_SKEW_SECONDS => {
            odd("clock", format_args!("{skew} s off the platform's clock; synchronise it, for example with NTP"));
        }
        Some(_) => good("clock", "agrees with the platform's clock"),
        None => odd("clock", "not checked: the platform sent no date to compare with"),
    }
    inputs(platform, identity.ok().as_ref(), settings, report).await;
    least_privilege(platform).await;
}

async fn inputs(platform: &Platform, identity: Option<&Identity>, settings: &Settings, report: &mut Report) {
    let scopes = match platform.scopes().await {
        Ok(scopes) => {
            good("scopes", format_args!("{} in the registry", scopes.records.descriptions().len()));
            scopes.records
        }
        Err(error) => {
            odd("scopes", format_args!("{error}; rules that need the registry of scopes are not evaluated"));
            Scopes::default()
        }
    };
    match (platform.clients(&scopes).await, identity) {
        (Ok(listed), Some(identity)) => {
            partial("clients", listed.clients.iter());
            let listing = Listing::of(&listed, &identity.own_client);
            match listing.check(settings.refresh.trust_total, settings.refresh.require_self) {
                Ok(()) => good("clients", format_args!("{}, including the exporter's own", listing.distinct)),
                Err(why) => report.bad("clients", &why),
            }
        }
        (Err(error), _) => {
            report.bad("clients", &error);
            advise(&error);
        }
        (Ok(listed), None) => odd("clients", format_args!("{} listed", listed.clients.len())),
    }
    match platform.roles().await {
        Ok(roles) => {
            good("roles", roles.records.len());
            partial("roles", roles.records.iter());
        }
        Err(error) => {
            odd("roles", format_args!("{error}; the permissions of client-credentials clients are not evaluated"));
            advise(&error);
        }
    }
    match platform.divisions().await {
        Ok(divisions) => good("divisions", divisions.records.len()),
        Err(error) => odd("divisions", format_args!("{error}; rules that need divisions are not evaluated")),
    }
}

/// Reports the records that cannot be read in full.
fn partial<'a, R: Record + 'a>(what: &str, records: impl Iterator<Item = &'a R>)
where
    R::Id: std::fmt::Display,
{
    let ids: Vec<String> = records.filter(|record| !record.gaps().is_empty()).map(|r| r.id().to_string()).collect();
    let Some(first) = ids.first() else { return };
    let first = visible(first);
    let count = ids.len();
    odd(what, format_args!("{count} cannot be read in full, for example {first}; audit lists the fields"));
}

async fn least_privilege(platform: &Platform) {
    match platform.own_permissions().await {
        Ok(held) => {
            let excess: Vec<String> = held
                .into_iter()
                .filter(|held| !USEFUL_PERMISSIONS.iter().any(|useful| held.eq_ignore_ascii_case(useful)))
                .collect();
            if excess.is_empty() {
                good("least privilege", "this client has no permission that it does not need");
            } else {
                odd(
                    "least privilege",
                    format_args!("this client has permissions that it does not need: {}", excess.join(", ")),
                );
            }
        }
        Err(error) => odd("least privilege", format_args!("not checked: {error}")),
    }
}

/// The outcome so far.
struct Report {
    /// [`INCOMPLETE`] once something makes an audit impossible.
    code: u8,
}

impl Report {
    /// Prints a problem that makes an audit impossible.
    fn bad(&mut self, what: &str, error: &dyn std::fmt::Display) {
        line("FAIL", what, error);
        self.code = INCOMPLETE;
    }
}

/// Prints a check that passed.
fn good(what: &str, said: impl std::fmt::Display) {
    line("ok", what, said);
}

/// Prints a problem that leaves part of the audit out, or that should be tidied up.
fn odd(what: &str, said: impl std::fmt::Display) {
    line("!", what, said);
}

/// Prints how to grant the missing permission, if the error names one.
fn advise(error: &ApiError) {
    if let Some(permission) = error.missing_permission() {
        line(
            "",
            "",
            format_args!(
                "to grant it: under Admin > People & Permissions > Roles / Permissions, add {permission} to the role of this \
                 client; then, under Admin > Integrations > OAuth, open this client and assign the role in all divisions on \
                 the Roles tab"
            ),
        );
    }
}

fn line(mark: &str, what: &str, said: impl std::fmt::Display) {
    say(format_args!("{mark:>4}  {what:<16}{said}"));
}

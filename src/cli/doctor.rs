//! `doctor`: tells in plain words what this client may read, what is missing and what is too much.
//!
//! Calls the platform as a refresh does, and changes nothing.

use super::{CLEAN, INCOMPLETE, say};
use crate::audit::rules::USEFUL_PERMISSIONS;
use crate::config::Settings;
use crate::genesys::{ApiError, Config, Metrics, Platform, Scopes};
use crate::refresh::Listing;

/// A clock that is further off breaks dates in metrics; tokens do not depend on it.
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
    let registry = prometheus::Registry::new();
    let platform = Metrics::register(&registry)
        .map_err(|error| error.to_string())
        .and_then(|metrics| Platform::new(config.clone(), &metrics).map_err(|error| error.to_string()));
    let platform = match platform {
        Ok(platform) => platform,
        Err(error) => {
            report.bad("TLS", &error);
            return report.code;
        }
    };
    if let Err(error) = platform.authorise().await {
        report.bad("token", &error);
        return report.code;
    }
    good("token", "the platform gives one");
    match platform.identity().await {
        Ok(identity) => good("organisation", format_args!("{} ({})", identity.org_name, identity.org_id)),
        Err(error) => report.bad("organisation", &error),
    }
    match platform.clock_skew_seconds() {
        Some(skew) if skew.unsigned_abs() > TOLERABLE_SKEW_SECONDS => {
            odd("clock", format_args!("{skew} s off the platform's; set it by NTP"));
        }
        Some(_) => good("clock", "agrees with the platform's"),
        None => odd("clock", "the platform sent no date to compare with"),
    }
    inputs(&platform, settings, &mut report).await;
    own_power(&platform).await;
    report.code
}

async fn inputs(platform: &Platform, settings: &Settings, report: &mut Report) {
    let scopes = match platform.scopes().await {
        Ok(scopes) => {
            good("scopes", format_args!("{} in the registry", scopes.records.descriptions().len()));
            scopes.records
        }
        Err(error) => {
            odd("scopes", format_args!("{error}; rules on the registry are not evaluated"));
            Scopes::default()
        }
    };
    match (platform.clients(&scopes).await, platform.identity().await) {
        (Ok(listed), Ok(identity)) => {
            let listing = Listing::of(&listed, &identity.own_client);
            match listing.check(settings.refresh.trust_total, settings.refresh.require_self) {
                Ok(()) => good("clients", format_args!("{}, the exporter's own among them", listing.distinct)),
                Err(why) => report.bad("clients", &why),
            }
        }
        (Err(error), _) => {
            report.bad("clients", &error);
            advise(&error);
        }
        (Ok(listed), Err(_)) => odd("clients", format_args!("{} listed", listed.distinct)),
    }
    match platform.roles().await {
        Ok(roles) => good("roles", roles.records.len()),
        Err(error) => {
            odd("roles", format_args!("{error}; what client-credentials clients may do is not evaluated"));
            advise(&error);
        }
    }
    match platform.divisions().await {
        Ok(divisions) => good("divisions", divisions.records.len()),
        Err(error) => odd("divisions", format_args!("{error}; rules on divisions are not evaluated")),
    }
}

async fn own_power(platform: &Platform) {
    match platform.own_permissions().await {
        Ok(held) => {
            let excess: Vec<String> = held
                .into_iter()
                .filter(|held| !USEFUL_PERMISSIONS.iter().any(|useful| held.eq_ignore_ascii_case(useful)))
                .collect();
            if excess.is_empty() {
                good("least privilege", "this client holds no more than it needs");
            } else {
                odd("least privilege", format_args!("this client holds more than it needs: {}", excess.join(", ")));
            }
        }
        Err(error) => odd("least privilege", format_args!("cannot be told: {error}")),
    }
}

/// Whether there can be an audit.
struct Report {
    code: u8,
}

impl Report {
    /// Something without which there is no audit.
    fn bad(&mut self, what: &str, error: &dyn std::fmt::Display) {
        line("FAIL", what, error);
        self.code = INCOMPLETE;
    }
}

fn good(what: &str, said: impl std::fmt::Display) {
    line("ok", what, said);
}

/// Something that leaves part of the audit out, or is untidy.
fn odd(what: &str, said: impl std::fmt::Display) {
    line("!", what, said);
}

/// How to grant what is missing.
fn advise(error: &ApiError) {
    if let Some(permission) = error.missing_permission() {
        line(
            "",
            "",
            format_args!(
                "to grant it: Admin > People & Permissions > Roles / Permissions, add {permission} to the role of this \
                 client; then Admin > Integrations > OAuth, this client, Roles: assign the role in all divisions"
            ),
        );
    }
}

fn line(mark: &str, what: &str, said: impl std::fmt::Display) {
    say(format_args!("{mark:>4}  {what:<16}{said}"));
}

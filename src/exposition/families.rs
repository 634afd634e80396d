//! The flat table of the audited families: name, labels, meaning, and where the series come from.
//!
//! Not the series themselves (`series`, `organisation`), nor the writing (`render`). A new family is one row here.

use super::organisation;
use super::render::{Block, plain_gauges};
use super::series::{Powers, Series, Source, Tell};
use super::view::View;
use crate::domain::Timestamp;
use crate::metric::{Family, Kind};

/// The audited families, in the order in which they are written.
pub const AUDITED_FAMILIES: [Family; ROWS.len()] = {
    let mut families = [ROWS[0].family; ROWS.len()];
    let mut index = 0;
    while index < families.len() {
        families[index] = ROWS[index].family;
        index += 1;
    }
    families
};

const _: () = assert!(plain_gauges(&AUDITED_FAMILIES), "an audited family differs between the formats");

/// A family and where its series come from.
pub(super) struct FamilyRow {
    pub(super) family: Family,
    pub(super) series: Series,
}

/// The names of the families that can be switched off one by one.
pub(super) fn per_client() -> impl Iterator<Item = &'static str> {
    ROWS.iter().filter(|row| matches!(row.series, Series::PerClient { .. })).map(|row| row.family.name)
}

const fn counted(family: Family, count: fn(&View<'_>, &mut Block<'_>)) -> FamilyRow {
    FamilyRow { family, series: Series::Organisation(count) }
}

/// A family that the cap never drops.
const fn kept(family: Family, source: Source) -> FamilyRow {
    FamilyRow { family, series: Series::PerClient { priority: None, source } }
}

const fn droppable(priority: u8, family: Family, source: Source) -> FamilyRow {
    FamilyRow { family, series: Series::PerClient { priority: Some(priority), source } }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels, help }
}

const ORG: &[&str] = &["org"];
const CLIENT: &[&str] = &["org", "client_id"];

/// A meaning, and the sentence that every audited family's HELP ends with.
macro_rules! cached {
    ($meaning:literal) => {
        concat!($meaning, " Cached; refreshed on a timer.")
    };
}

/// The table.
pub(super) static ROWS: [FamilyRow; 26] = [
    counted(
        gauge(
            "genesyscloud_oauth_org_info",
            &["org", "org_id", "org_name", "region"],
            cached!("1 while the organisation's data is served."),
        ),
        organisation::info,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_clients",
            &["org", "grant_type", "state"],
            cached!("OAuth clients by grant type and state."),
        ),
        organisation::clients,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_clients_flagged",
            &["org", "severity"],
            cached!("Clients with an open finding at or above the policy's flag_at, by their worst open finding."),
        ),
        organisation::flagged,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_clients_not_evaluated",
            ORG,
            cached!("Clients that are not flagged, and part of whose power was judged by nothing."),
        ),
        organisation::not_evaluated,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_clients_compliant",
            ORG,
            cached!("Clients that are neither flagged nor not evaluated; the three partition all clients."),
        ),
        organisation::compliant,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_findings",
            &["org", "rule", "severity", "status"],
            cached!("Findings of the audit. Status is open, exempt, approved or not_evaluated."),
        ),
        organisation::findings,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_dangerous_scope_occurrences",
            &["org", "severity"],
            cached!("Pairs of a client and a dangerous scope that it holds to effect, whatever their status."),
        ),
        organisation::dangerous_scope_occurrences,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_dangerous_scope_clients",
            &["org", "scope", "severity"],
            cached!("Clients that hold this dangerous scope to effect."),
        ),
        organisation::dangerous_scope_clients,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_dangerous_permission_clients",
            &["org", "permission", "severity"],
            cached!("Client-credentials clients whose roles grant what this policy pattern matches."),
        ),
        organisation::dangerous_permission_clients,
    ),
    kept(
        gauge(
            "genesyscloud_oauth_client_info",
            &["org", "client_id", "client_name", "grant_type", "state"],
            cached!("1 for each client; the only family with its name, to be joined on client_id."),
        ),
        Source::Info,
    ),
    droppable(
        5,
        gauge("genesyscloud_oauth_client_scopes", CLIENT, cached!("Scopes that the client holds.")),
        Source::Number(|client| i64::try_from(client.scopes.len()).ok()),
    ),
    droppable(
        4,
        gauge(
            "genesyscloud_oauth_client_role_grants",
            CLIENT,
            cached!("Pairs of a role and a division that the client holds."),
        ),
        Source::Number(|client| i64::try_from(client.role_grants.len()).ok()),
    ),
    droppable(
        7,
        gauge(
            "genesyscloud_oauth_client_findings",
            &["org", "client_id", "rule", "severity"],
            cached!("Open findings of that rule on the client; absent where there are none."),
        ),
        Source::OpenFindings,
    ),
    kept(
        gauge(
            "genesyscloud_oauth_client_dangerous_scope_unapproved",
            &["org", "client_id", "scope"],
            cached!(
                "1 where this dangerous scope is neither approved by the baseline nor exempt, 0 where it is or is gone. \
                 Absent while no baseline is loaded."
            ),
        ),
        Source::Grants { of: Powers::Scopes, told: Tell::Unapproved },
    ),
    kept(
        gauge(
            "genesyscloud_oauth_client_dangerous_scope_first_seen_timestamp_seconds",
            &["org", "client_id", "scope"],
            cached!(
                "When the client was first seen with this dangerous scope. 0 where it is exempt, gone, or was there \
                 before the exporter or the policy first looked."
            ),
        ),
        Source::Grants { of: Powers::Scopes, told: Tell::FirstSeen },
    ),
    kept(
        gauge(
            "genesyscloud_oauth_client_dangerous_permission_unapproved",
            &["org", "client_id", "permission"],
            cached!(
                "1 where a permission that the client holds and this policy pattern matches is neither approved by the \
                 baseline nor exempt, 0 where all are or they are gone. Absent while no baseline is loaded."
            ),
        ),
        Source::Grants { of: Powers::Permissions, told: Tell::Unapproved },
    ),
    kept(
        gauge(
            "genesyscloud_oauth_client_dangerous_permission_first_seen_timestamp_seconds",
            &["org", "client_id", "permission"],
            cached!(
                "When the newest permission of the client that this policy pattern matches was first seen. 0 where it is \
                 exempt, gone, or was there before the exporter or the policy first looked."
            ),
        ),
        Source::Grants { of: Powers::Permissions, told: Tell::FirstSeen },
    ),
    droppable(
        2,
        gauge("genesyscloud_oauth_client_created_timestamp_seconds", CLIENT, cached!("When the client was created.")),
        Source::Number(|client| client.created.map(Timestamp::seconds)),
    ),
    droppable(
        1,
        gauge(
            "genesyscloud_oauth_client_modified_timestamp_seconds",
            CLIENT,
            cached!("When the client was last changed."),
        ),
        Source::Number(|client| client.modified.map(Timestamp::seconds)),
    ),
    droppable(
        6,
        gauge(
            "genesyscloud_oauth_client_deletion_timestamp_seconds",
            CLIENT,
            cached!("When the platform will delete the client; absent where no deletion is scheduled."),
        ),
        Source::Number(|client| client.deletion.map(Timestamp::seconds)),
    ),
    droppable(
        3,
        gauge(
            "genesyscloud_oauth_client_access_token_validity_seconds",
            CLIENT,
            cached!("Life of the client's access tokens; the platform's default is 86400."),
        ),
        Source::Number(|client| Some(i64::from(client.effective_token_validity()))),
    ),
    counted(
        gauge(
            "genesyscloud_oauth_scopes_known",
            ORG,
            cached!("Scopes in the platform's registry; absent where it could not be read."),
        ),
        organisation::scopes_known,
    ),
    counted(
        gauge("genesyscloud_oauth_baseline_loaded", ORG, cached!("1 while a baseline of approved grants is loaded.")),
        organisation::baseline_loaded,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_baseline_timestamp_seconds",
            ORG,
            cached!("When any part of the baseline was last approved; absent while none is loaded."),
        ),
        organisation::baseline_timestamp,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_baseline_drift",
            &["org", "kind", "dangerous"],
            cached!(
                "Open differences from the baseline. Dangerous is true where they bring a dangerous scope or permission \
                 that is neither approved nor exempt. Absent while none is loaded."
            ),
        ),
        organisation::baseline_drift,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_exemption_expiry_timestamp_seconds",
            &["org", "exemption"],
            cached!("When the exemption ends; absent where it has no end."),
        ),
        organisation::exemption_expiry,
    ),
];

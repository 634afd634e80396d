//! The flat table of the audited families: name, labels, HELP, and the source of the series.
//!
//! It does not compute series (`series`, `organisation`) or write text (`render`). A new family is one row here.

use super::organisation;
use super::render::{Block, plain_gauges};
use super::series::{GrantValue, Series, Source};
use super::view::View;
use crate::domain::Timestamp;
use crate::ledger::GrantKind;
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

const _: () = assert!(plain_gauges(&AUDITED_FAMILIES), "an audited family would differ between the two formats");

pub(super) struct FamilyRow {
    pub(super) family: Family,
    pub(super) series: Series,
}

/// The names of the families that `--metrics.disable` accepts.
pub(super) fn per_client() -> impl Iterator<Item = &'static str> {
    ROWS.iter().filter(|row| matches!(row.series, Series::PerClient { .. })).map(|row| row.family.name)
}

const fn counted(family: Family, count: fn(&View<'_>, &mut Block<'_>)) -> FamilyRow {
    FamilyRow { family, series: Series::Organisation(count) }
}

/// A per-client family that the cap never drops.
const fn kept(family: Family, source: Source) -> FamilyRow {
    FamilyRow { family, series: Series::PerClient { priority: None, source } }
}

/// A per-client family that the cap may drop, the lowest priority first.
const fn droppable(priority: u8, family: Family, source: Source) -> FamilyRow {
    FamilyRow { family, series: Series::PerClient { priority: Some(priority), source } }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels, help }
}

const ORG: &[&str] = &["org"];
const CLIENT: &[&str] = &["org", "client_id"];

pub(super) static ROWS: [FamilyRow; 29] = [
    counted(
        gauge(
            "genesyscloud_oauth_org_info",
            &["org", "org_id", "org_name", "region"],
            "1, with the id, name and region of the organisation as labels. Absent while the organisation has no \
             data.",
        ),
        organisation::info,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_clients",
            &["org", "grant_type", "state"],
            "Number of OAuth clients by grant type and state. Absent while the organisation has no data.",
        ),
        organisation::clients,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_clients_flagged",
            &["org", "severity"],
            "Number of clients with an open finding at or above the policy's flag_at, by the severity of their \
             worst open finding. Absent while the organisation has no data.",
        ),
        organisation::flagged,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_clients_not_evaluated",
            ORG,
            "Number of clients that are not flagged and could not be fully evaluated. Absent while the \
             organisation has no data.",
        ),
        organisation::not_evaluated,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_clients_compliant",
            ORG,
            "Number of clients that were fully evaluated and are not flagged; flagged, not evaluated and \
             compliant clients add up to all clients. Absent while the organisation has no data.",
        ),
        organisation::compliant,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_clients_partial",
            ORG,
            "Number of clients whose record could not be read in full; none of them counts as compliant. Absent while the \
             organisation has no data.",
        ),
        organisation::partial,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_findings",
            &["org", "rule", "severity", "status"],
            "Number of findings by rule, severity and status: open, exempt, approved or not_evaluated. Absence \
             means none; an enabled rule without open findings is exported as 0.",
        ),
        organisation::findings,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_dangerous_scope_occurrences",
            &["org", "severity"],
            "Number of pairs of a client and a dangerous scope that is in effect for it, including approved and \
             exempt pairs. Absent while the organisation has no data.",
        ),
        organisation::dangerous_scope_occurrences,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_dangerous_scope_clients",
            &["org", "scope", "severity"],
            "Number of clients for which this dangerous scope is in effect, including approved and exempt \
             clients. Absence means none; a scope of the platform's registry is exported as 0.",
        ),
        organisation::dangerous_scope_clients,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_dangerous_permission_clients",
            &["org", "permission", "severity"],
            "Number of client-credentials clients with a role that grants a permission matched by this policy \
             pattern. Absence means none.",
        ),
        organisation::dangerous_permission_clients,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_dangerous_scope_info",
            &["org", "scope", "severity", "reason"],
            "1 for each dangerous scope that is in effect for a client, with its severity and the policy's reason why it is dangerous. \
             Absence means that it is in effect for none.",
        ),
        organisation::dangerous_scope_info,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_dangerous_permission_info",
            &["org", "permission", "severity", "reason"],
            "1 for each policy pattern that matches a permission of a client, with its severity and the policy's reason why it \
             is dangerous. Absence means that it matches none.",
        ),
        organisation::dangerous_permission_info,
    ),
    kept(
        gauge(
            "genesyscloud_oauth_client_info",
            &["org", "client_id", "client_name", "grant_type", "state"],
            "1 for each client, with its name, grant type and state as labels; join on client_id to add the name \
             to other metrics. Absent once the client is deleted, and if its record could never be read.",
        ),
        Source::Info,
    ),
    droppable(
        5,
        gauge(
            "genesyscloud_oauth_client_scopes",
            CLIENT,
            "Number of scopes that the client holds. Absent for clients without genesyscloud_oauth_client_info.",
        ),
        Source::Number(|client| Some(client.scopes.into())),
    ),
    droppable(
        4,
        gauge(
            "genesyscloud_oauth_client_role_grants",
            CLIENT,
            "Number of (role, division) pairs that the client holds. Absent for clients without \
             genesyscloud_oauth_client_info.",
        ),
        Source::Number(|client| Some(client.role_grants.into())),
    ),
    droppable(
        7,
        gauge(
            "genesyscloud_oauth_client_findings",
            &["org", "client_id", "rule", "severity"],
            "Number of open findings of the rule on the client. Absence means none.",
        ),
        Source::OpenFindings,
    ),
    kept(
        gauge(
            "genesyscloud_oauth_client_dangerous_scope_unapproved",
            &["org", "client_id", "scope"],
            "1 if the client holds this dangerous scope and it is neither approved in the baseline nor exempt, 0 \
             if it is approved, exempt or no longer held. Absent once the scope has been gone for 26 hours, and \
             while no baseline is loaded.",
        ),
        Source::Grants { kind: GrantKind::Scope, value: GrantValue::Unapproved },
    ),
    kept(
        gauge(
            "genesyscloud_oauth_client_dangerous_scope_first_seen_timestamp_seconds",
            &["org", "client_id", "scope"],
            "Unix timestamp of the refresh that first saw this dangerous scope on the client; 0 if it is exempt, \
             no longer held, or was held before the first refresh or before the policy called it dangerous. Absent \
             once the scope has been gone for 26 hours.",
        ),
        Source::Grants { kind: GrantKind::Scope, value: GrantValue::FirstSeen },
    ),
    kept(
        gauge(
            "genesyscloud_oauth_client_dangerous_permission_unapproved",
            &["org", "client_id", "permission"],
            "1 if the client holds a permission that matches this policy pattern and is neither approved in the \
             baseline nor exempt, 0 if all such permissions are approved, exempt or no longer held. Absent once \
             the last of them has been gone for 26 hours, and while no baseline is loaded.",
        ),
        Source::Grants { kind: GrantKind::Permission, value: GrantValue::Unapproved },
    ),
    kept(
        gauge(
            "genesyscloud_oauth_client_dangerous_permission_first_seen_timestamp_seconds",
            &["org", "client_id", "permission"],
            "Unix timestamp of the refresh that first saw the newest of the client's permissions that match this \
             policy pattern; 0 if all of them are exempt, no longer held, or were held before the first refresh or \
             before the policy called them dangerous. Absent once the last of them has been gone for 26 hours.",
        ),
        Source::Grants { kind: GrantKind::Permission, value: GrantValue::FirstSeen },
    ),
    droppable(
        2,
        gauge(
            "genesyscloud_oauth_client_created_timestamp_seconds",
            CLIENT,
            "Unix timestamp at which the client was created. Absent if the platform does not report it.",
        ),
        Source::Number(|client| client.created.map(Timestamp::seconds)),
    ),
    droppable(
        1,
        gauge(
            "genesyscloud_oauth_client_modified_timestamp_seconds",
            CLIENT,
            "Unix timestamp of the last change to the client. Absent if the platform does not report it.",
        ),
        Source::Number(|client| client.modified.map(Timestamp::seconds)),
    ),
    droppable(
        6,
        gauge(
            "genesyscloud_oauth_client_deletion_timestamp_seconds",
            CLIENT,
            "Unix timestamp at which the platform will delete the client. Absent if no deletion is scheduled.",
        ),
        Source::Number(|client| client.deletion.map(Timestamp::seconds)),
    ),
    droppable(
        3,
        gauge(
            "genesyscloud_oauth_client_access_token_validity_seconds",
            CLIENT,
            "Lifetime of the client's access tokens; 86400, the platform's default, if the client sets none. \
             Absent for clients without genesyscloud_oauth_client_info.",
        ),
        Source::Number(|client| Some(client.token_validity.into())),
    ),
    counted(
        gauge(
            "genesyscloud_oauth_scopes_known",
            ORG,
            "Number of scopes in the platform's registry. Absent if the registry could not be read.",
        ),
        organisation::scopes_known,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_baseline_loaded",
            ORG,
            "1 if a baseline of approved grants is loaded, 0 if not. Absent while the organisation has no data.",
        ),
        organisation::baseline_loaded,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_baseline_timestamp_seconds",
            ORG,
            "Unix timestamp of the newest approval in the baseline. Absent while no baseline is loaded.",
        ),
        organisation::baseline_timestamp,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_baseline_drift",
            &["org", "kind", "dangerous"],
            "Number of open differences from the baseline by kind; dangerous is true if the difference adds a \
             dangerous scope or permission that is neither approved nor exempt. Absent while no baseline is \
             loaded.",
        ),
        organisation::baseline_drift,
    ),
    counted(
        gauge(
            "genesyscloud_oauth_exemption_expiry_timestamp_seconds",
            &["org", "exemption"],
            "Unix timestamp at which the exemption expires. Absent if the exemption does not expire.",
        ),
        organisation::exemption_expiry,
    ),
];

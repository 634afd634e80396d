//! The reasons for the verdict `NOT_EVALUATED`: data that could not be read, and therefore not be evaluated.
//!
//! Everything that was read is evaluated. But if the data has a gap, nothing may be concluded from what is missing, above all not
//! that a client is compliant.

use std::collections::BTreeSet;

use super::clock::Clock;
use super::role_gaps::{RoleGap, role_gaps};
use super::rule::AppliesTo;
use super::rules;
use crate::domain::{Client, Collector, Gap, InputGap, Snapshot, Timestamp};
use crate::policy::Policy;
use crate::text::counted;

/// The largest number of roles in a reason.
const MOST_ROLES: usize = 10;

/// Why a client cannot be called compliant, as text; `None` if everything that decides what it may do was read and evaluated.
pub(super) fn not_evaluated(snapshot: &Snapshot, policy: &Policy, client: &Client, clock: &Clock) -> Option<String> {
    let (mut roles_evaluated, mut scopes_evaluated) = (false, false);
    let mut inputs = BTreeSet::new();
    for rule in rules::enabled(policy) {
        if !rule.applies_to.covers(client.grant_type, policy.scopes.judge) {
            continue;
        }
        inputs.extend(rule.needs.iter().copied().filter(|collector| snapshot.gap(*collector).is_some()));
        roles_evaluated |= rule.needs.contains(&Collector::Roles);
        scopes_evaluated |= rule.applies_to == AppliesTo::Scoped;
    }
    let why = |collector| Some(describe_input_gap(collector, snapshot.gap(collector)?));
    let mut reasons: Vec<String> = inputs.into_iter().filter_map(why).collect();
    if !client.gaps.is_empty() {
        reasons.push(describe_fields(client, clock));
    }
    let roles = role_gaps(snapshot, client);
    let unread = roles.len();
    let roles = roles.into_iter().take(MOST_ROLES);
    reasons.extend(roles.map(|(role, gap)| format!("role {role}: {}", describe_role(gap, clock))));
    if unread > MOST_ROLES {
        reasons.push(format!("and {} more", counted(unread - MOST_ROLES, "role")));
    }
    if !reasons.is_empty() {
        return Some(reasons.join("; "));
    }
    let why = if client.grant_type.roles_count() && !roles_evaluated {
        "roles decide what this client may do, and no enabled rule evaluates roles"
    } else if client.grant_type.scopes_count() && !scopes_evaluated {
        "scopes decide what this client may do, and no enabled rule evaluates scopes"
    } else {
        return None;
    };
    Some(why.to_owned())
}

fn describe_role(gap: RoleGap, clock: &Clock) -> String {
    match gap {
        RoleGap::NotListed => {
            "it is not in the organisation's list of roles, so its permissions are unknown".to_owned()
        }
        RoleGap::Field(field, gap) => describe(&format!("its {}", field.words()), gap, clock),
    }
}

/// What is wrong with a field, and the age of the last known value if that is evaluated instead.
fn describe(what: &str, gap: Gap, clock: &Clock) -> String {
    match gap {
        Gap::Partial => format!("{what} could be read only in part"),
        Gap::Unread => format!("{what} could not be read"),
        Gap::LastKnown(read_at) => {
            format!(
                "{what} could not be read; the last known value, {} old, is evaluated",
                age(clock.seconds_since(read_at))
            )
        }
    }
}

/// A duration in its two largest units, rounded down.
fn age(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => "less than 1 min".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// The fields of a client that could not be read in full, with the age of the last known values that are evaluated instead.
pub fn describe_client_gaps(client: &Client, now: Timestamp) -> String {
    describe_fields(client, &Clock::new(now))
}

fn describe_fields(client: &Client, clock: &Clock) -> String {
    let gaps = client.gaps.iter().map(|(field, gap)| describe(&format!("its {}", field.words()), gap, clock));
    gaps.collect::<Vec<_>>().join("; ")
}

/// Why an input could not be read, with the missing permission if that is the cause.
pub fn describe_input_gap(collector: Collector, gap: &InputGap) -> String {
    let label = collector.label();
    // The message of a failed call begins with the label of the endpoint, which is also the label of the collector.
    let message = gap.message.strip_prefix(label).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&gap.message);
    match &gap.missing_permission {
        Some(permission) if !message.contains(permission.as_str()) => {
            format!("{label}: {message} (missing permission: {permission})")
        }
        _ => format!("{label}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_its_two_largest_units() {
        for (seconds, expected) in [
            (0, "less than 1 min"),
            (59, "less than 1 min"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h 0 min"),
            (86_399, "23 h 59 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(age(seconds), expected, "{seconds}");
        }
    }
}

//! The changes of the demo organisation over time: a fixed opening, then a round that repeats and undoes its own changes.
//!
//! This module has no timer. The caller passes the time since the start.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::ids::DAY;
use super::risk::Risk;
use super::world::World;

/// A change of the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The time since the start.
    pub at: Duration,
    /// What happened, as text for people.
    pub sentence: String,
}

/// A change that has not happened yet.
pub type Scheduled = Change;

/// The client that the opening creates.
const NEWCOMER: &str = "Ad-hoc export (contractor)";
/// The client that each round creates and removes.
const VISITOR: &str = "Load test runner";

#[derive(Debug, Clone, Copy)]
enum Step {
    GainScope(&'static str, &'static str),
    LoseScope(&'static str, &'static str),
    StormBegins,
    StormEnds,
    Create(&'static str),
    Remove(&'static str),
    Rename(&'static str, &'static str),
    GainPermission { role: &'static str, permission: &'static str, client: &'static str },
    LosePermission { role: &'static str, permission: &'static str, client: &'static str },
    ScheduleDeletion(&'static str),
    CancelDeletion(&'static str),
}

const GRANT_ADD: &str = "authorization:grant:add";

/// The steps of the opening, by seconds since the start.
const OPENING: &[(u64, Step)] = &[
    (60, Step::GainScope("CRM screen pop", "oauth")),
    (90, Step::LoseScope("Legacy reporting portal", "users")),
    (120, Step::StormBegins),
    (140, Step::StormEnds),
    (180, Step::Create(NEWCOMER)),
    (210, Step::Rename("Wallboard Dublin", "Wallboard Dublin (floor 3)")),
    (
        240,
        Step::GainPermission { role: "ServiceNow connector", permission: GRANT_ADD, client: "ServiceNow ticket sync" },
    ),
    (300, Step::ScheduleDeletion("Bot prototype")),
    (360, Step::StormBegins),
    (380, Step::StormEnds),
];

/// Where the opening ends and the first round begins, in seconds.
const ROUNDS_FROM: u64 = 600;
/// The length of a round in seconds.
const ROUND: u64 = 600;
/// The steps of a round, by seconds since its beginning. A round undoes each of its changes.
const ROUND_STEPS: &[(u64, Step)] = &[
    (0, Step::GainScope("Agent scripting portal", "recordings")),
    (60, Step::Create(VISITOR)),
    (120, Step::StormBegins),
    (140, Step::StormEnds),
    (180, Step::LoseScope("Agent scripting portal", "recordings")),
    (240, Step::GainPermission { role: "Quality reader", permission: "oauth:client:add", client: "Quality dashboard" }),
    (300, Step::Rename("Kafka bridge", "Kafka bridge (blue)")),
    (360, Step::LosePermission { role: "Quality reader", permission: "oauth:client:add", client: "Quality dashboard" }),
    (420, Step::ScheduleDeletion("Power BI refresh")),
    (480, Step::Rename("Kafka bridge (blue)", "Kafka bridge")),
    (510, Step::CancelDeletion("Power BI refresh")),
    (540, Step::Remove(VISITOR)),
];

/// The opening and the first round, in order.
pub fn schedule() -> Vec<Scheduled> {
    let round = ROUND_STEPS.iter().map(|(second, step)| (ROUNDS_FROM + second, *step));
    let all = OPENING.iter().copied().chain(round);
    all.map(|(second, step)| change(second, step)).collect()
}

/// Applies all changes that are due up to `elapsed`, and returns those that were not applied before.
pub(super) fn advance(world: &mut World, elapsed: Duration) -> Vec<Change> {
    let until = elapsed.as_secs();
    let from = world.drifted;
    if from.is_some_and(|from| until <= from) {
        return Vec::new();
    }
    let due = |second: u64| from.is_none_or(|from| second > from) && second <= until;
    let mut changes = Vec::new();
    for (second, step) in OPENING.iter().copied().filter(|(second, _)| due(*second)) {
        changes.extend(apply(world, second, step));
    }
    let first = from.unwrap_or_default().saturating_sub(ROUNDS_FROM) / ROUND;
    let mut start = ROUNDS_FROM + first * ROUND;
    while start <= until {
        for (offset, step) in ROUND_STEPS.iter().copied().filter(|(offset, _)| due(start + offset)) {
            changes.extend(apply(world, start + offset, step));
        }
        start += ROUND;
    }
    world.drifted = Some(until);
    world.now = present(world, until);
    changes.extend(delete_due(world));
    changes.sort_by_key(|change| change.at);
    changes
}

/// Deletes the clients whose `dateToDelete` has passed, as the platform does (reference 3, life cycle).
fn delete_due(world: &mut World) -> Vec<Change> {
    let date = |client: &Value| client["dateToDelete"].as_str()?.parse::<Timestamp>().ok().map(Timestamp::as_second);
    let due = world.clients.iter().filter_map(|client| Some((client["id"].as_str()?.to_owned(), date(client)?)));
    let due: Vec<(String, i64)> = due.filter(|(_, date)| *date <= world.now).collect();
    let mut changes = Vec::new();
    for (id, date) in due {
        let name = world.client(&id).and_then(|client| client["name"].as_str()).unwrap_or_default().to_owned();
        if world.remove_client(&id) {
            let second = u64::try_from(date - world.founded).unwrap_or_default();
            let sentence = format!("\"{name}\" is deleted as scheduled");
            changes.push(Change { at: Duration::from_secs(second), sentence });
        }
    }
    changes
}

fn present(world: &World, second: u64) -> i64 {
    world.founded.saturating_add(i64::try_from(second).unwrap_or(i64::MAX))
}

/// Applies a step. Returns `None` if the step changed nothing, for example because the client does not exist any more.
fn apply(world: &mut World, second: u64, step: Step) -> Option<Change> {
    world.now = present(world, second);
    let happened = match step {
        Step::GainScope(client, scope) => {
            let happened = world.grant_scope(client, scope);
            world.plant(client, Risk::DangerousScope, scope);
            happened
        }
        Step::LoseScope(client, scope) => world.revoke_scope(client, scope),
        Step::StormBegins => !std::mem::replace(&mut world.storm, true),
        Step::StormEnds => std::mem::replace(&mut world.storm, false),
        Step::Create(name) => {
            let absent = world.client(name).is_none();
            if absent {
                create(world, name);
            }
            absent
        }
        Step::Remove(client) => world.remove_client(client),
        Step::Rename(client, name) => world.rename(client, name),
        Step::GainPermission { role, permission, client } => {
            let happened = world.grant_permission(role, permission);
            if happened {
                world.plant(client, Risk::DangerousPermission, permission);
            }
            happened
        }
        Step::LosePermission { role, permission, client } => {
            world.unplant(client, permission);
            world.revoke_permission(role, permission)
        }
        Step::ScheduleDeletion(client) => {
            let happened = world.schedule_deletion(client, Some(world.now + 7 * DAY));
            world.plant(client, Risk::DeletionScheduled, "scheduled");
            world.plant(client, Risk::DisabledClient, "scheduled");
            happened
        }
        Step::CancelDeletion(client) => {
            world.unplant(client, "scheduled");
            world.schedule_deletion(client, None)
        }
    };
    happened.then(|| change(second, step))
}

fn create(world: &mut World, name: &str) {
    world.add_client(json!({
        "name": name,
        "authorizedGrantType": "CODE",
        "scope": ["external-contacts", "analytics:readonly"],
        "registeredRedirectUri": ["http://localhost:5000/callback"],
    }));
    world.plant(name, Risk::DangerousScope, "external-contacts");
    world.plant(name, Risk::LoopbackRedirect, "http://localhost:5000/callback");
    world.plant(name, Risk::NoDescription, "");
}

fn change(second: u64, step: Step) -> Change {
    let sentence = match step {
        Step::GainScope(client, scope) => format!("\"{client}\" gains the scope {scope}"),
        Step::LoseScope(client, scope) => format!("\"{client}\" loses the scope {scope}"),
        Step::StormBegins => "the platform starts to answer every request with 429".to_owned(),
        Step::StormEnds => "the platform answers requests again".to_owned(),
        Step::Create(client) => format!("the OAuth client \"{client}\" is created"),
        Step::Remove(client) => format!("\"{client}\" is deleted"),
        Step::Rename(client, name) => format!("\"{client}\" is renamed to \"{name}\""),
        Step::GainPermission { role, permission, client } => {
            format!("the role \"{role}\" of \"{client}\" gains {permission}")
        }
        Step::LosePermission { role, permission, client } => {
            format!("the role \"{role}\" of \"{client}\" loses {permission}")
        }
        Step::ScheduleDeletion(client) => format!("\"{client}\" is set inactive and will be deleted in seven days"),
        Step::CancelDeletion(client) => format!("\"{client}\" is active again; its deletion is cancelled"),
    };
    Change { at: Duration::from_secs(second), sentence }
}

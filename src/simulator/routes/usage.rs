//! API usage by client, with asynchronous queries (reference 4.4).

use serde_json::{Value, json};

use crate::simulator::ids::{self, DAY};
use crate::simulator::reply::Reply;
use crate::simulator::request::Incoming;
use crate::simulator::world::{UsageQuery, World};

/// Days that the results cover, without the current day.
const DAYS: i64 = 7;
/// Number of queries whose results are kept.
const KEPT: usize = 100;

/// Accepts a query. `ApiUsageOrganizationQuery` needs an `interval`; the response says where the results will be.
pub(super) fn query(world: &mut World, request: &Incoming, correlation: &str) -> Reply {
    let body: Option<Value> = serde_json::from_slice(&request.body).ok();
    let interval = body.as_ref().and_then(|body| body["interval"].as_str());
    let Some(_) = interval.and_then(|interval| interval.split_once('/')) else {
        return Reply::error(400, "bad.request", "The request needs an interval of two dates.", correlation);
    };
    let id = ids::uuid(world.seed, "usage", correlation);
    if world.usage.len() == KEPT {
        world.usage.remove(0);
    }
    world.usage.push(UsageQuery { id: id.clone(), polls: 0 });
    Reply::json(json!({ "executionId": id, "resultsUri": format!("/api/v2/usage/query/{id}/results") }))
}

/// The results. The query is running at the first poll and complete from the second on.
pub(super) fn results(world: &mut World, id: &str) -> Option<Value> {
    let query = world.usage.iter_mut().find(|query| query.id == id)?;
    query.polls += 1;
    if query.polls == 1 {
        return Some(json!({ "results": [], "queryStatus": "Running" }));
    }
    let mut rows = Vec::new();
    for client in &world.clients {
        let name = client["name"].as_str().unwrap_or_default();
        // Clients without traffic have no row.
        if client["state"] != "active" || world.dormant.iter().any(|dormant| dormant == name) {
            continue;
        }
        for days_ago in 1..=DAYS {
            let day = ids::day(world.now - days_ago * DAY);
            let mut random = ids::rng(world.seed, &day, name);
            let requests = random.u32(10..5_000);
            let (failed, throttled) = (requests / 50, requests / 400);
            rows.push(json!({
                "clientId": client["id"],
                "clientName": name,
                "organizationId": world.organisation_id,
                "requests": requests,
                "status200": requests - failed,
                "status300": 0,
                "status400": failed,
                // A subset of status400.
                "status429": throttled,
                "status500": 0,
                "date": format!("{day}T00:00:00Z"),
            }));
        }
    }
    Some(json!({ "results": rows, "queryStatus": "Complete" }))
}

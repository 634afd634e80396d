//! Synthetic clients of realistic size, for load tests.

use serde_json::{Value, json};

use super::entity::{PLANTED_SECRET, person};
use super::ids::{self, DAY};
use super::options::Options;
use super::registry::scopes;

/// The synthetic client with this number. Six in ten are client-credentials clients with up to four roles; the others have
/// up to twelve scopes.
pub(super) fn client(options: &Options, roles: &[Value], number: usize) -> Value {
    let name = format!("synthetic-{number:06}");
    let id = ids::uuid(options.seed, "client", &name);
    let mut random = ids::rng(options.seed, "synthetic", &name);
    let grant = match random.u8(..10) {
        0..=5 => "CLIENT-CREDENTIALS",
        6..=7 => "CODE",
        8 => "TOKEN",
        _ => "PASSWORD",
    };
    let credentials = grant == "CLIENT-CREDENTIALS";
    let created = options.now - random.i64(1..1_800) * DAY;
    let home = ids::uuid(options.seed, "division", "Home");
    let mut chosen_scopes = Vec::new();
    let mut pairs = Vec::new();
    if credentials {
        for _ in 0..random.usize(1..=4) {
            if let Some(role) = random.choice(roles) {
                let division = if random.u8(..8) == 0 { "*" } else { home.as_str() };
                pairs.push(json!({ "roleId": role["id"], "divisionId": division }));
            }
        }
    } else {
        let count = random.usize(1..=12);
        chosen_scopes = random.choose_multiple(scopes(), count);
        chosen_scopes.sort_unstable();
    }
    let redirects = if credentials { Vec::new() } else { vec![format!("https://app-{number}.example.com/callback")] };
    json!({
        "id": id,
        "name": name,
        "description": "Synthetic, for load tests",
        "accessTokenValiditySeconds": 86_400,
        "registeredRedirectUri": redirects,
        "secret": PLANTED_SECRET,
        "roleIds": pairs.iter().map(|pair| pair["roleId"].clone()).collect::<Vec<_>>(),
        "dateCreated": ids::date_with_millis(created),
        "dateModified": ids::date(created + DAY / 2),
        "createdBy": person(options.seed, &name),
        "authorizedGrantType": grant,
        "scope": chosen_scopes,
        "roleDivisions": pairs,
        "state": if random.u8(..20) == 0 { "inactive" } else { "active" },
        "selfUri": format!("/api/v2/oauth/clients/{id}"),
    })
}

//! OAuth clients and scopes (reference 3 and 4.2).

use serde_json::{Value, json};

use super::listing;
use crate::simulator::options::Paging;
use crate::simulator::registry;
use crate::simulator::request::Incoming;
use crate::simulator::world::World;

const PATH: &str = "/api/v2/oauth/clients";

/// The list of clients. The platform documents no parameters for it, so they are ignored unless `page_size` is set.
pub(super) fn list(world: &World, request: &Incoming) -> Value {
    let all = &world.clients;
    let Some(size) = world.page_size.filter(|size| *size > 0) else {
        return json!({
            "entities": all,
            "pageSize": all.len(),
            "pageNumber": 1,
            "total": all.len(),
            "pageCount": 1,
            "firstUri": format!("{PATH}?pageNumber=1"),
            "selfUri": PATH,
        });
    };
    let number = match world.paging {
        Paging::NextUri | Paging::PageCount => request.parameter("pageNumber"),
        // The format of the cursor is made up, because readers must treat it as opaque.
        Paging::Cursor | Paging::NextPage => ["after", "cursor", "next_page"]
            .iter()
            .find_map(|name| request.parameter(name))
            .and_then(|cursor| cursor.strip_prefix("page+/=")),
    };
    let number = number.and_then(|number| number.parse().ok()).unwrap_or(1_usize).max(1);
    let mut page = listing::numbered(all, size, number, PATH, |number| format!("pageNumber={number}"));
    let more = page.get("nextUri").is_some();
    let drop: &[&str] = match world.paging {
        Paging::NextUri => &[],
        Paging::PageCount => &["nextUri", "lastUri", "previousUri"],
        Paging::Cursor | Paging::NextPage => {
            &["nextUri", "lastUri", "previousUri", "firstUri", "selfUri", "pageCount", "pageNumber"]
        }
    };
    if let Some(fields) = page.as_object_mut() {
        fields.retain(|name, _| !drop.contains(&name.as_str()));
    }
    let cursor = more.then(|| format!("page+/={}", number + 1));
    match world.paging {
        Paging::Cursor => page["cursors"] = json!({ "after": cursor }),
        Paging::NextPage => page["next_page"] = json!(cursor),
        Paging::NextUri | Paging::PageCount => {}
    }
    page
}

pub(super) fn by_id(world: &World, id: &str) -> Option<Value> {
    world.clients.iter().find(|client| client["id"] == id).cloned()
}

/// The registry of scopes. It is not paged; entities have `id` and `description` but no name (reference 4.2).
pub(super) fn scopes() -> Value {
    let entities: Vec<Value> = registry::scopes().map(entity).collect();
    json!({ "total": entities.len(), "entities": entities, "selfUri": "/api/v2/oauth/scopes" })
}

pub(super) fn scope(id: &str) -> Option<Value> {
    registry::scopes().find(|known| *known == id).map(entity)
}

/// The descriptions are made up, because the vendor's are not published.
fn entity(id: &str) -> Value {
    let (area, access) = match id.split_once(':') {
        Some((area, _)) => (area, "Read only: "),
        None => (id, "Read and write: "),
    };
    let description = format!("{access}{}", area.replace('-', " "));
    json!({ "id": id, "description": description, "selfUri": format!("/api/v2/oauth/scopes/{id}") })
}

//! Files are read back unchanged, and files of earlier versions can be read.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::{ClientField, Collector, Gap, GrantType, RoleField, RoleId};
use crate::fixtures::{client, not_read, role, snapshot};
use crate::ledger::{Grant, Hidden, HidingPlace, Ledger, Memory, Standing};

pub(in crate::store) fn saved() -> Saved {
    let client = client("c-1")
        .named("Wallboard \"north\"")
        .scopes(["oauth", "users:readonly"])
        .role("r-1", "*")
        .role("r-2", None)
        .redirect("https://example.com/cb")
        .validity(300)
        .created(1)
        .modified(2)
        .created_by("u-1")
        .gap(ClientField::Scopes, Gap::Partial)
        .gap(ClientField::Deletion, Gap::Unread);
    let role = role("r-1")
        .named("Master Admin")
        .default_role("admin")
        .shipped()
        .general(&["admin"])
        .permits(&["oauth:*:view?"])
        .gap(RoleField::Contents, Gap::LastKnown(Timestamp::from_seconds(4)));
    let snapshot = snapshot()
        .organisation("o-1", "Example", "mypurecloud.ie")
        .own_client("c-1")
        .client(client)
        .registered("oauth", "OAuth clients")
        .role(role)
        .not_read(Collector::Divisions, not_read("HTTP 500"))
        .permissions(&["oauth:client:view"])
        .build();
    let grant = |scope: &str| Grant::scope(&ClientId::new("c-1"), scope);
    let entries = [
        (grant("oauth"), held(Some(5), Standing::Unapproved, 1)),
        (grant("scim"), Memory::Gone { since: Timestamp::from_seconds(6), elapsed: Duration::from_mins(1) }),
        (grant("users"), held(None, Standing::Settled, 0)),
        (
            Grant::permission(
                &ClientId::new("c-1"),
                "oauth:*:view role=r-1 division=*",
                "oauth:client:*",
                RoleId::new("r-1"),
            ),
            held(Some(7), Standing::Exempt, 0),
        ),
    ];
    let hidden = [HidingPlace::Scopes, HidingPlace::Roles, HidingPlace::Role(RoleId::new("r-9"))]
        .map(|place| Hidden { client: ClientId::new("c-1"), place });
    let ledger = Ledger::from_entries(entries, hidden.into());
    let (client_id, api_host) = ("c-1".to_owned(), "api.mypurecloud.ie".to_owned());
    Saved { client_id, api_host, snapshot: Arc::new(snapshot), ledger: Arc::new(ledger) }
}

/// The file as text, for tests that read it again.
pub(in crate::store) fn encode(organisations: &BTreeMap<OrgId, Saved>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(organisations, None, None::<()>, &mut bytes).expect("memory");
    bytes
}

/// The state in a file without a mark.
pub(super) fn decode(bytes: &[u8]) -> Result<State, Undecodable> {
    super::decode(bytes).map(|(state, mark)| {
        assert_eq!(mark, None);
        state
    })
}

fn held(first_seen: Option<i64>, standing: Standing, missed: u32) -> Memory {
    Memory::Held { first_seen: first_seen.map(Timestamp::from_seconds), standing, missed }
}

#[test]
fn the_file_is_as_documented() {
    let file = encode(&BTreeMap::from([(OrgId::new("o-1"), saved())]));
    insta::assert_snapshot!(String::from_utf8(file).expect("JSON is UTF-8"));
}

#[test]
fn a_file_from_a_version_without_the_registry_of_permissions_is_read() {
    let file = encode(&BTreeMap::from([(OrgId::new("o-1"), saved())]));
    let mut file: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
    let organisation = file["organisations"]["o-1"].as_object_mut().expect("an organisation");
    organisation.remove("permissions").expect("it is written");
    let organisations = decode(file.to_string().as_bytes()).expect("an older file");
    assert!(organisations[&OrgId::new("o-1")].snapshot.permissions.read().is_none());
}

/// The grant type may be known from the roles only; it must not change at a restart.
#[test]
fn an_assumed_grant_type_is_kept_across_a_restart() {
    let mut saved = saved();
    let snapshot = Arc::make_mut(&mut saved.snapshot);
    snapshot.clients[0].grant_type = GrantType::ClientCredentials;
    snapshot.clients[0].grant_type_spelling = "".into();
    let organisations = BTreeMap::from([(OrgId::new("o-1"), saved)]);
    assert_eq!(decode(&encode(&organisations)), Ok(organisations));
}

#[test]
fn a_file_is_read_back_unchanged() {
    let organisations = BTreeMap::from([(OrgId::new("o-1"), saved())]);
    assert_eq!(decode(&encode(&organisations)), Ok(organisations));
}

/// The rules rely on the order.
#[test]
fn the_grants_of_a_file_that_somebody_edited_are_sorted() {
    let organisations = BTreeMap::from([(OrgId::new("o-1"), saved())]);
    let mut file: serde_json::Value = serde_json::from_slice(&encode(&organisations)).expect("JSON");
    let client = &mut file["organisations"]["o-1"]["clients"][0];
    client["roles"] = serde_json::json!([["r-2", null], ["r-1", "*"], ["r-2", null]]);
    client["scopes"] = serde_json::json!(["users:readonly", "oauth", "oauth"]);
    let read = decode(file.to_string().as_bytes()).expect("it is read").remove(&OrgId::new("o-1")).expect("it");
    let client = read.snapshot.clients.get(0).expect("the client");
    assert_eq!(client.role_grants, saved().snapshot.clients[0].role_grants);
    assert!(client.scopes.is_sorted_by(|a, b| a < b) && client.scopes.len() == 2, "{:?}", client.scopes);
}

#[test]
fn a_file_from_a_version_without_permissions_is_read() {
    let old = r#"{"format":1,"organisations":{"o":{"name":"O","region":"r","client_id":"c","api_host":"h","taken_at":1,
        "own_client":null,"grants":[{"client":"c-1","scope":"oauth","first_seen":5}],"clients":[],
        "registry":{"read":{}},"roles":{"read":[]},"divisions":{"read":[]}}}}"#;
    let saved = decode(old.as_bytes()).expect("it is read").remove(&OrgId::new("o")).expect("the organisation");
    let held = held(Some(5), Standing::Settled, 0);
    let expected = Grant::scope(&ClientId::new("c-1"), "oauth");
    assert_eq!(saved.ledger.entries().collect::<Vec<_>>(), [(expected, held)]);
    assert!(
        decode(old.replace("\"scope\":\"oauth\",", "").as_bytes()).is_err(),
        "a grant without a scope or a permission"
    );
}

proptest! {
    #[test]
    fn damage_gives_an_error_or_a_state_and_never_a_panic(at in 0_usize..1_400, byte: u8) {
        let mut file = encode(&BTreeMap::from([(OrgId::new("o-1"), saved())]));
        let position = at % file.len();
        file[position] = byte;
        let _ = decode(&file);
    }
}

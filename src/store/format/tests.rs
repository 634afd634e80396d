//! What is written is read, by this version and from earlier ones.

use proptest::prelude::*;

use super::*;

pub(in crate::store) fn saved() -> Saved {
    let mut scopes = ScopeTable::default();
    let client = SavedClient {
        id: "c-1".to_owned(),
        name: "Wallboard \"north\"".to_owned(),
        description: None,
        grant_type: "CODE".to_owned(),
        taken_for: None,
        state: "active".to_owned(),
        scopes: vec!["oauth".to_owned(), "users:readonly".to_owned()],
        roles: vec![("r-1".to_owned(), Some("*".to_owned())), ("r-2".to_owned(), None)],
        redirect_uris: vec!["https://example.com/cb".to_owned()],
        token_validity: Some(300),
        created: Some(1),
        modified: Some(2),
        created_by: Some("u-1".to_owned()),
        modified_by: None,
        deletion: None,
    };
    let role = Role {
        id: RoleId::new("r-1"),
        name: "Master Admin".to_owned(),
        default_role: Some("admin".to_owned()),
        is_default: true,
        general: Box::new(["admin".to_owned()]),
        permissions: Box::new([Permission {
            domain: "oauth".into(),
            entity: "*".into(),
            action: "view".into(),
            conditional: true,
        }]),
    };
    let clients = vec![restore_client(client, &mut scopes)];
    let snapshot = Snapshot {
        organisation: Organisation {
            id: OrgId::new("o-1"),
            name: "Example".to_owned(),
            region: "mypurecloud.ie".to_owned(),
        },
        taken_at: Timestamp::from_seconds(1_790_000_000),
        own_client: Some(ClientId::new("c-1")),
        clients,
        unread: std::collections::BTreeSet::new(),
        unread_roles: std::collections::BTreeSet::new(),
        scopes,
        registry: Input::Read(BTreeMap::from([("oauth".to_owned(), "OAuth clients".to_owned())])),
        roles: Input::Read(BTreeMap::from([(role.id.clone(), role)])),
        divisions: Input::NotRead(NotRead { missing_permission: None, message: "HTTP 500".to_owned() }),
        permissions: Input::Read(["oauth:client:view".to_owned()].into()),
    };
    let grant = |scope: &str| Grant::scope(&ClientId::new("c-1"), scope);
    let entries = [
        (grant("oauth"), held(Some(5), Standing::Unapproved, 1)),
        (grant("scim"), Memory::Gone(Timestamp::from_seconds(6))),
        (grant("users"), held(None, Standing::Settled, 0)),
        (
            Grant::permission(&ClientId::new("c-1"), "oauth:*:view role=r-1 division=*", "oauth:client:*"),
            held(Some(7), Standing::Exempt, 0),
        ),
    ];
    let ledger = Ledger::from_entries(
        entries,
        Unread { clients: [ClientId::new("c-2")].into(), roles: [(ClientId::new("c-1"), RoleId::new("r-9"))].into() },
    );
    let (client_id, api_host) = ("c-1".to_owned(), "api.mypurecloud.ie".to_owned());
    Saved { client_id, api_host, snapshot: Arc::new(snapshot), ledger }
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
fn a_file_of_before_there_was_a_registry_of_permissions_is_read() {
    let file = encode(&BTreeMap::from([(OrgId::new("o-1"), saved())]));
    let mut file: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
    let organisation = file["organisations"]["o-1"].as_object_mut().expect("an organisation");
    organisation.remove("permissions").expect("it is written");
    let organisations = decode(file.to_string().as_bytes()).expect("an older file");
    assert!(organisations[&OrgId::new("o-1")].snapshot.permissions.read().is_none());
}

/// A client whose grant type was told by its roles alone is the same after a restart.
#[test]
fn an_unspelled_grant_type_outlives_a_restart() {
    let mut saved = saved();
    let snapshot = Arc::make_mut(&mut saved.snapshot);
    snapshot.clients[0].grant_type = GrantType::ClientCredentials;
    snapshot.clients[0].grant_type_spelling = "".into();
    let organisations = BTreeMap::from([(OrgId::new("o-1"), saved)]);
    assert_eq!(decode(&encode(&organisations)), Ok(organisations));
}

#[test]
fn what_is_written_is_read() {
    let organisations = BTreeMap::from([(OrgId::new("o-1"), saved())]);
    assert_eq!(decode(&encode(&organisations)), Ok(organisations));
}

#[test]
fn a_file_of_before_there_were_permissions_is_read() {
    let old = r#"{"format":1,"organisations":{"o":{"name":"O","region":"r","client_id":"c","api_host":"h","taken_at":1,
        "own_client":null,"grants":[{"client":"c-1","scope":"oauth","first_seen":5}],"clients":[],
        "registry":{"read":{}},"roles":{"read":[]},"divisions":{"read":[]}}}}"#;
    let saved = decode(old.as_bytes()).expect("it is read").remove(&OrgId::new("o")).expect("it is there");
    let held = held(Some(5), Standing::Settled, 0);
    let expected = Grant::scope(&ClientId::new("c-1"), "oauth");
    assert_eq!(saved.ledger.entries().collect::<Vec<_>>(), [(&expected, held)]);
    assert!(decode(old.replace("\"scope\":\"oauth\",", "").as_bytes()).is_err(), "a grant of nothing");
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

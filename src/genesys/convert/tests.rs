//! For each field of the platform's records: the value that is read, and the gap that remains.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::fixtures;
use crate::genesys::assembly::{ClientAssembly, KnownClients};
use crate::genesys::fields::Fields;

/// The text of a record, of which `Fields` borrows.
fn text(value: &Value) -> &'static str {
    value.to_string().leak()
}

fn raw(value: &Value) -> &'static RawValue {
    serde_json::from_str(text(value)).expect("JSON")
}

fn fields(value: &Value) -> Fields<'static> {
    serde_json::from_str(text(value)).expect("a record")
}

/// Whether the record can be added to a list.
fn added(record: &Value) -> Result<(), String> {
    ClientAssembly::new(Arc::default(), ScopeTable::default(), &KnownClients::default()).add(raw(record), 0)
}

/// The client from a record of the list, completed by a record that was fetched by id if there is one.
fn read(listed: &Value, detail: Option<&Value>) -> (Client, ScopeTable) {
    let known = KnownClients::default();
    let mut assembly = ClientAssembly::new(Arc::default(), ScopeTable::default(), &known);
    assembly.add(raw(listed), 0).expect("an id");
    for id in assembly.wanted() {
        assembly.complete(&id, detail.and_then(|detail| wire::Client::read(&fields(detail))));
    }
    let (listed, _) = assembly.finish(None).expect("one client");
    (listed.clients.get(0).expect("one client").clone(), listed.scopes)
}

/// The valid record of a user-grant client, with these fields replaced.
fn code(changes: &Value) -> Value {
    changed(
        json!({
            "id": "c", "name": "n", "description": "d", "authorizedGrantType": "CODE", "state": "active",
            "scope": ["oauth", "users"], "roleDivisions": [], "registeredRedirectUri": ["https://a.example.com/cb"],
            "accessTokenValiditySeconds": 3600, "dateCreated": "2024-05-06T07:08:09Z",
            "dateModified": "2024-05-06T07:08:09.123Z", "createdBy": {"id": "u-1"}, "modifiedBy": {"id": "u-1"},
        }),
        changes,
    )
}

/// The valid record of a client-credentials client, with these fields replaced.
fn credentials(changes: &Value) -> Value {
    changed(
        json!({
            "id": "c", "name": "n", "authorizedGrantType": "CLIENT-CREDENTIALS", "state": "active", "scope": [],
            "roleDivisions": [{"roleId": "r", "divisionId": "*"}],
        }),
        changes,
    )
}

fn changed(mut record: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().expect("an object") {
        record[name] = value.clone();
    }
    record
}

fn without(mut record: Value, names: &[&str]) -> Value {
    for name in names {
        record.as_object_mut().expect("an object").remove(*name);
    }
    record
}

fn gaps(client: &Client) -> Vec<(&'static str, Gap)> {
    client.gaps.iter().map(|(field, gap)| (field.label(), gap)).collect()
}

#[test]
fn an_unreadable_field_is_a_gap_and_hides_no_scope() {
    use Gap::{Partial, Unread};
    for (changes, expected) in [
        (json!({}), vec![]),
        (json!({"accessTokenValiditySeconds": "3600"}), vec![]),
        (json!({"accessTokenValiditySeconds": 3600.0}), vec![]),
        (json!({"accessTokenValiditySeconds": null}), vec![]),
        (json!({"accessTokenValiditySeconds": "an hour"}), vec![("token_validity", Unread)]),
        (json!({"accessTokenValiditySeconds": -1}), vec![("token_validity", Unread)]),
        (json!({"accessTokenValiditySeconds": [3600]}), vec![("token_validity", Unread)]),
        (json!({"name": 5}), vec![("name", Unread)]),
        (json!({"description": 5}), vec![("description", Unread)]),
        (json!({"state": true}), vec![("state", Unread)]),
        (json!({"dateCreated": 1_700_000_000}), vec![("created", Unread)]),
        (json!({"dateModified": "yesterday"}), vec![("modified", Unread)]),
        (json!({"dateToDelete": {}}), vec![("deletion", Unread)]),
        (json!({"dateToDelete": ""}), vec![]),
        (json!({"createdBy": "u-1"}), vec![("created_by", Unread)]),
        (json!({"modifiedBy": ["u-1"]}), vec![("modified_by", Unread)]),
        (json!({"registeredRedirectUri": "https://a.example.com/cb"}), vec![("redirect_uris", Partial)]),
        (json!({"registeredRedirectUri": [null, "https://a.example.com/cb"]}), vec![("redirect_uris", Partial)]),
        (json!({"registeredRedirectUri": {"0": "https://a.example.com/cb"}}), vec![("redirect_uris", Unread)]),
        (json!({"roleDivisions": "none"}), vec![("roles", Unread)]),
        (json!({"roleIds": 7}), vec![("roles", Unread)]),
        (json!({"unknown": {"to": ["us"]}, "secret": 5}), vec![]),
    ] {
        let (client, scopes) = read(&code(&changes), None);
        let held: Vec<_> = client.scopes.iter().map(|scope| scopes.name(*scope)).collect();
        assert_eq!(held, ["oauth", "users"], "{changes}");
        assert_eq!(gaps(&client), expected, "{changes}");
        let rest = (client.grant_type, &*client.name, client.redirect_uris.len());
        let name = if changes.get("name").is_some() { "" } else { "n" };
        let uris = usize::from(!changes["registeredRedirectUri"].is_object());
        assert_eq!(rest, (GrantType::Code, name, uris), "{changes}");
    }
}

#[test]
fn readable_scopes_count_and_unreadable_scopes_are_a_gap() {
    use Gap::{Partial, Unread};
    for (scope, held, expected) in [
        (json!(["oauth", null]), vec!["oauth"], Some(Partial)),
        (json!([5, "oauth", {}]), vec!["oauth"], Some(Partial)),
        (json!(["", "oauth"]), vec!["oauth"], Some(Partial)),
        (json!("oauth users"), vec!["oauth", "users"], Some(Partial)),
        (json!(["oauth users"]), vec!["oauth", "users"], Some(Partial)),
        (json!(["oauth ", " "]), vec!["oauth"], Some(Partial)),
        (json!([{"id": 5, "name": "oauth"}]), vec!["oauth"], Some(Partial)),
        (json!([{"id": "oauth"}, {"name": "users"}]), vec!["oauth", "users"], None),
        (json!([]), vec![], None),
        (json!([null]), vec![], Some(Unread)),
        (json!(5), vec![], Some(Unread)),
        (json!({"oauth": true}), vec![], Some(Unread)),
        (json!(null), vec![], Some(Unread)),
    ] {
        let (client, scopes) = read(&code(&json!({"scope": scope})), None);
        let names: Vec<_> = client.scopes.iter().map(|scope| scopes.name(*scope)).collect();
        assert_eq!((names, client.gaps.of(ClientField::Scopes)), (held, expected), "{scope}");
    }
}

#[test]
fn absent_is_not_empty_and_the_record_by_id_can_complete_it() {
    use Gap::{Partial, Unread};
    let role = json!({"roleIds": ["r"]});
    for (what, listed, detail, held, expected) in [
        ("roles absent everywhere", without(credentials(&json!({})), &["roleDivisions"]), None, 0, Some(Unread)),
        ("roles null everywhere", credentials(&json!({"roleDivisions": null})), None, 0, Some(Unread)),
        ("roles empty", credentials(&json!({"roleDivisions": []})), None, 0, None),
        ("role ids alone", without(credentials(&role), &["roleDivisions"]), None, 1, Some(Partial)),
        (
            "role ids alone, by id too",
            without(credentials(&role), &["roleDivisions"]),
            Some(without(credentials(&role), &["roleDivisions"])),
            1,
            None,
        ),
        ("empty role ids alone", without(credentials(&json!({"roleIds": []})), &["roleDivisions"]), None, 0, None),
        (
            "one unreadable pair",
            credentials(&json!({"roleDivisions": [{"roleId": "r"}, null]})),
            None,
            1,
            Some(Partial),
        ),
        (
            "an unreadable division",
            credentials(&json!({"roleDivisions": [{"roleId": "r", "divisionId": 5}]})),
            None,
            1,
            Some(Partial),
        ),
        ("no division", credentials(&json!({"roleDivisions": [{"roleId": "r"}]})), None, 1, Some(Partial)),
        (
            "no division in the list, but by id",
            credentials(&json!({"roleDivisions": [{"roleId": "r"}]})),
            Some(credentials(&json!({}))),
            1,
            None,
        ),
        (
            "a role in the list that the record by id does not have",
            credentials(&json!({"roleDivisions": [{"roleId": "q", "divisionId": "*"}, null]})),
            Some(credentials(&json!({}))),
            2,
            Some(Partial),
        ),
        (
            "unreadable pairs and role ids",
            credentials(&json!({"roleDivisions": 5, "roleIds": ["r"]})),
            None,
            1,
            Some(Partial),
        ),
        (
            "the record by id has them",
            without(credentials(&json!({})), &["roleDivisions"]),
            Some(credentials(&json!({}))),
            1,
            None,
        ),
        (
            "the record by id is another client's",
            without(credentials(&json!({})), &["roleDivisions"]),
            Some(credentials(&json!({"id": "d"}))),
            0,
            Some(Unread),
        ),
        (
            "unreadable in the list, readable by id",
            credentials(&json!({"roleDivisions": [null]})),
            Some(credentials(&json!({}))),
            1,
            None,
        ),
    ] {
        let (client, _) = read(&listed, detail.as_ref());
        assert_eq!((client.role_grants.len(), client.gaps.of(ClientField::Roles)), (held, expected), "{what}");
    }
    let scopes_absent = without(code(&json!({})), &["scope"]);
    assert_eq!(read(&scopes_absent, None).0.gaps.of(ClientField::Scopes), Some(Unread));
    assert_eq!(read(&scopes_absent, Some(&code(&json!({})))).0.gaps, Gaps::default());
}

#[test]
fn an_unreadable_grant_type_is_a_gap_even_if_one_is_assumed() {
    for (listed, expected, gap) in [
        (without(credentials(&json!({})), &["authorizedGrantType"]), GrantType::ClientCredentials, Some(Gap::Partial)),
        (without(code(&json!({})), &["authorizedGrantType"]), GrantType::Other, Some(Gap::Unread)),
        (code(&json!({"authorizedGrantType": 5})), GrantType::Other, Some(Gap::Unread)),
        (code(&json!({"authorizedGrantType": "DEVICE"})), GrantType::Other, None),
        (without(code(&json!({"grantType": "CODE"})), &["authorizedGrantType"]), GrantType::Code, None),
        (code(&json!({"grantType": "code"})), GrantType::Code, None),
        (code(&json!({"grantType": 5})), GrantType::Code, Some(Gap::Partial)),
        (code(&json!({"grantType": "CLIENT-CREDENTIALS"})), GrantType::Other, Some(Gap::Unread)),
    ] {
        let (client, _) = read(&listed, None);
        assert_eq!((client.grant_type, client.gaps.of(ClientField::GrantType)), (expected, gap), "{listed}");
    }
}

#[test]
fn a_client_with_nothing_readable_but_its_id_has_a_gap_in_every_field() {
    let unread = fixtures::snapshot().client(fixtures::unread_client("c")).build().clients[0].clone();
    assert_eq!(read(&json!({"id": "c"}), None).0, unread);
    assert_eq!(read(&json!({"id": "c", "scope": 5}), None).0, unread);
    let named = read(&json!({"id": "c", "name": "n"}), None).0;
    assert_eq!((&*named.name, named.gaps.of(ClientField::Name)), ("n", None), "what was read is kept");
    assert_eq!(named.gaps.iter().count(), ClientField::ALL.len() - 1);
}

#[test]
fn two_names_of_one_field_lose_no_scope() {
    for (changes, held, gap) in [
        (json!({"scopes": ["oauth", "users"]}), vec!["oauth", "users"], None),
        (json!({"scopes": ["authorization"]}), vec!["authorization", "oauth", "users"], Some(Gap::Partial)),
        (json!({"scope": [], "scopes": ["oauth"]}), vec!["oauth"], Some(Gap::Partial)),
        (json!({"scope": 5, "scopeIds": ["oauth"]}), vec!["oauth"], Some(Gap::Partial)),
        (json!({"oauth_client": {"scopes": ["routing"]}}), vec!["oauth", "routing", "users"], Some(Gap::Partial)),
    ] {
        let (client, scopes) = read(&code(&changes), None);
        let mut names: Vec<_> = client.scopes.iter().map(|scope| scopes.name(*scope)).collect();
        names.sort_unstable();
        assert_eq!((names, client.gaps.of(ClientField::Scopes)), (held, gap), "{changes}");
    }
}

#[test]
fn only_a_record_without_an_id_is_refused() {
    for record in [json!({}), json!({"id": ""}), json!({"id": null}), json!({"id": 5})] {
        assert_eq!(added(&record), Err(WITHOUT_ID.to_owned()), "{record}");
    }
}

#[test]
fn the_token_validity_is_read_and_zero_is_the_default() {
    for (value, expected) in [
        (json!(3600), Some(3600)),
        (json!("86400"), Some(86_400)),
        (json!(0), None),
        (json!(null), None),
        (json!(5_000_000_000_i64), Some(u32::MAX)),
    ] {
        let (client, _) = read(&code(&json!({"accessTokenValiditySeconds": value})), None);
        assert_eq!((client.token_validity, client.gaps.is_empty()), (expected, true), "{value}");
    }
}

/// The permissions of a role with these contents, and their gap.
fn permits(contents: &Value) -> (String, Option<Gap>) {
    let role = role(wire::Role::read(&fields(&changed(json!({"id": "r"}), contents))).expect("an id"));
    let permissions = role.permissions.iter().map(ToString::to_string);
    let permits = permissions.chain(role.general.iter().cloned()).collect::<Vec<_>>().join(" ");
    (permits, role.gaps.of(RoleField::Contents))
}

#[test]
fn the_permissions_of_a_role_are_read_policy_by_policy() {
    use Gap::{Partial, Unread};
    let policy = |policy: Value| json!({"permissionPolicies": [policy]});
    for (contents, expected, gap) in [
        (json!({"permissions": []}), "", Some(Unread)),
        (json!({"permissionPolicies": []}), "", None),
        (json!({"permissions": ["admin"], "permissionPolicies": null}), "admin", Some(Partial)),
        (json!({"permissions": ["admin"], "permissionPolicies": []}), "admin", None),
        (policy(json!({"domain": "oauth", "entityName": "client", "actionSet": ["add"]})), "oauth:client:add", None),
        (policy(json!({"domain": "oauth", "entityName": "", "actionSet": ["add"]})), "oauth:*:add", None),
        (policy(json!({"domain": "oauth", "actionSet": ["add"]})), "oauth:*:add", None),
        (policy(json!({"domain": "oauth", "entityName": "client", "actionSet": []})), "", None),
        (
            policy(json!({"domain": "oauth", "entityName": "client", "actionSet": ["add", null]})),
            "oauth:client:add",
            Some(Partial),
        ),
        (
            policy(json!({"domain": "oauth", "entityName": "client", "actionSet": "add"})),
            "oauth:client:add",
            Some(Partial),
        ),
        (json!({"permissions": "admin", "permissionPolicies": []}), "admin", Some(Partial)),
        (json!({"permissions": ["admin", 5], "permissionPolicies": []}), "admin", Some(Partial)),
        (
            json!({"permissionPolicies": [
                {"domain": "*", "entityName": "*", "actionSet": ["*"]},
                {"domain": "routing", "entityName": "queue", "actionSet": null},
            ]}),
            "*:*:*",
            Some(Partial),
        ),
        (
            json!({"permissionPolicies": [null, {"domain": "oauth", "actionSet": ["add"]}]}),
            "oauth:*:add",
            Some(Partial),
        ),
        (json!({"permissions": ["admin"], "permissionPolicies": 5}), "admin", Some(Partial)),
        // Absent is not empty.
        (json!({}), "", Some(Unread)),
        (json!({"permissions": null, "permissionPolicies": null}), "", Some(Unread)),
        (policy(json!({"domain": "oauth", "entityName": "client", "actionSet": null})), "", Some(Unread)),
        (policy(json!({"domain": "oauth", "entityName": 5, "actionSet": ["add"]})), "", Some(Unread)),
        (policy(json!({"entityName": "client", "actionSet": ["add"]})), "", Some(Unread)),
    ] {
        assert_eq!(permits(&contents), (expected.to_owned(), gap), "{contents}");
    }
}

#[test]
fn a_condition_without_content_does_not_count() {
    let condition = json!({
        "variableName": "Conversation.queues", "conjunction": "AND", "operator": "EQ",
        "operands": [{"type": "QUEUE", "value": "q-1"}], "terms": [],
    });
    for (node, expected) in [
        (condition.clone(), true),
        (json!({"conjunction": "AND", "terms": [condition]}), true),
        (json!(null), false),
        (json!({}), false),
        (json!({"variableName": null, "conjunction": null, "operator": "", "operands": [], "terms": []}), false),
    ] {
        let record = json!({"id": "r", "permissionPolicies": [
            {"domain": "oauth", "entityName": "client", "actionSet": ["add"], "resourceConditionNode": node}]});
        let role = role(wire::Role::read(&fields(&record)).expect("an id"));
        assert_eq!(role.permissions.first().map(|held| held.conditional), Some(expected), "{record}");
    }
}

#[test]
fn an_unreadable_name_or_default_mark_hides_no_permission() {
    let record = json!({"id": "r", "name": 5, "default": "yes", "permissionPolicies": [
        {"domain": "authorization", "entityName": "*", "actionSet": ["*"]}]});
    let role = role(wire::Role::read(&fields(&record)).expect("an id"));
    assert_eq!(role.permissions.len(), 1);
    let gaps: Vec<_> = role.gaps.iter().map(|(field, gap)| (field.label(), gap)).collect();
    assert_eq!(gaps, [("name", Gap::Unread), ("default", Gap::Unread)]);
}

#[test]
fn no_value_of_a_client_has_a_secret_that_somebody_wrote_into_it() {
    let record = code(&json!({
        "name": "x password=Zq7", "description": "https://u:Zq7@a.example/",
        "registeredRedirectUri": ["https://u:Zq7@a.example/", "https://a.example/?client%5Fsecret=Zq7", "https://a.example/?client%5Fsecret=Zq7b"],
    }));
    for listed in [record.clone(), without(record.clone(), &["scope"])] {
        let (client, _) = read(&listed, Some(&record));
        assert!(!format!("{client:?}").contains("Zq7"), "{client:?}");
        assert_eq!(client.redirect_uris.len(), 3, "different addresses stay different");
    }
    let role = json!({"id": "r", "name": "token=Zq7", "permissionPolicies": []});
    let role = super::role(wire::Role::read(&fields(&role)).expect("an id"));
    assert!(!format!("{role:?}").contains("Zq7"));
}

#[test]
fn long_values_are_cut_and_two_of_them_stay_different() {
    let long = |end: &str| format!("{}{end}", "x".repeat(100_000));
    let record = code(&json!({
        "name": long("a"), "scope": [long("a"), long("b")], "createdBy": {"id": long("a")}, "authorizedGrantType": long("a"),
        "registeredRedirectUri": [format!("https://a.example/{}", long("a")), format!("https://a.example/{}", long("b"))],
    }));
    let (client, scopes) = read(&record, None);
    assert_eq!((client.scopes.len(), scopes.len(), client.redirect_uris.len()), (2, 2, 2));
    assert_ne!(client.redirect_uris[0], client.redirect_uris[1]);
    assert!(format!("{client:?}").len() < 20_000, "{}", format!("{client:?}").len());
    assert_eq!(added(&json!({"id": long("a")})), Err(WITHOUT_ID.to_owned()));
}

//! The simulated organisation responds as the platform's documentation says (`genesys-cloud-api.md`, "reference").
//!
//! The tests use plain TCP, so that no HTTP library hides a wrong byte.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use genesyscloud_oauth_exporter::simulator::{
    Alias, ClientSet, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Endpoint, Fault, Grant, Options, PLANTED_SECRET,
    Paging, RetryAfter, Risk, SimulatedOrganisation, Simulator, State, Unreadable, schedule,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// `Basic` of the default credentials.
const BASIC: &str = "Basic NWUxZjAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDA5ODQ3OnNpbXVsYXRlZC1jbGllbnQtc2VjcmV0";
const CLIENTS: &str = "/api/v2/oauth/clients";
const ROLES: &str = "/api/v2/authorization/roles";

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

struct Platform {
    simulator: Simulator,
    organisation: SimulatedOrganisation,
    token: String,
}

impl Platform {
    async fn start(options: Options) -> Self {
        let simulator = Simulator::start(options).await.expect("a listener on loopback");
        let organisation = simulator.organisation();
        let mut platform = Self { simulator, organisation, token: String::new() };
        let answer = platform.login(BASIC, "grant_type=client_credentials").await;
        assert_eq!(answer.status, 200);
        answer.json()["access_token"].as_str().expect("a token").clone_into(&mut platform.token);
        platform
    }

    async fn demo() -> Self {
        Self::start(Options::default()).await
    }

    async fn login(&self, authorization: &str, body: &str) -> Answer {
        let headers = format!("Authorization: {authorization}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        self.ask("POST", "/oauth/token", &headers, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &format!("Authorization: Bearer {}\r\n", self.token), "").await
    }

    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let raw = self.raw(method, path, headers, body).await;
        parse(&raw)
    }

    /// Reads until the connection ends.
    async fn raw(&self, method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
        let mut stream = self.connect().await;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.expect("the request is written");
        let mut raw = Vec::new();
        // A connection that was cut is a result as well.
        let _ = stream.read_to_end(&mut raw).await;
        raw
    }

    async fn connect(&self) -> TcpStream {
        let url = self.simulator.url();
        TcpStream::connect(url.trim_start_matches("http://")).await.expect("a connection")
    }

    async fn listed(&self) -> Vec<Value> {
        entities(&self.get(CLIENTS).await.json())
    }
}

fn entities(listing: &Value) -> Vec<Value> {
    listing["entities"].as_array().expect("entities").clone()
}

fn parse(raw: &[u8]) -> Answer {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = std::str::from_utf8(&raw[..end]).expect("a head in ASCII");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status").parse().expect("a number");
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut body = raw[end + 4..].to_vec();
    if headers.get("transfer-encoding").is_some_and(|encoding| encoding == "chunked") {
        body = dechunked(&body);
    }
    Answer { status, headers, body }
}

fn dechunked(mut raw: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = raw.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..end]).expect("ASCII"), 16).expect("a size");
        if size == 0 {
            break;
        }
        body.extend_from_slice(&raw[end + 2..end + 2 + size]);
        raw = &raw[end + 4 + size..];
    }
    body
}

fn ids(entities: &[Value]) -> Vec<String> {
    entities.iter().filter_map(|entity| entity["id"].as_str()).map(str::to_owned).collect()
}

// The login host.

#[tokio::test]
async fn the_token_endpoint_answers_as_documented() {
    let platform = Platform::demo().await;
    let body = platform.login(BASIC, "grant_type=client_credentials").await.json();
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 86_400);
    platform.organisation.set_token_lifetime(300);
    let in_body =
        format!("grant_type=client_credentials&client_id={DEFAULT_CLIENT_ID}&client_secret={DEFAULT_CLIENT_SECRET}");
    let answer = platform.ask("POST", "/oauth/token", "", &in_body).await;
    assert_eq!(answer.json()["expires_in"], 300);
    assert_eq!(platform.organisation.tokens_issued(), 3);

    platform.organisation.rotate_secret("another");
    let wrong = platform.login(BASIC, "grant_type=client_credentials").await;
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.json(),
        json!({"error":"invalid_client","description":"authentication failed","error_description":"authentication failed"})
    );
    let unknown = "grant_type=client_credentials&client_id=nobody&client_secret=x";
    let unknown = platform.ask("POST", "/oauth/token", "", unknown).await.json();
    assert_eq!(
        unknown,
        json!({"error":"invalid_client","description":"client not found","error_description":"client not found"})
    );
}

#[tokio::test]
async fn tokens_end_and_are_revoked() {
    let platform = Platform::demo().await;
    assert_eq!(platform.get(CLIENTS).await.status, 200);
    platform.organisation.expire_tokens();
    let answer = platform.get(CLIENTS).await;
    assert_eq!((answer.status, &answer.json()["code"]), (401, &json!("bad.credentials")));
    let answer = platform.ask("GET", CLIENTS, "", "").await;
    assert_eq!((answer.status, &answer.json()["code"]), (401, &json!("authentication.required")));

    let platform = Platform::demo().await;
    let bearer = format!("Authorization: Bearer {}\r\n", platform.token);
    assert_eq!(platform.ask("HEAD", "/api/v2/tokens/me", &bearer, "").await.status, 200);
    assert_eq!(platform.ask("DELETE", "/api/v2/tokens/me", &bearer, "").await.status, 204);
    assert_eq!(platform.get("/api/v2/tokens/me").await.status, 401);
}

// Shapes.

#[tokio::test]
async fn clients_have_the_documented_fields() {
    let platform = Platform::demo().await;
    let listing = platform.get(CLIENTS).await.json();
    let clients = entities(&listing);
    assert_eq!(listing["total"], clients.len());
    assert_eq!(listing["pageCount"], 1);
    assert!(listing.get("nextUri").is_none());
    let known: BTreeSet<&str> = [
        "id",
        "name",
        "accessTokenValiditySeconds",
        "description",
        "registeredRedirectUri",
        "secret",
        "roleIds",
        "dateCreated",
        "dateModified",
        "createdBy",
        "modifiedBy",
        "authorizedGrantType",
        "scope",
        "roleDivisions",
        "state",
        "dateToDelete",
        "selfUri",
    ]
    .into();
    for client in &clients {
        let fields = client.as_object().expect("an object");
        for field in fields.keys() {
            assert!(known.contains(field.as_str()), "{field} is not in the reference's section 3.2");
        }
        assert_eq!(client["secret"], PLANTED_SECRET);
        assert!(client["scope"].is_array() && client["registeredRedirectUri"].is_array());
        for pair in client["roleDivisions"].as_array().expect("an array") {
            assert!(pair["roleId"].is_string() && pair["divisionId"].is_string());
        }
        let created = client["dateCreated"].as_str().expect("a date");
        created.parse::<jiff::Timestamp>().expect("ISO 8601");
        assert_eq!(created.len(), "2023-02-01T10:20:30.123Z".len());
        assert_eq!(client["dateToDelete"].is_string(), client["state"] == "inactive", "{client}");
    }
    let unique: BTreeSet<String> = ids(&clients).into_iter().collect();
    assert_eq!(unique.len(), clients.len());
    assert!((55..=75).contains(&clients.len()), "{}", clients.len());
    let one = platform.get(&format!("{CLIENTS}/{}", clients[7]["id"].as_str().expect("an id"))).await.json();
    assert_eq!(one, clients[7]);
}

#[tokio::test]
async fn scopes_have_ids_and_descriptions_and_no_name() {
    let platform = Platform::demo().await;
    let listing = platform.get("/api/v2/oauth/scopes").await.json();
    let scopes = entities(&listing);
    assert_eq!((scopes.len(), &listing["total"]), (135, &json!(135)));
    for scope in &scopes {
        let fields: Vec<&String> = scope.as_object().expect("an object").keys().collect();
        assert_eq!(fields, ["description", "id", "selfUri"]);
    }
    for path in ["/api/v2/oauth/scopes/users:readonly", "/api/v2/oauth/scopes/users%3Areadonly"] {
        assert_eq!(platform.get(path).await.json()["id"], "users:readonly");
    }
    assert_eq!(platform.get("/api/v2/oauth/scopes/admin:all").await.status, 404);
}

#[tokio::test]
async fn roles_come_25_to_a_page_and_pages_join_to_all() {
    let platform = Platform::demo().await;
    let truth = platform.organisation.truth();
    assert!(truth.roles > 100);
    let first = platform.get(ROLES).await.json();
    assert_eq!(entities(&first).len(), 25);
    assert_eq!(first["total"], truth.roles);
    let mut all = BTreeSet::new();
    let mut next = Some(format!("{ROLES}?pageSize=50&userCount=false"));
    while let Some(path) = next {
        let page = platform.get(&path).await.json();
        for role in entities(&page) {
            assert!(role.get("userCount").is_none());
            assert!(role["permissionPolicies"].is_array() && role["default"].is_boolean());
            all.insert(role["id"].as_str().expect("an id").to_owned());
        }
        next = page["nextUri"].as_str().map(str::to_owned);
    }
    assert_eq!(all.len(), truth.roles);

    let admin = platform.organisation.role_id("Admin").expect("a role");
    let two: Vec<String> = all.iter().take(2).cloned().collect();
    let chosen = platform.get(&format!("{ROLES}?id={}&id={}", two[0], two[1])).await.json();
    assert_eq!(ids(&entities(&chosen)).into_iter().collect::<BTreeSet<_>>(), two.into_iter().collect());
    let role = platform.get(&format!("{ROLES}/{admin}")).await.json();
    assert_eq!((&role["defaultRoleId"], &role["default"]), (&json!("admin"), &json!(true)));
    assert!(role["userCount"].is_number());
    assert_eq!(role["permissionPolicies"][0]["actionSet"], json!(["*"]));
    assert_eq!(platform.get(&format!("{ROLES}?pageSize=0")).await.status, 400);
}

#[tokio::test]
async fn divisions_permissions_and_the_caller_itself() {
    let platform = Platform::demo().await;
    let divisions = entities(&platform.get("/api/v2/authorization/divisions").await.json());
    assert_eq!(divisions.iter().filter(|division| division["homeDivision"] == true).count(), 1);
    assert_eq!(platform.get("/api/v2/authorization/divisions/home").await.json()["name"], "Home");

    let domains = entities(&platform.get("/api/v2/authorization/permissions?pageSize=100").await.json());
    let oauth = domains.iter().find(|domain| domain["domain"] == "oauth").expect("the domain oauth");
    let view = oauth["permissionMap"]["client"].as_array().expect("a list").iter().find(|p| p["action"] == "view");
    assert_eq!(view.expect("oauth:client:view")["entityType"], "client");
    let count = |domain: &Value| {
        let map = domain["permissionMap"].as_object().expect("a map");
        map.values().filter_map(Value::as_array).map(Vec::len).sum::<usize>()
    };
    assert_eq!(domains.iter().map(count).sum::<usize>(), platform.organisation.truth().permissions);

    let info = platform.get("/api/v2/tokens/me?preserveIdleTTL=true").await.json();
    assert_eq!(info["OAuthClient"]["id"], DEFAULT_CLIENT_ID);
    assert!(info["OAuthClient"].get("secret").is_none());
    let organisation = platform.get("/api/v2/organizations/me").await.json();
    assert_eq!(organisation["id"], info["organization"]["id"]);
    assert_eq!(organisation["id"], platform.organisation.truth().organisation_id);
    let subject = platform.get("/api/v2/authorization/subjects/me").await.json();
    assert_eq!(subject["grants"][0]["role"]["policies"][0]["actions"], json!(["view"]));
}

#[tokio::test]
async fn usage_is_asynchronous_and_has_no_row_for_dormant_clients() {
    let platform = Platform::demo().await;
    let bearer = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", platform.token);
    assert_eq!(platform.ask("POST", "/api/v2/usage/query", &bearer, "{}").await.status, 400);
    let query = json!({"interval":"2026-11-12T00:00:00.000Z/2026-11-19T00:00:00.000Z","groupBy":["OAuthClientId"]});
    let started = platform.ask("POST", "/api/v2/usage/query", &bearer, &query.to_string()).await.json();
    assert!(started["executionId"].is_string());
    let path = started["resultsUri"].as_str().expect("a path");
    assert_eq!(platform.get(path).await.json()["queryStatus"], "Running");
    let done = platform.get(path).await.json();
    assert_eq!(done["queryStatus"], "Complete");
    let rows = done["results"].as_array().expect("rows");
    let seen: BTreeSet<&str> = rows.iter().filter_map(|row| row["clientId"].as_str()).collect();
    let unused = platform.organisation.truth().clients_with(Risk::UnusedClient);
    assert!(!unused.is_empty() && unused.iter().all(|id| !seen.contains(id.as_str())));
    assert!(seen.contains(DEFAULT_CLIENT_ID));
}

#[tokio::test]
async fn errors_carry_the_correlation_id_of_the_header() {
    let platform = Platform::demo().await;
    let post = format!("Authorization: Bearer {}\r\n", platform.token);
    let cases = [
        (platform.get("/api/v2/users").await, 404, "not.found"),
        (platform.get("/api/v2/oauth/clients/nobody").await, 404, "not.found"),
        (platform.ask("POST", CLIENTS, &post, "").await, 405, "method.not.allowed"),
        (platform.ask("GET", CLIENTS, "", "").await, 401, "authentication.required"),
    ];
    for (answer, status, code) in cases {
        let body = answer.json();
        assert_eq!((answer.status, &body["code"], &body["status"]), (status, &json!(code), &json!(status)));
        assert_eq!(answer.header("inin-correlation-id"), body["contextId"].as_str().expect("a contextId"));
        assert!(body["details"].is_array() && body["errors"].is_array());
    }
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let platform = Platform::demo().await;
    platform.organisation.revoke_permission("Prometheus OAuth exporter", "oauth:client:view");
    let answer = platform.get(CLIENTS).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["code"], "missing.permissions");
    assert!(answer.json()["message"].as_str().expect("a message").ends_with("[oauth:client:view]"));
    assert_eq!(platform.get("/api/v2/oauth/scopes").await.status, 200);
    platform.organisation.revoke_permission("Prometheus OAuth exporter", "usage:organization:view");
    let bearer = format!("Authorization: Bearer {}\r\n", platform.token);
    let answer = platform.ask("POST", "/api/v2/usage/query", &bearer, "{}").await;
    assert_eq!(answer.json()["code"], "missing.any.permissions");
    platform.organisation.grant_permission("Prometheus OAuth exporter", "oauth:*:*");
    assert_eq!(platform.get(CLIENTS).await.status, 200);
}

#[tokio::test]
async fn the_request_budget_is_reported_and_enforced() {
    let platform = Platform::start(Options { rate_limit: 3, ..Options::default() }).await;
    for count in ["1", "2", "3"] {
        let answer = platform.get(CLIENTS).await;
        assert_eq!((answer.status, answer.header("inin-ratelimit-count")), (200, count));
        assert_eq!(answer.header("inin-ratelimit-allowed"), "3");
        let reset: u64 = answer.header("inin-ratelimit-reset").parse().expect("seconds");
        assert!((1..=60).contains(&reset));
    }
    let answer = platform.get(CLIENTS).await;
    assert_eq!((answer.status, &answer.json()["code"]), (429, &json!("too.many.requests.retry.after")));
    let wait = format!("[{}] seconds", answer.header("retry-after"));
    assert!(answer.json()["message"].as_str().expect("a message").contains(&wait));
}

// Paging of the clients.

#[tokio::test]
async fn every_way_of_paging_leads_to_all_clients() {
    for paging in [Paging::NextUri, Paging::PageCount, Paging::Cursor, Paging::NextPage] {
        let platform = Platform::start(Options { page_size: Some(10), paging, ..Options::default() }).await;
        let mut seen = Vec::new();
        let mut next = Some(CLIENTS.to_owned());
        let mut number = 1;
        while let Some(path) = next {
            let page = platform.get(&path).await.json();
            seen.extend(ids(&entities(&page)));
            number += 1;
            let encoded = |cursor: &Value| cursor.as_str().map(|c| c.replace('+', "%2B").replace('=', "%3D"));
            next = match paging {
                Paging::NextUri => page["nextUri"].as_str().map(str::to_owned),
                Paging::PageCount => {
                    assert!(page.get("nextUri").is_none());
                    let count = page["pageCount"].as_u64().expect("pageCount");
                    (number <= count).then(|| format!("{CLIENTS}?pageNumber={number}"))
                }
                Paging::Cursor => encoded(&page["cursors"]["after"]).map(|c| format!("{CLIENTS}?after={c}")),
                Paging::NextPage => encoded(&page["next_page"]).map(|c| format!("{CLIENTS}?cursor={c}")),
            };
        }
        assert_eq!(seen, platform.organisation.client_ids(), "{paging:?}");
    }
}

// The truth.

#[tokio::test]
async fn the_demo_has_every_grant_type_state_and_risk() {
    let platform = Platform::demo().await;
    let truth = platform.organisation.truth();
    let grants =
        [Grant::ClientCredentials, Grant::Code, Grant::Implicit, Grant::Password, Grant::Saml2Bearer, Grant::Other];
    assert!(grants.iter().all(|grant| truth.of_grant(*grant) > 0));
    assert_eq!(grants.iter().map(|grant| truth.of_grant(*grant)).sum::<usize>(), truth.clients);
    let states = [State::Active, State::Inactive, State::Disabled, State::Other];
    assert!(states.iter().all(|state| truth.in_state(*state) > 0));
    for risk in Risk::ALL {
        assert!(truth.planted.iter().any(|planted| planted.risk == *risk), "{} is not planted", risk.slug());
    }
    let spellings: BTreeSet<String> =
        platform.listed().await.iter().map(|client| client["authorizedGrantType"].to_string()).collect();
    assert_eq!(spellings.len(), 8, "{spellings:?}");
}

#[tokio::test]
async fn planted_evidence_is_really_there() {
    let platform = Platform::demo().await;
    let roles: BTreeMap<String, Value> = {
        let page = platform.get(&format!("{ROLES}?pageSize=500")).await.json();
        entities(&page).into_iter().map(|role| (role["id"].as_str().expect("an id").to_owned(), role)).collect()
    };
    for planted in platform.organisation.truth().planted {
        let client = platform.organisation.client(&planted.client_id).expect("the client");
        let text = client.to_string();
        let evidence = planted.evidence.as_str();
        match planted.risk {
            Risk::DangerousPermission | Risk::ConditionalPermission | Risk::WildcardPermission => {
                let [domain, entity, action] = evidence.split(':').collect::<Vec<_>>()[..] else {
                    panic!("{evidence} is not a permission")
                };
                let policy = client["roleIds"]
                    .as_array()
                    .expect("roleIds")
                    .iter()
                    .filter_map(|id| roles.get(id.as_str()?))
                    .flat_map(|role| role["permissionPolicies"].as_array().expect("policies"))
                    .find(|policy| {
                        policy["domain"] == domain
                            && policy["entityName"] == entity
                            && policy["actionSet"].as_array().is_some_and(|set| set.contains(&json!(action)))
                    })
                    .unwrap_or_else(|| panic!("{} lacks {evidence}", planted.client_name));
                let conditional = planted.risk == Risk::ConditionalPermission;
                assert_eq!(policy["resourceConditionNode"].is_object(), conditional, "{evidence}");
            }
            Risk::AdminRole | Risk::SharedRole | Risk::RoleWithoutDivision => {
                let id = platform.organisation.role_id(evidence).expect("a role");
                assert!(text.contains(&id), "{} lacks {evidence}", planted.client_name);
                if planted.risk == Risk::RoleWithoutDivision {
                    assert!(!client["roleDivisions"].to_string().contains(&id));
                }
            }
            Risk::UnresolvedRole => assert!(text.contains(evidence) && !roles.contains_key(evidence)),
            Risk::ToxicScopes => assert!(text.contains("\"oauth\"") && text.contains("\"authorization\"")),
            _ => assert!(text.contains(evidence), "{} lacks {evidence}", planted.client_name),
        }
    }
}

#[tokio::test]
async fn the_seed_decides_everything() {
    let list = async |seed| Platform::start(Options { seed, ..Options::default() }).await.get(CLIENTS).await.body;
    assert_eq!(list(7).await, list(7).await);
    assert_ne!(list(7).await, list(8).await);
}

#[tokio::test]
async fn generated_and_custom_organisations() {
    let platform = Platform::start(Options { clients: ClientSet::Generated(1_000), ..Options::default() }).await;
    let clients = platform.listed().await;
    assert_eq!(ids(&clients).into_iter().collect::<BTreeSet<_>>().len(), 1_000);
    assert!(platform.organisation.truth().of_grant(Grant::Code) > 100);

    let only = json!({"id": "a", "name": "Only", "authorizedGrantType": "CODE", "scope": ["oauth"]});
    let custom = ClientSet::Custom(vec![only.clone()]);
    let platform = Platform::start(Options { clients: custom, ..Options::default() }).await;
    assert_eq!(platform.listed().await[0], only);
    assert_eq!(platform.organisation.client_ids(), ["a", DEFAULT_CLIENT_ID]);
}

// Control.

#[tokio::test]
async fn edits_are_seen_by_the_next_request() {
    let platform = Platform::demo().await;
    let organisation = &platform.organisation;
    assert!(organisation.grant_scope("CRM screen pop", "oauth"));
    assert!(!organisation.grant_scope("CRM screen pop", "oauth"));
    assert!(!organisation.grant_scope("Nobody", "oauth"));
    assert!(organisation.add_role("Wallboard Austin", "Admin", "*"));
    assert!(organisation.rename("Quality dashboard", "Q"));
    let id = organisation.add_client(json!({"name": "New", "authorizedGrantType": "TOKEN"}));
    assert!(organisation.remove_client("Kafka bridge"));
    assert!(organisation.edit_client("Usage billing", |client| client["accessTokenValiditySeconds"] = json!(301)));
    let clients = platform.listed().await;
    let named = |name: &str| clients.iter().find(|client| client["name"] == name);
    assert!(named("CRM screen pop").expect("there")["scope"].as_array().expect("a list").contains(&json!("oauth")));
    let pair = json!({"roleId": organisation.role_id("Admin"), "divisionId": "*"});
    assert!(named("Wallboard Austin").expect("there")["roleDivisions"].as_array().expect("a list").contains(&pair));
    assert!(named("Quality dashboard").is_none() && named("Q").is_some() && named("Kafka bridge").is_none());
    assert_eq!(named("New").expect("there")["id"], id.as_str());
    assert_eq!(named("Usage billing").expect("there")["accessTokenValiditySeconds"], 301);
}

#[tokio::test]
async fn requests_are_recorded_without_secrets_and_can_be_waited_for() {
    let platform = Platform::demo().await;
    let organisation = platform.organisation.clone();
    let waiting = tokio::spawn(async move { organisation.wait_for_requests(CLIENTS, 2).await });
    platform.get(CLIENTS).await;
    platform.get(&format!("{CLIENTS}?pageSize=100")).await;
    waiting.await.expect("two requests came in");
    platform.ask("POST", "/oauth/token?client_secret=hidden", &format!("Authorization: {BASIC}\r\n"), "").await;
    let requests = platform.organisation.requests();
    assert_eq!(requests[0].authorization_scheme.as_deref(), Some("Basic"));
    assert_eq!(requests[2].path_and_query, format!("{CLIENTS}?pageSize=100"));
    assert_eq!(platform.organisation.request_count(CLIENTS), 2);
    let text = format!("{requests:?}");
    let secrets = [platform.token.as_str(), DEFAULT_CLIENT_SECRET, "hidden", &BASIC[6..]];
    assert!(secrets.iter().all(|secret| !text.contains(secret)));
}

// Faults.

#[tokio::test]
async fn faults_that_replace_the_answer() {
    let platform = Platform::demo().await;
    let cases = [
        (Fault::RateLimited(RetryAfter::Seconds(42)), 429, "retry-after", "42"),
        (Fault::RateLimited(RetryAfter::Date(784_111_777)), 429, "retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
        (Fault::RateLimited(RetryAfter::Absent), 429, "retry-after", ""),
        (Fault::ServerError(500), 500, "content-type", "application/json"),
        (Fault::ServerError(502), 502, "content-type", "application/json"),
        (Fault::HtmlInsteadOfJson, 200, "content-type", "text/html; charset=utf-8"),
        (Fault::HtmlError(503), 503, "content-type", "text/html; charset=utf-8"),
        (Fault::Forbidden { permission: "oauth:client:view".to_owned() }, 403, "content-type", "application/json"),
        (Fault::Unauthorized, 401, "content-type", "application/json"),
        (Fault::NotFound, 404, "content-type", "application/json"),
        (Fault::Redirect("https://elsewhere.example/".to_owned()), 302, "location", "https://elsewhere.example/"),
    ];
    for (fault, status, header, value) in cases {
        platform.organisation.set_fault(fault.clone());
        let answer = platform.get(CLIENTS).await;
        assert_eq!((answer.status, answer.header(header)), (status, value), "{fault:?}");
        assert!(!answer.header("inin-correlation-id").is_empty());
        assert_eq!(platform.login(BASIC, "grant_type=client_credentials").await.status, 200, "{fault:?}");
    }
    for fault in [Fault::Garbage, Fault::InvalidUtf8, Fault::EmptyBody] {
        platform.organisation.set_fault(fault.clone());
        let answer = platform.get(CLIENTS).await;
        assert_eq!(answer.status, 200);
        assert!(serde_json::from_slice::<Value>(&answer.body).is_err(), "{fault:?}");
    }
    platform.organisation.clear_faults();
    assert_eq!(platform.get(CLIENTS).await.status, 200);
}

#[tokio::test]
async fn faults_of_the_token_endpoint() {
    let platform = Platform::demo().await;
    platform.organisation.set_fault(Fault::TokenRateLimited.times(1));
    assert_eq!(platform.get(CLIENTS).await.status, 200);
    let answer = platform.login(BASIC, "grant_type=client_credentials").await;
    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_request")));
    let text = answer.json()["error_description"].as_str().expect("a text").to_owned();
    assert!(text.starts_with("rate limit exceeded; "));
    assert_eq!(platform.login(BASIC, "grant_type=client_credentials").await.status, 200);
    platform.organisation.set_fault(Fault::HtmlError(503).at(Endpoint::Token));
    assert_eq!(platform.login(BASIC, "grant_type=client_credentials").await.status, 503);
    assert_eq!(platform.get(CLIENTS).await.status, 200);
}

#[tokio::test]
async fn faults_can_be_counted_delayed_and_bound_to_an_endpoint() {
    let platform = Platform::demo().await;
    platform.organisation.add_fault(Fault::ServerError(503).at(Endpoint::Roles).after(1).times(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        assert_eq!(platform.get(CLIENTS).await.status, 200);
        statuses.push(platform.get(ROLES).await.status);
    }
    assert_eq!(statuses, [200, 503, 503, 200]);
}

#[tokio::test]
async fn faults_of_the_connection() {
    let platform = Platform::demo().await;
    let bearer = format!("Authorization: Bearer {}\r\n", platform.token);
    platform.organisation.set_fault(Fault::CloseWithoutAnswer);
    assert!(platform.raw("GET", CLIENTS, &bearer, "").await.is_empty());

    platform.organisation.set_fault(Fault::CutBody);
    let cut = parse(&platform.raw("GET", CLIENTS, &bearer, "").await);
    let announced: usize = cut.header("content-length").parse().expect("a length");
    assert!(!cut.body.is_empty() && cut.body.len() < announced);

    platform.organisation.set_fault(Fault::HugeBody(1_000_000));
    let huge = platform.get(CLIENTS).await;
    assert!(huge.body.len() > 1_000_000);
    assert_eq!(huge.json()["entities"], json!([]));

    let pause = Duration::from_micros(1);
    platform.organisation.set_fault(Fault::SlowBody { chunk: 50, pause }.at(Endpoint::OrganisationInfo));
    assert!(platform.get("/api/v2/organizations/me").await.json()["id"].is_string());
}

#[tokio::test]
async fn a_hanging_request_ends_with_the_simulator() {
    let platform = Platform::demo().await;
    platform.organisation.set_fault(Fault::Hang);
    let Platform { simulator, organisation, .. } = platform;
    let address = simulator.url().trim_start_matches("http://").to_owned();
    let asked = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"GET /api/v2/oauth/clients HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
        let mut raw = Vec::new();
        let _ = stream.read_to_end(&mut raw).await;
        raw
    });
    organisation.wait_for_requests(CLIENTS, 1).await;
    simulator.stop().await;
    assert!(asked.await.expect("the task ended").is_empty());
}

#[tokio::test]
async fn a_dropped_simulator_hangs_up() {
    let platform = Platform::demo().await;
    let mut idle = platform.connect().await;
    idle.write_all(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
    platform.organisation.wait_for_requests("/nothing", 1).await;
    drop(platform);
    let mut raw = Vec::new();
    let _ = idle.read_to_end(&mut raw).await;
}

#[tokio::test]
async fn faults_of_the_listing() {
    let platform = Platform::demo().await;
    let count = platform.organisation.truth().clients;
    let with = async |fault: Fault| {
        platform.organisation.set_fault(fault);
        platform.get(CLIENTS).await.json()
    };
    let page = with(Fault::EmptyList).await;
    assert_eq!((entities(&page).len(), &page["total"]), (0, &json!(0)));
    let page = with(Fault::TruncatedList(3)).await;
    assert_eq!((entities(&page).len(), &page["total"]), (count - 3, &json!(count)));
    let page = with(Fault::WithoutSelf).await;
    assert!(!ids(&entities(&page)).contains(&DEFAULT_CLIENT_ID.to_owned()));
    assert_eq!(page["total"], count - 1);
    let page = with(Fault::BareListing).await;
    assert_eq!(page.as_object().expect("an object").len(), 1);
    assert!(with(Fault::MissingEntities).await.get("entities").is_none());
    let page = with(Fault::DuplicateIdentical).await;
    assert_eq!(entities(&page).first(), entities(&page).last());
    assert_eq!((entities(&page).len(), &page["total"]), (count + 1, &json!(count)));
    let all = entities(&with(Fault::DuplicateConflicting).await);
    assert!(all[0]["id"] == all[count]["id"] && all[0]["name"] != all[count]["name"]);
    let page = with(Fault::LoopingNextUri).await;
    assert_eq!(page["nextUri"], "/api/v2/oauth/clients?pageNumber=1");
    let page = with(Fault::ForeignNextUri("http://127.0.0.1:1".to_owned())).await;
    assert_eq!(page["nextUri"], "http://127.0.0.1:1/api/v2/oauth/clients?pageNumber=2");
    assert_eq!(with(Fault::RepeatedPages(3)).await["pageCount"], 3);
}

#[tokio::test]
async fn faults_of_single_records() {
    let platform = Platform::demo().await;
    let with = async |fault: Fault| {
        platform.organisation.set_fault(fault);
        platform.listed().await
    };
    let last = |clients: Vec<Value>| clients.last().cloned().expect("a client");
    assert!(last(with(Fault::UnreadableRecord(Unreadable::NotAnObject)).await).is_string());
    assert!(last(with(Fault::UnreadableRecord(Unreadable::NumericId)).await)["id"].is_number());
    assert!(last(with(Fault::UnreadableRecord(Unreadable::MissingId)).await).get("id").is_none());
    assert!(last(with(Fault::UnreadableRecord(Unreadable::NullId)).await)["id"].is_null());
    assert!(last(with(Fault::UnreadableRecord(Unreadable::WrongFieldTypes)).await)["scope"].is_number());
    assert_eq!(last(with(Fault::UnknownEnums).await)["state"], "hibernating");
    assert!(last(with(Fault::UnknownFields).await)["allowedIps"].is_array());
    assert!(last(with(Fault::NullFields).await)["scope"].is_null());
    let softphone =
        |clients: Vec<Value>| clients.into_iter().find(|c| c["name"] == "Embedded softphone").expect("the softphone");
    let sparse = softphone(with(Fault::SparseEntities).await);
    assert!(sparse.get("authorizedGrantType").is_none() && sparse.get("scope").is_none());
    let full = platform.get(&format!("{CLIENTS}/{}", sparse["id"].as_str().expect("an id"))).await.json();
    assert_eq!(full["authorizedGrantType"], "TOKEN");

    let objects = softphone(with(Fault::AliasFields(Alias::ScopeObjects)).await);
    assert_eq!((&objects["grantType"], &objects["scopes"][0]["name"]), (&json!("TOKEN"), &json!("conversations")));
    let nested = softphone(with(Fault::AliasFields(Alias::Nested)).await);
    assert_eq!(nested["oauth_client"]["scopes"][0], "conversations");

    let opaque = softphone(with(Fault::OpaqueScopeIds).await);
    let registry = entities(&platform.get("/api/v2/oauth/scopes").await.json());
    let named = registry.iter().find(|scope| scope["id"] == opaque["scope"][0]).expect("the id is mapped");
    assert_eq!(named["name"], "conversations");

    platform.organisation.set_fault(Fault::EmptyRoles);
    assert!(entities(&platform.get(ROLES).await.json()).is_empty());
    platform.organisation.set_fault(Fault::RolesWithoutPolicies);
    assert!(entities(&platform.get(ROLES).await.json())[0].get("permissionPolicies").is_none());
}

#[tokio::test]
async fn rate_limit_headers_can_lie_or_be_missing() {
    let platform = Platform::demo().await;
    platform.organisation.set_fault(Fault::NoRateLimitHeaders);
    assert_eq!(platform.get(CLIENTS).await.header("inin-ratelimit-allowed"), "");
    platform.organisation.set_fault(Fault::Budget { count: 179, allowed: 180, reset: 61 });
    let answer = platform.get(CLIENTS).await;
    assert_eq!((answer.header("inin-ratelimit-count"), answer.header("inin-ratelimit-reset")), ("179", "61"));
}

// Drift.

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

#[tokio::test]
async fn drift_leads_to_the_same_place_however_often_it_is_asked() {
    let (slow, fast) = (Platform::demo().await, Platform::demo().await);
    let mut changes = Vec::new();
    for second in 0..=3_700 {
        changes.extend(slow.organisation.advance_to(Duration::from_secs(second)));
    }
    assert_eq!(changes, fast.organisation.advance_to(Duration::from_secs(3_700)));
    assert_eq!(slow.listed().await, fast.listed().await);
    assert_eq!(slow.organisation.truth(), fast.organisation.truth());
    let opening = schedule();
    assert_eq!(changes[..opening.len()], opening[..]);
    assert!(slow.organisation.advance_to(minutes(1)).is_empty());
}

#[tokio::test]
async fn drift_does_what_the_schedule_says() {
    let platform = Platform::demo().await;
    let organisation = &platform.organisation;
    let pop = organisation.client_id("CRM screen pop").expect("a client");
    assert!(!organisation.truth().clients_with(Risk::DangerousScope).contains(&pop));
    assert!(organisation.advance_to(Duration::from_secs(59)).is_empty());
    assert_eq!(organisation.advance_to(minutes(1)).len(), 1);
    assert!(organisation.truth().clients_with(Risk::DangerousScope).contains(&pop));
    assert!(organisation.client(&pop).expect("there")["scope"].to_string().contains("\"oauth\""));

    organisation.advance_to(minutes(2));
    let portal = organisation.client("Legacy reporting portal").expect("there");
    assert_eq!(portal["scope"], json!(["analytics:readonly"]));
    let storm = platform.get(CLIENTS).await;
    assert_eq!((storm.status, storm.header("retry-after")), (429, "5"));
    organisation.advance_to(Duration::from_secs(140));
    assert_eq!(platform.get(CLIENTS).await.status, 200);

    organisation.advance_to(minutes(9));
    assert_eq!(organisation.client("Bot prototype").expect("there")["state"], "inactive");
    assert!(organisation.client("Wallboard Dublin (floor 3)").is_some());
    assert!(organisation.client("Ad-hoc export (contractor)").is_some());
    let role = organisation.role_id("ServiceNow connector").expect("a role");
    let role = platform.get(&format!("{ROLES}/{role}")).await.json();
    assert!(role.to_string().contains("\"grant\""));
}

#[tokio::test]
async fn drift_does_not_grow_the_world() {
    const DAY: u64 = 24 * 60;
    let platform = Platform::demo().await;
    let organisation = &platform.organisation;
    let founded = organisation.truth().clients;
    organisation.advance_to(minutes(8 * DAY));
    // One newcomer; the three clients whose deletion was scheduled are gone.
    assert!(organisation.client("Bot prototype").is_none());
    assert_eq!(organisation.truth().clients, founded + 1 - 3);
    let before = organisation.truth();
    assert!(!organisation.advance_to(minutes(15 * DAY)).is_empty());
    assert_eq!(before, organisation.truth());
}

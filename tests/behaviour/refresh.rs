//! The refresh of one organisation against the simulated platform, with one named scenario for each test.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

use genesyscloud_oauth_exporter::domain::{
    ClientField, ClientState, Collector, CollectorStatus, Gap, GrantType, Records, RoleField, Snapshot, Timestamp,
};
use genesyscloud_oauth_exporter::genesys::{
    self, AuthStyle, Limits, Metrics, PacingConfig, Platform, RetryConfig, TokenError,
};
use genesyscloud_oauth_exporter::metric::Registry;
use genesyscloud_oauth_exporter::refresh::{Config, Failure, Fetched, Incomplete, Previous, fetch};
use genesyscloud_oauth_exporter::secret::{SecretSource, SecretString};
use genesyscloud_oauth_exporter::simulator::{
    Alias, ClientSet, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Endpoint, Fault, Options, Paging, RetryAfter,
    Simulator, Unreadable,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One platform client and one simulated organisation.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    registry: Registry,
    pub(crate) platform: Platform,
    pub(crate) config: Config,
}

pub(crate) fn platform_config(url: &str) -> genesys::Config {
    let url: url::Url = format!("{}/", url.trim_end_matches('/')).parse().expect("a URL");
    genesys::Config {
        org: "test".to_owned(),
        client_id: DEFAULT_CLIENT_ID.to_owned(),
        client_secret: SecretSource::Value(SecretString::from(DEFAULT_CLIENT_SECRET)),
        api_url: url.clone(),
        login_url: url,
        proxy: None,
        authorities: genesys::Authorities::default(),
        region: "simulated".to_owned(),
        auth_style: AuthStyle::Basic,
        token_scope: None,
        clients_path: "/api/v2/oauth/clients".to_owned(),
        retry: RetryConfig { attempts: 4, base: Duration::from_millis(1), max_retry_after: Duration::from_mins(3) },
        pacing: PacingConfig { per_minute: 60_000, burst: 10_000 },
        limits: Limits {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            attempt_deadline: Duration::from_mins(1),
            max_body_bytes: 8 << 20,
            max_pages: 1000,
        },
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default(), |_| {}).await
    }

    pub(crate) async fn with(options: Options, change: impl FnOnce(&mut genesys::Config)) -> Self {
        let simulator = Simulator::start(options).await.expect("loopback");
        simulator.organisation().set_rate_limit(100_000);
        let registry = Registry::default();
        let metrics = Metrics::register(&registry).expect("a fresh registry");
        let mut platform = platform_config(&simulator.url());
        change(&mut platform);
        let platform = Platform::new(platform, &metrics).expect("TLS");
        let config = Config {
            interval: Duration::from_mins(5),
            stale_after: Duration::from_hours(24),
            deadline: Duration::from_mins(2),
            trust_total: true,
            require_self: true,
        };
        Self { simulator, registry, platform, config }
    }

    pub(crate) async fn refresh(
        &self,
        previous: Option<&Snapshot>,
    ) -> (Result<Fetched, Failure>, Vec<CollectorStatus>) {
        let now = Timestamp::from(SystemTime::now());
        let previous = Previous { snapshot: previous, served: true };
        let attempt = fetch(&self.platform, &self.config, previous, now).await;
        (attempt.outcome, attempt.collectors)
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        self.refresh(None).await.0.expect("a complete refresh").snapshot
    }

    pub(crate) async fn failure(&self, previous: Option<&Snapshot>) -> Failure {
        self.refresh(previous).await.0.expect_err("an incomplete refresh")
    }

    /// The sum of the samples of this family that have all of these labels.
    pub(crate) fn metric(&self, family: &str, labels: &[(&str, &str)]) -> f64 {
        self.registry.values(family, labels).iter().sum()
    }
}

/// The text of a failure must not contain a secret or control characters.
pub(crate) fn assert_clean(text: &str) {
    for secret in [DEFAULT_CLIENT_SECRET, "SIMULATED-SECRET-MUST-NEVER-LEAVE", "Bearer", "Basic "] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(!text.chars().any(char::is_control), "{text}");
}

#[tokio::test]
async fn every_client_role_division_and_scope_is_read() {
    let world = World::start().await;
    let truth = world.simulator.organisation().truth();
    let snapshot = world.snapshot().await;
    assert_eq!(snapshot.clients.len(), truth.clients);
    for grant in GrantType::ALL {
        for state in ClientState::ALL {
            let found = snapshot.clients.iter().filter(|c| c.grant_type == grant && c.state == state).count();
            let expected: usize = truth
                .by_grant_and_state
                .iter()
                .filter(|((g, s), _)| g.as_str() == grant.label() && s.as_str() == state.label())
                .map(|(_, count)| count)
                .sum();
            assert_eq!(found, expected, "{grant:?} {state:?}");
        }
    }
    assert_eq!(snapshot.registry.read().map(|registry| registry.len()), Some(truth.scopes));
    assert_eq!(snapshot.roles.read().map(Records::len), Some(truth.roles));
    assert_eq!(snapshot.divisions.read().map(|divisions| divisions.len()), Some(truth.divisions));
    assert_eq!(snapshot.organisation.id.as_str(), truth.organisation_id);
    assert_eq!(snapshot.organisation.name, truth.organisation_name);
    assert_eq!(snapshot.own_client.as_ref().map(ToString::to_string), Some(truth.own_client_id));
    assert!(!format!("{snapshot:?}").contains("SIMULATED-SECRET-MUST-NEVER-LEAVE"));
}

#[tokio::test]
async fn a_refresh_makes_the_fewest_calls_and_reuses_the_token() {
    let world = World::start().await;
    let organisation = world.simulator.organisation();
    world.snapshot().await;
    let calls = |path: &str| organisation.request_count(path);
    assert_eq!(
        (
            calls("/oauth/token"),
            calls("/api/v2/tokens/me"),
            calls("/api/v2/oauth/clients"),
            calls("/api/v2/oauth/scopes"),
            calls("/api/v2/authorization/roles"),
            calls("/api/v2/authorization/divisions"),
        ),
        (1, 1, 1, 1, 2, 1),
        "129 roles are two pages of 100"
    );
    assert!(
        organisation
            .requests()
            .iter()
            .all(|r| !r.path_and_query.contains("/roles") || r.path_and_query.contains("userCount=false"))
    );
    world.snapshot().await;
    assert_eq!((calls("/oauth/token"), calls("/api/v2/tokens/me"), calls("/api/v2/oauth/clients")), (1, 2, 2));
}

#[tokio::test]
async fn every_way_of_paging_gives_the_same_clients() {
    let complete = World::start().await.snapshot().await;
    for paging in [Paging::NextUri, Paging::PageCount, Paging::Cursor, Paging::NextPage] {
        let options = Options { page_size: Some(7), paging, ..Options::default() };
        let world = World::with(options, |_| {}).await;
        let ids = |snapshot: &Snapshot| snapshot.clients.iter().map(|c| c.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&world.snapshot().await), ids(&complete), "{paging:?}");
        assert_eq!(world.simulator.organisation().request_count("/api/v2/oauth/clients"), 10, "{paging:?}");
    }
}

#[tokio::test]
async fn repeated_pages_are_merged_and_counted() {
    let world = World::start().await;
    world.simulator.organisation().set_fault(Fault::RepeatedPages(3));
    let fetched = world.refresh(None).await.0.expect("identical duplicates are merged");
    let clients = world.simulator.organisation().truth().clients;
    assert_eq!((fetched.snapshot.clients.len(), fetched.duplicates), (clients, 2 * clients));
}

#[tokio::test]
async fn incomplete_lists_are_refused() {
    let world = World::start().await;
    let good = world.snapshot().await;
    for (fault, part) in [
        (Fault::EmptyList, "empty list"),
        (Fault::TruncatedList(64), "there are 67 clients, but sent 3"),
        (Fault::WithoutSelf, "lacks the exporter's own client"),
        (Fault::DuplicateConflicting, "listed twice with different contents"),
        (Fault::LoopingNextUri, "form a loop"),
        (Fault::ForeignNextUri("http://127.0.0.2:1".to_owned()), "is on another origin (http://127.0.0.2:1)"),
        (Fault::MissingEntities, "cannot be read"),
        (Fault::UnreadableRecord(Unreadable::NotAnObject), "a record has no id that can be read"),
        (Fault::UnreadableRecord(Unreadable::NumericId), "a record has no id that can be read"),
        (Fault::UnreadableRecord(Unreadable::MissingId), "a record has no id that can be read"),
        (Fault::UnreadableRecord(Unreadable::NullId), "a record has no id that can be read"),
    ] {
        let name = format!("{fault:?}");
        world.simulator.organisation().set_fault(fault);
        let failure = world.failure(Some(&good)).await.to_string();
        assert!(failure.contains(part), "{name}: {failure}");
        assert_clean(&failure);
    }
    world.simulator.organisation().clear_faults();
    assert_eq!(world.snapshot().await.clients.len(), good.clients.len(), "without the faults, everything is read");
}

#[tokio::test]
async fn two_settings_allow_incomplete_lists() {
    let mut world = World::start().await;
    world.simulator.organisation().set_fault(Fault::WithoutSelf);
    assert!(matches!(world.failure(None).await, Failure::Incomplete(Incomplete::WithoutSelf { .. })));
    world.config.require_self = false;
    assert!(world.refresh(None).await.0.is_ok());
    world.simulator.organisation().set_fault(Fault::TruncatedList(64));
    assert!(matches!(world.failure(None).await, Failure::Incomplete(Incomplete::Total { total: 67, distinct: 3 })));
    world.config.trust_total = false;
    assert_eq!(world.snapshot().await.clients.len(), 3);
}

#[tokio::test]
async fn fields_that_the_list_omits_are_fetched_by_id() {
    for fault in [Fault::SparseEntities, Fault::NullFields] {
        let world = World::start().await;
        let complete = world.snapshot().await;
        let by_id = "/api/v2/oauth/clients/";
        assert_eq!(world.simulator.organisation().request_count(by_id), 0);
        let name = format!("{fault:?}");
        world.simulator.organisation().set_fault(fault.at(Endpoint::Clients));
        assert_same_clients(&world.snapshot().await, &complete, &name);
        assert_eq!(world.simulator.organisation().request_count(by_id), complete.clients.len(), "{name}");
    }
}

/// Asserts that both snapshots have the same clients with the same privileges. The order of the scope table does not matter.
fn assert_same_clients(a: &Snapshot, b: &Snapshot, what: &str) {
    let privileges = |snapshot: &Snapshot| {
        let scopes = |client: &genesyscloud_oauth_exporter::domain::Client| {
            // Leave out scopes that the registry does not know, because their opaque ids have no name.
            let known = |name: &&str| snapshot.registry.read().is_some_and(|registry| registry.contains_key(*name));
            let names = client.scopes.iter().map(|scope| snapshot.scopes.name(*scope));
            let mut names: Vec<String> = names.filter(known).map(str::to_owned).collect();
            names.sort();
            names
        };
        let clients = snapshot.clients.iter();
        clients.map(|c| (c.id.to_string(), c.grant_type, scopes(c), c.role_grants.clone())).collect::<Vec<_>>()
    };
    let (a, b) = (privileges(a), privileges(b));
    assert_eq!(a.len(), b.len(), "{what}");
    for (a, b) in a.into_iter().zip(b) {
        assert_eq!(a, b, "{what}");
    }
}

#[tokio::test]
async fn older_formats_of_the_list_give_the_same_clients() {
    let complete = World::start().await.snapshot().await;
    for fault in [
        Fault::AliasFields(Alias::ScopeObjects),
        Fault::AliasFields(Alias::ScopeIds),
        Fault::AliasFields(Alias::Nested),
        Fault::OpaqueScopeIds,
        Fault::UnknownFields,
    ] {
        let world = World::start().await;
        let name = format!("{fault:?}");
        world.simulator.organisation().set_fault(fault);
        assert_same_clients(&world.snapshot().await, &complete, &name);
        assert_eq!(world.simulator.organisation().request_count("/api/v2/oauth/scopes"), 1, "{name}: once a refresh");
    }
}

#[tokio::test]
async fn unknown_enum_values_are_kept_as_other() {
    let world = World::start().await;
    world.simulator.organisation().set_fault(Fault::UnknownEnums);
    let snapshot = world.snapshot().await;
    assert!(snapshot.clients.iter().any(|c| c.grant_type == GrantType::Other && !c.grant_type_spelling.is_empty()));
    assert!(snapshot.clients.iter().any(|c| c.state == ClientState::Other));
}

#[tokio::test]
async fn a_field_that_cannot_be_read_is_counted_and_keeps_its_last_known_value() {
    let world = World::start().await;
    let good = world.snapshot().await;
    world.simulator.organisation().set_fault(Fault::UnreadableRecord(Unreadable::WrongFieldTypes));
    world.simulator.organisation().add_fault(Fault::Garbage.at(Endpoint::Client));
    let fetched = world.refresh(Some(&good)).await.0.expect("every id can be read");
    assert_same_clients(&fetched.snapshot, &good, "the last known values replace the unread values");
    let partial: Vec<_> = fetched.snapshot.clients.partial().collect();
    assert_eq!(partial.len(), 1);
    assert_eq!(partial[0].gaps.of(ClientField::Scopes), Some(Gap::LastKnown(good.taken_at)));
    let rejected = "genesyscloud_oauth_exporter_records_rejected_total";
    assert!(world.metric(rejected, &[("collector", "clients")]) >= 1.0);
    let again = world.refresh(Some(&fetched.snapshot)).await.0.expect("every id can be read").snapshot;
    let gap = again.client(&partial[0].id).and_then(|client| client.gaps.of(ClientField::Scopes));
    assert_eq!(gap, Some(Gap::LastKnown(good.taken_at)), "an old value keeps its age");
    let first = world.refresh(None).await.0.expect("every id can be read").snapshot;
    assert_eq!(first.clients.len(), good.clients.len(), "nothing vanishes");
    assert_eq!(first.client(&partial[0].id).and_then(|c| c.gaps.of(ClientField::Roles)), Some(Gap::Unread));
}

#[tokio::test]
async fn a_client_whose_details_are_not_found_does_not_vanish() {
    let world = World::start().await;
    let good = world.snapshot().await;
    world.simulator.organisation().set_fault(Fault::SparseEntities.at(Endpoint::Clients));
    world.simulator.organisation().add_fault(Fault::NotFound.at(Endpoint::Client));
    let fetched = world.refresh(Some(&good)).await.0.expect("the list is complete").snapshot;
    assert_same_clients(&fetched, &good, "the last known values replace the missing values");
    assert_eq!(fetched.clients.partial().count(), good.clients.len());
    let first = world.refresh(None).await.0.expect("the list is complete").snapshot;
    assert_eq!(first.clients.partial().count(), good.clients.len(), "nothing vanishes, and nothing is compliant");
}

#[tokio::test]
async fn the_record_by_id_replaces_unreadable_fields_of_the_list() {
    let world = World::start().await;
    let good = world.snapshot().await;
    world.simulator.organisation().set_fault(Fault::UnreadableRecord(Unreadable::WrongFieldTypes));
    let fetched = world.refresh(None).await.0.expect("complete");
    assert_eq!(fetched.snapshot.clients.partial().count(), 0);
    assert_same_clients(&fetched.snapshot, &good, "by id");
}

#[tokio::test]
async fn each_bad_answer_has_a_clear_message() {
    let world = World::with(Options::default(), |config| config.limits.max_body_bytes = 256 << 10).await;
    let good = world.snapshot().await;
    for (fault, part) in [
        (Fault::HtmlInsteadOfJson, "HTML, not JSON"),
        (Fault::HtmlError(503), "HTTP 503"),
        (Fault::Garbage, "cannot be read at line"),
        (Fault::InvalidUtf8, "cannot be read at line"),
        (Fault::EmptyBody, "cannot be read at line 1"),
        (Fault::UnexpectedShape, "cannot be read at line"),
        (Fault::CutBody, "clients: "),
        (Fault::CloseWithoutAnswer, "clients: "),
        (Fault::ServerError(500), "HTTP 500"),
        (Fault::HugeBody(1 << 20), "larger than 262144 bytes"),
        (Fault::Redirect("http://127.0.0.2:1/".to_owned()), "redirects to another origin"),
        (Fault::NotFound, "not found"),
        (Fault::RateLimited(RetryAfter::Seconds(3600)), "wait 3600 s"),
    ] {
        let name = format!("{fault:?}");
        world.simulator.organisation().set_fault(fault.at(Endpoint::Clients));
        let failure = world.failure(Some(&good)).await.to_string();
        assert!(failure.contains(part), "{name}: {failure}");
        assert_clean(&failure);
    }
}

#[tokio::test]
async fn a_platform_that_does_not_answer_is_given_up_in_time() {
    let mut world =
        World::with(Options::default(), |config| config.limits.read_timeout = Duration::from_millis(400)).await;
    world.simulator.organisation().set_fault(Fault::Hang.at(Endpoint::Clients));
    let failure = world.failure(None).await.to_string();
    assert!(failure.contains("clients: no answer in time"), "{failure}");
    assert!(
        (world.metric("genesyscloud_oauth_exporter_api_retries_total", &[("reason", "timeout")]) - 3.0).abs() < 0.1
    );
    world.config.deadline = Duration::from_millis(1);
    assert!(matches!(world.failure(None).await, Failure::Deadline { asked: None, .. }));
}

#[tokio::test]
async fn transient_failures_are_tried_again_and_counted() {
    for (fault, reason) in [
        (Fault::RateLimited(RetryAfter::Seconds(0)), "rate_limited"),
        (Fault::RateLimited(RetryAfter::Absent), "rate_limited"),
        (Fault::RateLimited(RetryAfter::Nonsense), "rate_limited"),
        (Fault::RateLimited(RetryAfter::Date(0)), "rate_limited"),
        (Fault::ServerError(503), "server_error"),
        (Fault::CloseWithoutAnswer, "network"),
        (Fault::CutBody, "network"),
    ] {
        let world = World::start().await;
        let name = format!("{fault:?}");
        world.simulator.organisation().set_fault(fault.at(Endpoint::Clients).times(3));
        world.snapshot().await;
        let retries = "genesyscloud_oauth_exporter_api_retries_total";
        let count = world.metric(retries, &[("endpoint", "clients"), ("reason", reason)]);
        assert!((count - 3.0).abs() < 0.1, "{name}: {count}");
    }
}

#[tokio::test]
async fn attempts_are_bounded_and_a_parsed_answer_is_not_repeated() {
    for (fault, attempts) in [
        (Fault::ServerError(503), 4),
        (Fault::ServerError(501), 1),
        (Fault::RateLimited(RetryAfter::Seconds(0)), 4),
        (Fault::RateLimited(RetryAfter::Seconds(181)), 1),
        (Fault::Garbage, 1),
        (Fault::HtmlInsteadOfJson, 1),
        (Fault::Forbidden { permission: "oauth:client:view".to_owned() }, 1),
        (Fault::NotFound, 1),
    ] {
        let world = World::start().await;
        let name = format!("{fault:?}");
        world.simulator.organisation().set_fault(fault.at(Endpoint::Clients));
        world.failure(None).await;
        assert_eq!(world.simulator.organisation().request_count("/api/v2/oauth/clients"), attempts, "{name}");
    }
}

#[tokio::test]
async fn a_long_wait_fails_the_refresh_and_is_reported_to_the_caller() {
    let world = World::start().await;
    for endpoint in [Endpoint::Clients, Endpoint::Scopes, Endpoint::Roles] {
        world.simulator.organisation().set_fault(Fault::RateLimited(RetryAfter::Seconds(7200)).at(endpoint));
        world.failure(None).await;
        let asked = world.platform.asked_wait().expect("it asked");
        let range = Duration::from_mins(59)..=Duration::from_hours(1);
        assert!(range.contains(&asked), "an hour at most: {endpoint:?} {asked:?}");
    }
}

#[tokio::test]
async fn a_token_that_becomes_invalid_early_is_replaced_once() {
    let world = World::start().await;
    world.snapshot().await;
    world.simulator.organisation().expire_tokens();
    world.snapshot().await;
    assert_eq!(world.simulator.organisation().tokens_issued(), 2);
    world.simulator.organisation().set_fault(Fault::Unauthorized.at(Endpoint::Clients).times(1));
    world.snapshot().await;
    assert_eq!(world.simulator.organisation().tokens_issued(), 3);
    world.simulator.organisation().set_fault(Fault::Unauthorized.at(Endpoint::Clients));
    let failure = world.failure(None).await.to_string();
    assert!(failure.contains("refuses a new token"), "{failure}");
    assert_eq!(world.simulator.organisation().tokens_issued(), 4, "only one new token for each refresh");
}

#[tokio::test]
async fn a_token_of_300_seconds_is_fetched_once() {
    let world = World::with(Options { token_lifetime: 300, ..Options::default() }, |_| {}).await;
    world.snapshot().await;
    world.snapshot().await;
    assert_eq!(world.simulator.organisation().tokens_issued(), 1);
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_token_fetch() {
    let world = World::start().await;
    let calls = (0..20).map(|_| world.platform.authorise());
    for outcome in futures::future::join_all(calls).await {
        outcome.expect("a token");
    }
    assert_eq!(world.simulator.organisation().tokens_issued(), 1);
}

#[tokio::test]
async fn each_refusal_of_the_token_has_its_message_and_outcome() {
    let fetches = "genesyscloud_oauth_exporter_token_fetches_total";
    for (fault, part, outcome) in [
        (Fault::InvalidClient(400), "GENESYSCLOUD_REGION", "invalid_client"),
        (Fault::InvalidClient(401), "GENESYSCLOUD_REGION", "invalid_client"),
        (Fault::TokenRateLimited, "token: rate limited", "rate_limited"),
        (Fault::ServerError(503), "HTTP 503", "server_error"),
        (Fault::HtmlInsteadOfJson, "check the login URL", "malformed"),
        (Fault::Garbage, "check the login URL", "malformed"),
        (Fault::CloseWithoutAnswer, "cannot reach 127.0.0.1:", "network"),
        (Fault::NotFound, "refused with HTTP 404", "rejected"),
    ] {
        let world = World::start().await;
        let name = format!("{fault:?}");
        world.simulator.organisation().set_fault(fault.at(Endpoint::Token));
        let failure = world.failure(None).await.to_string();
        assert!(failure.contains(part), "{name}: {failure}");
        assert_clean(&failure);
        assert!((world.metric(fetches, &[("outcome", outcome)]) - 1.0).abs() < 0.1, "{name}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_not_tried_again_at_once() {
    let world = World::with(Options::default(), |config| {
        config.client_secret = SecretSource::Value(SecretString::from("wrong-and-secret"));
    })
    .await;
    for _ in 0..3 {
        let failure = world.failure(None).await;
        assert!(matches!(&failure, Failure::Api(genesys::ApiError::Token(TokenError::InvalidClient(_)))), "{failure}");
        assert!(!failure.to_string().contains("wrong-and-secret"));
    }
    assert_eq!(world.simulator.organisation().request_count("/oauth/token"), 1);
}

#[tokio::test]
async fn a_secret_in_a_file_is_read_at_each_fetch() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secret");
    std::fs::write(&path, format!("{DEFAULT_CLIENT_SECRET}\n")).expect("writable");
    let file = path.clone();
    let world = World::with(Options::default(), |config| config.client_secret = SecretSource::File(file)).await;
    world.snapshot().await;
    world.simulator.organisation().rotate_secret("the-next-one");
    world.simulator.organisation().expire_tokens();
    std::fs::write(&path, "the-next-one").expect("writable");
    world.snapshot().await;
    std::fs::remove_file(&path).expect("the file can be removed");
    world.simulator.organisation().expire_tokens();
    let failure = world.failure(None).await.to_string();
    assert!(failure.contains("cannot read the secret's file"), "{failure}");
}

#[tokio::test]
async fn credentials_are_sent_as_configured() {
    for (auth_style, scheme) in [(AuthStyle::Basic, Some("Basic")), (AuthStyle::Body, None)] {
        let world = World::with(Options::default(), |config| {
            config.auth_style = auth_style;
            config.token_scope = Some("anything".to_owned());
        })
        .await;
        world.snapshot().await;
        let requests = world.simulator.organisation().requests();
        let token = requests.iter().find(|r| r.path_and_query.starts_with("/oauth/token")).expect("asked");
        assert_eq!(token.authorization_scheme.as_deref(), scheme);
    }
}

#[tokio::test]
async fn a_missing_permission_is_named_and_the_other_inputs_are_read() {
    let world = World::start().await;
    let forbidden = |permission: &str| Fault::Forbidden { permission: permission.to_owned() };
    world.simulator.organisation().set_fault(forbidden("authorization:role:view").at(Endpoint::Roles));
    let (outcome, statuses) = world.refresh(None).await;
    let snapshot = outcome.expect("roles are an input that may be missing").snapshot;
    let why = snapshot.roles.gap().expect("not read");
    assert_eq!(why.missing_permission.as_deref(), Some("authorization:role:view"));
    let roles = statuses.iter().find(|status| status.collector == Collector::Roles).expect("it ran");
    assert!(!roles.success && !roles.supported);

    world.simulator.organisation().set_fault(forbidden("oauth:client:view").at(Endpoint::Clients));
    let (outcome, statuses) = world.refresh(None).await;
    let failure = outcome.expect_err("without the list there is nothing").to_string();
    assert!(failure.contains("the role of this client lacks oauth:client:view"), "{failure}");
    assert!(failure.contains("correlation id"), "{failure}");
    assert!(statuses.iter().any(|s| s.collector == Collector::Clients && !s.supported));
}

#[tokio::test]
async fn an_input_that_was_read_and_now_fails_makes_the_refresh_fail() {
    let world = World::start().await;
    let good = world.snapshot().await;
    for (endpoint, collector) in [
        (Endpoint::Roles, Collector::Roles),
        (Endpoint::Divisions, Collector::Divisions),
        (Endpoint::Scopes, Collector::Scopes),
    ] {
        for fault in [Fault::ServerError(500), Fault::NotAuthorized, Fault::NotFound, Fault::Garbage] {
            let name = format!("{fault:?} at {endpoint:?}");
            world.simulator.organisation().set_fault(fault.at(endpoint));
            let failure = world.failure(Some(&good)).await;
            assert!(
                matches!(&failure, Failure::InputLost { collector: c, .. } if *c == collector),
                "{name}: {failure}"
            );
            let first = world.refresh(None).await.0;
            assert!(first.is_ok(), "{name}: an input that could never be read must not fail the refresh: {first:?}");
        }
    }
}

#[tokio::test]
async fn an_incomplete_input_fails_the_refresh() {
    let world = World::start().await;
    world.simulator.organisation().set_fault(Fault::TruncatedList(5).at(Endpoint::Roles));
    assert!(matches!(world.failure(None).await, Failure::InputIncomplete { collector: Collector::Roles, .. }));
}

#[tokio::test]
async fn a_role_that_cannot_be_read_keeps_its_last_known_permissions() {
    let world = World::start().await;
    let good = world.snapshot().await;
    let known = good.roles.read().expect("read").iter().find(|role| role.general.is_empty()).expect("a role").clone();
    let id = known.id.to_string();
    world.simulator.organisation().edit_role(&id, |role| role["permissionPolicies"] = "nonsense".into());
    let fetched = world.refresh(Some(&good)).await.0.expect("its id can be read").snapshot;
    let role = fetched.role(&known.id).expect("it is listed");
    assert_eq!(role.permissions, known.permissions, "the last known permissions replace the unread permissions");
    assert_eq!(role.gaps.of(RoleField::Contents), Some(Gap::LastKnown(good.taken_at)));
}

#[tokio::test]
async fn the_platforms_rate_limit_is_exported() {
    let world = World::start().await;
    world.simulator.organisation().set_fault(Fault::Budget { count: 7, allowed: 100, reset: 42 });
    world.snapshot().await;
    assert!((world.metric("genesyscloud_oauth_exporter_api_rate_limit_allowed", &[]) - 100.0).abs() < 0.1);
    assert!((world.metric("genesyscloud_oauth_exporter_api_rate_limit_used", &[]) - 7.0).abs() < 0.1);
    assert!((world.metric("genesyscloud_oauth_exporter_api_rate_limit_reset_seconds", &[]) - 42.0).abs() < 0.1);
}

#[tokio::test]
async fn thousands_of_clients_are_read() {
    let world = World::with(
        Options { clients: ClientSet::Generated(5_000), page_size: Some(100), ..Options::default() },
        |_| {},
    )
    .await;
    let snapshot = world.snapshot().await;
    assert_eq!(snapshot.clients.len(), world.simulator.organisation().truth().clients);
    assert!(snapshot.clients.len() >= 5_000);
}

/// A gateway that answers every request with an error that quotes the complete request.
async fn echoing_gateway() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16 << 10];
            let read = stream.read(&mut request).await.unwrap_or_default();
            let echoed = String::from_utf8_lossy(&request[..read]).into_owned();
            let body =
                serde_json::json!({ "error": "invalid_request", "error_description": echoed, "message": echoed });
            let body = body.to_string();
            let head = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
            let answer = format!("{head}ININ-Correlation-Id: 5e1f0000-0000-4000-8000-0000000000c1\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn an_error_that_echoes_the_request_is_shown_without_secrets() {
    let gateway: url::Url = format!("{}/", echoing_gateway().await).parse().expect("a URL");
    for auth_style in [AuthStyle::Basic, AuthStyle::Body] {
        let world = World::with(Options::default(), |config| {
            config.login_url = gateway.clone();
            config.auth_style = auth_style;
            config.client_secret = SecretSource::Value(SecretString::from("s3cr+t/ of=ours"));
        })
        .await;
        let failure = world.failure(None).await.to_string();
        assert!(failure.contains("refused with HTTP 400: invalid_request"), "{failure}");
        assert!(failure.contains("5e1f0000-0000-4000-8000-0000000000c1"), "{failure}");
        let basic = "c2ltdWxhdGVkLWNsaWVudC1p";
        for secret in ["s3cr", "of=ours", "of%3Dours", basic] {
            assert!(!failure.contains(secret), "{secret} in {failure}");
        }
    }
    let world = World::with(Options::default(), |config| config.api_url = gateway.clone()).await;
    let failure = world.failure(None).await.to_string();
    assert!(failure.contains("[redacted]") && !failure.contains("authorization: Bearer ey"), "{failure}");
    assert_clean(&failure.replace("Bearer [redacted]", ""));
}

/// An organisation of 67 clients in pages of 25.
async fn paged() -> World {
    World::with(Options { page_size: Some(25), ..Options::default() }, |_| {}).await
}

#[tokio::test]
async fn a_count_is_read_in_any_spelling_and_an_unreadable_one_makes_the_list_incomplete() {
    let world = paged().await;
    let clients = world.snapshot().await.clients.len();
    let set = |name: &'static str, value: Value| {
        world.simulator.organisation().set_fault(Fault::PageField(name, Some(value)).at(Endpoint::Clients));
    };
    for (name, value) in
        [("total", json!(67.0)), ("total", json!(" 67 ")), ("pageCount", json!("3")), ("pageSize", json!(25.0))]
    {
        set(name, value.clone());
        assert_eq!(world.snapshot().await.clients.len(), clients, "{name} {value}");
    }
    for (name, value) in [
        ("total", json!(-1)),
        ("total", json!("sixty")),
        ("total", json!(67.5)),
        ("total", json!({})),
        ("pageCount", json!("three")),
        ("pageCount", json!(-3)),
        ("nextUri", json!(7.5e300)),
        ("nextUri", json!(false)),
        ("cursors", json!("x")),
    ] {
        set(name, value.clone());
        let outcome = world.refresh(None).await.0;
        let failure = outcome.err().unwrap_or_else(|| panic!("{name} {value} was taken for absent"));
        assert!(matches!(failure, Failure::Api(_)), "{name} {value}: {failure}");
        assert_clean(&failure.to_string());
    }
}

#[tokio::test]
async fn a_list_that_may_have_been_cut_off_is_refused() {
    let world = paged().await;
    let organisation = world.simulator.organisation();
    let remove = |name: &'static str| Fault::PageField(name, None).at(Endpoint::Clients);
    organisation.set_fault(Fault::RenamedPageField { from: "nextUri", to: "nextURI" }.at(Endpoint::Clients));
    organisation.add_fault(remove("total"));
    organisation.add_fault(remove("pageCount"));
    assert_eq!(world.snapshot().await.clients.len(), 67, "nextURI as the only pointer is followed");
    organisation.add_fault(remove("nextURI"));
    assert_eq!(world.snapshot().await.clients.len(), 67, "the address of the last page states the number of pages");
    organisation.add_fault(remove("lastUri"));
    let failure = world.failure(None).await.to_string();
    assert!(failure.contains("the last page has 25 records"), "{failure}");
}

#[tokio::test]
async fn a_client_that_vanishes_from_the_list_is_asked_for_before_the_list_is_trusted() {
    let world = World::start().await;
    let good = world.snapshot().await;
    let organisation = world.simulator.organisation();
    let id = organisation.client_id("Wallboard").unwrap_or_else(|| organisation.client_ids()[3].clone());
    let by_id = format!("/api/v2/oauth/clients/{id}");
    organisation.set_fault(Fault::ShiftedPages(id.clone()));
    let failure = world.failure(Some(&good)).await;
    assert!(
        matches!(&failure, Failure::Incomplete(Incomplete::Vanished(client)) if client.as_str() == id),
        "{failure}"
    );
    assert_eq!(organisation.request_count(&by_id), 1);
    organisation.add_fault(Fault::ServerError(500).at(Endpoint::Client));
    let failure = world.failure(Some(&good)).await;
    assert!(matches!(&failure, Failure::Unchecked { client, .. } if client.as_str() == id), "{failure}");
    organisation.set_fault(Fault::ShiftedPages(id.clone()));
    organisation.add_fault(Fault::HtmlError(404).at(Endpoint::Client));
    let failure = world.failure(Some(&good)).await;
    assert!(matches!(&failure, Failure::Unchecked { .. }), "a proxy's 404 does not show that it is gone: {failure}");
    assert!(world.refresh(None).await.0.is_ok(), "without an earlier list, nothing vanished");
    let withdrawn = Previous { snapshot: Some(&good), served: false };
    let attempt = fetch(&world.platform, &world.config, withdrawn, Timestamp::from(SystemTime::now())).await;
    assert!(attempt.outcome.is_ok(), "data that was withdrawn demands nothing");

    organisation.set_fault(Fault::ShiftedPages(id.clone()));
    organisation.edit_client(&id, |client| client["state"] = json!("deleted"));
    assert!(world.refresh(Some(&good)).await.0.is_ok(), "a deleted record is gone");
    organisation.clear_faults();
    organisation.remove_client(&id);
    let asked = organisation.request_count(&by_id);
    let after = world.refresh(Some(&good)).await.0.expect("the client is gone").snapshot;
    assert_eq!((after.clients.len(), organisation.request_count(&by_id)), (good.clients.len() - 1, asked + 1));
    assert!(world.refresh(Some(&after)).await.0.is_ok());
    assert_eq!(organisation.request_count(&by_id), asked + 1, "nothing vanished since, nothing is asked");
}

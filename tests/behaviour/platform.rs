//! What the exporter learns from an answer of the platform ends: a wrong token, identity, wait, pace or slow answer harms one refresh
//! or two, and no secret is quoted.
//!
//! Proxies, TLS and names are in `proxy`.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::fmt::Write as _;
use std::time::Duration;

use genesyscloud_oauth_exporter::domain::OrgId;
use genesyscloud_oauth_exporter::genesys::{ApiError, AuthStyle, PacingConfig, TokenError};
use genesyscloud_oauth_exporter::refresh::Failure;
use genesyscloud_oauth_exporter::secret::{SecretSource, SecretString};
use genesyscloud_oauth_exporter::simulator::{DEFAULT_CLIENT_ID, Endpoint, Fault, Options, RetryAfter, Simulator};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::refresh::{World, assert_clean};
use crate::support::{Exporter, program_for, settings, simulator, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_every_endpoint_refuses_is_replaced_after_two_failed_refreshes() {
    for status in [403, 431, 400, 404, 451] {
        let simulator = simulator().await;
        let exporter = Exporter::start(settings(&simulator, &[])).await;
        exporter.until_refreshed().await;
        simulator.organisation().refuse_tokens(status);
        let failed = |scrape: &crate::support::Scrape| scrape.sum("exporter_refreshes_total", &["outcome=\"error\""]);
        exporter.until("a failure", |scrape| failed(scrape) >= 1.0).await;
        let recovered = exporter
            .until("a new token", |scrape| failed(scrape) >= 2.0 && scrape.own("last_refresh_successful") == Some(1.0))
            .await;
        assert!((failed(&recovered) - 2.0).abs() < 0.1, "{status}: {}", failed(&recovered));
        assert_eq!(simulator.organisation().tokens_issued(), 2, "{status}");
        assert!(recovered.count("client_info", &[]) > 0, "{status}");
        exporter.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_that_refuses_everything_is_asked_for_a_token_at_every_second_failure_at_most() {
    let simulator = simulator().await;
    simulator.organisation().set_fault(Fault::NotAuthorized);
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    let failures = |n| move |scrape: &crate::support::Scrape| scrape.own("consecutive_refresh_failures") >= Some(n);
    let scrape = exporter.until("several failures", failures(7.0)).await;
    assert_eq!(scrape.own("last_refresh_successful"), Some(0.0));
    assert_eq!(exporter.get("/-/ready").await.0, 503);
    exporter.stop().await;
    let organisation = simulator.organisation();
    let (tokens, refreshes) =
        (organisation.request_count("/oauth/token"), organisation.request_count("/api/v2/tokens/me"));
    assert!(tokens >= 4 && tokens <= refreshes / 2 + 1, "{tokens} tokens in {refreshes} refreshes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_secret_is_tried_once_a_minute_however_often_refreshes_fail() {
    let simulator = simulator().await;
    simulator.organisation().rotate_secret("another secret");
    let exporter = Exporter::start(settings(&simulator, &[])).await;
    exporter.until("several failures", |scrape| scrape.own("consecutive_refresh_failures") >= Some(6.0)).await;
    exporter.stop().await;
    assert_eq!(simulator.organisation().request_count("/oauth/token"), 1);
}

#[tokio::test]
async fn an_odd_lifetime_of_a_token_does_not_cost_the_refresh() {
    for value in [json!("300"), json!(300.0), json!(" 300 "), json!("NaN"), json!(null), json!([]), json!(1e300)] {
        let world = World::start().await;
        world.simulator.organisation().set_fault(Fault::Field("/expires_in", Some(value.clone())).at(Endpoint::Token));
        world.snapshot().await;
        world.snapshot().await;
        assert_eq!(world.simulator.organisation().tokens_issued(), 1, "{value}");
    }
    for value in [json!(0), json!(-1), json!("0")] {
        let world = World::start().await;
        world.simulator.organisation().set_fault(Fault::Field("/expires_in", Some(value.clone())).at(Endpoint::Token));
        let failure = world.failure(None).await.to_string();
        assert!(failure.contains("expired already"), "{value}: {failure}");
    }
}

#[tokio::test]
async fn a_renamed_organisation_shows_at_the_next_refresh() {
    let world = World::start().await;
    let before = world.snapshot().await;
    let renamed = Fault::Field("/organization/name", Some(json!("Renamed"))).at(Endpoint::TokenInfo);
    world.simulator.organisation().set_fault(renamed);
    let after = world.refresh(Some(&before)).await.0.expect("complete").snapshot;
    assert_eq!((after.organisation.name.as_str(), &after.organisation.id), ("Renamed", &before.organisation.id));
}

const OTHER: &str = "0000000a-0000-4000-8000-00000000000b";

fn other_organisation() -> Fault {
    Fault::Field("/organization/id", Some(json!(OTHER)))
}

#[tokio::test]
async fn one_answer_that_names_another_organisation_is_refused_and_the_next_true_one_is_used() {
    let world = World::start().await;
    let before = world.snapshot().await;
    let organisation = world.simulator.organisation();
    // Twice, but never twice in a row.
    for tokens in [2, 3] {
        organisation.set_fault(other_organisation().at(Endpoint::TokenInfo).times(1));
        let failure = world.failure(Some(&before)).await;
        assert!(matches!(&failure, Failure::Api(ApiError::OtherOrganisation { .. })), "{failure}");
        assert!(failure.to_string().contains(OTHER) && failure.to_string().contains(before.organisation.id.as_str()));
        let after = world.refresh(Some(&before)).await.0.expect("complete").snapshot;
        assert_eq!(after.organisation.id, before.organisation.id);
        assert_eq!(organisation.tokens_issued(), tokens, "the next answer is for a new token");
    }
}

#[tokio::test]
async fn another_organisation_is_believed_at_the_second_answer_and_no_data_is_mixed() {
    let world = World::start().await;
    let before = world.snapshot().await;
    world.simulator.organisation().set_fault(other_organisation().at(Endpoint::TokenInfo));
    world.failure(Some(&before)).await;
    let after = world.refresh(Some(&before)).await.0.expect("complete").snapshot;
    assert_eq!(after.organisation.id, OrgId::new(OTHER));
}

#[tokio::test]
async fn a_wrong_organisation_in_the_first_answer_does_not_last() {
    let world = World::start().await;
    world.simulator.organisation().set_fault(other_organisation().at(Endpoint::TokenInfo).times(1));
    let wrong = world.snapshot().await;
    assert_eq!(wrong.organisation.id, OrgId::new(OTHER));
    world.failure(Some(&wrong)).await;
    let right = world.refresh(Some(&wrong)).await.0.expect("complete").snapshot;
    assert_eq!(right.organisation.id.as_str(), world.simulator.organisation().truth().organisation_id);
}

#[tokio::test]
async fn a_retry_after_of_any_kind_asks_for_an_hour_at_most_and_only_until_the_next_refresh() {
    for (header, asks) in [
        ("31536000", true),
        ("99999999999999999999999", true),
        ("Thu, 31 Dec 2099 23:59:59 GMT", true),
        ("-1", false),
        ("soon", false),
        ("", false),
        ("1e9", false),
        ("Thu, 01 Jan 1970 00:00:00 GMT", false),
    ] {
        let world = World::start().await;
        let body = json!({ "message": "Rate limit exceeded", "code": "too.many.requests.retry.after" }).to_string();
        let limited = Fault::Says { status: 429, header: ("retry-after", header.to_owned()), body };
        world.simulator.organisation().set_fault(limited.at(Endpoint::Clients));
        let failure = world.failure(None).await;
        assert!(matches!(&failure, Failure::Api(ApiError::RateLimited { .. })), "{header}: {failure}");
        let asked = world.platform.asked_wait();
        assert_eq!(asked.is_some(), asks, "{header}: {asked:?}");
        assert!(asked.is_none_or(|asked| asked <= Duration::from_hours(1)), "{header}: {asked:?}");
        let attempts = if asks { 1 } else { 4 };
        assert_eq!(world.simulator.organisation().request_count("/api/v2/oauth/clients"), attempts, "{header}");
        // A failure for another reason does not report the old wait.
        world.simulator.organisation().set_fault(Fault::NotAuthorized.at(Endpoint::Clients));
        world.failure(None).await;
        assert_eq!(world.platform.asked_wait(), None, "{header}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absurd_retry_after_in_every_answer_does_not_stop_the_attempts() {
    for after in [RetryAfter::Seconds(31_536_000), RetryAfter::Date(4_102_444_799)] {
        let simulator = simulator().await;
        simulator.organisation().set_fault(Fault::RateLimited(after));
        let mut settings = settings(&simulator, &[]);
        settings.organisations[0].watch.refresh.stale_after = Duration::from_secs(1);
        let exporter = Exporter::start(settings).await;
        exporter.until("several attempts", |scrape| scrape.own("consecutive_refresh_failures") >= Some(3.0)).await;
        simulator.organisation().clear_faults();
        exporter.until_refreshed().await;
        assert_eq!(exporter.get("/-/ready").await.0, 200, "{after:?}");
        exporter.stop().await;
    }
}

#[tokio::test]
async fn absurd_rate_limit_headers_in_every_answer_do_not_keep_a_refresh_from_its_end() {
    for (count, allowed, reset) in
        [(1, 1, u64::MAX), (0, 1, 60), (0, 0, 60), (5, 0, u64::MAX), (u32::MAX, u32::MAX, 0), (0, 29, 61)]
    {
        let mut world = World::with(Options::default(), |config| {
            config.pacing = PacingConfig { per_minute: 180, burst: 60 };
        })
        .await;
        world.config.deadline = Duration::from_secs(50);
        world.simulator.organisation().set_fault(Fault::Budget { count, allowed, reset });
        world.snapshot().await;
        world.snapshot().await;
        assert_eq!(world.simulator.organisation().request_count("/api/v2/authorization/roles"), 4, "{allowed}");
    }
    for name in ["inin-ratelimit-count", "inin-ratelimit-allowed", "inin-ratelimit-reset"] {
        for value in ["-1", "many", "", "1e3", "99999999999999999999"] {
            let world = World::start().await;
            world.simulator.organisation().set_fault(Fault::Header(name, value.to_owned()));
            world.snapshot().await;
        }
    }
}

#[tokio::test]
async fn an_answer_that_trickles_in_without_an_end_ends_at_the_time_limit_of_one_attempt() {
    let pause = Duration::from_millis(20);
    for fault in [Fault::Trickle(pause), Fault::SlowBody { chunk: 1, pause }] {
        for (endpoint, path) in [
            (Endpoint::Clients, "/api/v2/oauth/clients"),
            (Endpoint::TokenInfo, "/api/v2/tokens/me"),
            (Endpoint::Token, "/oauth/token"),
        ] {
            let world = World::with(Options::default(), |config| {
                config.limits.read_timeout = Duration::from_mins(1);
                config.limits.attempt_deadline = Duration::from_millis(250);
            })
            .await;
            world.simulator.organisation().set_fault(fault.clone().at(endpoint));
            let failure = world.failure(None).await;
            let endless = match (endpoint, &failure) {
                (Endpoint::Token, Failure::Api(ApiError::Token(error))) => matches!(error, TokenError::Endless(_)),
                (_, Failure::Api(error)) => matches!(error, ApiError::Endless { .. }),
                _ => false,
            };
            assert!(endless, "{failure:?}");
            assert!(failure.to_string().contains("did not end within 0.25 s"), "{failure}");
            assert_eq!(world.simulator.organisation().request_count(path), 1, "it is not repeated");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_that_calls_the_platform_ends_although_an_answer_trickles_in() {
    let simulator = Simulator::start(Options::default()).await.expect("loopback");
    let pause = Duration::from_millis(200);
    for (fault, last_call) in [
        (Fault::SlowBody { chunk: 1, pause }.at(Endpoint::Scopes), "scopes"),
        (Fault::Trickle(pause).at(Endpoint::Scopes), "scopes"),
        (Fault::Trickle(pause).at(Endpoint::Token), "token"),
    ] {
        for arguments in [
            &["doctor"][..],
            &["policy", "check", "--live"],
            &["policy", "test-glob", "*"],
            &["policy", "explain", DEFAULT_CLIENT_ID],
            &["audit"],
            &["baseline", "init", "--by", "a test", "--reason", "a test"],
        ] {
            simulator.organisation().set_fault(fault.clone());
            let folder = tempfile::tempdir().expect("a folder");
            let mut command = program_for(&simulator.url());
            command.current_dir(folder.path()).args(arguments).args(["--refresh.deadline", "1s"]);
            if arguments[0] == "baseline" {
                command.args(["--baseline.file", "none.toml"]);
            }
            let output =
                tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends");
            let said = text(&output.stdout) + &text(&output.stderr);
            let named = said.contains(&format!("last call was {last_call}"));
            assert!(named && said.contains("1 s"), "{arguments:?}: {said}");
            assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        }
    }
}

/// A login host that sends this answer, whatever it is asked.
async fn login_host(answer: String) -> url::Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16 << 10];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url.parse().expect("a URL")
}

const SECRET: &str = "Xk9_pQ-7vTzW3mRaBc8";

/// The secret as a login host could echo it. Base64 is that of the Basic header.
fn echoes() -> Vec<String> {
    let mut hex = String::new();
    let mut percent = String::new();
    for byte in SECRET.bytes() {
        write!(hex, "{byte:02x}").expect("a text");
        write!(percent, "%{byte:02X}").expect("a text");
    }
    let uuid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]);
    // `ID:SECRET`
    let basic = "NWUxZjAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDA5ODQ3OlhrOV9wUS03dlR6VzNtUmFCYzg=".to_owned();
    vec![
        SECRET.to_owned(),
        SECRET.to_uppercase(),
        SECRET.chars().rev().collect(),
        hex.to_uppercase(),
        percent.replace('%', "%25"),
        SECRET.replace('_', "%5F"),
        hex,
        percent,
        uuid,
        basic,
    ]
}

#[tokio::test]
async fn no_part_of_an_answer_of_the_login_host_is_quoted_that_could_be_the_secret() {
    let answer = |status: &str, header: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{header}\r\n\r\n{body}", body.len())
    };
    for echo in echoes() {
        let mut answers = Vec::new();
        for field in ["error", "error_description", "description", "message", echo.as_str()] {
            for error in ["invalid_request", "invalid_client", echo.as_str()] {
                let mut body = json!({ "error": error });
                body[field] = json!(echo);
                let status = ["400 No", "401 No", "500 No", "200 OK"][answers.len() % 4];
                answers.push(answer(status, "X-A: b", &body.to_string()));
            }
        }
        for header in ["WWW-Authenticate: Basic realm=", "ININ-Correlation-Id: ", "Location: /", "Location: http://h/"]
        {
            answers.push(answer("302 Found", &format!("{header}{echo}"), ""));
            answers.push(answer("400 No", &format!("{header}{echo}"), "{}"));
        }
        answers.push(answer(&format!("403 {echo}"), "X-A: b", ""));
        answers.push(answer(&format!("999999 {echo}"), "X-A: b", ""));
        answers.push(answer("400 No", "X-A: b", &echo));
        answers.push(format!("{echo}\r\n\r\n"));
        for answer in answers {
            let host = login_host(answer.clone()).await;
            let world = World::with(Options::default(), |config| {
                config.login_url = host;
                config.retry.attempts = 1;
                config.auth_style = if answer.len() % 2 == 0 { AuthStyle::Basic } else { AuthStyle::Body };
                config.client_secret = SecretSource::Value(SecretString::from(SECRET));
            })
            .await;
            let failure = world.failure(None).await;
            let shown = format!("{failure} {failure:?}");
            assert!(!shown.contains(&echo), "{echo} in {shown} for {answer}");
            assert_clean(&failure.to_string());
            assert!(failure.to_string().starts_with("token: "), "{failure}");
        }
    }
}

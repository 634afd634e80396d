//! The index of several organisations and the page of each, as a browser and a program reach them, and the demo that shows them.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use genesyscloud_oauth_exporter::domain::Freshness;
use genesyscloud_oauth_exporter::publish::{Evaluated, ServedOrganisation};
use url::Url;

use crate::blocking::get;
use crate::served::{CLIENT, Options, Server, evaluated, failed, refreshed, within};
use crate::signals::Running;
use crate::support::{program, text, until};

const BROWSER: &str = "Host: localhost\r\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n";
const PROGRAM: &str = "Host: localhost\r\nAccept: */*\r\n";
const FORWARDED: &str = "Host: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n";

/// Labels that are awkward in a path.
const LABELS: [&str; 7] =
    ["production", "a/b", "..", ".", "組織 & Söhne?#%2F", "<script>alert(1)</script>", "../../etc"];

fn publish(server: &Server, organisations: impl IntoIterator<Item = (String, Freshness, Option<Arc<Evaluated>>)>) {
    let organisations: Vec<ServedOrganisation> = organisations
        .into_iter()
        .map(|(org, freshness, evaluated)| {
            let mut one = ServedOrganisation::new(org.clone(), freshness);
            if let Some(evaluated) = evaluated {
                let page = server.publisher.render(&org, &evaluated);
                one.serve(evaluated, page);
            }
            one
        })
        .collect();
    server.publisher.update(|all, _| *all = organisations);
}

async fn several(expose_report: bool) -> Server {
    let server = Server::start(Options { expose_report, ..Options::default() }).await;
    let data = LABELS.map(|org| (org.to_owned(), refreshed(), Some(Arc::new(evaluated(3)))));
    publish(&server, data.into_iter().chain([("failing".to_owned(), failed(), None)]));
    server
}

fn links(page: &str) -> impl Iterator<Item = String> {
    page.split("href=\"").skip(1).filter_map(|rest| Some(rest.split('"').next()?.replace("&#38;", "&")))
}

#[tokio::test]
async fn with_several_organisations_every_link_works_also_below_a_path_of_a_reverse_proxy() {
    let server = several(true).await;
    let home = Url::parse("https://proxy.example/tools/oauth/").expect("a URL");
    let (mut seen, mut open) = (BTreeSet::from([home.clone()]), VecDeque::from([home.clone()]));
    let mut organisations = BTreeSet::new();
    while let Some(url) = open.pop_front() {
        let path = url.as_str().strip_prefix(home.as_str()).unwrap_or_else(|| panic!("{url} leaves the exporter"));
        let path = format!("/{path}");
        let answer = within(server.ask_with("GET", &path, BROWSER)).await;
        assert_eq!(answer.status, 200, "{path}");
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        if path.starts_with("/organisations/") && !path.contains('?') {
            let title = answer.body.split("· org <b>").nth(1).and_then(|rest| rest.split("</b>").next());
            organisations.insert(title.expect("its label").to_owned());
            assert!(answer.body.contains("<a href=\"../\">All organisations</a>"), "{path} leads back");
        }
        for link in links(&answer.body).filter(|link| !link.starts_with("data:") && !link.starts_with("https://apps."))
        {
            assert!(!link.starts_with('/') && !link.starts_with("http"), "{link} of {path} is not relative");
            let mut target = url.join(&link).expect(&link);
            target.set_fragment(None);
            // The pages of all organisations, and some of each other kind.
            let is_wanted = target.path().contains("/organisations/") || seen.len() < 90;
            if is_wanted && seen.len() < 200 && seen.insert(target.clone()) {
                open.push_back(target);
            }
        }
    }
    assert_eq!(organisations.len(), LABELS.len() + 1, "{organisations:?}");
}

#[tokio::test]
async fn an_unknown_organisation_is_a_404_with_near_names_and_what_is_misunderstood_is_a_400() {
    let server = several(true).await;
    for (path, status, part) in [
        ("/organisations/prodction", 404, "Did you mean production?"),
        ("/organisations/produc", 404, "Did you mean production?"),
        ("/organisations/nothing%20like%20it", 404, "The organisations are "),
        ("/organisations/", 404, "The organisations are "),
        ("/organisations/%ff", 404, "The organisations are "),
        ("/findings?org=failin", 404, "Did you mean failing?"),
        ("/api/v1/report?org=failin", 404, "Did you mean failing?"),
        ("/api/v1/report?org=failing", 404, "There is no complete audit yet"),
        ("/api/v1/report?of=production", 400, "The fields are org."),
        ("/organisations/production?colour=red", 400, "There is no field"),
        ("/?grant=code", 400, "This page lists organisations."),
        ("/clients?colour=red", 400, "There is no field"),
    ] {
        let answer = within(server.ask_with("GET", path, PROGRAM)).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.body.contains(part) && !answer.body.contains("<a "), "{path}: {}", answer.body);
        let page = within(server.ask_with("GET", path, BROWSER)).await;
        assert_eq!(page.status, status, "{path}");
        assert!(
            page.body.contains("Back to the overview</a>") && !page.body.contains("<script"),
            "{path}: {}",
            page.body
        );
    }
    for label in ["..", "a/b"] {
        let raw = within(server.ask_with("GET", &format!("/organisations/{label}"), BROWSER)).await;
        assert_eq!(raw.status, 200, "a proxy may decode the path: {label}");
    }
}

#[tokio::test]
async fn a_report_of_one_organisation_contains_no_other() {
    let server = several(true).await;
    for (query, expected) in
        [("?org=a/b", vec!["a/b"]), ("?org=..", vec![".."]), ("", [&LABELS[..], &["failing"]].concat())]
    {
        let answer = within(server.ask("GET", &format!("/api/v1/report{query}"))).await;
        assert_eq!(answer.status, 200, "{query}");
        let report: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        let organisations = report["organisations"].as_array().expect("a list").iter();
        let labels: Vec<&str> = organisations.filter_map(|of| of["org"].as_str()).collect();
        assert_eq!(labels, expected, "{query}");
    }
}

#[tokio::test]
async fn who_may_not_see_details_sees_labels_and_freshness_only() {
    let server = several(false).await;
    for path in ["/", "/organisations/production", "/?q=contoso", "/?show=flagged"] {
        let page = within(server.ask_with("GET", path, FORWARDED)).await;
        assert_eq!(page.status, 200, "{path}");
        for hidden in ["Contoso", "mypurecloud", "dangerous-scope", "critical</a>", "api/v1/report", CLIENT, "b1f0c2d4"]
        {
            assert!(!page.body.contains(hidden), "{hidden} in {path}");
        }
        assert!(page.body.contains("Details are hidden"), "{path}");
    }
    for path in ["/clients", "/clients?q=oauth", "/findings?org=production", "/api/v1/report?org=production", CLIENT] {
        let answer = within(server.ask_with("GET", path, FORWARDED)).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(!answer.body.contains("production"), "{path}: {}", answer.body);
        let open = within(server.ask("GET", path)).await;
        assert_eq!(open.status, 200, "{path} on loopback");
    }
    let foreign = within(server.ask_with("GET", "/organisations/production", "Host: evil.example\r\n")).await;
    assert_eq!(foreign.status, 403);
    assert_eq!(server.counted("clients", "403"), Some(2));
    assert_eq!(server.counted("organisation", "403"), Some(1));
}

#[tokio::test]
async fn two_hundred_organisations_of_five_hundred_clients_have_a_small_index() {
    let server = Server::start(Options::default()).await;
    let data = Arc::new(evaluated(500));
    let page = server.publisher.render("org", &data);
    server.publisher.update(|all, _| {
        *all = (0..200)
            .map(|n| {
                let mut one = ServedOrganisation::new(format!("org-{n:03}"), refreshed());
                one.serve(Arc::clone(&data), Arc::clone(&page));
                one
            })
            .collect();
    });
    let index = within(server.ask("GET", "/")).await;
    assert_eq!(index.status, 200);
    assert_eq!(index.body.matches("<td role=\"cell\" class=\"how\">").count(), 200);
    assert!(index.body.len() < 400_000, "{}", index.body.len());
    let clients = within(server.ask("GET", "/clients")).await;
    assert!(clients.body.contains("and 99500 more"), "all of the 100 000 are counted");
    assert!(clients.body.len() < 1_000_000, "{}", clients.body.len());
}

fn demo(arguments: &[&str]) -> std::process::Command {
    let mut command = program();
    command.args(["demo", "--web.listen-address=127.0.0.1:0"]).args(arguments);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_shows_several_organisations_that_differ_and_removes_its_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).expect("a folder");
    let mut command = demo(&["--organisations", "4", "--refresh.interval=1s"]);
    // Credentials of the environment are not for the demo.
    command
        .env("TMPDIR", &temporary)
        .env("GENESYSCLOUD_OAUTHCLIENT_ID", "x")
        .env("GENESYSCLOUD_OAUTHCLIENT_SECRET", "y");
    command.stdout(Stdio::null());
    let mut running = Running::start(command, folder);
    let address: SocketAddr = running.address().await.parse().expect("an address");
    let page = until("an organisation that pages comes first, and one that is refused second", || async {
        let (_, page) = get(address, "/").await?;
        let rows: Vec<&str> = page.split("<td role=\"cell\" class=\"client\">").skip(1).collect();
        let refused = rows.iter().position(|row| row.contains("northwind-training") && row.contains("No data"))?;
        let pages = rows.first()?.contains("1 unapproved") || rows.first()?.contains("1 new in 24 h");
        (rows.len() == 4 && pages && refused > 0).then_some(page)
    });
    let page = page.await;
    assert!(
        page.contains("have new dangerous grants, for which the alerts page") || page.contains("has new dangerous"),
        "{page}"
    );
    let (_, metrics) = get(address, "/metrics").await.expect("an answer");
    for org in ["northwind-production", "northwind-test", "northwind-training", "northwind-emea"] {
        assert!(metrics.contains(&format!("org=\"{org}\"")), "{org}");
    }
    let files = |folder: &PathBuf| std::fs::read_dir(folder).expect("a folder").count();
    assert_eq!(files(&temporary), 1);
    running.send("-TERM");
    assert!(running.ended().await.success());
    assert_eq!(files(&temporary), 0, "the demo removes its files");
}

#[test]
fn the_demo_says_what_it_cannot_do() {
    for (arguments, code, part) in [
        (&["--organisations", "0"][..], 2, "1..=200"),
        (&["--organisations", "201"], 2, "1..=200"),
        (&["--organisations", "2", "--baseline.file=x.json"], 2, "leave --baseline.file out"),
        (&["--organisations", "2", "--state.file=x.json"], 2, "--state.dir"),
        (&["--organisations", "2", "--refresh.interval=never"], 2, "interval"),
        (&["--organisations", "2"], 4, "set TMPDIR to a folder that can be written"),
    ] {
        let output =
            demo(arguments).env("TMPDIR", if code == 4 { "/nowhere" } else { "/tmp" }).output().expect("it runs");
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
}

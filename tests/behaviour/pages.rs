//! The pages as a browser reaches them: every link works, also below a path of a reverse proxy, and a refusal is a page with a way back.

use std::collections::{BTreeSet, VecDeque};

use url::Url;

use crate::served::{Options, Server, evaluated, refreshed, within};

const BROWSER: &str = "Host: localhost\r\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n";

fn links(page: &str) -> impl Iterator<Item = String> {
    page.split("href=\"").skip(1).filter_map(|rest| Some(rest.split('"').next()?.replace("&#38;", "&")))
}

#[tokio::test]
async fn every_link_works_also_below_a_path_of_a_reverse_proxy() {
    let server = Server::start(Options { expose_report: true, ..Options::default() }).await;
    server.publish(refreshed(), Some(evaluated(120)));
    let home = Url::parse("https://proxy.example/tools/oauth/").expect("a URL");
    let (mut seen, mut open) = (BTreeSet::from([home.clone()]), VecDeque::from([home.clone()]));
    while let Some(url) = open.pop_front() {
        let path = url.as_str().strip_prefix(home.as_str()).unwrap_or_else(|| panic!("{url} leaves the exporter"));
        let path = format!("/{}", path.split('#').next().unwrap_or_default());
        let answer = within(server.ask_with("GET", &path, BROWSER)).await;
        assert_eq!(answer.status, 200, "{path}");
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        for link in links(&answer.body).filter(|link| !link.starts_with("data:") && !link.starts_with("https://apps."))
        {
            assert!(!link.starts_with('/') && !link.starts_with("http"), "{link} of {path} is not relative");
            let mut target = url.join(&link).expect(&link);
            target.set_fragment(None);
            // A few clients stand for all.
            let is_new = seen.len() < 60 && seen.insert(target.clone());
            if is_new {
                open.push_back(target);
            }
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
}

#[tokio::test]
async fn a_browser_gets_a_refusal_as_a_page_with_a_way_back_and_a_program_gets_text() {
    let server = Server::start(Options { expose_report: true, ..Options::default() }).await;
    server.publish(refreshed(), Some(evaluated(3)));
    for (method, path, status, back) in [
        ("GET", "/nothing/like/it", 404, "../../"),
        ("GET", "/clients/nobody", 404, "../"),
        ("GET", "/?grant=none", 400, "./"),
        ("GET", "/?colour=red", 400, "./"),
        ("GET", "/findings?rule=none", 400, "./"),
        ("GET", "/clients/x?tab=1", 400, "../"),
        ("DELETE", "/", 405, "./"),
    ] {
        let page = server.ask_with(method, path, BROWSER).await;
        assert_eq!(page.status, status, "{method} {path}");
        assert!(page.header("content-type").starts_with("text/html"), "{method} {path}");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"), "{method} {path}");
        assert!(page.body.contains(&format!("<a href=\"{back}\">Back to the overview</a>")), "{path}: {}", page.body);
        let text = server.ask_with(method, path, "Host: localhost\r\nAccept: */*\r\n").await;
        assert_eq!(text.status, status, "{method} {path}");
        assert!(text.header("content-type").starts_with("text/plain") && !text.body.contains('<'), "{}", text.body);
    }
    for path in ["/metrics", "/-/healthy", "/-/ready"] {
        let answer = server.ask_with("GET", path, BROWSER).await;
        assert!(answer.header("content-type").starts_with("text/plain"), "{path} is for programs");
    }
}

#[tokio::test]
async fn the_findings_are_hidden_where_the_details_are_hidden() {
    let server = Server::start(Options { expose_report: false, ..Options::default() }).await;
    server.publish(refreshed(), Some(evaluated(3)));
    let open = server.ask("GET", "/findings").await;
    assert_eq!(open.status, 200, "on loopback");
    let forwarded = server.ask_with("GET", "/findings", "Host: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n").await;
    assert_eq!(forwarded.status, 403);
    assert!(!forwarded.body.contains("default"), "{}", forwarded.body);
    assert_eq!(server.counted("findings", "403"), Some(1));
}

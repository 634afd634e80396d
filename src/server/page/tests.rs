//! The page in its states: what it says, what it hides, and that nobody else's text gets through as markup.

use std::sync::{Arc, LazyLock};

use super::*;
use crate::domain::Freshness;
use crate::exposition::ReloadStatus;
use crate::fixtures::sample::{self, NOW, Sample};
use crate::publish::{Judged, channel};

static ALL: LazyLock<Search> = LazyLock::new(Search::default);

fn open() -> Options<'static> {
    Options { telemetry_path: "/metrics", closed: None, search: &ALL }
}

fn judged(sample: Sample) -> Arc<Judged> {
    let Sample { snapshot, report, ledger, policy, .. } = sample;
    Arc::new(Judged { snapshot: Arc::new(snapshot), report, policy: Arc::new(policy), ledger, calls: Vec::new() })
}

fn organisation(freshness: Freshness, judged: Option<Arc<Judged>>) -> ServedOrganisation {
    ServedOrganisation { org: "default".to_owned(), freshness, judged }
}

fn rendered(organisations: Vec<ServedOrganisation>, last_successful: bool, options: &Options<'_>) -> String {
    let reload = ReloadStatus { last_successful, last_success: Timestamp::from_seconds(NOW.seconds() - 7_200) };
    let (_publisher, reader) = channel(organisations, reload, crate::exposition::Config::default());
    page(&reader.current(), NOW, options).expect("a page")
}

fn failing() -> Freshness {
    Freshness {
        last_attempt: Some(Timestamp::from_seconds(NOW.seconds() - 130)),
        last_success: Some(Timestamp::from_seconds(NOW.seconds() - 10_900)),
        last_successful: false,
        consecutive_failures: 36,
        failure: Some("clients: the platform answers 503 after 4 attempts <correlation id 5f2c>".to_owned()),
        ..sample::freshness()
    }
}

/// Every state of the page that somebody may meet, by name.
fn gallery() -> Vec<(&'static str, String)> {
    let closed = Options {
        closed: Some("Details are a map of the strongest credentials. They are served on loopback only."),
        ..open()
    };
    let planted = || Some(judged(sample::planted()));
    vec![
        ("planted", rendered(vec![organisation(sample::freshness(), planted())], true, &open())),
        ("clean", rendered(vec![organisation(sample::freshness(), Some(judged(sample::clean())))], true, &open())),
        ("starting", rendered(vec![organisation(Freshness::default(), None)], true, &open())),
        ("failing", rendered(vec![organisation(failing(), planted())], false, &open())),
        ("withdrawn", rendered(vec![organisation(Freshness { withdrawn: true, ..failing() }, None)], true, &open())),
        ("closed", rendered(vec![organisation(sample::freshness(), planted())], true, &closed)),
    ]
}

#[test]
fn names_stay_text() {
    let page = rendered(vec![organisation(sample::freshness(), Some(judged(sample::planted())))], true, &open());
    assert!(!page.contains("<script"), "no markup from names, and no script of ours");
    assert!(
        page.contains("&#60;script&#62;alert(1)&#60;/script&#62;[U+202E]gnp.exe[U+000A]"),
        "it is shown as what it is"
    );
    assert!(!page.contains('\u{202e}'));
    let cut = page.split("title=\"Speech analytics export").nth(1).expect("a long name has its whole in the title");
    assert!(cut.split('"').next().is_some_and(|title| title.ends_with("cope with it")));
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for (name, page) in gallery() {
        assert!(
            page.contains(&format!("<style>{}</style>", style::STYLE)),
            "{name}: the style is what the policy's hash is of"
        );
        for forbidden in
            ["<script", "javascript:", " on", "http://", "https://", "@import", "url(", "style=", "<iframe"]
        {
            let hits = page.matches(forbidden).count();
            // Event handlers are attributes: ` on...=`.
            let hits = if forbidden == " on" {
                page.split(" on").skip(1).filter(|rest| is_handler(rest)).count()
            } else {
                hits
            };
            assert_eq!(hits, 0, "{name}: {forbidden}");
        }
    }
}

fn is_handler(rest: &str) -> bool {
    rest.trim_start_matches(|c: char| c.is_ascii_lowercase()).starts_with('=')
}

#[test]
fn a_closed_page_has_freshness_and_links_and_no_detail() {
    let (_, page) = gallery().into_iter().find(|(name, _)| *name == "closed").expect("in the gallery");
    for shown in
        ["Complete ", "2 minutes ago", "href=\"/metrics\"", "href=\"/-/ready\"", "map of the strongest credentials"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    for hidden in ["Contoso", "b1f0c2d4", "Batch password sync", "dangerous-scope", "/api/v1/report", "61"] {
        assert!(!body(&page).contains(hidden), "{hidden}");
    }
}

/// Without the style, whose figures are nobody's secret.
fn body(page: &str) -> &str {
    page.split("</style>").nth(1).expect("a body")
}

#[test]
fn the_worst_come_first_and_the_rest_is_counted() {
    let mut sample = sample::planted();
    let template = sample.report.findings[0].clone();
    for _ in 0..100 {
        sample
            .report
            .findings
            .push(crate::audit::Finding { severity: crate::domain::Severity::Low, ..template.clone() });
    }
    let count = sample.report.findings.len();
    let page = rendered(vec![organisation(sample::freshness(), Some(judged(sample)))], true, &open());
    assert_eq!(page.matches("<td role=\"cell\" class=\"sev\">").count(), 50);
    assert!(page.contains(&format!("and {} more in the", count - 50)));
    let rows = page.split("<td role=\"cell\" class=\"sev\"><span class=\"badge ").skip(1);
    let badges: Vec<&str> = rows.filter_map(|row| row.split('"').next()).collect();
    let expected = [vec!["critical"; 4], vec!["high"; 23], vec!["low"; 23]].concat();
    assert_eq!(badges, expected);
    let position = |scope: &str| page.find(&format!("<code>{scope}</code>")).expect("it is held");
    assert!(position("telephony") < position("recordings"), "of equals the newest first, whatever the client's id");
}

#[test]
fn what_is_new_is_marked_and_what_was_always_there_is_not() {
    let page = rendered(vec![organisation(sample::freshness(), Some(judged(sample::planted())))], true, &open());
    assert!(page.contains("<span class=\"new\">3 new in 24 h</span>"));
    assert_eq!(page.matches("<span class=\"new\">new</span>").count(), 3);
    assert!(page.contains("before tracking"));
    assert!(page.contains("<time datetime=\"2026-11-20T21:27:41Z\">3 hours ago</time>"));
}

#[test]
fn an_input_that_was_not_read_names_the_permission_that_cures_it() {
    let page = rendered(vec![organisation(sample::freshness(), Some(judged(sample::planted())))], true, &open());
    assert!(page.contains("<code>authorization:role:view</code>"));
    assert!(page.contains("not read: roles"));
}

#[test]
fn empty_states_say_what_they_are() {
    let gallery = gallery();
    let find = |wanted: &str| &gallery.iter().find(|(name, _)| *name == wanted).expect("in the gallery").1;
    assert!(find("starting").contains("The first refresh is under way."));
    assert!(find("clean").contains("No open finding."));
    assert!(find("clean").contains("No client holds a dangerous scope"));
    assert!(find("failing").contains("&#60;correlation id 5f2c&#62;"));
    assert!(find("failing").contains("Reload failed."));
    assert!(find("withdrawn").contains("too long ago to be shown"));
    assert!(!find("withdrawn").contains("/api/v1/report"), "no link to a report that is not there");
}

fn searched(query: &str) -> String {
    let search = Search::parse(Some(query)).expect(query);
    let options = Options { search: &search, ..open() };
    rendered(vec![organisation(sample::freshness(), Some(judged(sample::settled())))], true, &options)
}

#[test]
fn a_search_shows_the_clients_found_and_stays_in_the_form() {
    let page = searched("q=portal&severity=critical&grant=code&status=flagged");
    assert!(page.contains("Clients found <span class=\"count\">1 of 61</span>"));
    assert!(page.contains("href=\"/clients/00000000-7a3e-4c1d-9b20-000000000000\""));
    assert!(page.contains("name=\"q\" value=\"portal\""));
    for chosen in ["critical", "code", "flagged"] {
        assert!(page.contains(&format!("<option value=\"{chosen}\" selected>")), "{chosen}");
    }
    assert_eq!(page.matches(" selected>").count(), 3);
    assert!(page.contains("Complete "), "freshness stays");
    assert!(!page.contains("Worst clients"), "the overview gives way");
    let none = searched("q=nothing+like+it");
    assert!(none.contains("0 of 61") && none.contains("No client of this organisation meets every criterion."));
    assert!(searched("").contains("Worst clients"));
}

#[test]
fn what_was_searched_for_is_echoed_as_text_and_bounded() {
    let page = searched("q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE");
    assert!(page.contains("value=\"&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;[U+202E]\""));
    assert!(!page.contains("<script") && !page.contains('\u{202e}'));
    let long = searched(&format!("q={}", "x".repeat(9_000)));
    assert!(long.contains(&"x".repeat(200)) && !long.contains(&"x".repeat(201)));
}

#[test]
fn rows_are_bounded_and_the_rest_is_counted() {
    let mut sample = sample::planted();
    let client = sample.snapshot.clients[0].clone();
    sample.snapshot.clients = (0..700)
        .map(|n| crate::domain::Client { id: crate::domain::ClientId::new(format!("{n:04}")), ..client.clone() })
        .collect();
    sample.report = crate::audit::evaluate(&sample.snapshot, &sample.policy, None, NOW);
    let page = rendered(vec![organisation(sample::freshness(), Some(judged(sample)))], true, &open());
    assert_eq!(page.matches("<td role=\"cell\" class=\"verdict\">").count(), 500);
    assert!(page.contains("and 200 more; search above"));
}

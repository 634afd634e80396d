//! The status page in its states: what it shows and hides, and that untrusted text is never markup.

use std::sync::Arc;

use super::*;
use crate::domain::Freshness;
use crate::exposition::ReloadStatus;
use crate::fixtures::sample::{self, NOW, Sample};
use crate::publish::{Evaluated, channel};

const fn open() -> Options<'static> {
    Options { telemetry_path: "/metrics", closed: None }
}

/// The sample, as it is published.
pub(super) fn evaluated(sample: Sample) -> Arc<Evaluated> {
    let Sample { snapshot, report, ledger, policy, .. } = sample;
    Arc::new(Evaluated {
        snapshot: Arc::new(snapshot),
        report,
        policy: Arc::new(policy),
        ledger: Arc::new(ledger),
        calls: Vec::new(),
    })
}

fn organisation(freshness: Freshness, evaluated: Option<Arc<Evaluated>>) -> ServedOrganisation {
    ServedOrganisation { evaluated, ..ServedOrganisation::new("default".to_owned(), freshness) }
}

fn published(organisations: Vec<ServedOrganisation>, last_successful: bool) -> Arc<Published> {
    let last_success = Timestamp::from_seconds(NOW.seconds() - 7_200);
    let reload = ReloadStatus { last_successful, last_success, web_config_rejected: false };
    let (_publisher, reader) = channel(organisations, reload, crate::exposition::Config::default());
    reader.current()
}

fn rendered(organisations: Vec<ServedOrganisation>, last_successful: bool, options: &Options<'_>) -> String {
    let published = published(organisations, last_successful);
    home(&published, &Home::Only(Search::default()), NOW, options).expect("a page")
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

/// Every state of the page, by name.
fn gallery() -> Vec<(&'static str, String)> {
    let closed = Options {
        closed: Some("Details are hidden because they show which clients have the most privileges."),
        ..open()
    };
    let planted = || Some(evaluated(sample::planted()));
    vec![
        ("planted", rendered(vec![organisation(sample::freshness(), planted())], true, &open())),
        ("clean", rendered(vec![organisation(sample::freshness(), Some(evaluated(sample::clean())))], true, &open())),
        ("starting", rendered(vec![organisation(Freshness::default(), None)], true, &open())),
        ("failing", rendered(vec![organisation(failing(), planted())], false, &open())),
        ("withdrawn", rendered(vec![organisation(Freshness { withdrawn: true, ..failing() }, None)], true, &open())),
        ("closed", rendered(vec![organisation(sample::freshness(), planted())], true, &closed)),
    ]
}

#[test]
fn names_are_never_markup() {
    let page = rendered(vec![organisation(sample::freshness(), Some(evaluated(sample::planted())))], true, &open());
    assert!(!page.contains("<script"), "names are not markup, and the page has no script");
    assert!(
        page.contains("&#60;script&#62;alert(1)&#60;/script&#62;[U+202E]gnp.exe[U+000A]"),
        "invisible characters are shown"
    );
    assert!(!page.contains('\u{202e}'));
    let cut = page.split("title=\"Speech analytics export").nth(1).expect("a long name is complete in the title");
    assert!(cut.split('"').next().is_some_and(|title| title.ends_with("cope with it")));
}

#[test]
fn the_page_loads_nothing_and_runs_no_script() {
    for (name, page) in gallery() {
        assert!(
            page.contains(&format!("<style>{}</style>", style::STYLE)),
            "{name}: the policy's hash is the hash of the style"
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
fn a_page_without_details_has_freshness_and_links() {
    let (_, page) = gallery().into_iter().find(|(name, _)| *name == "closed").expect("in the gallery");
    for shown in [
        "Last complete refresh ",
        "2 minutes ago",
        "href=\"./metrics\"",
        "href=\"./-/ready\"",
        "have the most privileges",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    for hidden in ["Contoso", "b1f0c2d4", "Batch password sync", "dangerous-scope", "api/v1/report", "61"] {
        assert!(!body(&page).contains(hidden), "{hidden}");
    }
}

/// The page without its style, which contains numbers too.
fn body(page: &str) -> &str {
    page.split("</style>").nth(1).expect("a body")
}

#[test]
fn the_worst_findings_come_first_and_further_ones_are_counted() {
    let mut sample = sample::planted();
    sample.report.edit_findings(|findings| {
        let mut low = findings[0].clone();
        low.about_mut().severity = crate::domain::Severity::Low;
        findings.extend(vec![low; 100]);
    });
    let count = sample.report.findings().count();
    let page = rendered(vec![organisation(sample::freshness(), Some(evaluated(sample)))], true, &open());
    assert_eq!(page.matches("<td role=\"cell\" class=\"sev\">").count(), 50);
    assert!(page.contains(&format!("and {} more: <a href=\"findings?page=2\">", count - 50)));
    let rows = page.split("<td role=\"cell\" class=\"sev\"><span class=\"badge ").skip(1);
    let badges: Vec<&str> = rows.filter_map(|row| row.split('"').next()).collect();
    let expected = [vec!["critical"; 4], vec!["high"; 23], vec!["low"; 23]].concat();
    assert_eq!(badges, expected);
    let position = |scope: &str| page.find(&format!("<code>{scope}</code>")).expect("it is held");
    assert!(
        position("telephony") < position("recordings"),
        "within a severity the newest comes first, whatever the client's id"
    );
}

#[test]
fn new_findings_are_marked_and_older_ones_are_not() {
    let page = rendered(vec![organisation(sample::freshness(), Some(evaluated(sample::planted())))], true, &open());
    assert!(page.contains("<a class=\"new\" href=\"findings?new=yes\">3 new in 24 h</a>"));
    assert_eq!(page.matches("<span class=\"new\">new</span>").count(), 3);
    assert!(page.contains("before tracking"));
    assert!(page.contains("<time datetime=\"2026-11-20T21:27:41Z\">3 hours ago</time>"));
}

#[test]
fn an_unread_input_names_the_missing_permission() {
    let page = rendered(vec![organisation(sample::freshness(), Some(evaluated(sample::planted())))], true, &open());
    assert!(page.contains("<code>authorization:role:view</code>"));
    assert!(page.contains("not read: roles"));
}

#[test]
fn states_without_data_or_findings_have_a_text() {
    let gallery = gallery();
    let find = |wanted: &str| &gallery.iter().find(|(name, _)| *name == wanted).expect("in the gallery").1;
    assert!(find("starting").contains("The first refresh is running."));
    assert!(find("clean").contains("No open findings."));
    assert!(find("clean").contains("No client holds a dangerous scope"));
    assert!(find("failing").contains("&#60;correlation id 5f2c&#62;"));
    assert!(find("failing").contains("Reload failed."));
    assert!(find("withdrawn").contains("so its data is no longer shown"));
    assert!(!find("withdrawn").contains("api/v1/report"), "no link to a report that does not exist");
}

fn searched(query: &str) -> String {
    let search = Search::parse(Some(query)).expect(query);
    let published = published(vec![organisation(sample::freshness(), Some(evaluated(sample::settled())))], true);
    home(&published, &Home::Only(search), NOW, &open()).expect("a page")
}

#[test]
fn a_search_shows_the_matching_clients_and_stays_in_the_form() {
    let page = searched("q=portal&severity=critical&grant=code&status=flagged");
    assert!(page.contains("Clients found <span class=\"count\">1 of 61</span>"));
    assert!(page.contains("href=\"./clients/00000000-7a3e-4c1d-9b20-000000000000\""));
    assert!(page.contains("value=\"portal\""));
    for chosen in ["critical", "code", "flagged"] {
        assert!(page.contains(&format!("<option value=\"{chosen}\" selected>")), "{chosen}");
    }
    assert_eq!(page.matches(" selected>").count(), 3);
    assert!(page.contains("Last complete refresh "), "freshness is still shown");
    assert!(!page.contains("Worst clients"), "the overview is hidden");
    let none = searched("q=nothing+like+it");
    assert!(none.contains("0 of 61") && none.contains("No client of this organisation matches the search."));
    assert!(searched("").contains("Worst clients"));
}

#[test]
fn the_search_text_is_shown_as_text_and_limited() {
    let page = searched("q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE");
    assert!(page.contains("value=\"&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;[U+202E]\""));
    assert!(!page.contains("<script") && !page.contains('\u{202e}'));
    let long = searched(&format!("q={}", "x".repeat(9_000)));
    assert!(long.contains(&"x".repeat(200)) && !long.contains(&"x".repeat(201)));
}

#[test]
fn rows_are_limited_and_further_ones_are_counted() {
    let mut sample = sample::planted();
    let client = sample.snapshot.clients[0].clone();
    sample.snapshot.clients = (0..700)
        .map(|n| crate::domain::Client { id: crate::domain::ClientId::new(format!("{n:04}")), ..client.clone() })
        .collect();
    sample.report = crate::audit::evaluate(&sample.snapshot, &sample.policy, None, NOW);
    let page = rendered(vec![organisation(sample::freshness(), Some(evaluated(sample)))], true, &open());
    assert_eq!(page.matches("<td role=\"cell\" class=\"verdict\">").count(), 500);
    assert!(page.contains("and 200 more; search above"));
}

/// The texts between these two marks.
fn between<'a>(page: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    page.split(start).skip(1).filter_map(move |rest| rest.split(end).next())
}

/// The number that a linked page shows as its result.
fn result_of(link: &str) -> usize {
    let data = || published(vec![organisation(sample::freshness(), Some(evaluated(sample::settled())))], true);
    let link = link.replace("&#38;", "&");
    let (page, start) = match link.split_once('?') {
        Some(("./", query)) => (searched(query), "Clients found <span class=\"count\">"),
        Some(("findings", query)) => {
            let filter = browse::Filter::parse(Some(query)).expect(query);
            (
                browse::page(&data(), &filter, sample::NOW, "/metrics").expect("it renders"),
                "Findings <span class=\"count\">",
            )
        }
        _ if link == "#clients-1" => (searched(""), "All clients <span class=\"count\">"),
        _ => panic!("{link}"),
    };
    let count = between(&page, start, "<").next().expect(&link).split(' ').next().expect("a number");
    count.parse().expect("a number")
}

#[test]
fn each_number_links_to_exactly_what_it_counts() {
    let page = searched("");
    let mut followed = 0;
    let number = |text: &str| -> usize { text.trim().split(' ').next().expect("a number").parse().expect(text) };
    for part in between(&page, "<a href=\"", "</a>") {
        let Some((link, text)) = part.split_once("\">") else { continue };
        let count = match text {
            _ if text.starts_with("<span class=\"label\">") => between(text, "<span class=\"value\">", "<").next(),
            _ if text.ends_with("</b>") => between(text, "<b>", "<").next(),
            _ if link.contains("scope=") || link.starts_with("findings?status=") => Some(text),
            _ => None,
        };
        if let Some(count) = count {
            assert_eq!(result_of(link), number(count), "{link}");
            followed += 1;
        }
    }
    for part in between(&page, "<a class=\"badge ", "</a>") {
        let (_, rest) = part.split_once("href=\"").expect("a link");
        let (link, text) = rest.split_once("\">").expect("a text");
        assert_eq!(result_of(link), number(text), "{link}");
        followed += 1;
    }
    assert!(followed > 20, "{followed} of {page}");
    assert_eq!(result_of("findings?new=yes"), 3 - 1, "one of the new ones is approved");
}

#[test]
fn all_findings_can_be_browsed_in_pages_of_fifty() {
    let data = published(vec![organisation(sample::freshness(), Some(evaluated(sample::planted())))], true);
    let total = evaluated(sample::planted()).report.findings().count();
    let show = |query: &str| {
        let filter = browse::Filter::parse(Some(query)).expect(query);
        browse::page(&data, &filter, sample::NOW, "/metrics").expect("it renders")
    };
    let (mut query, mut seen) = ("status=all".to_owned(), 0);
    loop {
        let page = show(&query);
        let rows = page.matches("<tr role=\"row\">").count() - 1;
        assert!(rows <= 50);
        seen += rows;
        let next = between(&page, "<a rel=\"next\" href=\"findings?", "\"").next();
        let Some(next) = next else { break };
        query = next.replace("&#38;", "&");
    }
    assert_eq!(seen, total);
    let pages = total.div_ceil(50);
    assert!(pages < 2 || show("status=all&page=999").contains(&format!("page {pages} of {pages}")));
    assert!(show("rule=dangerous-scope&q=oauth&severity=critical").contains("<code>oauth</code>"));
    assert!(show("q=nothing+like+it").contains("No finding matches."));
    for (query, expected) in [
        ("rule=dangerous", "The filter rule has no value \"dangerous\""),
        ("page=0", "The field page is not a number from 1."),
        ("sort=x", "There is no field \"sort\"."),
        ("status=closed", "Its values are open, exempt, approved, not_evaluated, all."),
    ] {
        assert!(browse::Filter::parse(Some(query)).expect_err(query).contains(expected), "{query}");
    }
}

#[test]
fn nothing_on_a_page_contradicts_its_state() {
    let failing = Freshness { last_successful: false, consecutive_failures: 3, ..sample::freshness() };
    let show =
        |sample, freshness: Freshness| rendered(vec![organisation(freshness, Some(evaluated(sample)))], true, &open());
    let fresh = show(sample::clean(), sample::freshness());
    assert!(fresh.contains("everything was evaluated") && fresh.contains("tile good"));
    let stale = show(sample::clean(), failing.clone());
    for wrong in ["everything was evaluated", "tile good", "state-word good", "No open findings. "] {
        assert!(!stale.contains(wrong), "{wrong}");
    }
    assert!(stale.contains("No open findings in the last complete data"));
    let unread = show(sample::planted(), sample::freshness());
    assert!(!unread.contains("tile good"), "what is unknown is not green");
    let settled = show(sample::settled(), sample::freshness());
    let approved = between(&settled, "<code class=\"settled\"", "</td>").next().expect("an approved scope");
    assert!(approved.contains("approved") || approved.contains("exempt"), "{approved}");
}

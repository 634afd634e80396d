//! The index of several organisations: its order, what its numbers link to, what it hides, and that it stays small.

use std::sync::Arc;

use super::super::tests::evaluated;
use super::super::{Home, Search, all_clients, browse, home, link, organisation, unknown_organisation};
use super::*;
use crate::audit;
use crate::baseline::{Approval, Baseline};
use crate::domain::Freshness;
use crate::exposition::{self, ReloadStatus};
use crate::fixtures::sample::{self, HOSTILE, NOW, Sample};
use crate::ledger::{Evaluation, Event, Ledger, Sighting};
use crate::publish::{Evaluated, ServedOrganisation, channel};

const OPEN: Options<'static> = Options { telemetry_path: "/metrics", closed: None };
const CLOSED: Options<'static> = Options { telemetry_path: "/metrics", closed: Some("Details are hidden.") };

fn served(org: &str, freshness: Freshness, evaluated: Option<Arc<Evaluated>>) -> ServedOrganisation {
    ServedOrganisation { evaluated, ..ServedOrganisation::new(org.to_owned(), freshness) }
}

/// The sample with a baseline that approves all but the client of this name.
fn with_baseline(but: &str) -> Sample {
    let mut sample = sample::settled();
    sample.policy.exemptions.clear();
    let approval = Approval { at: NOW, by: "tests".to_owned(), reason: "as found".to_owned() };
    let mut baseline = Baseline::of(&sample.snapshot, &approval);
    baseline.clients.remove(&sample.id(but).clone());
    sample.report = audit::evaluate(&sample.snapshot, &sample.policy, Some(&baseline), sample.snapshot.taken_at);
    let sighting =
        Sighting::of(Evaluation { snapshot: &sample.snapshot, policy: &sample.policy, report: &sample.report });
    sample.ledger = Ledger::default().advance(&sighting, Event::First, NOW, std::time::Duration::ZERO);
    sample
}

fn failing() -> Freshness {
    Freshness {
        last_success: Some(Timestamp::from_seconds(NOW.seconds() - 10_900)),
        last_successful: false,
        consecutive_failures: 36,
        failure: Some("clients: the platform answers 503 <correlation id 5f2c>".to_owned()),
        ..sample::freshness()
    }
}

/// Organisations in every state, in the order of a file.
fn several() -> Vec<ServedOrganisation> {
    let planted = || Some(evaluated(sample::planted()));
    let no_data = Freshness { last_success: None, ..failing() };
    let old = Freshness { last_attempt: None, ..sample::freshness() };
    vec![
        served("calm", sample::freshness(), Some(evaluated(sample::clean()))),
        served("failing", failing(), Some(evaluated(sample::clean()))),
        served("new, no baseline", sample::freshness(), planted()),
        served("refused", no_data, None),
        served("starting", Freshness::default(), None),
        served("restored", old, Some(evaluated(sample::clean()))),
        served("approved", sample::freshness(), Some(evaluated(with_baseline("Wallboard Zürich")))),
        served("unapproved", sample::freshness(), Some(evaluated(with_baseline("Legacy agent desktop")))),
        served(HOSTILE, sample::freshness(), Some(evaluated(sample::clean()))),
        served("../../etc", Freshness { withdrawn: true, ..failing() }, None),
    ]
}

fn published(organisations: Vec<ServedOrganisation>) -> Arc<Published> {
    let reload = ReloadStatus { last_successful: true, last_success: NOW, web_config_rejected: false };
    channel(organisations, reload, exposition::Config::default()).1.current()
}

fn shown(organisations: Vec<ServedOrganisation>, query: &str, options: &Options<'_>) -> String {
    let published = published(organisations);
    let wanted = Home::parse(&published, Some(query)).expect(query);
    let page = home(&published, &wanted, NOW, options).expect("it renders");
    page.split("</style>").nth(1).expect("a body").to_owned()
}

/// The labels in the table, from its first row on.
fn order(page: &str) -> Vec<String> {
    let rows = page.split("<td role=\"cell\" class=\"client\">").skip(1);
    rows.filter_map(|row| Some(row.split("<bdi>").nth(1)?.split('<').next()?.to_owned())).collect()
}

/// The text without tags, one line for each row of the table or part of the page.
fn golden(page: &str) -> String {
    let (mut text, mut in_tag) = (String::new(), false);
    let page = page.split("<main>").nth(1).expect("main").split("</main>").next().expect("its end");
    for part in ["<option", "</tr>", "</p>", "</li>", "</h1>", "</h2>", "</form>", "<td", "<th "]
        .iter()
        .fold(page.replace('\n', " "), |page, mark| {
            let space = if mark.starts_with("<t") { " | " } else { "\n" };
            page.replace(mark, &format!("{space}{mark}"))
        })
        .chars()
    {
        match part {
            '<' => in_tag = true,
            '>' => in_tag = false,
            other if !in_tag => text.push(other),
            _ => {}
        }
    }
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_index_lists_the_worst_organisation_first() {
    let page = shown(several(), "", &OPEN);
    insta::assert_snapshot!("open", golden(&page));
    let closed = golden(&shown(several(), "", &CLOSED));
    insta::assert_snapshot!("closed", closed);
}

#[test]
fn an_organisation_pages_exactly_if_an_alert_fires_for_it() {
    for organisation in several() {
        let Some(evaluated) = organisation.evaluated.clone() else { continue };
        let Evaluated { snapshot, report, ledger, .. } = &*evaluated;
        let audited = exposition::Audited { org: &organisation.org, snapshot, report, ledger };
        let text = exposition::text(&[audited], &exposition::Config::default());
        let text = String::from_utf8(text).expect("UTF-8");
        let has_baseline = evaluated.report.baseline.is_some();
        let fires = text.lines().filter(|line| line.contains("_client_dangerous_")).any(|line| {
            let value: i64 = line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_default();
            let is_new = line.contains("first_seen") && value > 0 && NOW.seconds() - value < 86_400;
            if has_baseline { line.contains("_unapproved{") && value == 1 } else { is_new }
        });
        let standing = Standing::new(&organisation, true, NOW);
        assert_eq!(standing.is_paging(), fires, "{}: {text}", organisation.org);
    }
}

/// The number that a linked page shows as its result.
fn result_of(published: &Published, link: &str) -> usize {
    let link = link.replace("&#38;", "&");
    let base = url::Url::parse("https://proxy.example/oauth/").expect("a URL");
    let url = base.join(&link).expect("a relative link");
    let path = url.path().strip_prefix("/oauth").expect("below");
    let (page, start) = match path {
        "/" => {
            let wanted = Home::parse(published, url.query()).expect("a filter");
            let start = if url.query().is_some() {
                "Organisations found <span class=\"count\">"
            } else {
                "All organisations <span class=\"count\">"
            };
            (home(published, &wanted, NOW, &OPEN), start)
        }
        "/findings" => {
            let filter = browse::Filter::parse(url.query()).expect("a filter");
            (browse::page(published, &filter, NOW, "/metrics"), "Findings <span class=\"count\">")
        }
        "/clients" => {
            let search = Search::parse(url.query()).expect("a search");
            (all_clients::page(published, &search, NOW, "/metrics"), "Clients found <span class=\"count\">")
        }
        _ => {
            let label = link::organisation(path).unwrap_or_else(|| panic!("{path}"));
            let search = Search::parse(url.query()).expect("a search");
            let start = if search.is_some() {
                "Clients found <span class=\"count\">"
            } else {
                "All clients <span class=\"count\">"
            };
            (organisation(published, &label, &search, NOW, &OPEN).expect("it exists"), start)
        }
    };
    let page = page.expect("it renders");
    let count = page.split(start).nth(1).and_then(|rest| rest.split(['<', ' ']).next()).expect(&link);
    count.parse().expect("a number")
}

/// Follows the links of a page whose text begins with a number, and returns how many there are.
fn follow(published: &Published, page: &str, base: &str) -> usize {
    let base = url::Url::parse("https://proxy.example/oauth/").expect("a URL").join(base).expect("a relative link");
    let mut followed = 0;
    for part in page.split("<main>").nth(1).expect("main").split("href=\"").skip(1) {
        let (link, rest) = part.split_once('"').expect("a link");
        let text = rest.split_once('>').map(|(_, text)| text).expect("a text");
        let text = text.split("</a>").next().expect("its end");
        let text = text.split("class=\"value\">").last().expect("a text");
        let text = text.split("<b>").last().expect("a text");
        let Ok(number) = text.split(['<', ' ']).next().unwrap_or_default().parse::<usize>() else { continue };
        if link.contains("new=yes") {
            continue;
        }
        let target = base.join(&link.replace("&#38;", "&")).expect("a relative link");
        let target = target.as_str().strip_prefix("https://proxy.example/oauth/").expect("below");
        let target = if target.is_empty() { "./" } else { target };
        assert_eq!(result_of(published, target), number, "{link} in {part}");
        followed += 1;
    }
    followed
}

#[test]
fn each_number_of_the_index_and_of_an_organisations_page_links_to_exactly_what_it_counts() {
    let data = published(several());
    let page = shown(several(), "", &OPEN);
    assert!(follow(&data, &page, "./") > 15, "{page}");
    for of in &data.organisations {
        let page =
            organisation(&data, &of.org, &Search::default(), NOW, &OPEN).expect("it exists").expect("it renders");
        let followed = follow(&data, &page, &link::to_organisation(&of.org));
        assert!(followed > 5 || of.evaluated.is_none(), "{}: {followed}", of.org);
        assert!(page.contains("All organisations</a>"), "the way back");
    }
}

#[test]
fn the_index_is_filtered_by_text_and_by_state() {
    let found = |query: &str| order(&shown(several(), query, &OPEN));
    assert_eq!(found("show=paging"), ["new, no baseline", "unapproved"]);
    assert_eq!(found("show=not_read"), ["../../etc", "failing", "refused"]);
    assert_eq!(found("show=starting"), ["restored", "starting"]);
    assert_eq!(found("q=APPROVED"), ["unapproved", "approved"]);
    assert_eq!(found("q=correlation+id&show=not_read").len(), 3, "the reason of a failure");
    assert_eq!(found("q=contoso").len(), 7, "the name on the platform");
    assert_eq!(found("q=nothing+like+it"), Vec::<String>::new());
    let all: usize = ["not_read", "starting", "fresh"].map(|show| found(&format!("show={show}")).len()).iter().sum();
    assert_eq!(all, several().len(), "every organisation is in one of the three");
    let data = published(several());
    for (query, expected) in [
        (
            "show=worst",
            "The filter show has no value \"worst\". Its values are paging, not_read, flagged, starting, fresh.",
        ),
        ("grant=code", "There is no field \"grant\". The fields are q, show, page.\nThis page lists organisations."),
        ("page=0", "The field page is not a number from 1."),
    ] {
        let mistake = Home::parse(&data, Some(query)).expect_err(query);
        assert!(mistake.contains(expected), "{mistake}");
    }
}

#[test]
fn without_details_the_index_hides_names_and_counts_and_its_order_and_filters_depend_on_neither() {
    let page = shown(several(), "", &CLOSED);
    for hidden in
        ["Contoso", "mypurecloud", "critical</a>", "flagged", "· no baseline", "api/v1/report", "findings", "clients?"]
    {
        assert!(!page.split("<main>").nth(1).expect("main").contains(hidden), "{hidden} in {page}");
    }
    let mut expected: Vec<String> = order(&page);
    assert_eq!(expected.drain(..3).collect::<Vec<_>>(), ["../../etc", "failing", "refused"]);
    assert!(expected.is_sorted(), "{expected:?}");
    for query in ["q=contoso", "show=paging", "show=flagged"] {
        assert!(order(&shown(several(), query, &CLOSED)).is_empty(), "{query}");
    }
    assert_eq!(order(&shown(several(), "q=failing", &CLOSED)), ["failing"]);
    let data = published(several());
    let page =
        organisation(&data, "unapproved", &Search::default(), NOW, &CLOSED).expect("it exists").expect("it renders");
    for hidden in ["Contoso", "mypurecloud", "Legacy agent desktop", "class=\"tile"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    assert!(page.contains("Last complete refresh ") && page.contains("Details are hidden."));
}

#[test]
fn labels_and_reasons_are_never_markup() {
    for page in [shown(several(), "", &OPEN), shown(several(), "q=%22%3E%3Cscript%3E%E2%80%AE", &OPEN)] {
        for forbidden in ["<script", "\u{202e}", "javascript:", "style=", "<iframe", "href=\"http", "href=\"/"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
    let page = shown(several(), "", &OPEN);
    assert!(
        page.contains("&#60;correlation id 5f2c&#62;")
            && page.contains("&#60;script&#62;alert(1)&#60;/script&#62;[U+202E]")
    );
    assert!(page.contains("href=\"organisations/..%2F..%2Fetc\""));
}

#[test]
fn there_are_words_for_every_total() {
    let fresh = || served("a", sample::freshness(), Some(evaluated(sample::clean())));
    let starting = || served("b", Freshness::default(), None);
    for (organisations, word, sentence) in [
        (vec![], "None", "This process watches no organisation."),
        (
            vec![fresh(), fresh()],
            "Fresh",
            "None of 2 organisations has new dangerous grants; the data of all 2 is fresh.",
        ),
        (
            vec![fresh(), starting()],
            "Starting",
            "None of 2 organisations is known to have new dangerous grants; 1 waits for its first refresh.",
        ),
        (
            several(),
            "Attention",
            "2 of 10 organisations have new dangerous grants, for which the alerts page; 3 are not read; 2 wait for their first refresh.",
        ),
    ] {
        let page = shown(organisations, "", &OPEN);
        assert!(page.contains(&format!("<span class=\"word\">{word}</span><div><p>{sentence}</p>")), "{word}: {page}");
    }
}

#[test]
fn the_index_is_small_and_in_parts_however_many_organisations_there_are() {
    let data = evaluated(sample::clean());
    let many = |number: usize| -> Vec<ServedOrganisation> {
        (0..number).map(|n| served(&format!("org-{n:04}"), sample::freshness(), Some(Arc::clone(&data)))).collect()
    };
    let page = shown(many(200), "", &OPEN);
    assert_eq!(order(&page).len(), 200, "200 are on one page");
    assert!(page.len() < 400_000, "{}", page.len());
    let (mut query, mut seen) = (String::new(), Vec::new());
    loop {
        let page = shown(many(1_100), &query, &OPEN);
        seen.extend(order(&page));
        let Some(next) = page.split("<a rel=\"next\" href=\"./?").nth(1) else { break };
        next.split('"').next().expect("its end").clone_into(&mut query);
    }
    assert_eq!(seen.len(), 1_100);
    assert!(seen.is_sorted());
}

#[test]
fn an_unknown_organisation_is_answered_with_near_names() {
    let data = published(several());
    let answer = |label: &str| unknown_organisation(&data, label);
    assert_eq!(answer("faling"), "There is no organisation faling.\nDid you mean failing?");
    assert_eq!(answer("approved-org"), "There is no organisation approved-org.\nDid you mean approved?");
    assert!(answer("zzzzzzzz").contains("\nThe organisations are calm, failing, "), "{}", answer("zzzzzzzz"));
    let long = answer(&"\u{202e}x".repeat(100_000));
    assert!(long.len() < 1_000 && !long.contains('\u{202e}'), "{long}");
}

#[test]
fn the_search_for_clients_of_all_organisations_names_the_organisation_and_is_limited() {
    let data = published(several());
    let search = |query: &str| {
        let search = Search::parse(Some(query)).expect(query);
        all_clients::page(&data, &search, NOW, "/metrics").expect("it renders")
    };
    let page = search("q=Legacy+agent");
    assert!(page.contains("Clients found <span class=\"count\">3 of "), "{page}");
    for of in ["new, no baseline", "approved", "unapproved"] {
        assert!(page.contains(&format!("href=\"./{}\">{of}</a>", link::to_organisation(of))), "{of}");
    }
    assert!(page.contains("The data of 5 organisations is not current, or missing"), "{page}");
    let many = (0..12).map(|n| served(&format!("{n}"), sample::freshness(), Some(evaluated(sample::planted()))));
    let data = published(many.collect());
    let page = all_clients::page(&data, &Search::default(), NOW, "/metrics").expect("it renders");
    assert_eq!(page.matches("<td role=\"cell\" class=\"verdict\">").count(), 500);
    assert!(page.contains(&format!("and {} more", 12 * 61 - 500)));
}

#[test]
fn findings_of_one_organisation_stay_with_it() {
    let data = published(several());
    let show = |query: &str| {
        let filter = browse::Filter::parse(Some(query)).expect(query);
        browse::page(&data, &filter, NOW, "/metrics").expect("it renders")
    };
    let page = show("org=unapproved&status=all");
    assert!(page.contains("org <a href=\"./organisations/unapproved\">unapproved</a>"));
    assert!(page.contains("href=\"findings?org=unapproved&#38;rule=dangerous-scope\""), "the rule's link keeps it");
    assert!(page.contains("href=\"./api/v1/report?org=unapproved\""));
    assert!(!page.contains("organisations/calm"));
    assert!(show("status=all").contains("organisations/new%2C%20no%20baseline"));
}

//! The pages of documents: every one exists, and an unknown name is answered with the names that do.

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_795_220_861);

fn page_at(path: &str) -> (bool, String) {
    let wanted = Wanted::parse(path).expect(path);
    (wanted.exists(), page(&wanted, NOW, "/metrics").expect("it renders"))
}

#[test]
fn a_path_names_a_document_a_list_or_nothing() {
    for (path, expected) in [
        ("/runbooks", Some((Shelf::Runbooks, ""))),
        ("/runbooks/", Some((Shelf::Runbooks, ""))),
        ("/rules/dangerous-scope", Some((Shelf::Rules, "dangerous-scope"))),
        ("/rules/a/b", Some((Shelf::Rules, "a/b"))),
        ("/rulesets", None),
        ("/", None),
        ("", None),
        ("rules", None),
    ] {
        let wanted = Wanted::parse(path).map(|wanted| (wanted.shelf, wanted.name));
        assert_eq!(wanted, expected.map(|(shelf, name)| (shelf, name.to_owned())), "{path}");
    }
}

#[test]
fn every_document_has_a_page_and_the_list_links_to_it() {
    for shelf in Shelf::ALL {
        let path = format!("/{}/", shelf.segment());
        let (_, list) = page_at(&path);
        let entries = shelf.entries();
        assert!(entries.len() > 15);
        for entry in entries {
            assert!(list.contains(&format!("href=\"../{}/{}\"", shelf.segment(), entry.name)), "{}", entry.name);
            let (exists, page) = page_at(&format!("{path}{}", entry.name));
            assert!(exists && page.contains(&format!("<title>{}", entry.name)), "{}", entry.name);
        }
    }
}

/// The text of a page is that of the document. Spaces, links and markup differ.
#[test]
fn the_page_of_a_runbook_has_every_word_of_the_document() {
    for runbook in runbook::all() {
        let document = std::fs::read_to_string(format!("docs/runbooks/{}.md", runbook.name)).expect("a document");
        let (_, page) = page_at(&format!("/runbooks/{}", runbook.name));
        let page = page.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let page: String = page.split('<').filter_map(|rest| rest.split_once('>')).map(|(_, text)| text).collect();
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let page = letters(&page);
        for line in document
            .lines()
            .filter(|line| !line.trim_start().starts_with("```") && !line.contains("](") && !line.contains('<'))
        {
            // The browser numbers the items of a list.
            let line = line.trim_start_matches(|c: char| c.is_ascii_digit());
            assert!(page.contains(&letters(line)), "{}: {line}", runbook.name);
        }
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_names_that_exist() {
    for (path, name) in
        [("/runbooks/GenesysOAuthNothing", "GenesysOAuthAuditStale"), ("/rules/no-rule", "dangerous-scope")]
    {
        let (exists, page) = page_at(path);
        assert!(!exists && page.contains(name) && page.contains("There is no r"), "{page}");
        let wanted = Wanted::parse(path).expect(path);
        assert!(wanted.unknown().contains(&format!("\n{name}")), "{}", wanted.unknown());
    }
    let (_, page) = page_at("/rules/<script>\u{202e}");
    assert!(!page.contains("<script>") && page.contains("[U+202E]"), "{page}");
    let (_, page) = page_at(&format!("/rules/{}", "x".repeat(5000)));
    assert!(!page.contains(&"x".repeat(LONGEST)), "the name is cut");
}

#[test]
fn links_to_documents_that_are_not_served_are_text() {
    let pages: String = runbook::all().map(|runbook| page_at(&format!("/runbooks/{}", runbook.name)).1).collect();
    assert!(!pages.contains(".md\"") && !pages.contains(".md#"), "no link leads to a file of the repository");
    assert!(pages.contains("docs/policy.md"), "but the name stays");
    assert!(pages.contains("href=\"GenesysOAuthAuditStale\"") && pages.contains("href=\"../rules/\""));
}

//! The page of a client: what it tells, and that nobody else's text gets through as markup.

use std::sync::Arc;

use super::*;
use crate::domain::Freshness;
use crate::exposition::ReloadStatus;
use crate::fixtures::sample::{self, HOSTILE, NOW, Sample};
use crate::publish::channel;

fn published(sample: Sample) -> Arc<Published> {
    let Sample { snapshot, report, ledger, policy, .. } = sample;
    let judged = Judged { snapshot: Arc::new(snapshot), report, policy: Arc::new(policy), ledger, calls: Vec::new() };
    let freshness = Freshness::default();
    let organisations = vec![
        ServedOrganisation { org: "empty".to_owned(), freshness: freshness.clone(), judged: None },
        ServedOrganisation { org: "default".to_owned(), freshness, judged: Some(Arc::new(judged)) },
    ];
    let reload = ReloadStatus { last_successful: true, last_success: NOW };
    channel(organisations, reload, crate::exposition::Config::default()).1.current()
}

fn text(sample: Sample, name: &str) -> String {
    let id = sample.id(name).clone();
    let page = page(&published(sample), &id, NOW, "/metrics").expect("it is there").expect("a page");
    page.split("</style>").nth(1).expect("a body").to_owned()
}

#[track_caller]
fn assert_tells(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn it_tells_identity_scopes_findings_and_who_settled_them() {
    let page = text(sample::settled(), "Partner provisioning portal");
    assert_tells(
        &page,
        &[
            "<h1><bdi>Partner provisioning portal</bdi></h1>",
            "<code>00000000-7a3e-4c1d-9b20-000000000000</code>",
            "Authorization code</bdi> <span class=\"muted\">CODE</span>",
            "24 hours</bdi> <span class=\"muted\">the platform&#39;s default</span>",
            "https://portal.example.com/&#60;cb&#62;",
            "nobody in the policy&#39;s inventory",
            // Scopes with the registry's words.
            "<code>oauth</code> <span class=\"badge critical\">critical</span></td><td>Creates and changes OAuth clients</td>",
            "<code>users:readonly</code></td><td>Reads users</td>",
            "<span class=\"muted\">no description</span>",
            // An open finding, and a settled one.
            "holds the scope authorization",
            "Take the scope from the client",
            "<span class=\"badge settled\">exempt</span>",
            "<b>Exempt</b> by integrations team, until 2027-06-30 00:00 UTC: Migration | `tool` @all until summer",
            "First seen <time datetime=\"2026-11-20T21:27:41Z\">3 hours ago",
            "377496709730b88128f2eb35c606a7a9",
        ],
    );
    let (open, exempt) = (page.find("holds the scope authorization"), page.find("holds the scope oauth"));
    assert!(open.is_some() && open < exempt, "what counts comes first");
}

#[test]
fn it_tells_roles_divisions_and_the_dangerous_permissions_in_effect() {
    let page = text(sample::settled(), "Terraform (production)");
    assert_tells(
        &page,
        &[
            "Provisioning | everything",
            "<bdi>none named</bdi>, <bdi>Home</bdi>, <bdi>all divisions, present and future</bdi>",
            "<code>oauth:client:*</code> <span class=\"badge critical\">critical</span>",
            "matches <code>oauth:client:add</code>",
            "without effect: scopes do not bound client credentials",
        ],
    );
    assert!(!page.contains("routing:queue:view"), "only what is dangerous");
}

#[test]
fn roles_that_were_not_read_are_no_all_clear() {
    let page = text(sample::planted(), "Nightly workforce export");
    assert_tells(
        &page,
        &[
            "<span class=\"badge wait\">not evaluated</span>",
            "That is no all-clear",
            "Not evaluated: roles could not be read",
            "Give the exporter&#39;s role authorization:role:view.",
        ],
    );
}

#[test]
fn names_stay_text_and_nothing_runs() {
    let mut sample = sample::settled();
    for client in &mut sample.snapshot.clients {
        client.description = Some(format!("{HOSTILE}\" onload=\"x"));
        client.redirect_uris = [HOSTILE.to_owned()].into();
    }
    let page = text(sample, HOSTILE);
    assert_tells(&page, &["&#60;script&#62;alert(1)&#60;/script&#62;[U+202E]gnp.exe[U+000A]", "&#34; onload=&#34;x"]);
    for forbidden in ["<script", "\u{202e}", "javascript:", "style=", "<form", "<iframe", "<img src=x"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn who_is_not_there_has_no_page_and_lists_are_bounded() {
    let mut sample = sample::settled();
    let id = sample.id("Partner provisioning portal").clone();
    let finding = sample.report.findings_of(&id).next().expect("one").clone();
    sample.report.findings.splice(0..0, vec![finding; 3 * ROWS]);
    let published = published(sample);
    assert!(page(&published, &ClientId::new("nobody"), NOW, "/metrics").is_none());
    let page = page(&published, &id, NOW, "/metrics").expect("there").expect("a page");
    assert_eq!(page.matches("<p class=\"marks\">").count(), ROWS);
    assert!(page.contains(&format!("and {} more", 2 * ROWS + 2)), "the rest is counted");
}

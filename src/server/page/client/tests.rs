//! The content of the page of a client, and that untrusted text is never markup.

use std::sync::Arc;

use super::bound::ROWS;
use super::*;
use crate::domain::Freshness;
use crate::exposition::ReloadStatus;
use crate::fixtures::sample::{self, HOSTILE, NOW, Sample};
use crate::publish::channel;

fn published(sample: Sample) -> Arc<Published> {
    let Sample { snapshot, report, ledger, policy, .. } = sample;
    let evaluated = Evaluated {
        snapshot: Arc::new(snapshot),
        report,
        policy: Arc::new(policy),
        ledger: Arc::new(ledger),
        calls: Vec::new(),
    };
    let freshness = Freshness::default();
    let organisations = vec![
        ServedOrganisation::new("empty".to_owned(), freshness.clone()),
        ServedOrganisation {
            evaluated: Some(Arc::new(evaluated)),
            ..ServedOrganisation::new("default".to_owned(), freshness)
        },
    ];
    let reload = ReloadStatus { last_successful: true, last_success: NOW, web_config_rejected: false };
    channel(organisations, reload, crate::exposition::Config::default()).1.current()
}

fn text(sample: Sample, name: &str) -> String {
    let id = sample.id(name).clone();
    let page = page(&published(sample), &id, NOW, "/metrics").expect("the client has a page").expect("it renders");
    page.split("</style>").nth(1).expect("a body").to_owned()
}

#[track_caller]
fn assert_shows(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn it_shows_identity_scopes_findings_and_exemptions() {
    let page = text(sample::settled(), "Partner provisioning portal");
    assert_shows(
        &page,
        &[
            "<h1><bdi>Partner provisioning portal</bdi></h1>",
            "<code>00000000-7a3e-4c1d-9b20-000000000000</code>",
            "Authorization code</bdi> <span class=\"muted\">CODE</span>",
            "24 hours</bdi> <span class=\"muted\">the platform&#39;s default</span>",
            "https://portal.example.com/&#60;cb&#62;",
            "none in the policy&#39;s inventory",
            // Scopes with the descriptions of the registry.
            "<code>oauth</code> <span class=\"badge settled\">critical, exempt</span></td><td>Creates and changes OAuth clients</td>",
            "<code>users:readonly</code></td><td>Reads users</td>",
            "<span class=\"muted\">no description</span>",
            // An open finding and an exempt one.
            "holds the scope authorization",
            "Remove the scope from the client",
            "<span class=\"badge settled\">exempt</span>",
            "<b>Exempt</b> by integrations team, until 2027-06-30 00:00 UTC: Migration | `tool` @all until summer",
            "First seen <time datetime=\"2026-11-20T21:27:41Z\">3 hours ago",
            "377496709730b88128f2eb35c606a7a9",
        ],
    );
    let (open, exempt) = (page.find("holds the scope authorization"), page.find("holds the scope oauth"));
    assert!(open.is_some() && open < exempt, "open findings come first");
}

#[test]
fn it_shows_roles_divisions_and_the_dangerous_permissions_in_effect() {
    let page = text(sample::settled(), "Terraform (production)");
    assert_shows(
        &page,
        &[
            "Provisioning | everything",
            "<bdi>no division</bdi>, <bdi>all divisions, present and future</bdi>, <bdi>Home</bdi>",
            "<code>oauth:client:*</code> <span class=\"badge critical\">critical</span>",
            "matches <code>oauth:client:add</code>",
            "not in effect: scopes do not limit client credentials",
        ],
    );
    assert!(!page.contains("routing:queue:view"), "only dangerous permissions are listed");
}

#[test]
fn unread_roles_do_not_look_like_an_all_clear() {
    let page = text(sample::planted(), "Nightly workforce export");
    assert_shows(
        &page,
        &[
            "<span class=\"badge wait\">not evaluated</span>",
            "This does not mean that the client is compliant",
            "Not evaluated, because roles could not be read",
            "Grant authorization:role:view to the exporter&#39;s role.",
        ],
    );
}

#[test]
fn names_are_never_markup_and_no_script_runs() {
    let mut sample = sample::settled();
    for client in sample.snapshot.clients.iter_mut() {
        client.description = Some(format!("{HOSTILE}\" onload=\"x").into());
        client.redirect_uris = [HOSTILE.into()].into();
    }
    let page = text(sample, HOSTILE);
    assert_shows(&page, &["&#60;script&#62;alert(1)&#60;/script&#62;[U+202E]gnp.exe[U+000A]", "&#34; onload=&#34;x"]);
    for forbidden in ["<script", "\u{202e}", "javascript:", "style=", "<form", "<iframe", "<img src=x"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn an_unknown_client_has_no_page_and_lists_are_limited() {
    let mut sample = sample::settled();
    let id = sample.id("Partner provisioning portal").clone();
    let finding = sample.report.findings_of(&id)[0].clone();
    sample.report.edit_findings(|findings| findings.splice(0..0, vec![finding; 3 * ROWS]).for_each(drop));
    let published = published(sample);
    assert!(page(&published, &ClientId::new("nobody"), NOW, "/metrics").is_none());
    let page = page(&published, &id, NOW, "/metrics").expect("the client has a page").expect("it renders");
    assert_eq!(page.matches("<p class=\"evidence\">").count(), ROWS);
    assert!(page.contains(&format!("and {} more", 2 * ROWS + 2)), "further findings are counted");
}

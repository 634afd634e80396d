//! Tests of the rules on redirect URIs, with the URIs of `tests/data/redirects.tsv` and more members of each class.

use super::*;
use crate::policy::NamePattern;

const ON_URIS: [&str; 8] = [
    "insecure-redirect",
    "wildcard-redirect",
    "executable-redirect",
    "loopback-redirect",
    "custom-scheme-redirect",
    "forbidden-redirect-host",
    "tester-redirect-host",
    "malformed-redirect",
];

/// The rules that fire for the URI, each as `RULE SEVERITY`.
fn fired(uri: &str, hosts: &[&str]) -> Vec<String> {
    let world = World::of("CODE").redirects(&[uri]).with(|w| {
        w.policy.redirects.hosts = hosts.iter().copied().map(NamePattern::new).collect();
    });
    let report = world.report();
    let findings = report.findings().filter(|finding| ON_URIS.contains(&finding.rule.slug));
    findings.map(|finding| format!("{} {}", finding.rule.slug, finding.severity)).collect()
}

#[test]
fn every_redirect_of_the_cases_gives_the_answer_beside_it() {
    let cases = include_str!("../../../../tests/data/redirects.tsv");
    let rows = cases.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    let mut seen = 0;
    for (uri, answer) in rows {
        let expected: &[&str] = match answer.split(':').next().unwrap_or_default().trim() {
            "a rule of its own, high" | "the same" => &["executable-redirect critical"],
            "malformed-redirect" => &["malformed-redirect medium"],
            "none" => &[],
            other if other.starts_with("custom-scheme-redirect; forbidden-redirect-host too") => {
                let with_list = fired(uri, &["*.example.com"]);
                assert_eq!(with_list, ["custom-scheme-redirect medium", "forbidden-redirect-host high"], "{uri}");
                &["custom-scheme-redirect medium"]
            }
            other => panic!("{uri}: an answer that the test does not know: {other}"),
        };
        assert_eq!(fired(uri, &[]), expected, "{uri}");
        seen += 1;
    }
    assert_eq!(seen, 10);
}

#[test]
fn a_scheme_that_a_browser_runs_or_opens_is_found_in_every_disguise() {
    for uri in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "java\r\nscript:alert(1)",
        "\u{1}\u{1f} javascript:alert(1)",
        "\u{a0}java\u{200b}script\u{feff}:alert(1)",
        "javascript :alert(1)",
        "javascript://desk.example.com/%0aalert(1)",
        "view-source:javascript:alert(1)",
        "View-Source: javascript:alert(1)",
        "feed:javascript:alert(1)",
        "blob:javascript:alert(1)",
        "vbscript:msgbox",
        "VBSCRIPT:msgbox",
        "data:text/html,x",
        "DATA:text/html;base64,eA==",
        "d\nata:,x",
    ] {
        let fired = fired(uri, &[]);
        assert!(fired.contains(&"executable-redirect critical".to_owned()), "{uri:?} {fired:?}");
        assert!(!fired.iter().any(|rule| rule.starts_with("custom-scheme")), "{uri:?} is reported once: {fired:?}");
    }
    for uri in [
        "file:///etc/passwd",
        "FILE:\\\\server\\share",
        "blob:https://a.example.com/1",
        "filesystem:https://a.example.com/temporary/x",
        "view-source:file:///etc/passwd",
        "f\tile:///x",
    ] {
        assert!(fired(uri, &[]).contains(&"executable-redirect high".to_owned()), "{uri:?}");
    }
    for uri in [
        "https://a.example.com/javascript:alert(1)",
        "https://a.example.com/cb?next=javascript:alert(1)",
        "com.example.javascript:/cb",
        "com.example.data:/cb",
        "view-source:https://a.example.com/",
        "javascript",
    ] {
        assert!(!fired(uri, &[]).iter().any(|rule| rule.starts_with("executable")), "{uri:?}");
    }
}

#[test]
fn a_redirect_that_a_browser_would_repair_or_that_is_unfinished_is_malformed() {
    for uri in [
        "HTTPS://a.example.com/cb",
        "https:/a.example.com/cb",
        "https:a.example.com/cb",
        "https:////a.example.com/cb",
        "https:/\\a.example.com/cb",
        "https:\\\\a.example.com\\cb",
        "ht\ntps://a.example.com/cb",
        " https://a.example.com/cb",
        "https://a.example.com/cb\u{200b}",
        "https://A.example.com/cb",
        "https://a.example.com./cb",
        "https://.example.com/cb",
        "https://a_b.example.com/cb",
        "https://-a.example.com/cb",
        "https://a-.example.com/cb",
        "https://%61.example.com/cb",
        "https://ａ.example.com/cb",
        "https://a。example.com/cb",
        "https://$HOST/cb",
        "https://good.example.com@evil.example.net/cb",
        "https://@a.example.com/cb",
        "https://a.example.com:/cb",
        "https://a.example.com:443/cb",
        "https://a.example.com:0443/cb",
        "https://a.example.com:08443/cb",
        "https://a.example.com:00/cb",
        "https://a.example.com:65536/cb",
        "https://0300.0250.1.1/cb",
        "https://0xc0.0xa8.0.1/cb",
        "https://3232235777/cb",
        "https://192.168.1/cb",
        "https://[2001:DB8::0:1]/cb",
        "https://a.example.com/x/../cb",
        "https://a.example.com/x/./cb",
        "https://a.example.com/x/%2e%2e/cb",
        "https://a.example.com/x/.%2E/cb",
        "https://a.example.com/x/%252e%252e%252fcb",
        "https://a.example.com/x/..%5ccb",
        "https://a.example.com/x/..;/cb",
        "com.example.app:/x/../cb",
        "Com.Example.App:/cb",
        "https://{host}/cb",
        "https://a.example.com/{tenant}/cb",
        "https://a.example.com/{{ tenant }}/cb",
        "https://a.example.com/%7Btenant%7D/cb",
        "https://a.example.com/%257Btenant%257D/cb",
        "https://a.example.com/$(TENANT)/cb",
        "https://a.example.com/%24%28TENANT%29/cb",
        "https://a.example.com/<tenant>/cb",
        "https://a.example.com/%3Ctenant%3E/cb",
        "https://a.example.com/cb?org=${ORG}",
        "com.example.${NAME}:/cb",
        "/cb",
        "//a.example.com/cb",
        "https://",
    ] {
        let fired = fired(uri, &[]);
        assert!(fired.contains(&"malformed-redirect medium".to_owned()), "{uri:?} {fired:?}");
    }
    let long = format!("https://{}.example.com/cb", "a".repeat(64));
    assert_eq!(fired(&long, &[]), ["malformed-redirect medium"]);
    for uri in [
        "https://a.example.com",
        "https://a.example.com?x=1",
        "https://a.example.com:8443/cb",
        "https://a.example.com/cb/",
        "https://a.example.com/a..b/.well-known/...",
        "https://a.example.com/a%20b?next=https%3A%2F%2Fa.example.com%2F..",
        "https://a.example.com/cb?state=%7B%22a%22%3A1%7D",
        "https://a.example.com/cb(1)",
        "https://a--b.1a.example.com/cb",
        "https://xn--80ak6aa92e.example/cb",
        "https://intranet/cb",
    ] {
        assert_eq!(fired(uri, &[]), [""; 0], "{uri:?}");
    }
    assert_eq!(fired("https://*.example.com/cb", &[]), ["wildcard-redirect critical"], "reported once");
    assert_eq!(
        fired("javascript:{alert(1)}", &[]),
        ["executable-redirect critical"],
        "braces in code do not make a template"
    );
}

#[test]
fn with_an_allow_list_every_redirect_without_an_allowed_host_is_forbidden() {
    let hosts = &["*.example.com", "localhost"];
    for uri in [
        "com.example.app:/cb",
        "com.example.app://a.example.com/cb",
        "urn:ietf:wg:oauth:2.0:oob",
        "javascript:alert(1)",
        "file:///a.example.com",
        "https://a.example.com@evil.example.net/cb",
        "https:\\\\evil.example.net\\@a.example.com",
        "https://evil.example.net#.example.com",
        "https://a.example.com.evil.example.net/cb",
        "https://${HOST}/cb",
        "https://",
        "/cb",
        "",
    ] {
        let fired = fired(uri, hosts);
        assert!(fired.contains(&"forbidden-redirect-host high".to_owned()), "{uri:?} {fired:?}");
    }
    for uri in
        ["https://a.example.com/cb", "HTTPS://A.EXAMPLE.COM./cb", "https:a.example.com", "http://localhost:3000/"]
    {
        let fired = fired(uri, hosts);
        assert!(!fired.iter().any(|rule| rule.starts_with("forbidden")), "{uri:?} {fired:?}");
    }
}

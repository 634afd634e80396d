//! One client of any size makes a report of a limited size, in which nothing that pages is missing and every total is right.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use crate::audit::sink::MOST;
use crate::audit::{Finding, Report, Status, evaluate};
use crate::domain::{Severity, Snapshot};
use crate::fixtures::{self, ClientBuilder, TAKEN_AT as NOW, policy_of};
use crate::output::{Earlier, Selection, Summary};

fn client(scopes: impl IntoIterator<Item = String>) -> ClientBuilder {
    fixtures::client("c-1").spelled("CODE").scopes(scopes)
}

fn snapshot(client: ClientBuilder) -> Snapshot {
    fixtures::snapshot().registry(&["known"]).client(client).build()
}

fn scopes(from: usize, to: usize) -> impl Iterator<Item = String> {
    (from..to).map(|number| format!("s{number:06}"))
}

/// The report by the rule on unknown scopes and the rule on dangerous ones, with these lines in the policy.
fn report(snapshot: &Snapshot, lines: &str) -> Report {
    evaluate(snapshot, &policy_of(&["unknown-scope", "dangerous-scope"], lines), None, NOW)
}

fn of_rule<'a>(report: &'a Report, slug: &str) -> Vec<&'a Finding> {
    report.findings().filter(|finding| finding.rule.slug == slug).collect()
}

const EXEMPT: &str = "[selectors.all]\ngrant = \"code\"\n";

fn exemption(only: &str) -> String {
    format!(
        "[[exemption]]\nid = \"e-{only}\"\nrule = \"unknown-scope\"\nclient = \"all\"\nonly = \"{only}\"\nowner = \"o\"\nreason = \"r\"\n"
    )
}

#[test]
fn a_limited_number_of_findings_is_listed_and_every_total_counts_all_of_them() {
    for total in [1, MOST, MOST + 1, MOST + 2, 5_000] {
        let snapshot = snapshot(client(scopes(0, total)));
        let report = report(&snapshot, "");
        let unknown = of_rule(&report, "unknown-scope");
        assert_eq!(unknown.len(), total.min(MOST + 1), "{total}");
        assert_eq!(unknown.iter().map(|finding| finding.count()).sum::<usize>(), total);
        let summary = Summary::new(&snapshot, &report);
        assert_eq!((summary.findings(Status::Open), report.verdicts().next().expect("a client").open), (total, total));
        if let Some(more) = unknown.get(MOST) {
            let expected = crate::text::counted(total - MOST, "more finding");
            assert!(more.evidence.text.contains(&expected), "{}", more.evidence.text);
            assert_eq!((more.severity, more.evidence.kind.label()), (Severity::Low, "more"));
        }
    }
}

#[test]
fn exempt_findings_do_not_use_up_the_limit() {
    let exempt: String = scopes(0, 60).fold(EXEMPT.to_owned(), |mut text, scope| {
        let _ = write!(text, "{}", exemption(&scope));
        text
    });
    let snapshot = snapshot(client(scopes(0, 100)));
    let report = report(&snapshot, &exempt);
    let open = |status| of_rule(&report, "unknown-scope").into_iter().filter(move |finding| finding.status == status);
    assert_eq!(open(Status::Open).count(), 40, "all open ones are listed");
    assert_eq!(open(Status::Exempt).map(Finding::count).sum::<usize>(), 60);
    assert!(of_rule(&report, "exemption-unused").is_empty(), "an exemption of an unlisted finding is used");
    assert!(report.findings().all(|finding| finding.status != Status::Exempt || finding.exemption.is_some()));
}

#[test]
fn only_new_finds_the_one_new_finding_among_the_unlisted_and_no_other() {
    let earlier = snapshot(client(scopes(10, 200)));
    let earlier_report = report(&earlier, "");
    let before = Earlier::new(&earlier, &earlier_report);
    for (now, is_new) in
        [(client(scopes(10, 200)), false), (client(scopes(10, 201)), true), (client(scopes(9, 200)), true)]
    {
        let report = report(&snapshot(now), "");
        let selection = Selection { before: Some(&before), ..Selection::default() };
        let counted = report.findings().filter(|finding| selection.is_counted(finding)).count();
        assert_eq!(counted, usize::from(is_new));
    }
    let fewer = report(&snapshot(client(scopes(10, 70))), "");
    let selection = Selection { before: Some(&before), ..Selection::default() };
    assert!(!fewer.findings().any(|finding| selection.is_counted(finding)), "one that moves into the list is not new");
}

#[test]
fn no_text_of_a_report_grows_with_the_client() {
    let mut big = client(scopes(0, 3_000)).spelled("CLIENT-CREDENTIALS").named("n");
    for number in 0..500 {
        big = big.role(&format!("r-{number:04}"), "*").redirect(&format!("https://a{number:04}.example/"));
    }
    let report = evaluate(&snapshot(big), &fixtures::policy(""), None, NOW);
    let longest = report.findings().map(|finding| finding.evidence.text.len()).max();
    assert!(longest < Some(1_000), "{longest:?}");
    assert!(report.findings().count() < 10 * MOST, "{}", report.findings().count());
    let verdict = format!("{:?}", report.verdicts().next().expect("a client").verdict);
    assert!(verdict.len() < 2_000, "{}", verdict.len());
}

#[test]
fn a_reason_is_in_memory_once_for_all_findings() {
    let pattern = "[[scopes.dangerous]]\nmatch = \"d*\"\nseverity = \"high\"\nreason = \"r\"\n";
    let report = report(&snapshot(client((0..50).map(|number| format!("d{number}")))), pattern);
    let dangerous = report.findings().filter(|finding| finding.dangerous.is_some());
    let reasons: BTreeSet<*const str> = dangerous.map(|finding| std::ptr::from_ref(finding.reason.as_str())).collect();
    assert_eq!(reasons.len(), 1);
}

#[test]
fn what_many_clients_hold_is_in_memory_once() {
    let mut holders = fixtures::snapshot();
    for number in 0..50 {
        holders = holders.client(fixtures::client(format!("c-{number:02}")).spelled("CODE").scopes(["oauth"]));
    }
    let pattern = "[[scopes.dangerous]]\nmatch = \"oauth\"\nseverity = \"high\"\nreason = \"r\"\n";
    let report = report(&holders.build(), pattern);
    let dangerous: Vec<&Finding> = of_rule(&report, "dangerous-scope");
    assert_eq!(dangerous.len(), 50);
    let evidence: BTreeSet<*const str> =
        dangerous.iter().map(|found| std::ptr::from_ref(&*found.evidence.text)).collect();
    let privileges: BTreeSet<*const str> =
        report.grants().map(|grant| std::ptr::from_ref(grant.privilege.name())).collect();
    let keys: BTreeSet<*const str> = report.grants().map(|grant| std::ptr::from_ref(&**grant.evidence)).collect();
    assert_eq!((evidence.len(), privileges.len(), keys.len()), (1, 1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_limit_loses_no_finding_that_pages(dangerous in 0_usize..150, harmless in 0_usize..150) {
        let pattern = "[[scopes.dangerous]]\nmatch = \"d*\"\nseverity = \"high\"\nreason = \"r\"\n";
        let names: Vec<String> = (0..dangerous).map(|number| format!("d{number}")).collect();
        let snapshot = snapshot(client(names.iter().cloned().chain(scopes(0, harmless))));
        let report = report(&snapshot, pattern);
        let granted: BTreeSet<&str> = report.dangerous_scope_grants().map(|(_, scope, _)| scope).collect();
        let expected: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        prop_assert_eq!(granted, expected);
        prop_assert_eq!(of_rule(&report, "dangerous-scope").len(), dangerous);
        let unknown: usize = of_rule(&report, "unknown-scope").into_iter().map(Finding::count).sum();
        prop_assert_eq!(unknown, dangerous + harmless);
    }
}

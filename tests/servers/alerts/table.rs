//! The list of alerts with their severity and `for`, as documented in docs/alerts.md.

use super::rules::{self, Rule};

/// Name, severity, `for` ("" fires at once), file.
const TABLE: [(&str, &str, &str, &str); 17] = [
    ("GenesysOAuthDangerousScopeUnapproved", "critical", "", "security.yml"),
    ("GenesysOAuthDangerousPermissionUnapproved", "critical", "", "security.yml"),
    ("GenesysOAuthDangerousScopeNew", "critical", "", "security.yml"),
    ("GenesysOAuthDangerousPermissionNew", "critical", "", "security.yml"),
    ("GenesysOAuthExporterDown", "warning", "10m", "health.yml"),
    ("GenesysOAuthOrgVanished", "warning", "30m", "health.yml"),
    ("GenesysOAuthAuditStale", "warning", "5m", "health.yml"),
    ("GenesysOAuthBaselineDrift", "warning", "15m", "health.yml"),
    ("GenesysOAuthTokenFailing", "warning", "15m", "health.yml"),
    ("GenesysOAuthRateLimited", "warning", "30m", "health.yml"),
    ("GenesysOAuthMissingPermission", "warning", "30m", "health.yml"),
    ("GenesysOAuthRecordsPartial", "warning", "30m", "health.yml"),
    ("GenesysOAuthClientCountDropped", "warning", "30m", "health.yml"),
    ("GenesysOAuthExemptionExpiring", "info", "1h", "health.yml"),
    ("GenesysOAuthStateNotPersistent", "warning", "30m", "health.yml"),
    ("GenesysOAuthSeriesDropped", "warning", "30m", "health.yml"),
    ("GenesysOAuthConfigReloadFailed", "warning", "5m", "health.yml"),
];

#[test]
fn the_alerts_are_those_of_the_table() {
    let rules = rules::all();
    let row = |rule: &Rule| {
        let hold = rule.hold.clone().unwrap_or_default();
        (rule.alert.clone(), rule.inner["severity"].clone(), hold, rule.file)
    };
    let found: Vec<_> = rules.iter().map(row).collect();
    let expected: Vec<_> =
        TABLE.map(|(alert, severity, hold, file)| (alert.into(), severity.into(), hold.into(), file)).into();
    assert_eq!(found, expected);
}

#[test]
fn every_alert_has_unit_tests_and_every_unit_test_an_alert() {
    for name in rules::test_files() {
        let alert = name.split('.').next().unwrap_or_default();
        assert!(TABLE.iter().any(|row| row.0 == alert), "alerts/tests/{name} is about no alert");
    }
    for rule in rules::all() {
        assert!(!rule.tests().is_empty(), "{} has no unit tests", rule.alert);
    }
}

#[test]
fn the_documentation_has_the_same_table() {
    let text = std::fs::read_to_string("docs/alerts.md").expect("docs/alerts.md");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| [")).collect();
    assert_eq!(rows.len(), TABLE.len());
    for (row, (alert, severity, hold, _)) in rows.iter().zip(TABLE) {
        let gap = if hold.is_empty() { "" } else { " " };
        let start = format!("| [{alert}](runbooks/{alert}.md) | {severity} |{gap}{hold} |");
        assert!(row.starts_with(&start), "{row}\nshould begin with\n{start}");
    }
}

/// An alert with a label of a target would start again when a pod replaces another, and would fire once for each replica.
#[test]
fn no_alert_has_a_label_of_a_target() {
    for name in rules::test_files() {
        let text = std::fs::read_to_string(format!("alerts/tests/{name}")).expect("UTF-8");
        for labels in text.lines().filter(|line| line.contains("exp_labels:")) {
            for label in ["job:", "instance:", "pod:"] {
                assert!(!labels.contains(label), "alerts/tests/{name}: {labels}");
            }
        }
    }
}

/// The range of 15 days costs processor time for each series. Therefore only one family with a series for each organisation and target is
/// read over it, in a group that is evaluated less often.
#[test]
fn only_organisations_are_read_over_a_long_time() {
    let days = |text: &str| text.matches("[15d]").count();
    for rule in rules::all() {
        assert_eq!(days(&rule.expr), rule.expr.matches("genesyscloud_oauth_org_info[15d]").count(), "{}", rule.alert);
    }
    let health = std::fs::read_to_string("alerts/health.yml").expect("UTF-8");
    let (slow, rest) = health.split_once("  - name: genesyscloud-oauth-health\n").expect("the second group");
    assert!(slow.contains("    interval: 2m\n") && days(rest) == 0 && !rest.contains("interval:"));
}

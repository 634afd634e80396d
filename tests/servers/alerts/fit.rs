//! `alerts` prints rules that Prometheus accepts and that fit the settings, whatever they are.

use std::fs;
use std::path::Path;

use super::rules::FILES;
use super::tools::{PROMTOOLS, must};
use crate::support::program;

/// Writes both rule files for these settings.
fn rules(folder: &Path, flags: &[&str]) {
    let output = program().arg("alerts").arg("--directory").arg(folder).args(flags).output().expect("it runs");
    assert!(output.status.success(), "{flags:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs unit tests on the rules for these settings, without annotations in the output.
fn check(flags: &[&str], tests: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    rules(folder.path(), flags);
    let file = folder.path().join("tests.yml");
    let head = "rule_files: [security.yml, health.yml]\nevaluation_interval: 1h\ntests:\n";
    fs::write(&file, format!("{head}{tests}")).expect("writable");
    for promtool in PROMTOOLS {
        must(promtool, ["test".as_ref(), "rules".as_ref(), file.as_os_str()]);
    }
}

#[test]
fn the_files_in_alerts_are_the_output_without_flags() {
    let folder = tempfile::tempdir().expect("a folder");
    rules(folder.path(), &[]);
    for file in FILES {
        let name = file.trim_start_matches("alerts/");
        let printed = fs::read_to_string(folder.path().join(name)).expect("written");
        assert!(printed == fs::read_to_string(file).expect("a rule file"), "{file} differs; run scripts/generate");
    }
}

#[test]
fn prometheus_accepts_the_rules_for_any_settings() {
    let long = "x".repeat(256);
    let many: Vec<String> = (0..40).map(|number| format!("--label=label_{number}={number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let label = format!("--label=long={long}");
    let settings: [&[&str]; 8] = [
        &[],
        &["--refresh.interval=1s", "--refresh.stale-after=2s"],
        &["--refresh.interval=1d", "--refresh.stale-after=365d"],
        &["--refresh.interval=1m1s1ms", "--refresh.stale-after=1h30m5ms"],
        &[
            "--job",
            "a \"b\" 'c' \\ {{ $d }}: # @job@ \u{fc}\u{1f680}",
            "--web.external-url",
            "http://[::1]:9847/it's/{{x}}",
        ],
        &[
            "--label",
            "team=it's \"ours\" \\ {{ $value }} {{ end }}: # x",
            "--label=yes=no",
            "--label=n=1",
            "--label=null=~",
            &label,
        ],
        &["--runbooks=https://git.example.net/a b/ALERT.md", "--dashboards=https://grafana.example.net/x/"],
        &many,
    ];
    for flags in settings {
        let folder = tempfile::tempdir().expect("a folder");
        rules(folder.path(), flags);
        let both = program().arg("alerts").args(flags).output().expect("it runs");
        fs::write(folder.path().join("both.yml"), both.stdout).expect("writable");
        for promtool in PROMTOOLS {
            for name in ["security.yml", "health.yml", "both.yml"] {
                let said = must(promtool, ["check".into(), "rules".into(), folder.path().join(name)]);
                let count = if name == "both.yml" { "17 rules" } else { "rules found" };
                assert!(said.contains(count), "{flags:?}: {said}");
            }
        }
    }
}

/// The last data is an hour old when the exporter dies. The page lasts for `stale-after` and two hours.
#[test]
fn an_open_page_lasts_as_long_as_the_data_may_be_stale() {
    const TESTS: &str = "  - interval: 1h
    input_series:
      - {series: 'genesyscloud_oauth_org_info{org=\"acme\"}', values: '1 1 stale'}
      - {series: 'genesyscloud_oauth_client_dangerous_scope_unapproved{org=\"acme\",client_id=\"c1\",scope=\"oauth\"}', values: '1 1 stale'}
    promql_expr_test:
      - {expr: &pages 'count(ALERTS{alertname=\"GenesysOAuthDangerousScopeUnapproved\",alertstate=\"firing\"})', eval_time: LASTh, exp_samples: [{labels: '{}', value: 1}]}
      - {expr: *pages, eval_time: OVERh, exp_samples: []}
";
    for (flag, memory) in
        [("--refresh.stale-after=24h", 26), ("--refresh.stale-after=6h", 8), ("--refresh.stale-after=7d", 170)]
    {
        let tests = TESTS.replace("LAST", &memory.to_string()).replace("OVER", &(memory + 2).to_string());
        check(&[flag], &tests);
    }
}

/// An attempt in each refresh, and a refresh each day: with the windows of the defaults, neither alert would ever fire.
#[test]
fn a_refresh_a_day_is_enough_to_notice_that_nothing_works() {
    const TESTS: &str = "  - interval: 1h
    input_series:
      - {series: 'genesyscloud_oauth_exporter_token_fetches_total{org=\"acme\",outcome=\"invalid_client\"}', values: '0x23 1x23 2x23 3x23 4x23'}
      - {series: 'genesyscloud_oauth_exporter_token_fetches_total{org=\"acme\",outcome=\"success\"}', values: '1x120'}
      - {series: 'genesyscloud_oauth_exporter_api_requests_total{org=\"acme\",endpoint=\"clients\",code=\"429\"}', values: '0x23 5x23 10x23 15x23 20x23'}
    promql_expr_test:
      - {expr: 'count(ALERTS{alertname=\"GenesysOAuthTokenFailing\",alertstate=\"firing\"})', eval_time: 60h, exp_samples: [{labels: '{}', value: 1}]}
      - {expr: 'count(ALERTS{alertname=\"GenesysOAuthTokenFailing\",alertstate=\"firing\"})', eval_time: 95h, exp_samples: [{labels: '{}', value: 1}]}
      - {expr: 'count(ALERTS{alertname=\"GenesysOAuthRateLimited\",alertstate=\"firing\"})', eval_time: 60h, exp_samples: [{labels: '{}', value: 1}]}
      - {expr: 'count(ALERTS{alertname=\"GenesysOAuthRateLimited\",alertstate=\"firing\"})', eval_time: 95h, exp_samples: [{labels: '{}', value: 1}]}
";
    check(&["--refresh.interval=1d", "--refresh.stale-after=7d"], TESTS);
}

#[test]
fn the_job_the_labels_and_the_links_are_those_that_were_given() {
    const TESTS: &str = "  - interval: 1h
    input_series:
      - {series: 'up{job=\"a \\\"b\\\" {{ c }}\",instance=\"a\"}', values: '0x5'}
      - {series: 'up{job=\"genesyscloud-oauth\",instance=\"a\"}', values: '1x5'}
      - {series: 'genesyscloud_oauth_exporter_build_info{instance=\"x\"}', values: '1x5'}
    alert_rule_test:
      - eval_time: 3h
        alertname: GenesysOAuthExporterDown
        exp_alerts:
          - exp_labels: {severity: warning, team: 'it is \"ours\" {{ $value }}', tier: '1'}
            exp_annotations:
              summary: Prometheus cannot scrape a Genesys Cloud OAuth exporter
              description: >-
                No target of the job answers, or no target is an exporter, or a target is down and no other exporter reports its
                organisations. Open pages stay open for at most 26 hours. New dangerous grants are not detected until the exporter is
                back.
              runbook_url: https://oauth.example.net/x/runbooks/GenesysOAuthExporterDown
              dashboard_url: https://grafana.example.net/d/genesys-oauth-exporter
";
    let labels = ["--label", "team=it is \"ours\" {{ $value }}", "--label", "tier=1"];
    let links = ["--web.external-url=https://oauth.example.net/x/", "--dashboards=https://grafana.example.net"];
    check(&[&["--job", "a \"b\" {{ c }}"][..], &labels, &links].concat(), TESTS);
}

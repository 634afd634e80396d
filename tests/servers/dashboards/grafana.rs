//! Grafana's own packages accept the dashboards, and the generator writes the same files.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::model::files;

/// Exit code and output.
fn check(files: &[&Path]) -> (bool, String) {
    let output = Command::new("scripts/check-dashboards").args(files).output().expect("it runs");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_dashboards_are_as_the_generator_makes_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = Command::new("node").arg("scripts/dashboards/generate.mjs").arg(folder.path()).status();
    assert!(made.expect("node is installed; scripts/check installs it").success());
    for file in files() {
        let generated = fs::read_to_string(folder.path().join(file.file_name().expect("a name"))).expect("it was made");
        let same = fs::read_to_string(&file).expect("UTF-8") == generated;
        assert!(same, "{} differs from its source; run scripts/generate", file.display());
    }
}

#[test]
fn grafana_knows_every_field_unit_reducer_and_transformation() {
    let (good, said) = check(&[]);
    assert!(good, "{said}");
}

/// The text, its replacement, and the error that the check must report for which panel.
const DAMAGE: [(&str, &str, &str); 13] = [
    (r#""unit": "percentunit""#, r#""unit": "percentunits""#, r#"panel "Coverage": unknown unit percentunits"#),
    (
        r#""lastNotNull""#,
        r#""lastNonNull""#,
        r#"panel "Clients": /options/reduceOptions/calcs: unknown reducer lastNonNull"#,
    ),
    (r#""id": "organize""#, r#""id": "organise""#, r#"panel "Firing Alerts": unknown transformation organise"#),
    (r#""type": "table""#, r#""type": "tabel""#, r#"panel "Firing Alerts": unknown type tabel"#),
    (r#""id": "byName""#, r#""id": "byNaem""#, r#"panel "Clients by Grant Type": unknown matcher byNaem"#),
    (r#""custom.width""#, r#""custom.widht""#, r#"panel "Firing Alerts": override custom.widht"#),
    (r#""drawStyle""#, r#""drawStile""#, r#"panel "Clients by Verdict": /fieldConfig/defaults/custom must NOT have"#),
    (r#""colorMode": "background""#, r#""colorMode": 3"#, r#"panel "Unapproved Grants": /options/colorMode must be"#),
    (r#""fixedColor": "orange""#, r#""fixedColor": "oragne""#, "unknown colour oragne"),
    (r#""color": "transparent""#, r#""color": "green""#, r#"panel "Firing Alerts": green without data of Severity"#),
    (r#""match": "null+nan""#, r#""match": "nan""#, r#"panel "Coverage": without data, it shows "No data" in"#),
    ("or vector(NaN)", "or vector(0)", r#"panel "Flagged": it makes up the value 0, which is not red"#),
    (r#""noValue": "No data""#, r#""noValue": "0""#, r#"panel "Clients": it does not say that there is no data"#),
];

#[test]
fn damage_is_found_and_the_panel_is_named() {
    let good = fs::read_to_string("dashboards/genesys-oauth-overview.json").expect("UTF-8");
    let folder = tempfile::tempdir().expect("a folder");
    let mut damaged = Vec::new();
    for (at, (from, to, _)) in DAMAGE.iter().enumerate() {
        assert!(good.contains(from), "{from}");
        let file = folder.path().join(format!("{at}.json"));
        fs::write(&file, good.replace(from, to)).expect("writable");
        damaged.push(file);
    }
    let (passed, said) = check(&damaged.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    assert!(!passed);
    for (at, (_, to, expected)) in DAMAGE.iter().enumerate() {
        let file = format!("{at}.json: ");
        let found = said.lines().any(|line| line.contains(&file) && line.contains(expected));
        assert!(found, "{to}: expected {expected}, got:\n{said}");
    }
}

#[test]
fn what_provisions_grafana_fits_the_dashboards_and_the_documentation() {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let source = read("examples/monitoring/grafana/provisioning/datasources/prometheus.yml");
    for line in ["name: Prometheus", "type: prometheus", "url: http://127.0.0.1:9090", "timeInterval: "] {
        assert!(source.contains(line), "{line}");
    }
    let provider = read("examples/monitoring/grafana/provisioning/dashboards/genesys-oauth.yml");
    let path = provider.lines().find_map(|line| line.trim().strip_prefix("path: ")).expect("a path");
    let document = read("docs/dashboards.md");
    assert!(document.contains(&format!("cp dashboards/*.json {path}/")), "{path}");
    for file in files() {
        let name = file.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        assert!(document.contains(&format!("| `{name}` |")), "{name}");
    }
}

//! What organisations have in common: warnings, policies, secrets of `[defaults]`; and what `--org` leaves out.
//!
//! Not the settings of one organisation, nor the mistakes in the file (`tests`).

use std::sync::Arc;

use super::tests::{GOOD, errors, folder, gathered};
use crate::config::Settings;
use crate::secret::SecretSource;

#[test]
fn a_warning_about_several_organisations_is_one() {
    let (_folder, path) = folder(&GOOD.replace("burst = 20", "burst = 3000"));
    let settings = Settings::from_raw(&gathered(&path, &[], &[])).expect("valid");
    assert_eq!(settings.warnings.len(), 1, "{:?}", settings.warnings);
    let expected = "organisations production, Test: requests_per_minute (180) and burst (3000) together exceed 300";
    assert!(settings.warnings[0].starts_with(expected), "{:?}", settings.warnings);
}

#[test]
fn with_org_the_settings_of_the_others_do_not_count_and_their_secrets_are_not_needed() {
    let text = GOOD
        .replace("client_secret_file = \"secrets/two\"", "client_secret_env = \"NOT_SET\"\npolicy_file = \"no.toml\"");
    let (_folder, path) = folder(&text.replace("region = \"eu-west-1\"", "region = \"nowhere\""));
    for (org, expected) in [("production", vec!["region"]), ("Test", vec!["client_secret_env", "policy_file"])] {
        let errors = Settings::from_raw(&gathered(&path, &[("org", org)], &[])).expect_err("a mistake of its own");
        let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(expected).all(|(error, key)| error.contains(&format!(": {key}: "))), "{found:?}");
    }
    let errors = Settings::offline(&gathered(&path, &[], &[])).expect_err("a policy that is missing");
    assert_eq!(errors.len(), 1, "credentials are not needed: {errors:?}");
    assert!(errors[0].to_string().contains("policy_file: "), "{}", errors[0]);
}

#[test]
fn organisations_with_the_same_policy_share_one_copy_of_it() {
    let (_folder, path) = folder(&GOOD.replacen("burst = 20", "burst = 20\npolicy_file = \"policy.toml\"", 1));
    let settings = Settings::from_raw(&gathered(&path, &[], &[])).expect("valid");
    let [first, second] = settings.organisations.as_slice() else { panic!("two organisations") };
    assert!(!Arc::ptr_eq(&first.watch.in_force.policy, &second.watch.in_force.policy), "one has more scopes");
    let text = GOOD.replace("required_scopes = [\"oauth\", \"users\"]\n", "policy_file = \"policy.toml\"\n");
    let (_folder, path) = folder(&text);
    let settings = Settings::from_raw(&gathered(&path, &[], &[])).expect("valid");
    let [first, second] = settings.organisations.as_slice() else { panic!("two organisations") };
    assert!(Arc::ptr_eq(&first.watch.in_force.policy, &second.watch.in_force.policy));
    let again = crate::refresh::InForce::read(&first.watch.files).expect("it was valid");
    assert!(Arc::ptr_eq(&first.watch.in_force.policy, &again.policy), "after a reload too");
}

#[test]
fn a_secret_of_one_organisation_takes_the_place_of_the_common_one_wherever_each_is() {
    let in_variable = GOOD.replace("client_secret_file = \"secrets/two\"", "client_secret_env = \"TWO\"");
    let common = GOOD.replace("client_secret_file = \"secrets/all\"", "client_secret_env = \"ALL\"");
    for (text, is_file) in [(in_variable, [true, false]), (common, [false, true])] {
        let (_folder, path) = folder(&text);
        let settings = Settings::from_raw(&gathered(&path, &[], &[("TWO", "hunter2"), ("ALL", "hunter3")]));
        let organisations = settings.expect("valid").organisations;
        let found = organisations.iter().map(|one| matches!(one.platform.client_secret, SecretSource::File(_)));
        assert_eq!(found.collect::<Vec<_>>(), is_file);
    }
    let both = GOOD.replace(
        "client_secret_file = \"secrets/two\"",
        "client_secret_file = \"secrets/two\"\nclient_secret_env = \"TWO\"",
    );
    assert!(errors(&both, &[], &[("TWO", "hunter2")])[0].contains("set only one of them"));
}

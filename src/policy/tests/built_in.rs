//! Tests of the built-in policy: what it lists as dangerous, and what it does not.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_built_in_policy_lists_dangerous_permissions_and_tester_hosts() {
    let policy = Policy::built_in(RULES).expect("the built-in policy is valid");
    let permission = |text| Permission::parse(text).expect(text);
    let worst = |text| {
        let granted = permission(text);
        policy.permissions.dangerous_patterns(&granted).map(|dangerous| dangerous.severity).max()
    };
    for (granted, expected) in [
        ("authorization:grant:add", Some(Severity::Critical)),
        ("authorization:grant:*", Some(Severity::Critical)),
        ("authorization:*:*", Some(Severity::Critical)),
        ("oauth:client:Authorize", Some(Severity::Critical)),
        ("directory:user:setpassword", Some(Severity::Critical)),
        ("telephony:plugin:all", Some(Severity::High)),
        ("gdpr:*:add", Some(Severity::High)),
        // Permissions that only read, including those of the exporter's own role.
        ("authorization:grant:view", None),
        ("authorization:role:view", None),
        ("oauth:client:view", None),
        ("usage:organization:view", None),
        ("audits:audit:view", None),
        ("architect:flow:view", None),
    ] {
        assert_eq!(worst(granted), expected, "{granted}");
    }
    assert!(policy.permissions.dangerous.iter().all(|dangerous| dangerous.reason.len() > 15));
    let tester = |host| policy.redirects.testers.iter().any(|pattern| pattern.matches(host));
    for host in
        ["webhook.site", "oauth.pstmn.io", "a1b2.ngrok-free.app", "x.ngrok.io", "abc.m.pipedream.net", "requestbin.net"]
    {
        assert!(tester(host), "{host}");
    }
    for host in ["app.example.com", "login.mypurecloud.com", "notwebhook.site", "ngrok.io.example.org"] {
        assert!(!tester(host), "{host}");
    }
    let admin = |name| policy.roles.admin.iter().any(|pattern| pattern.matches(name));
    assert!(admin("Master Admin") && admin("admin") && !admin("Queue admin") && !admin("Administration clerk"));
}

/// The areas of permissions, as `domain:entity`, that a client reaches through a dangerous scope (from the vendor's API document: the
/// permissions of the calls that the scope opens).
const AREAS: &[(&str, &[&str])] = &[
    ("oauth", &["oauth:client", "oauth:token"]),
    ("authorization", &["authorization:role", "authorization:grant", "authorization:division"]),
    ("organization-authorization", &["authorization:orgTrustee", "authorization:orgTrusteeUser"]),
    ("identity-providers", &["sso:provider"]),
    ("scim", &["scim:users"]),
    ("organization", &["directory:organization"]),
    ("users", &["directory:user", "directory:group"]),
    ("integrations", &["integrations:integration", "integrations:action", "integrations:actionFunction"]),
    ("gdpr", &["gdpr:request"]),
    (
        "recordings",
        &[
            "recording:recording",
            "recording:screenRecording",
            "recording:retentionPolicy",
            "recording:settings",
            "recording:encryptionKey",
            "telephony:pcap",
        ],
    ),
    ("user-recordings", &["recording:recording"]),
    ("architect", &["architect:flow"]),
    ("telephony", &["telephony:plugin", "telephony:station", "telephony:phone", "telephony:pcap", "routing:callRoute"]),
    ("external-contacts", &["externalContacts:contact"]),
    ("upload", &["recording:recording"]),
    ("infrastructureascode", &["infrastructureascode:job"]),
    ("data-privacy", &["dataprivacy:maskingrule"]),
    ("screen-monitoring", &["realtimeMonitor:screen"]),
    ("logcapture", &["troubleshooting:logCapture"]),
];

#[test]
fn every_area_of_a_dangerous_scope_has_a_dangerous_permission() {
    let policy = Policy::built_in(RULES).expect("the built-in policy is valid");
    // Names that only older guides mention open no call.
    let real = policy.scopes.dangerous.iter().filter(|dangerous| !dangerous.allow_unmatched);
    let scopes: BTreeSet<String> = real.map(|dangerous| dangerous.pattern.to_string()).collect();
    let mapped: BTreeSet<String> = AREAS.iter().map(|(scope, _)| (*scope).to_owned()).collect();
    assert_eq!(scopes, mapped, "a dangerous scope without its areas, or areas of a scope that is not dangerous");
    for (scope, areas) in AREAS {
        for area in *areas {
            let every_action = Permission::parse(&format!("{area}:*")).expect("three segments");
            let worst = policy.permissions.dangerous_patterns(&every_action).map(|dangerous| dangerous.severity).max();
            let expected = policy.scopes.dangerous_pattern(scope).map(|dangerous| dangerous.severity);
            assert!(worst.is_some(), "{scope} is dangerous, but nothing in {area}");
            assert!(worst >= Some(Severity::High) && expected >= Some(Severity::High), "{scope} {area}");
        }
    }
}

//! Tests of the built-in policy: what it lists as dangerous, and what it does not.

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

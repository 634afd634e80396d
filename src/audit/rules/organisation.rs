//! Rules on settings of the organisation.
//!
//! Rules on what changed since the baseline are in `drift`.

use super::context::Context;
use crate::audit::finding::{Evidence, Kind};
use crate::audit::rule::{AppliesTo, BASE, Rule, any_of};
use crate::audit::sink::Sink;
use crate::domain::Severity;

pub(super) static SCOPES_NOT_ENFORCED: Rule = Rule {
    slug: "scopes-not-enforced",
    title: "Scopes are not enforced",
    severity: Severity::High,
    severity_note: "medium if the policy does not say whether they are enforced",
    applies_to: AppliesTo::Organisation,
    needs: &[],
    why: "Without scope enforcement, every user-grant client may do everything that the user who signs in may do, whatever its scopes say.",
    reference: "https://help.mypurecloud.com/articles/enabling-oauth-scope-enforcement/",
    traps: "No API reports this setting, so the rule uses what the policy says. The platform's default is off.",
    remediation: "Turn scope enforcement on in the organisation's settings. Then attest it in the policy: scope_enforcement = true under [org].",
    severities: |rule, policy| any_of(rule, policy, [Severity::High, Severity::Medium]),
    ..BASE
};

pub(super) fn scopes_not_enforced(context: &Context<'_>, findings: &mut Sink<'_>) {
    if !context.is_about_organisation() {
        return;
    }
    let (severity, text) = match context.policy.org.scope_enforcement {
        Some(true) => return,
        Some(false) => (Severity::High, "the policy says that scope enforcement is off"),
        None => (Severity::Medium, "the policy does not say whether scope enforcement is on; by default it is off"),
    };
    let evidence = Evidence::new(Kind::Setting, "scope_enforcement", text);
    findings.push(context.finding_at(&SCOPES_NOT_ENFORCED, severity, evidence));
}

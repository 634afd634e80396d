//! Rules on the organisation as a whole.
//!
//! Not on what changed in it: that is compared with the baseline.

use super::{AppliesTo, BASE, Context, Rule, any_of};
use crate::audit::{Evidence, Finding, Kind};
use crate::domain::Severity;

pub(super) static SCOPES_NOT_ENFORCED: Rule = Rule {
    slug: "scopes-not-enforced",
    title: "Scopes are not enforced",
    severity: Severity::High,
    severity_note: "medium where the policy does not say whether they are",
    applies_to: AppliesTo::Organisation,
    needs: &[],
    why: "Without scope enforcement every user-grant client has the whole power of whichever user signs in, whatever its scopes say.",
    reference: "https://help.mypurecloud.com/articles/enabling-oauth-scope-enforcement/",
    traps: "No API tells: the policy's word is taken. The platform's default is off.",
    remediation: "Switch scope enforcement on in the organisation's settings, then attest it: scope_enforcement = true under [org] of the policy.",
    severities: |rule, policy| any_of(rule, policy, [Severity::High, Severity::Medium]),
    check: scopes_not_enforced,
    ..BASE
};

fn scopes_not_enforced(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let (severity, text) = match context.policy.org.scope_enforcement {
        Some(true) => return,
        Some(false) => (Severity::High, "the policy says that scope enforcement is off"),
        None => (Severity::Medium, "the policy does not say whether scope enforcement is on; by default it is off"),
    };
    let evidence = Evidence::new(Kind::Setting, "scope_enforcement", text);
    findings.push(context.finding_on_organisation(&SCOPES_NOT_ENFORCED, severity, evidence));
}

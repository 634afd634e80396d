//! Rules on the lifetime of tokens and clients, and on who is responsible for them.
//!
//! Rules on what they may do are in `scopes` and `permissions`.

use super::context::Context;
use crate::audit::finding::{Evidence, Kind};
use crate::audit::rule::{BASE, Confidence, Rule, any_of};
use crate::audit::sink::Sink;
use crate::domain::{Client, ClientField, ClientState, Severity};
use crate::text::SharedText;

/// The longest token lifetime that the platform allows without SCIM, in seconds (Terraform provider, `oauth_client`).
const LONGEST_WITHOUT_SCIM: u32 = 172_800;

const VALIDITY: &str = "Terraform provider, docs/resources/oauth_client.md, access_token_validity_seconds";
const LIFE_CYCLE: &str = "https://help.mypurecloud.com/?p=188025";

pub(super) static LONG_LIVED: Rule = Rule {
    slug: "long-lived-token",
    title: "Long-lived tokens",
    severity: Severity::Medium,
    severity_note: "high if the client has dangerous scopes or permissions",
    reads: &[ClientField::TokenValidity],
    why: "A leaked token works until it expires.",
    reference: VALIDITY,
    traps: "A client without a value has the platform's default, 86400 s. An [[expect]] entry with max_token_validity takes precedence over [defaults] of the policy.",
    remediation: "Shorten the client's token duration. Clients can request a new token at any time.",
    severities: |rule, policy| any_of(rule, policy, [Severity::High, Severity::Medium]),
    ..BASE
};

pub(super) static SCIM_LIVED: Rule = Rule {
    slug: "scim-lived-token",
    title: "Token lifetime reserved for SCIM clients",
    severity: Severity::High,
    reads: &[ClientField::TokenValidity],
    why: "The platform allows tokens of more than two days, up to 450 days, only for user provisioning (SCIM). A leaked token works for all that time.",
    reference: VALIDITY,
    traps: "This is fine for a client that does nothing but SCIM: exempt it, with an end date.",
    remediation: "Shorten the client's token duration to 172800 s or less, unless the client is for SCIM.",
    ..BASE
};

pub(super) static UNUSED: Rule = Rule {
    slug: "unused-client",
    title: "Unused client",
    severity: Severity::Medium,
    severity_note: "high if the client has dangerous scopes or permissions",
    confidence: Confidence::Likely,
    not_built: Some("this version does not collect usage data"),
    why: "Nobody needs the client, and nobody would notice if an attacker used it.",
    reference: "https://help.mypurecloud.com/?p=202431",
    traps: "Clients younger than the window, and clients whose usage could not be read, are not evaluated.",
    remediation: "Ask the owner, deactivate the client, and delete it after a waiting period.",
    severities: |rule, policy| any_of(rule, policy, [Severity::High, Severity::Medium]),
    ..BASE
};

pub(super) static DISABLED: Rule = Rule {
    slug: "disabled-client",
    title: "Disabled client",
    severity: Severity::Info,
    reads: &[ClientField::State],
    why: "The client cannot obtain tokens, but it still exists. If somebody reactivates it, all its scopes and roles are back.",
    reference: LIFE_CYCLE,
    traps: "All other rules evaluate the client like an active one.",
    remediation: "Delete the client, or document why it is kept.",
    ..BASE
};

pub(super) static DELETION: Rule = Rule {
    slug: "deletion-scheduled",
    title: "Deletion scheduled",
    severity: Severity::Info,
    reads: &[ClientField::Deletion],
    why: "The platform deletes the client on the scheduled day. Until then, it can be restored.",
    reference: LIFE_CYCLE,
    traps: "Clients younger than 30 days are deleted at once and never have a scheduled deletion.",
    remediation: "If the client is no longer needed, do nothing. Otherwise restore it before that day.",
    ..BASE
};

pub(super) static NO_OWNER: Rule = Rule {
    slug: "no-owner",
    title: "No owner",
    severity: Severity::Low,
    confidence: Confidence::Likely,
    reads: &[ClientField::Description],
    why: "Nobody is recorded as responsible for the client, so nobody will approve, renew or remove it.",
    reference: "the policy, [[owner]]",
    traps: "A description that names an owner, a team, a contact or an e-mail address is enough.",
    remediation: "Add the client to the policy's inventory, or write the owner into its description.",
    ..BASE
};

pub(super) static NO_DESCRIPTION: Rule = Rule {
    slug: "no-description",
    title: "No description",
    severity: Severity::Info,
    reads: &[ClientField::Description],
    why: "The purpose of the client is unknown, so a reviewer cannot decide whether it is still needed.",
    reference: "Python SDK, OAuthClient.md, description",
    traps: "A description of only white space counts as missing.",
    remediation: "Describe what the client does and for whom.",
    ..BASE
};

pub(super) fn long_lived(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered_without_gap(&LONG_LIVED) {
        let (seconds, most) = (client.effective_token_validity(), context.policy.max_token_validity(client));
        if seconds > most {
            let severity = if context.is_dangerous(client) { Severity::High } else { Severity::Medium };
            let text = format!("has a token lifetime of {seconds} s; the policy allows {most} s");
            findings.push(context.finding_at(&LONG_LIVED, severity, of_tokens(text)));
        }
    }
}

pub(super) fn scim_lived(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered_without_gap(&SCIM_LIVED) {
        let seconds = client.effective_token_validity();
        if seconds > LONGEST_WITHOUT_SCIM {
            let text = format!("has a token lifetime of {seconds} s ({} days)", seconds / 86_400);
            findings.push(context.finding(&SCIM_LIVED, of_tokens(text)));
        }
    }
}

pub(super) fn disabled(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&DISABLED)
        && matches!(client.state, ClientState::Disabled | ClientState::Inactive)
    {
        let text = format!("is {} but still exists", client.state.label());
        findings.push(context.finding(&DISABLED, of_client(text)));
    }
}

pub(super) fn deletion(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered(&DELETION) {
        let Some(when) = client.deletion else { return };
        let days = context.clock.days_until(when);
        let text = match days {
            ..=-1 => "should have been deleted by now".to_owned(),
            0 => "will be deleted within a day".to_owned(),
            1 => "will be deleted in 1 day".to_owned(),
            days => format!("will be deleted in {days} days"),
        };
        findings.push(context.finding(&DELETION, of_client(text)));
    }
}

pub(super) fn no_owner(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered_without_gap(&NO_OWNER)
        && context.policy.owner(client).is_none()
        && !names_an_owner(client)
    {
        let text = "has no owner, neither in the policy's inventory nor in its description";
        findings.push(context.finding(&NO_OWNER, of_client(text)));
    }
}

pub(super) fn no_description(context: &Context<'_>, findings: &mut Sink<'_>) {
    if let Some(client) = context.covered_without_gap(&NO_DESCRIPTION)
        && client.description.as_deref().is_none_or(|description| description.trim().is_empty())
    {
        findings.push(context.finding(&NO_DESCRIPTION, of_client("has no description")));
    }
}

/// Whether the description says who is responsible for the client: by a usual word for it, or by an e-mail address.
fn names_an_owner(client: &Client) -> bool {
    const WORDS: [&str; 6] = ["owner", "owned by", "team:", "contact:", "responsible", "@"];
    let description = client.description.as_deref().unwrap_or_default().to_lowercase();
    WORDS.iter().any(|word| description.contains(word))
}

fn of_client(text: impl Into<SharedText>) -> Evidence {
    Evidence::new(Kind::Client, "", text)
}

fn of_tokens(text: String) -> Evidence {
    Evidence::new(Kind::TokenValidity, "", text)
}

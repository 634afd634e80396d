//! Rules on how long tokens and clients live, and on who answers for them.
//!
//! Not on what they may do.

use super::{BASE, Confidence, Context, Rule, any_of};
use crate::audit::{Evidence, Finding, Kind};
use crate::domain::{Client, ClientState, Severity};

/// The longest token life of any client that is not for SCIM, in seconds (Terraform provider, `oauth_client`).
const LONGEST_BUT_FOR_SCIM: u32 = 172_800;

const VALIDITY: &str = "Terraform provider, docs/resources/oauth_client.md, access_token_validity_seconds";
const LIFE_CYCLE: &str = "https://help.mypurecloud.com/?p=188025";

pub(super) static LONG_LIVED: Rule = Rule {
    slug: "long-lived-token",
    title: "Long-lived tokens",
    severity: Severity::Medium,
    severity_note: "high with dangerous scopes or permissions",
    why: "A token that leaks is good until it ends.",
    reference: VALIDITY,
    traps: "No value is the platform's default, 86400 s. The policy's maximum counts, and an expectation's before the default.",
    remediation: "Shorten the client's token duration; clients can ask for a new token at any time.",
    severities: |rule, policy| any_of(rule, policy, [Severity::High, Severity::Medium]),
    check: long_lived,
    ..BASE
};

pub(super) static SCIM_LIVED: Rule = Rule {
    slug: "scim-lived-token",
    title: "Tokens that only SCIM clients may have",
    severity: Severity::High,
    why: "Tokens over two days are legal for provisioning (SCIM) only, and last up to 450 days.",
    reference: VALIDITY,
    traps: "In order for a client that does nothing but SCIM: exempt it, with an end.",
    remediation: "Shorten the client's token duration to 172800 s or less, unless it is for SCIM.",
    check: scim_lived,
    ..BASE
};

pub(super) static UNUSED: Rule = Rule {
    slug: "unused-client",
    title: "Unused client",
    severity: Severity::Medium,
    severity_note: "high with dangerous scopes or permissions",
    confidence: Confidence::Likely,
    not_built: Some("usage data is not collected by this version"),
    why: "Nobody would notice that the client is gone, nor that somebody else uses it.",
    reference: "https://help.mypurecloud.com/?p=202431",
    traps: "Clients younger than the window, and clients whose usage could not be read, are not evaluated.",
    remediation: "Ask the owner, deactivate the client, and delete it after a while.",
    severities: |rule, policy| any_of(rule, policy, [Severity::High, Severity::Medium]),
    ..BASE
};

pub(super) static DISABLED: Rule = Rule {
    slug: "disabled-client",
    title: "Disabled client",
    severity: Severity::Info,
    why: "The client obtains no tokens and is kept all the same; what it holds comes back with it.",
    reference: LIFE_CYCLE,
    traps: "All other rules judge it like an active one.",
    remediation: "Delete the client, or write down why it is kept.",
    check: disabled,
    ..BASE
};

pub(super) static DELETION: Rule = Rule {
    slug: "deletion-scheduled",
    title: "Deletion is scheduled",
    severity: Severity::Info,
    why: "The platform deletes the client on that day; until then it can be restored.",
    reference: LIFE_CYCLE,
    traps: "Clients younger than 30 days are deleted at once and are never seen so.",
    remediation: "None, if it is meant to go. Else restore it in time.",
    check: deletion,
    ..BASE
};

pub(super) static NO_OWNER: Rule = Rule {
    slug: "no-owner",
    title: "No owner",
    severity: Severity::Low,
    confidence: Confidence::Likely,
    why: "Nobody is known to answer for the client, so that nobody will approve, renew or remove it.",
    reference: "the policy, [[owner]]",
    traps: "A description that names an owner, a team, a contact or an address will do.",
    remediation: "Add the client to the policy's inventory, or write the owner into its description.",
    check: no_owner,
    ..BASE
};

pub(super) static NO_DESCRIPTION: Rule = Rule {
    slug: "no-description",
    title: "No description",
    severity: Severity::Info,
    why: "Nobody can tell what the client is for.",
    reference: "Python SDK, OAuthClient.md, description",
    traps: "White space is no description.",
    remediation: "Describe what the client does and for whom.",
    check: no_description,
    ..BASE
};

fn long_lived(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&LONG_LIVED) {
        let (seconds, most) = (client.effective_token_validity(), context.policy.max_token_validity(client));
        if seconds > most {
            let severity = if context.is_dangerous(client) { Severity::High } else { Severity::Medium };
            let text = format!("has tokens that live {seconds} s; the policy allows {most} s");
            findings.push(context.finding_at(&LONG_LIVED, severity, client, of_tokens(text)));
        }
    }
}

fn scim_lived(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&SCIM_LIVED) {
        let seconds = client.effective_token_validity();
        if seconds > LONGEST_BUT_FOR_SCIM {
            let text = format!("has tokens that live {seconds} s, {} days", seconds / 86_400);
            findings.push(context.finding(&SCIM_LIVED, client, of_tokens(text)));
        }
    }
}

fn disabled(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&DISABLED) {
        if matches!(client.state, ClientState::Disabled | ClientState::Inactive) {
            let text = format!("is {}, and is kept", client.state.label());
            findings.push(context.finding(&DISABLED, client, of_client(text)));
        }
    }
}

fn deletion(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&DELETION) {
        let Some(when) = client.deletion else { continue };
        let days = (when.seconds() - context.now.seconds()).div_euclid(86_400);
        let text = match days {
            ..=-1 => "was to be deleted by now".to_owned(),
            0 => "is deleted within a day".to_owned(),
            days => format!("is deleted in {days} days"),
        };
        findings.push(context.finding(&DELETION, client, of_client(text)));
    }
}

fn no_owner(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&NO_OWNER) {
        if context.policy.owner(client).is_none() && !names_an_owner(client) {
            let text = "has no owner in the policy's inventory, nor in its description";
            findings.push(context.finding(&NO_OWNER, client, of_client(text)));
        }
    }
}

fn no_description(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for client in context.covered(&NO_DESCRIPTION) {
        if client.description.as_deref().is_none_or(|description| description.trim().is_empty()) {
            findings.push(context.finding(&NO_DESCRIPTION, client, of_client("has no description")));
        }
    }
}

/// Whether the description says who answers for the client: in words that people use for it, or by an address.
fn names_an_owner(client: &Client) -> bool {
    const WORDS: [&str; 6] = ["owner", "owned by", "team:", "contact:", "responsible", "@"];
    let description = client.description.as_deref().unwrap_or_default().to_lowercase();
    WORDS.iter().any(|word| description.contains(word))
}

fn of_client(text: impl Into<String>) -> Evidence {
    Evidence::new(Kind::Client, "", text)
}

fn of_tokens(text: String) -> Evidence {
    Evidence::new(Kind::TokenValidity, "", text)
}

//! Rules on the policy's own exemptions.
//!
//! Metadata only: they are judged after all other rules, from what those found (`audit::exempt`).

use super::{AppliesTo, BASE, Rule};
use crate::domain::{Collector, Severity};

pub(in crate::audit) static EXPIRED: Rule = Rule {
    slug: "exemption-expired",
    title: "Exemption expired",
    severity: Severity::Low,
    applies_to: AppliesTo::Organisation,
    needs: &[Collector::Clients],
    why: "The exemption has ended, and what it covered counts again.",
    traps: "A date ends with its day in UTC.",
    remediation: "Mend what it excused and take it out of the policy, or decide anew and give it another end.",
    reference: "docs/policy.md",
    ..BASE
};

pub(in crate::audit) static UNUSED: Rule = Rule {
    slug: "exemption-unused",
    title: "Exemption without effect",
    severity: Severity::Low,
    applies_to: AppliesTo::Organisation,
    needs: &[Collector::Clients],
    why: "The exemption covers nothing that is open: it would excuse the next such grant without anybody's decision.",
    traps: "Where the rule could not be evaluated, nobody can tell, and nothing is said. What the baseline approves needs no \
            exemption, so that one beside an approval is unused.",
    remediation: "Take it out of the policy, or correct its rule, client or evidence.",
    reference: "docs/policy.md",
    ..BASE
};

pub(in crate::audit) static TOO_BROAD: Rule = Rule {
    slug: "exemption-too-broad",
    title: "Exemption too broad",
    severity: Severity::Low,
    applies_to: AppliesTo::Organisation,
    needs: &[Collector::Clients],
    why: "The exemption excuses clients that nobody looked at when it was written: it has neither a piece of evidence nor \
          clients by id or name, or covers findings of more than 10 clients.",
    traps: "An exemption for the organisation's own findings has no client to name, and is not too broad by that.",
    remediation: "Narrow it by `only`, or name the clients by id or name in a selector; write several where several decide.",
    reference: "docs/policy.md",
    ..BASE
};

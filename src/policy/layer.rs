//! Merges one file on top of the policy so far, and checks references between its values.
//!
//! `check` reports unknown keys and wrong shapes; values with such a mistake are skipped here.
//!
//! A file is merged on top of the built-in policy: its entries are added, and an entry with the same `match` replaces the
//! built-in entry. Somebody who adds one scope must not lose all the other scopes. `builtin = false` starts from an empty
//! policy.
//!
//! The id of a client is recognised by its shape, a UUID. A text that is neither a UUID nor the name of a selector is an
//! error, so a mistyped selector never silently selects no client.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::check::Mistakes;
use super::fields::Fields;
use super::reading::Reading;
use super::schema::{EVERY_CLIENT, PRODUCTION};
use super::{
    DangerousPattern, DangerousPermission, Defaults, Exemption, Expectation, NamePattern, Owner, Policy, RuleSetting,
    ScopedClients, Selector, ToxicCombination,
};
use crate::domain::ClientId;
use crate::text::did_you_mean;
use crate::text::place;

/// Rules whose findings have the severity of the pattern that matched, so `[rules.SLUG]` cannot set it.
const SEVERITY_BY_PATTERN: [&str; 2] = ["dangerous-scope", "dangerous-permission"];
/// Rules on exemptions. Exempting them would hide a problem with another exemption.
const NEVER_EXEMPT: [&str; 3] = ["exemption-expired", "exemption-unused", "exemption-too-broad"];
/// Stands for every client wherever a client is expected.
const EVERYONE: &str = "*";
const DAY: i64 = 86_400;

/// A file while it is merged on top of the policy so far. Collects every mistake.
pub(super) struct Layer<'a> {
    text: &'a str,
    reading: Reading<'a>,
    selectors: BTreeMap<String, Selector>,
    exemption_ids: BTreeSet<String>,
    mistakes: Mistakes,
}

impl<'a> Layer<'a> {
    pub(super) fn new(text: &'a str, reading: Reading<'a>) -> Self {
        let (selectors, exemption_ids) = (BTreeMap::new(), BTreeSet::new());
        Self { text, reading, selectors, exemption_ids, mistakes: Mistakes::new() }
    }

    pub(super) fn merge(mut self, file: Fields<'_>, policy: &mut Policy) -> Mistakes {
        defaults(file.table("defaults"), &mut policy.defaults);
        let org = file.table("org");
        if let Some(environment) = org.text("environment") {
            policy.org.production = environment == PRODUCTION;
        }
        if org.has("scope_enforcement") {
            policy.org.scope_enforcement = org.switch("scope_enforcement");
        }
        self.scopes(file.table("scopes"), policy);
        permissions(file.table("permissions"), policy);
        add(&mut policy.roles.admin, file.table("roles").names("admin"));
        let redirects = file.table("redirects");
        add(&mut policy.redirects.hosts, hosts(redirects, "hosts"));
        add(&mut policy.redirects.testers, hosts(redirects, "testers"));
        self.rules(file, policy);
        self.selectors(file);
        for (at, fields) in file.tables("expect") {
            self.expectation(&at, fields, policy);
        }
        for (at, fields) in file.tables("exemption") {
            self.exemption(&at, fields, policy);
        }
        for (_, fields) in file.tables("owner") {
            let client = self.client(fields, "client");
            if let (Some(client), Some(team)) = (client, fields.text("team")) {
                policy.owners.push(Owner { client, team: team.to_owned() });
            }
        }
        self.mistakes
    }

    fn scopes(&mut self, scopes: Fields<'_>, policy: &mut Policy) {
        let into = &mut policy.scopes;
        if let Some(judge) = scopes.text("judge") {
            into.judge =
                if judge == EVERY_CLIENT { ScopedClients::EveryClient } else { ScopedClients::UserGrantClients };
        }
        into.exact = scopes.switch("exact").unwrap_or(into.exact);
        into.all_scopes_percent = scopes.percent("all_scopes_ratio").unwrap_or(into.all_scopes_percent);
        into.all_scopes_cap = scopes.count("all_scopes_cap").or(into.all_scopes_cap);
        let mut seen: Vec<NamePattern> = Vec::new();
        for (_, fields) in scopes.tables("dangerous") {
            let Some(text) = fields.text("match") else { continue };
            let pattern = NamePattern::new(text);
            if seen.contains(&pattern) {
                self.mistake(fields.place("match"), format!("{text:?} appears twice; remove one entry"));
            }
            seen.push(pattern.clone());
            let (Some(severity), Some(reason)) = (fields.severity("severity"), fields.text("reason")) else {
                continue;
            };
            let allow_unmatched = fields.switch("allow_unmatched").unwrap_or(false);
            let dangerous = DangerousPattern { pattern, severity, reason: reason.to_owned().into(), allow_unmatched };
            put(&mut into.dangerous, dangerous, |a, b| a.pattern == b.pattern);
        }
        for (_, fields) in scopes.tables("toxic") {
            let (Some(mut scopes), Some(reason)) = (fields.owned("scopes"), fields.text("reason")) else { continue };
            scopes.sort();
            scopes.dedup();
            if scopes.len() < 2 {
                let message =
                    "a combination needs at least two scopes; a single scope belongs in `dangerous`".to_owned();
                self.mistake(fields.place("scopes"), message);
            }
            put(&mut into.toxic, ToxicCombination { scopes, reason: reason.to_owned().into() }, |a, b| {
                a.scopes == b.scopes
            });
        }
    }

    fn rules(&mut self, file: Fields<'_>, policy: &mut Policy) {
        for (slug, at, fields) in file.named("rules") {
            self.is_rule(slug, at);
            let severity = fields.severity("severity");
            if severity.is_some() && SEVERITY_BY_PATTERN.contains(&slug) {
                let message =
                    format!("findings of {slug} have the severity of the pattern that matched; set it on the pattern");
                self.mistake(fields.place("severity"), message);
            }
            let setting = RuleSetting { enabled: fields.switch("enabled").unwrap_or(true), severity };
            policy.rules.insert(slug.to_owned(), setting);
        }
    }

    fn is_rule(&mut self, slug: &str, at: Range<usize>) -> bool {
        let exists = self.reading.rules.contains(&slug);
        if !exists {
            let near = did_you_mean(slug, self.reading.rules.iter().copied());
            let message = format!("there is no rule {slug:?}{near}; the rules are {}", self.reading.rules.join(", "));
            self.mistake(at, message);
        }
        exists
    }

    fn selectors(&mut self, file: Fields<'_>) {
        for (name, at, fields) in file.named("selectors") {
            if name == EVERYONE {
                self.mistake(at.clone(), "\"*\" means every client; choose another name for the selector".to_owned());
            }
            if !["id", "name", "grant"].into_iter().any(|criterion| fields.has(criterion)) {
                self.mistake(at, "a selector needs an id, a name or a grant".to_owned());
            }
            let ids = fields.texts("id").unwrap_or_default().into_iter().map(ClientId::new).collect();
            let names = fields.names("name").unwrap_or_default();
            let grants = fields.grants("grant").unwrap_or_default();
            self.selectors.insert(name.to_owned(), Selector { ids, names, grants });
        }
    }

    /// The clients that a value selects: by the name of a selector, by a client id, or all of them.
    fn client(&mut self, fields: Fields<'_>, key: &str) -> Option<Selector> {
        let text = fields.text(key)?;
        if text == EVERYONE {
            return Some(Selector::default());
        }
        if let Some(selector) = self.selectors.get(text) {
            return Some(selector.clone());
        }
        if is_uuid(text) {
            let id = ClientId::new(text.to_ascii_lowercase());
            return Some(Selector { ids: vec![id], ..Selector::default() });
        }
        let near = did_you_mean(text, self.selectors.keys().map(String::as_str));
        let message =
            format!("there is no [selectors.{text}]{near}; add it, or use a client id, or \"*\" for every client");
        self.mistake(fields.place(key), message);
        None
    }

    fn expectation(&mut self, at: &Range<usize>, fields: Fields<'_>, policy: &mut Policy) {
        let selector = self.client(fields, "for");
        let expects = ["required_scopes", "allowed_roles", "allowed_divisions", "allowed_grants", "max_token_validity"];
        if !expects.into_iter().any(|key| fields.has(key)) {
            self.mistake(at.clone(), format!("nothing is expected; add at least one of {}", expects.join(", ")));
        }
        let Some(selector) = selector else { return };
        policy.expectations.push(Expectation {
            selector,
            required_scopes: fields.owned("required_scopes").unwrap_or_default(),
            allowed_roles: fields.names("allowed_roles"),
            allowed_divisions: fields.names("allowed_divisions"),
            allowed_grants: fields.grants("allowed_grants"),
            max_token_validity: fields.seconds("max_token_validity"),
        });
    }

    fn exemption(&mut self, at: &Range<usize>, fields: Fields<'_>, policy: &mut Policy) {
        let client = self.client(fields, "client");
        let rule = fields.text("rule");
        if let Some(rule) = rule
            && self.is_rule(rule, fields.place("rule"))
            && NEVER_EXEMPT.contains(&rule)
        {
            let message = format!("{rule} cannot be exempted; fix the exemption that it reports, or disable the rule");
            self.mistake(fields.place("rule"), message);
        }
        let id = fields.text("id");
        // The id is recorded even if the exemption has another mistake, so that a duplicate is still reported.
        if let Some(id) = id.filter(|id| !self.exemption_ids.insert((*id).to_owned())) {
            self.mistake(fields.place("id"), format!("there is another exemption {id:?}; ids must be unique"));
        }
        self.check_end(at, fields, &policy.defaults);
        let (Some(id), Some(rule), Some(client), Some(owner), Some(reason)) =
            (id, rule, client, fields.text("owner"), fields.text("reason"))
        else {
            return;
        };
        policy.exemptions.push(Exemption {
            id: id.to_owned(),
            rule: rule.to_owned(),
            client,
            only: fields.text("only").map(str::to_owned),
            owner: owner.to_owned(),
            reason: reason.to_owned(),
            ticket: fields.text("ticket").map(str::to_owned),
            expires: fields.moment("expires"),
            line: place(self.text, at.start).0,
        });
    }

    /// Checks that the exemption has an end if one is required, and that the end is not too far in the future. An end in the past
    /// is a finding, not a mistake.
    fn check_end(&mut self, at: &Range<usize>, fields: Fields<'_>, defaults: &Defaults) {
        if !fields.has("expires") {
            if defaults.require_expiry || defaults.exemption_max_days.is_some() {
                let key = if defaults.require_expiry { "require_expiry" } else { "exemption_max" };
                self.mistake(at.clone(), format!("expires is missing, but [defaults] {key} requires it"));
            }
            return;
        }
        let (Some(expires), Some(max), Some(now)) =
            (fields.moment("expires"), defaults.exemption_max_days, self.reading.now)
        else {
            return;
        };
        // A date means the end of its day, so the day that is exactly `max` days away is still allowed.
        let latest = now.seconds().saturating_add(i64::from(max).saturating_add(1).saturating_mul(DAY));
        if expires.seconds() > latest {
            let message = format!(
                "the exemption ends more than {max} days from now, which [defaults] exemption_max does not allow"
            );
            self.mistake(fields.place("expires"), message);
        }
    }

    fn mistake(&mut self, at: Range<usize>, message: String) {
        self.mistakes.push((at, message));
    }
}

fn defaults(fields: Fields<'_>, into: &mut Defaults) {
    into.fail_on = fields.severity("fail_on").unwrap_or(into.fail_on);
    into.flag_at = fields.severity("flag_at").unwrap_or(into.flag_at);
    into.max_token_validity = fields.seconds("max_token_validity").unwrap_or(into.max_token_validity);
    into.unused_after_days = fields.days("unused_after").unwrap_or(into.unused_after_days);
    into.exemption_max_days = fields.days("exemption_max").or(into.exemption_max_days);
    into.require_expiry = fields.switch("require_expiry").unwrap_or(into.require_expiry);
    into.baseline_max_age_days = fields.days("baseline_max_age").or(into.baseline_max_age_days);
}

fn permissions(permissions: Fields<'_>, policy: &mut Policy) {
    for (_, fields) in permissions.tables("dangerous") {
        let (Some(pattern), Some(severity), Some(reason)) =
            (fields.any_permission("match"), fields.severity("severity"), fields.text("reason"))
        else {
            continue;
        };
        let allow_unmatched = fields.switch("allow_unmatched").unwrap_or(false);
        let dangerous = DangerousPermission { pattern, severity, reason: reason.to_owned().into(), allow_unmatched };
        put(&mut policy.permissions.dangerous, dangerous, |a, b| a.pattern == b.pattern);
    }
    for (_, fields) in permissions.tables("companions") {
        if let (Some(permission), Some(needs)) = (fields.permission("permission"), fields.permission("needs")) {
            put(&mut policy.permissions.companions, (permission, needs), |a, b| a == b);
        }
    }
}

/// Host patterns in lower case: host names ignore case, and parsed URLs have them in lower case.
fn hosts(fields: Fields<'_>, key: &str) -> Option<Vec<NamePattern>> {
    Some(fields.texts(key)?.into_iter().map(|host| NamePattern::new(host.to_ascii_lowercase())).collect())
}

/// Adds the patterns that are not known yet.
fn add(known: &mut Vec<NamePattern>, more: Option<Vec<NamePattern>>) {
    for pattern in more.unwrap_or_default() {
        put(known, pattern, |a, b| a == b);
    }
}

/// Adds an entry, or replaces the entry that is the same by `same`.
fn put<T>(entries: &mut Vec<T>, entry: T, same: impl Fn(&T, &T) -> bool) {
    match entries.iter_mut().find(|known| same(known, &entry)) {
        Some(known) => *known = entry,
        None => entries.push(entry),
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

//! Worlds to be rendered: organisations with ugly names, their judgement, and how they are watched.
//!
//! Not what is expected of the text.

use std::io::Read;
use std::time::Duration;

use genesyscloud_oauth_exporter::audit::{
    self, DangerousPermission, DriftCount, JudgedBaseline, Report, Status, Verdict,
};
use genesyscloud_oauth_exporter::domain::{
    ClientId, ClientState, Collector, CollectorStatus, Freshness, GrantType, Input, OrgId, Organisation, Permission,
    Power, Severity, Snapshot, Timestamp,
};
use genesyscloud_oauth_exporter::exposition::{
    self, Audited, AuditedPart, Config, Encoding, Format, ReloadStatus, StatusPart, Watched,
};
use genesyscloud_oauth_exporter::fixtures::{self, ClientBuilder, not_read, policy_of, role_grant};
use genesyscloud_oauth_exporter::grants::{Grant, Ledger, Memory, Standing, Unread};
use genesyscloud_oauth_exporter::policy::PermissionPattern;
use prometheus::{Counter, Gauge, Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// An organisation with everything that is rendered of it.
#[derive(Debug, Clone)]
pub(crate) struct Org {
    pub(crate) label: String,
    pub(crate) snapshot: Snapshot,
    pub(crate) report: Report,
    pub(crate) ledger: Ledger,
    pub(crate) freshness: Freshness,
}

impl Org {
    pub(crate) fn audited(&self) -> Audited<'_> {
        Audited { org: &self.label, snapshot: &self.snapshot, report: &self.report, ledger: &self.ledger }
    }
}

pub(crate) const RELOAD: ReloadStatus =
    ReloadStatus { last_successful: true, last_success: Timestamp::from_seconds(1_799_990_000) };

pub(crate) fn render(world: &[Org], config: &Config) -> (AuditedPart, StatusPart) {
    let audited: Vec<_> = world.iter().map(Org::audited).collect();
    let watched: Vec<_> = world.iter().map(|org| Watched { org: &org.label, freshness: &org.freshness }).collect();
    let audited = exposition::audited(&audited, config);
    let status = exposition::status(&watched, &audited, RELOAD);
    (audited, status)
}

/// A whole answer as text, read through gzip where that was asked for.
pub(crate) fn scrape(parts: &(AuditedPart, StatusPart), own: &Registry, format: Format, encoding: Encoding) -> String {
    let body = exposition::scrape(&parts.0, &parts.1, own, format, encoding).concat();
    let mut text = String::new();
    match encoding {
        Encoding::Identity => text = String::from_utf8(body).expect("legal UTF-8"),
        Encoding::Gzip => {
            let mut left: &[u8] = &body;
            flate2::bufread::GzDecoder::new(&mut left).read_to_string(&mut text).expect("a sound member");
            assert!(left.is_empty(), "{} bytes behind the only member", left.len());
        }
    }
    text
}

/// One client as the platform might describe it: name, grant type, state, scopes.
pub(crate) struct Sketch<'a>(
    pub(crate) &'a str,
    pub(crate) &'a str,
    pub(crate) GrantType,
    pub(crate) ClientState,
    pub(crate) &'a [&'a str],
);

/// An organisation of these clients, judged by the policy in `policy`.
pub(crate) fn org(org: &str, organisation: Organisation, policy: &str, sketches: &[Sketch<'_>]) -> Org {
    let unread = || not_read("not asked");
    let mut snapshot = fixtures::snapshot()
        .taken_at(NOW)
        .clients(sketches.iter().map(client))
        .registry(&["users", "oauth"])
        .not_read(Collector::Roles, unread())
        .not_read(Collector::Divisions, unread())
        .not_read(Collector::Permissions, unread())
        .build();
    snapshot.organisation = organisation;
    // Two rules are enough to see every family, and keep the text short.
    let policy = policy_of(&["dangerous-scope", "missing-required-scope"], policy);
    let report = audit::evaluate(&snapshot, &policy, None, NOW);
    Org { label: org.to_owned(), snapshot, report, ledger: Ledger::default(), freshness: freshness() }
}

fn client(Sketch(id, name, grant_type, state, held): &Sketch<'_>) -> ClientBuilder {
    fixtures::client(id).named(*name).grant(*grant_type).state(*state).scopes(held.iter().copied())
}

pub(crate) fn freshness() -> Freshness {
    Freshness { interval: Duration::from_mins(5), ..Freshness::default() }
}

/// Two organisations with names that no writer of text likes.
pub(crate) fn ugly() -> Vec<Org> {
    let crab = "crab 🦀\ttab, carriage\rreturn, and a back\\slash before n\\n";
    let long = "Ü".repeat(300);
    let policy = "[scopes]\ndangerous = [{ match = \"we\\\"ird*\", severity = \"high\", reason = \"ugly\" }]\n";
    let organisation = Organisation {
        id: OrgId::new("0a1b"),
        name: "Ac\"me\\ \nGmbH".to_owned(),
        region: "mypurecloud.de".to_owned(),
    };
    let mut first = org(
        "default",
        organisation,
        policy,
        &[
            Sketch(
                "c-1",
                "say \"hi\"\nand go",
                GrantType::Code,
                ClientState::Active,
                &["users", "oauth", "we\"ird\n\\"],
            ),
            Sketch("c-2", crab, GrantType::ClientCredentials, ClientState::Active, &["users"]),
            Sketch("c-3", &long, GrantType::Implicit, ClientState::Disabled, &[]),
            Sketch("c-4\\\"", "", GrantType::Other, ClientState::Other, &["users:readonly"]),
        ],
    );
    let clients = &mut first.snapshot.clients;
    clients[1].role_grants = [role_grant("r", None), role_grant("r", "*")].into();
    clients[0].created = Some(Timestamp::from_seconds(1_500_000_000));
    clients[0].modified = Some(Timestamp::from_seconds(1_600_000_000));
    clients[0].token_validity = Some(300);
    clients[2].deletion = Some(Timestamp::from_seconds(1_900_000_000));
    let mut entries = vec![
        (scope_grant("c-1", "oauth"), held(Some(1_700_000_000), Standing::Settled)),
        (scope_grant("c-1", "we\"ird\n\\"), held(None, Standing::Unapproved)),
        (scope_grant("c-0, gone", "users"), Memory::Gone(NOW)),
    ];
    for (client, permission, memory) in [
        ("c-2", "oauth:client:a\"dd", held(Some(1_700_000_005), Standing::Unapproved)),
        ("c-2", "oauth:client:*", held(None, Standing::Settled)),
        ("c-0, gone", "users:*:view", Memory::Gone(NOW)),
    ] {
        entries.extend(permission_grants(client, permission).map(|grant| (grant, memory)));
    }
    first.ledger = Ledger::from_entries(entries, Unread::default());
    first.set_status(0, Status::Approved);
    first.report.baseline = Some(judged_baseline([1, 0, 0, 2]));
    first.report.exemptions = vec![("EX-1 \"old\"".to_owned(), Timestamp::from_seconds(1_801_000_000))];
    first.report.dangerous_permissions =
        vec![DangerousPermission { pattern: PATTERNS[1].to_owned(), severity: Severity::High, holders: 1 }];
    first.freshness = Freshness {
        last_attempt: Some(NOW),
        last_success: Some(Timestamp::from_seconds(1_799_999_000)),
        last_successful: false,
        consecutive_failures: 3,
        collectors: vec![status(Collector::Clients, true, 1250), status(Collector::Roles, false, 0)],
        ..freshness()
    };
    let organisation =
        Organisation { id: OrgId::new("2c3d"), name: "Zwei".to_owned(), region: "usw2.pure.cloud".to_owned() };
    let sketch = Sketch("c-1", "the same id elsewhere", GrantType::Code, ClientState::Inactive, &["users"]);
    let mut second = org("eu \"west\"", organisation, "", &[sketch]);
    second.snapshot.registry = Input::NotRead(not_read("403"));
    second.set_status(0, Status::Exempt);
    second.report.verdicts[0].verdict = Verdict::Compliant;
    second.ledger = Ledger::from_entries(
        [(scope_grant("c-1", "users"), held(Some(1_700_000_001), Standing::Exempt))],
        Unread::default(),
    );
    vec![first, second]
}

fn status(collector: Collector, success: bool, milliseconds: u64) -> CollectorStatus {
    CollectorStatus { collector, success, supported: success, duration: Duration::from_millis(milliseconds) }
}

pub(crate) fn scope_grant(client: &str, scope: &str) -> Grant {
    Grant::scope(&ClientId::new(client), scope)
}

/// A permission under each of the [`PATTERNS`] that match it.
pub(crate) fn permission_grants(client: &str, permission: &str) -> impl Iterator<Item = Grant> {
    let parsed = Permission::parse(permission).expect("three segments");
    let (client, evidence) = (ClientId::new(client), format!("{permission} role=r division=*"));
    let meeting = PATTERNS.into_iter().filter_map(PermissionPattern::new).filter(move |pattern| pattern.meets(&parsed));
    meeting.map(move |pattern| Grant::permission(&client, &evidence, pattern.as_str()))
}

/// Held since then, in seconds.
pub(crate) fn held(first_seen: Option<i64>, standing: Standing) -> Memory {
    Memory::Held { first_seen: first_seen.map(Timestamp::from_seconds), standing, missed: 0 }
}

/// The kinds of drift that are told, with these counts.
pub(crate) fn judged_baseline(counts: [usize; 4]) -> JudgedBaseline {
    let kinds = [("client-added", true), ("client-added", false), ("role-content", true), ("role-content", false)];
    let drift = kinds.into_iter().zip(counts).map(|((kind, dangerous), count)| DriftCount { kind, dangerous, count });
    JudgedBaseline { approved_at: Timestamp::from_seconds(1_790_000_000), drift: drift.collect() }
}

/// The patterns of dangerous permissions in these worlds.
pub(crate) const PATTERNS: [&str; 3] = ["oauth:client:*", "*:client:a\"dd", "users:*:*"];

impl Org {
    /// Gives a finding a status, and its grant the same.
    pub(crate) fn set_status(&mut self, finding: usize, status: Status) {
        let Some(finding) = self.report.findings.get_mut(finding) else { return };
        finding.status = status;
        let power = Power::Scope(finding.evidence.key.clone());
        let is_scope = finding.rule.slug == "dangerous-scope";
        for grant in self.report.grants.iter_mut().filter(|_| is_scope) {
            if Some(&grant.client) == finding.client.as_ref() && grant.power == power {
                grant.status = status;
            }
        }
        self.report.grants.sort();
    }
}

/// Own families of every kind, well named.
pub(crate) fn own() -> Registry {
    let registry = Registry::new();
    let requests =
        IntCounterVec::new(Opts::new("demo_requests_total", "Says \"how often\", in \\ and\nlines."), &["path"]);
    let requests = requests.expect("a valid family");
    requests.with_label_values(&["/a\"b\\c\nd"]).inc();
    requests.with_label_values(&["/"]).inc_by(7);
    let ratio = Gauge::new("demo_ratio", "A part.").expect("a valid family");
    ratio.set(-0.25);
    let buckets = HistogramOpts::new("demo_size_bytes", "Sizes.").buckets(vec![0.00001, 0.5, 1.0, 1_000_000.0]);
    let sizes = Histogram::with_opts(buckets.const_label("org", "default")).expect("a valid family");
    for size in [0.25, 1.0, 2_000_000.0] {
        sizes.observe(size);
    }
    for family in [Box::new(requests) as Box<dyn prometheus::core::Collector>, Box::new(ratio), Box::new(sizes)] {
        registry.register(family).expect("no family twice");
    }
    registry
}

/// Own families with values and names that are legal and odd.
pub(crate) fn odd() -> Registry {
    let registry = Registry::new();
    for (name, value) in [("demo_nan", f64::NAN), ("demo_above", f64::INFINITY), ("demo_below", f64::NEG_INFINITY)] {
        let gauge = Gauge::new(name, "Odd.").expect("a valid family");
        gauge.set(value);
        registry.register(Box::new(gauge)).expect("no family twice");
    }
    let counter = Counter::new("demo_without_suffix", "Odd.").expect("a valid family");
    counter.inc_by(2.5);
    registry.register(Box::new(counter)).expect("no family twice");
    let unbounded = HistogramOpts::new("demo_unbounded", "Odd.").buckets(vec![1.0, f64::INFINITY]);
    let unbounded = Histogram::with_opts(unbounded).expect("a valid family");
    registry.register(Box::new(unbounded)).expect("no family twice");
    registry
}

//! The fast writer of the own families compared with a plain one over the registry of the `prometheus` crate.

use std::io::Read;

use prometheus::proto::{LabelPair, MetricFamily, MetricType};
use prometheus::{HistogramOpts, Opts};
use proptest::prelude::*;

use super::*;
use crate::exposition::label::{Escaped, push_escaped};
use crate::exposition::number::{canonical, real};
use crate::exposition::{AuditedPart, Encoding, StatusPart};
use crate::fixtures::world;
use crate::metric::{Amount, Counter, Family, Gauge, Histogram, Kind, Labelled};

/// What the text must be. It writes every label and every HELP again.
fn reference(registry: &prometheus::Registry, format: Format) -> String {
    let mut text = String::new();
    for family in registry.gather() {
        reference_of(&mut text, &family, format);
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn reference_of(text: &mut String, family: &MetricFamily, format: Format) {
    let openmetrics = format == Format::OpenMetrics;
    let (kind, total) = match family.get_field_type() {
        MetricType::COUNTER => ("counter", openmetrics),
        MetricType::GAUGE => ("gauge", false),
        _ => ("histogram", false),
    };
    let name = if total { family.name().strip_suffix("_total").unwrap_or(family.name()) } else { family.name() };
    let mut help = String::new();
    push_escaped(&mut help, family.help(), openmetrics);
    text.extend([format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")]);
    for metric in family.get_metric() {
        let labels: Vec<String> = metric.get_label().iter().map(label).collect();
        let mut line = |suffix: &str, bound: Option<String>, value: String| {
            let bound = bound.map(|bound| format!("le=\"{bound}\""));
            let labels = labels.iter().cloned().chain(bound).collect::<Vec<_>>().join(",");
            let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
            text.extend([format!("{name}{suffix}{labels} {value}\n")]);
        };
        match kind {
            "counter" => line(if total { "_total" } else { "" }, None, real(metric.get_counter().get_value())),
            "gauge" => line("", None, real(metric.get_gauge().get_value())),
            _ => {
                let histogram = metric.get_histogram();
                for bucket in histogram.get_bucket() {
                    let bound = bucket.upper_bound();
                    let bound = if openmetrics { canonical(bound) } else { real(bound) };
                    line("_bucket", Some(bound), bucket.cumulative_count().to_string());
                }
                let count = histogram.get_sample_count().to_string();
                line("_bucket", Some("+Inf".to_owned()), count.clone());
                line("_sum", None, real(histogram.get_sample_sum()));
                line("_count", None, count);
            }
        }
    }
}

fn label(label: &LabelPair) -> String {
    format!("{}=\"{}\"", label.name(), Escaped::new(label.value()).as_str())
}

const BOUNDS: &[f64] = &[-1.0, 0.00001, 0.5, 3.0, 1e9];

/// The same families in both registries. The labels of `Two` are not declared in the order in which they are written.
#[derive(Default)]
struct Both {
    registry: Registry,
    reference: prometheus::Registry,
}

const NAMES: [&str; 8] = ["m_total", "a", "z_seconds_total", "m", "b_total", "m_tot", "c_count", "_x"];
const HELPS: [&str; 3] = ["Plain.", "With \"quotes\", \\ and\nlines.", ""];
const TWO: &[&str] = &["org", "code"];

/// A family with its series: what is counted per pair of label values.
type Made = (usize, usize, usize, Vec<((String, String), Vec<f64>)>);

impl Both {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers are small")]
    fn count(&self, (name, kind, help, series): &Made) {
        let kinds = [Kind::Counter, Kind::Gauge, Kind::Counter, Kind::Gauge, Kind::Histogram];
        let family = Family { name: NAMES[*name], kind: kinds[*kind], labels: TWO, help: HELPS[*help] };
        // The reference refuses an empty HELP, and a family twice is found by the other registry.
        let opts = Opts::new(family.name, if family.help.is_empty() { " " } else { family.help });
        let family = Family { help: if family.help.is_empty() { " " } else { family.help }, ..family };
        macro_rules! both {
            ($ours:ty, $theirs:ty, $apply:expr) => {{
                let Ok(ours) = self.registry.add(&family) else { return };
                let ours: Labelled<$ours, 2> = ours;
                let theirs = <$theirs>::new(opts, TWO).expect("a valid family");
                self.reference.register(Box::new(theirs.clone())).expect("a free name");
                for ((org, code), numbers) in series {
                    for number in numbers {
                        $apply(ours.with([org, code]), theirs.with_label_values(&[org, code]), *number);
                    }
                }
            }};
        }
        match kind {
            0 => both!(
                Counter,
                prometheus::IntCounterVec,
                |ours: Counter, theirs: prometheus::IntCounter, number: f64| {
                    ours.add(number.abs() as u64);
                    theirs.inc_by(number.abs() as u64);
                }
            ),
            1 => both!(Gauge, prometheus::IntGaugeVec, |ours: Gauge, theirs: prometheus::IntGauge, number: f64| {
                ours.set(number as i64);
                theirs.set(number as i64);
            }),
            2 => both!(Amount, prometheus::CounterVec, |ours: Amount, theirs: prometheus::Counter, number: f64| {
                ours.add(number.abs());
                theirs.inc_by(number.abs());
            }),
            3 => both!(Amount, prometheus::GaugeVec, |ours: Amount, theirs: prometheus::Gauge, number: f64| {
                ours.set(number);
                theirs.set(number);
            }),
            _ => {
                let Ok(ours) = self.registry.add_histograms::<2>(&family, BOUNDS) else { return };
                let opts = HistogramOpts::from(opts).buckets(BOUNDS.to_vec());
                let theirs = prometheus::HistogramVec::new(opts, TWO).expect("a valid family");
                self.reference.register(Box::new(theirs.clone())).expect("a free name");
                for ((org, code), numbers) in series {
                    for number in numbers {
                        ours.with([org, code]).observe(*number);
                        theirs.with_label_values(&[org, code]).observe(*number);
                    }
                }
            }
        }
    }
}

fn any_family() -> impl Strategy<Value = Made> {
    let value = prop_oneof![Just(String::new()), "[ab\\\\\"\n{},=]{0,4}", any::<String>(), "(?s).{250,300}"];
    let number = prop_oneof![-5.0..5.0, -1e15..1e15, Just(0.5), Just(-0.0)];
    let series = ((value.clone(), value), prop::collection::vec(number, 1..4));
    (0..NAMES.len(), 0..5_usize, 0..HELPS.len(), prop::collection::vec(series, 0..12)).prop_map(|mut made| {
        // The reference takes `{a="x",b=""}` and `{a="",b="x"}` for one series: it hashes the values without what separates them.
        let mut joined = std::collections::BTreeMap::new();
        made.3.retain(|(values, _)| {
            joined.entry(format!("{}{}", values.0, values.1)).or_insert_with(|| values.clone()) == values
        });
        made
    })
}

/// Scrapes only the own families, and checks that the answers in both encodings are the same.
fn scrape(own: &Own, format: Format) -> String {
    let none = (AuditedPart::default(), StatusPart::default());
    let plain = world::scrape_again(&none, own, format, Encoding::Identity);
    assert_eq!(world::scrape_again(&none, own, format, Encoding::Gzip), plain);
    plain
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_own_families_are_written_as_from_the_registry_of_the_prometheus_crate(
        families in prop::collection::vec(any_family(), 0..6)
    ) {
        let both = Both::default();
        let own = Own::new(both.registry.clone());
        for family in &families {
            both.count(family);
            for format in [Format::Text, Format::OpenMetrics] {
                // The second scrape compresses the blocks, and the third sends them again.
                for _ in 0..3 {
                    prop_assert_eq!(scrape(&own, format), reference(&both.reference, format));
                }
            }
        }
    }
}

const EVENTS: Family = Family { name: "demo_events_total", kind: Kind::Counter, labels: &["n"], help: "Events." };
const WAITS: Family = Family { name: "demo_waits", kind: Kind::Histogram, labels: &["n"], help: "Waits." };

/// Several blocks of counters and of histograms.
fn several() -> (Own, Labelled<Counter, 1>, Labelled<Histogram, 1>) {
    let registry = Registry::default();
    let (events, waits) = (registry.add(&EVENTS).expect("a free name"), registry.add_histograms(&WAITS, BOUNDS));
    let waits = waits.expect("a free name");
    for n in 0..200 {
        events.with([&format!("{n:03}")]);
        waits.with([&format!("{n:03}")]);
    }
    (Own::new(registry), events, waits)
}

/// The compressed pieces of the blocks, and whether each is stored without compression.
fn blocks(own: &Own) -> Vec<(Bytes, bool)> {
    let deflated = own.with(Format::Text, Instant::now(), Layout::deflated);
    deflated.into_iter().map(|block| (block.bytes.clone(), block.bytes.first() == Some(&0))).collect()
}

fn inflated<'a>(blocks: impl Iterator<Item = &'a Bytes>) -> String {
    // The final block of the stream is empty.
    let bytes = blocks.flatten().copied().chain([3, 0]).collect::<Vec<u8>>();
    let mut text = String::new();
    flate2::read::DeflateDecoder::new(&*bytes).read_to_string(&mut text).expect("a sound stream");
    text
}

#[test]
fn only_a_block_with_a_changed_number_is_written_and_sent_without_compression() {
    let (own, events, waits) = several();
    let first = blocks(&own);
    assert!(first.len() > 10 && first.iter().all(|(_, stored)| *stored));
    let mut before = blocks(&own);
    assert!(before.iter().all(|(_, stored)| !stored), "what did not change is compressed");
    let changes: [(&dyn Fn(), usize); 3] = [
        (&|| events.with(["000"]).inc(), 0),
        (&|| waits.with(["199"]).observe(2.0), first.len() - 1),
        (&|| waits.with(["199"]).observe(f64::NAN), first.len() - 1),
    ];
    for (change, changed) in changes {
        change();
        for (index, ((bytes, stored), (same, _))) in blocks(&own).iter().zip(&before).enumerate() {
            assert_eq!(*stored, index == changed, "block {index}");
            assert_eq!(bytes.as_ptr() == same.as_ptr(), index != changed, "block {index}");
        }
        before = blocks(&own);
        let text = inflated(before.iter().map(|(bytes, _)| bytes));
        assert_eq!(text.as_bytes(), own.plain(Format::Text, Instant::now()), "the compressed text has the new number");
        assert!(before.iter().all(|(_, stored)| !stored), "it did not change again");
    }
}

#[test]
fn a_series_that_appears_later_is_in_the_next_scrape_of_both_formats() {
    let (own, events, _) = several();
    for format in [Format::Text, Format::OpenMetrics, Format::Text] {
        scrape(&own, format);
        let label = format!("new\n{format:?}");
        let line = format!("demo_events_total{{n=\"new\\n{format:?}\"}} 3\n");
        let expected = usize::from(scrape(&own, format).contains(&line)) * 3 + 3;
        events.with([&label]).add(3);
        let line = line.replace(" 3\n", &format!(" {expected}\n"));
        assert!(scrape(&own, format).contains(&line), "{line}");
    }
}

#[test]
fn every_scrape_beside_others_is_one_member_with_numbers_that_never_decrease() {
    let (own, events, waits) = several();
    let number = |text: &str, name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("from the start");
        line.trim().parse().expect("a number")
    };
    let none = (AuditedPart::default(), StatusPart::default());
    std::thread::scope(|scope| {
        for format in [Format::Text, Format::OpenMetrics, Format::Text] {
            let (own, none) = (&own, &none);
            scope.spawn(move || {
                let mut last = (0, 0);
                for encoding in [Encoding::Gzip, Encoding::Identity].into_iter().cycle().take(60) {
                    let text = world::scrape_again(none, own, format, encoding);
                    let now =
                        (number(&text, "demo_events_total{n=\"100\"}"), number(&text, "demo_waits_count{n=\"007\"}"));
                    assert!(now >= last, "{now:?} after {last:?}");
                    assert_eq!(
                        number(&text, "demo_waits_bucket{n=\"007\",le=\"+Inf\"}"),
                        now.1,
                        "one state of a histogram"
                    );
                    last = now;
                }
            });
        }
        scope.spawn(|| {
            for n in 0..2000 {
                events.with(["100"]).inc();
                waits.with(["007"]).observe(0.1);
                events.with([&n.to_string()]);
            }
        });
    });
    assert_eq!(number(&scrape(&own, Format::Text), "demo_events_total{n=\"100\"}"), 2000);
}

#[test]
fn a_text_of_any_length_can_be_stored() {
    let registry = Registry::default();
    let long: Labelled<Counter, 1> = registry.add(&EVENTS).expect("a free name");
    let bounds: Vec<f64> = (0..6000).map(f64::from).collect();
    let waits = registry.add_histograms::<1>(&WAITS, bounds.leak()).expect("a free name");
    waits.with(["x"]).observe(5.0);
    long.with([&"é".repeat(300)]).inc();
    let own = Own::new(registry);
    let text = inflated(blocks(&own).iter().map(|(bytes, _)| bytes));
    assert!(text.len() > 2 * 0xffff);
    assert_eq!(text.as_bytes(), own.plain(Format::Text, Instant::now()));
}

#[test]
fn scrapes_within_a_second_share_what_was_measured() {
    let registry = Registry::default();
    let measured: Gauge =
        registry.add_single(&Family { kind: Kind::Gauge, labels: &[], ..EVENTS }).expect("a free name");
    let mut measurements = 0;
    let own = Own::measuring(registry, Duration::from_secs(1), move || {
        measurements += 1;
        measured.set(measurements);
    });
    let start = Instant::now();
    for (milliseconds, expected) in [(0, 1), (500, 1), (999, 1), (1000, 2), (1500, 2), (9000, 3)] {
        let now = start + Duration::from_millis(milliseconds);
        for format in [Format::OpenMetrics, Format::Text] {
            let text = String::from_utf8(own.plain(format, now).into()).expect("UTF-8");
            assert!(text.contains(&format!("\ndemo_events_total {expected}\n")), "{milliseconds} ms");
            own.deflated(format, now);
        }
    }
}

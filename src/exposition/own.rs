//! The exporter's own families in both formats, gathered from the registry on each scrape.
//!
//! The audited families are not in the registry. Closed label sets limit the number of series.

use prometheus::Registry;
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::Format;
use super::label::{Escaped, push_escaped};
use super::number::{canonical, real};

/// Writes every family of the registry, and the end marker of OpenMetrics.
pub(super) fn render(registry: &Registry, format: Format) -> String {
    let mut text = String::new();
    for family in registry.gather() {
        write_family(&mut text, &family, format);
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn write_family(text: &mut String, family: &MetricFamily, format: Format) {
    let kind = match family.get_field_type() {
        MetricType::COUNTER => "counter",
        MetricType::GAUGE => "gauge",
        MetricType::HISTOGRAM => "histogram",
        // The `prometheus` crate has no collector of these types.
        MetricType::SUMMARY | MetricType::UNTYPED => return,
    };
    // OpenMetrics requires the family name `x` and the sample name `x_total` for a counter.
    let (name, total) = match (kind, format) {
        ("counter", Format::OpenMetrics) => (family.name().strip_suffix("_total").unwrap_or(family.name()), "_total"),
        _ => (family.name(), ""),
    };
    text.push_str("# HELP ");
    text.push_str(name);
    text.push(' ');
    push_escaped(text, family.help(), format == Format::OpenMetrics);
    text.push_str("\n# TYPE ");
    for piece in [name, " ", kind, "\n"] {
        text.push_str(piece);
    }
    for metric in family.get_metric() {
        let mut samples = Samples { text, name, labels: metric.get_label() };
        match family.get_field_type() {
            MetricType::COUNTER => samples.write(total, None, &real(metric.get_counter().get_value())),
            MetricType::GAUGE => samples.write(total, None, &real(metric.get_gauge().get_value())),
            _ => write_histogram(&mut samples, metric, format),
        }
    }
}

fn write_histogram(samples: &mut Samples<'_>, metric: &Metric, format: Format) {
    let histogram = metric.get_histogram();
    let bound = |bound: f64| match format {
        Format::Text => real(bound),
        Format::OpenMetrics => canonical(bound),
    };
    // The `prometheus` crate never returns the infinite bucket.
    for bucket in histogram.get_bucket() {
        samples.write("_bucket", Some(&bound(bucket.upper_bound())), &bucket.cumulative_count().to_string());
    }
    let count = histogram.get_sample_count().to_string();
    samples.write("_bucket", Some("+Inf"), &count);
    samples.write("_sum", None, &real(histogram.get_sample_sum()));
    samples.write("_count", None, &count);
}

/// Writes the samples of one metric.
struct Samples<'a> {
    text: &'a mut String,
    name: &'a str,
    labels: &'a [LabelPair],
}

impl Samples<'_> {
    fn write(&mut self, suffix: &str, bound: Option<&str>, value: &str) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        let mut before = '{';
        for label in self.labels {
            self.label(before, label.name(), Escaped::new(label.value()).as_str());
            before = ',';
        }
        if let Some(bound) = bound {
            self.label(before, "le", bound);
            before = ',';
        }
        self.text.push_str(if before == ',' { "} " } else { " " });
        self.text.push_str(value);
        self.text.push('\n');
    }

    fn label(&mut self, before: char, name: &str, value: &str) {
        self.text.push(before);
        for piece in [name, "=\"", value, "\""] {
            self.text.push_str(piece);
        }
    }
}

//! A strict parser of both text formats, written from the formats' specifications and not from the writer.
//!
//! Quick enough for every scrape of a soak. `exposition.rs` reads the same text with the parsers of Prometheus.

use std::collections::{BTreeMap, BTreeSet};

/// What a scrape says: the families by name. A counter has the same name in both formats, without `_total`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exposition {
    pub(crate) families: BTreeMap<String, Family>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    /// Name and labels as they are written, which is the same in both formats.
    pub(crate) series: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
    /// The length of the line, with its end.
    pub(crate) bytes: usize,
}

impl Exposition {
    pub(crate) fn samples(&self, family: &str) -> &[Sample] {
        self.families.get(family).map_or(&[], |family| &family.samples)
    }

    /// The sum of the samples that have all of these labels.
    pub(crate) fn sum(&self, family: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|held| held == value))
        };
        self.samples(family).iter().filter(has).map(|sample| sample.value).sum()
    }

    pub(crate) fn value(&self, family: &str) -> Option<f64> {
        self.samples(family).first().map(|sample| sample.value)
    }
}

/// Parses Prometheus text 0.0.4, or OpenMetrics 1.0.0. The error says in which line the text breaks a rule.
pub(crate) fn parse(text: &str, openmetrics: bool) -> Result<Exposition, String> {
    let body = if openmetrics { text.strip_suffix("# EOF\n").ok_or("it does not end with # EOF")? } else { text };
    if !(body.is_empty() || body.ends_with('\n')) {
        return Err("the last line does not end".to_owned());
    }
    let mut parser = Parser { openmetrics, ..Parser::default() };
    for (number, line) in body.split_terminator('\n').enumerate() {
        parser.line(line).map_err(|rule| format!("line {}: {rule}: {line}", number + 1))?;
    }
    parser.end_family()?;
    Ok(Exposition { families: parser.families })
}

#[derive(Default)]
struct Parser {
    openmetrics: bool,
    families: BTreeMap<String, Family>,
    /// The declared name, and the kind once its line has come.
    current: Option<(String, Option<String>)>,
    samples: Vec<Sample>,
    series: BTreeSet<String>,
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (keyword, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let rest = words.next().ok_or("a comment without its text")?;
            return match keyword {
                "HELP" => {
                    self.end_family()?;
                    unescaped(rest, self.openmetrics)?;
                    is_name(name, true)?;
                    self.current = Some((name.to_owned(), None));
                    Ok(())
                }
                "TYPE" => match &mut self.current {
                    Some((family, kind @ None)) if family == name => {
                        *kind = Some(rest.to_owned());
                        Ok(())
                    }
                    _ => Err("a TYPE that does not follow the HELP of its family".to_owned()),
                },
                _ => Err("a comment that is neither HELP nor TYPE".to_owned()),
            };
        }
        let sample = sample(line)?;
        let Some((family, Some(kind))) = &self.current else { return Err("a sample without HELP and TYPE".to_owned()) };
        let suffix = sample.name.strip_prefix(family.as_str()).ok_or("a sample of another family")?;
        let suffixes: &[&str] = match kind.as_str() {
            "counter" if self.openmetrics => &["_total"],
            "gauge" | "counter" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => return Err(format!("the kind {kind}")),
        };
        if !suffixes.contains(&suffix) {
            return Err(format!("a {kind} with the suffix {suffix:?}"));
        }
        if kind != "gauge" && !(sample.value.is_finite() && sample.value >= 0.0) {
            return Err("a counter that is negative or not a number".to_owned());
        }
        if !self.series.insert(sample.series.clone()) {
            return Err("a series twice".to_owned());
        }
        self.samples.push(sample);
        Ok(())
    }

    fn end_family(&mut self) -> Result<(), String> {
        let Some((name, kind)) = self.current.take() else { return Ok(()) };
        let kind = kind.ok_or_else(|| format!("{name} has no TYPE"))?;
        let name = if kind == "counter" { name.strip_suffix("_total").unwrap_or(&name).to_owned() } else { name };
        let samples = std::mem::take(&mut self.samples);
        if kind == "histogram" {
            histogram(&samples)?;
        }
        if self.families.insert(name.clone(), Family { kind, samples }).is_some() {
            return Err(format!("the family {name} twice"));
        }
        Ok(())
    }
}

/// Buckets rise, the last one is `+Inf` and equals the count.
fn histogram(samples: &[Sample]) -> Result<(), String> {
    let (mut last, mut infinite) = (0.0_f64, None);
    for sample in samples {
        if sample.name.ends_with("_bucket") {
            let bound = sample.labels.get("le").ok_or("a bucket without le")?;
            let first = infinite.take().is_some() || last == 0.0;
            if !first && sample.value < last {
                return Err(format!("{}: buckets that fall", sample.series));
            }
            last = sample.value;
            infinite = (bound == "+Inf").then_some(sample.value);
        } else if sample.name.ends_with("_count") && infinite != Some(sample.value) {
            return Err(format!("{}: the count is not the last bucket {infinite:?}", sample.series));
        }
    }
    Ok(())
}

fn sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("a sample without a value")?;
    let (name, mut rest) = line.split_at(end);
    is_name(name, true)?;
    let mut labels = BTreeMap::new();
    if let Some(after) = rest.strip_prefix('{') {
        rest = after;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or("a label without a value")?;
            is_name(label, false)?;
            let (value, after) = quoted(after)?;
            if labels.insert(label.to_owned(), value).is_some() {
                return Err(format!("the label {label} twice"));
            }
            if let Some(after) = after.strip_prefix(',') {
                rest = after;
            } else {
                rest = after.strip_prefix('}').ok_or("labels that do not end")?;
                break;
            }
        }
    }
    let number = rest.strip_prefix(' ').ok_or("no space before the value")?;
    let series = line[..line.len() - rest.len()].to_owned();
    Ok(Sample { name: name.to_owned(), series, labels, value: value(number)?, bytes: line.len() + 1 })
}

fn value(number: &str) -> Result<f64, String> {
    match number {
        "NaN" => Ok(f64::NAN),
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        // Rust also reads `inf` and `nan`, and a timestamp would follow a space.
        _ if number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => {
            number.parse().map_err(|_| "a value that is not a number".to_owned())
        }
        _ => Err("a value that is not a number".to_owned()),
    }
}

/// The text up to the closing quote, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut escaped = false;
    for (position, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok((unescaped(&text[..position], true)?, &text[position + 1..])),
            _ => {}
        }
    }
    Err("a label value that does not end".to_owned())
}

/// Only `\\`, `\n` and, where quotes have a meaning, `\"` are escapes.
fn unescaped(text: &str, quotes: bool) -> Result<String, String> {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match (character, quotes) {
            ('\\', _) => match characters.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('"') if quotes => '"',
                other => return Err(format!("the escape {other:?}")),
            },
            (character, _) => character,
        });
    }
    Ok(plain)
}

fn is_name(name: &str, metric: bool) -> Result<(), String> {
    let fits = |(position, byte): (usize, u8)| {
        byte.is_ascii_alphabetic() || byte == b'_' || metric && byte == b':' || position > 0 && byte.is_ascii_digit()
    };
    if !name.is_empty() && name.bytes().enumerate().all(fits) { Ok(()) } else { Err(format!("the name {name:?}")) }
}

#[test]
fn the_parser_of_the_soak_refuses_what_the_formats_forbid() {
    let head = "# HELP a x\n# TYPE a gauge\n";
    let histogram = "# HELP h x\n# TYPE h histogram\n";
    for (text, openmetrics) in [
        (format!("{head}a 1"), false),
        (format!("{head}a  1\n"), false),
        (format!("{head}a 1 5\n"), false),
        (format!("{head}a nan\n"), false),
        (format!("{head}a 1\na 2\n"), false),
        (format!("{head}a 1\n{head}a 1\n"), false),
        (format!("{head}b 1\n"), false),
        (format!("{head}a{{b=\"\\t\"}} 1\n"), false),
        (format!("{head}a{{b=\"1\",b=\"2\"}} 1\n"), false),
        (format!("{head}a{{b=\"1}} 1\n"), false),
        (format!("{head}a 1\n"), true),
        ("a 1\n".to_owned(), false),
        ("# TYPE a gauge\na 1\n".to_owned(), false),
        ("# HELP a x\n# TYPE a counter\na -1\n".to_owned(), false),
        ("# HELP a x\n# TYPE a counter\na 1\n# EOF\n".to_owned(), true),
        (format!("{histogram}h_bucket{{le=\"1\"}} 2\nh_bucket{{le=\"+Inf\"}} 1\nh_sum 1\nh_count 1\n"), false),
        (format!("{histogram}h_bucket{{le=\"1\"}} 1\nh_sum 1\nh_count 1\n"), false),
    ] {
        assert!(parse(&text, openmetrics).is_err(), "{text}");
    }
    let text =
        format!("{head}a{{b=\"\\\\\\\"\\n}}=, \"}} +Inf\n# HELP c_total x\n# TYPE c_total counter\nc_total 1e3\n");
    let read = parse(&text, false).expect("valid");
    assert_eq!(read.samples("a")[0].labels["b"], "\\\"\n}=, ");
    assert_eq!(read.value("c"), Some(1000.0));
    let text = "# HELP c x\n# TYPE c counter\nc_total 1000.0\n# EOF\n";
    assert_eq!(parse(text, true).expect("valid").value("c"), Some(1000.0));
}

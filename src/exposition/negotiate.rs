//! Content negotiation (RFC 9110, section 12.5) between the two formats and the two encodings.
//!
//! It never answers 406: if nothing matches, the response is the uncompressed text format, which is more useful to a scraper
//! than a refusal.

use super::{Encoding, Format};

/// The version in which each format is served. A media range with another version does not match.
const fn version(format: Format) -> &'static str {
    match format {
        Format::Text => "0.0.4",
        Format::OpenMetrics => "1.0.0",
    }
}

/// The format and encoding for a scraper with these `Accept` and `Accept-Encoding` headers. Repeated headers must be joined
/// with commas.
///
/// Only a scraper that names OpenMetrics gets it; for `*/*` the answer is the text format.
pub fn negotiate(accept: Option<&str>, accept_encoding: Option<&str>) -> (Format, Encoding) {
    (format(accept.unwrap_or_default()), encoding(accept_encoding.unwrap_or_default()))
}

fn format(accept: &str) -> Format {
    let open_metrics = best(accept, Format::OpenMetrics);
    let text = best(accept, Format::Text);
    let named = open_metrics.specificity >= NAMED;
    if open_metrics.quality > text.quality
        || (named && open_metrics.quality > 0.0 && open_metrics.quality >= text.quality)
    {
        Format::OpenMetrics
    } else {
        Format::Text
    }
}

fn encoding(accept_encoding: &str) -> Encoding {
    let quality = |wanted: &[&str]| {
        elements(accept_encoding)
            .filter(|element| wanted.iter().any(|name| element.name.eq_ignore_ascii_case(name)))
            .map(|element| element.quality)
            .reduce(f32::max)
    };
    let gzip = quality(&["gzip", "x-gzip"]).or_else(|| quality(&["*"])).unwrap_or(0.0);
    let identity = quality(&["identity"]).unwrap_or(0.0);
    if gzip > 0.0 && gzip >= identity { Encoding::Gzip } else { Encoding::Identity }
}

/// The specificity of a media range that names the media type, without or with the version.
const NAMED: u8 = 3;
const NAMED_WITH_VERSION: u8 = 4;

/// The most specific media range that matches a format.
struct Match {
    specificity: u8,
    quality: f32,
}

fn best(accept: &str, format: Format) -> Match {
    let mut best = Match { specificity: 0, quality: 0.0 };
    for element in elements(accept) {
        let specificity = specificity(&element, format);
        if specificity > best.specificity || (specificity == best.specificity && element.quality > best.quality) {
            best = Match { specificity, quality: if specificity == 0 { 0.0 } else { element.quality } };
        }
    }
    best
}

/// How specific the media range is for the format; 0 if it does not match.
fn specificity(range: &Element<'_>, format: Format) -> u8 {
    let (any_subtype, media_type) = match format {
        Format::Text => ("text/*", "text/plain"),
        Format::OpenMetrics => ("application/*", "application/openmetrics-text"),
    };
    if range.name.eq_ignore_ascii_case(media_type) {
        match range.version {
            None => NAMED,
            Some(wanted) if wanted == version(format) => NAMED_WITH_VERSION,
            Some(_) => 0,
        }
    } else if range.name.eq_ignore_ascii_case(any_subtype) {
        2
    } else {
        u8::from(range.name == "*/*")
    }
}

/// One element of either header. Other parameters, such as `escaping`, are ignored.
struct Element<'a> {
    name: &'a str,
    version: Option<&'a str>,
    quality: f32,
}

/// The elements of a header. An element with a quality that is not a number from 0 to 1 is skipped.
fn elements(header: &str) -> impl Iterator<Item = Element<'_>> {
    header.split(',').filter_map(|element| {
        let mut pieces = element.split(';').map(str::trim);
        let mut element = Element { name: pieces.next()?, version: None, quality: 1.0 };
        for (name, value) in pieces.filter_map(|parameter| parameter.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim() {
                "q" | "Q" => element.quality = value.parse().ok().filter(|quality| (0.0..=1.0).contains(quality))?,
                name if name.eq_ignore_ascii_case("version") => element.version = Some(value),
                _ => {}
            }
        }
        (!element.name.is_empty()).then_some(element)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_the_scraper_prefers() {
        use Format::{OpenMetrics, Text};
        for (accept, expected) in [
            (None, Text),
            (Some(""), Text),
            (Some("*/*"), Text),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Text),
            (Some("application/openmetrics-text"), OpenMetrics),
            (Some("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8"), OpenMetrics),
            (Some("application/openmetrics-text;version=\"1.0.0\""), OpenMetrics),
            (
                Some("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"),
                OpenMetrics,
            ),
            // Prometheus 2.42
            (
                Some(
                    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                ),
                OpenMetrics,
            ),
            // Prometheus 3
            (
                Some(
                    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                ),
                OpenMetrics,
            ),
            // Prometheus 3, configured to prefer the text format.
            (
                Some(
                    "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2",
                ),
                Text,
            ),
            (Some("application/openmetrics-text;version=0.0.1"), Text),
            (Some("application/openmetrics-text;version=2.0.0,text/plain;q=0.1"), Text),
            (Some("application/openmetrics-text;q=0"), Text),
            (Some("application/openmetrics-text;q=0,*/*"), Text),
            (Some("application/openmetrics-text,text/plain"), OpenMetrics),
            (Some("text/plain,application/openmetrics-text"), OpenMetrics),
            (Some("application/openmetrics-text;q=0.1,*/*"), Text),
            (Some("application/*"), OpenMetrics),
            (Some("application/*,text/*"), Text),
            (Some("text/plain;q=0,*/*"), OpenMetrics),
            (Some("application/openmetrics-text;q=nan"), Text),
            (Some("application/openmetrics-text;q=2"), Text),
            (Some(",;;=,q=1"), Text),
            (Some("text/plain;q=0"), Text),
        ] {
            assert_eq!(negotiate(accept, None).0, expected, "{accept:?}");
        }
    }

    #[test]
    fn gzip_is_sent_only_if_accepted() {
        use Encoding::{Gzip, Identity};
        for (accept_encoding, expected) in [
            (None, Identity),
            (Some(""), Identity),
            (Some("gzip"), Gzip),
            (Some("GZIP"), Gzip),
            (Some("x-gzip"), Gzip),
            (Some("gzip, deflate, br, zstd"), Gzip),
            (Some("deflate, gzip;q=0.5"), Gzip),
            (Some("gzip;q=0"), Identity),
            (Some("gzip;q=0.000"), Identity),
            (Some("*"), Gzip),
            (Some("*;q=0"), Identity),
            (Some("gzip;q=0, *"), Identity),
            (Some("gzip, *;q=0"), Gzip),
            (Some("deflate"), Identity),
            (Some("identity"), Identity),
            (Some("identity;q=0.5, gzip;q=1.0"), Gzip),
            (Some("identity, gzip;q=0.5"), Identity),
            (Some("identity;q=0, gzip;q=0.1"), Gzip),
            (Some("gzipped"), Identity),
        ] {
            assert_eq!(negotiate(None, accept_encoding).1, expected, "{accept_encoding:?}");
        }
    }
}

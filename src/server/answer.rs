//! Builds responses: status, headers, and a body in parts that are sent without being copied together, or while it is written.
//!
//! Which response a request gets is decided in `routes`.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use super::streamed::Streamed;
use crate::exposition::{Body, Encoding, Format};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A response.
pub(super) type Answer = Response<Content>;

/// The body of a response.
#[derive(Debug)]
pub(super) enum Content {
    /// Parts that are ready, sent in order.
    Parts(std::vec::IntoIter<Bytes>),
    /// A scrape.
    Scrape(Box<Body>),
    /// A document that is written while it is sent.
    Streamed(Streamed),
    /// The body of a response to HEAD that a GET would stream. It is never sent.
    Unsent,
}

impl Content {
    /// The next part; `None` after the last one.
    pub(super) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::Parts(parts) => Poll::Ready(parts.next().map(Ok)),
            Self::Scrape(body) => Poll::Ready(body.next()),
            Self::Streamed(streamed) => streamed.poll_part(cx),
            Self::Unsent => Poll::Ready(None),
        }
    }

    /// The text, if it is one part and UTF-8.
    pub(super) fn as_text(&self) -> Option<String> {
        match self {
            Self::Parts(parts) => match parts.as_slice() {
                [one] => String::from_utf8(one.to_vec()).ok(),
                _ => None,
            },
            Self::Scrape(_) | Self::Streamed(_) | Self::Unsent => None,
        }
    }

    /// Whether it is known that nothing follows.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Parts(parts) if parts.len() == 0)
    }

    /// The number of bytes that follow, if it is known.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Parts(parts) => Some(parts.as_slice().iter().map(|part| part.len() as u64).sum()),
            Self::Scrape(body) => Some(body.left()),
            Self::Streamed(streamed) => streamed.length(),
            Self::Unsent => None,
        }
    }
}

/// A response with this content type and these parts.
fn parts(status: StatusCode, content_type: HeaderValue, parts: Vec<Bytes>) -> Answer {
    let mut answer = Response::new(Content::Parts(parts.into_iter()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// The metrics in this format.
pub(super) fn metrics(body: Body, format: Format, encoding: Encoding) -> Answer {
    let mut answer = parts(StatusCode::OK, HeaderValue::from_static(format.content_type()), Vec::new());
    *answer.body_mut() = Content::Scrape(Box::new(body));
    answer.headers_mut().insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    encoded(&mut answer, encoding);
    answer
}

/// A plain text with a final line break, which must not be cached.
pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Answer {
    let mut text = text.into();
    text.push('\n');
    let mut answer = parts(status, TEXT, vec![Bytes::from(text)]);
    answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    answer
}

/// The same answer with nothing but its status: for a health check of somebody who need not know more.
pub(super) fn without_reasons(answer: Answer) -> Answer {
    let status = answer.status();
    if status.is_success() { answer } else { text(status, status.canonical_reason().unwrap_or_default()) }
}

/// The answer if the server is busy for longer than a request may wait. The connection ends, to make room for others.
pub(super) fn busy() -> Answer {
    let reason = "The exporter is busy with other requests. Try again in a few seconds. Requests about health are always answered.";
    let mut answer = text(StatusCode::SERVICE_UNAVAILABLE, reason);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// The JSON report, which must not be cached or used by other origins.
pub(super) fn json(document: Content, encoding: Encoding) -> Answer {
    let mut answer = parts(StatusCode::OK, JSON, Vec::new());
    *answer.body_mut() = document;
    encoded(&mut answer, encoding);
    answer.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    closed_to_others(&mut answer, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    answer
}

/// An HTML page with its `Content-Security-Policy`, which must not be cached or used by other origins.
pub(super) fn html(page: String, security_policy: HeaderValue) -> Answer {
    let mut answer = parts(StatusCode::OK, HTML, vec![Bytes::from(page)]);
    closed_to_others(&mut answer, security_policy);
    answer
}

/// Replaces the body by an HTML page with its `Content-Security-Policy`. Status and other headers stay.
pub(super) fn replace_with_html(answer: &mut Answer, page: String, security_policy: HeaderValue) {
    *answer.body_mut() = Content::Parts(vec![Bytes::from(page)].into_iter());
    answer.headers_mut().insert(CONTENT_TYPE, HTML);
    answer.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    closed_to_others(answer, security_policy);
}

/// The icon, which browsers request on their own at `/favicon.ico`.
pub(super) fn icon(svg: &'static str) -> Answer {
    let mut answer = parts(StatusCode::OK, SVG, vec![Bytes::from_static(svg.as_bytes())]);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=86400"));
    answer
}

/// Declares the encoding of the body.
fn encoded(answer: &mut Answer, encoding: Encoding) {
    if encoding == Encoding::Gzip {
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
}

fn closed_to_others(answer: &mut Answer, security_policy: HeaderValue) {
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(CONTENT_SECURITY_POLICY, security_policy);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
}

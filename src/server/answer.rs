//! Builds responses: status, headers, and a body in parts that are sent without being copied together.
//!
//! Which response a request gets is decided in `routes`.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A response.
pub(super) type Answer = Response<Parts>;

/// A body in parts, sent in order.
#[derive(Debug, Default)]
pub(super) struct Parts(std::vec::IntoIter<Bytes>);

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(self.0.next().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_slice().iter().map(|part| part.len() as u64).sum())
    }
}

/// A response with this content type and these parts.
pub(super) fn parts(status: StatusCode, content_type: HeaderValue, parts: Vec<Bytes>) -> Answer {
    let mut answer = Response::new(Parts(parts.into_iter()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
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

/// The JSON report, which must not be cached or used by other origins.
pub(super) fn json(document: Bytes) -> Answer {
    let mut answer = parts(StatusCode::OK, JSON, vec![document]);
    closed_to_others(&mut answer, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    answer
}

/// An HTML page with its `Content-Security-Policy`, which must not be cached or used by other origins.
pub(super) fn html(page: String, security_policy: HeaderValue) -> Answer {
    let mut answer = parts(StatusCode::OK, HTML, vec![Bytes::from(page)]);
    closed_to_others(&mut answer, security_policy);
    answer
}

/// The icon, which browsers request on their own at `/favicon.ico`.
pub(super) fn icon(svg: &'static str) -> Answer {
    let mut answer = parts(StatusCode::OK, SVG, vec![Bytes::from_static(svg.as_bytes())]);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=86400"));
    answer
}

fn closed_to_others(answer: &mut Answer, security_policy: HeaderValue) {
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(CONTENT_SECURITY_POLICY, security_policy);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
}

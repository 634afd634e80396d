//! A refusal or an error as a page for people, with a way back. Programs get the same text without markup.

use askama::Template;
use hyper::StatusCode;

use super::frame::Frame;
use crate::domain::Timestamp;

/// Renders the page for a request to this path, which is answered with this status and this text.
pub(in crate::server) fn page(
    status: StatusCode,
    text: &str,
    path: &str,
    now: Timestamp,
    telemetry_path: &str,
) -> askama::Result<String> {
    let title = match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not shown here",
        StatusCode::BAD_REQUEST => "The address cannot be understood",
        StatusCode::METHOD_NOT_ALLOWED => "Not possible",
        StatusCode::SERVICE_UNAVAILABLE => "Busy",
        _ => "Something went wrong",
    };
    Page {
        frame: Frame::new(path, telemetry_path, false, now),
        title,
        status: status.as_u16(),
        lines: text.trim().lines().collect(),
    }
    .render()
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page<'a> {
    frame: Frame<'a>,
    title: &'static str,
    status: u16,
    lines: Vec<&'a str>,
}

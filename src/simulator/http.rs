//! The listener and its tasks: turns HTTP into [`Incoming`] requests and [`Reaction`]s into HTTP.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming as HyperBody};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, USER_AGENT};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::form_urlencoded;

use super::organisation::SimulatedOrganisation;
use super::recorder::RecordedRequest;
use super::reply::{Payload, Reaction, Reply};
use super::request::Incoming;
use super::trickle::{Pause, Trickling};

/// The largest request body that is accepted: `request.bytes.max` (reference 6).
const REQUEST_BYTES: usize = 512_000;
/// Time for responses in flight to end once the simulator stops.
const GRACE: Duration = Duration::from_millis(250);
/// Bytes per chunk of a streamed body.
const CHUNK: usize = 64 * 1024;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Accepts connections until `stopped` is true, then waits for the connections to end.
pub(super) async fn serve(
    listener: TcpListener,
    organisation: SimulatedOrganisation,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, organisation.clone(), stopped.clone()));
                }
                Err(error) => {
                    // File descriptors may have run out. Yield, so that other tasks can close some.
                    tracing::warn!(%error, "the simulator could not accept a connection");
                    tokio::task::yield_now().await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            () = stop(&mut stopped) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Completes once the simulator is stopped or dropped.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the simulator was dropped.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn connection(stream: TcpStream, organisation: SimulatedOrganisation, mut stopped: watch::Receiver<bool>) {
    let waiting = stopped.clone();
    let (stream, pause) = Trickling::new(stream);
    let service = service_fn(move |request| respond(request, organisation.clone(), waiting.clone(), pause.clone()));
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        result = served.as_mut() => {
            if let Err(error) = result {
                tracing::debug!(%error, "a connection to the simulator ended early");
            }
        }
        () = stop(&mut stopped) => {
            served.as_mut().graceful_shutdown();
            // A client that has not read its response by then loses it.
            let _ = tokio::time::timeout(GRACE, served).await;
        }
    }
}

async fn respond(
    request: Request<HyperBody>,
    organisation: SimulatedOrganisation,
    mut stopped: watch::Receiver<bool>,
    pause: Pause,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default();
    let authorization = text(&parts.headers, &AUTHORIZATION);
    organisation.record(RecordedRequest {
        method: parts.method.to_string(),
        path_and_query: if path == "/oauth/token" || query.is_empty() {
            path.clone()
        } else {
            format!("{path}?{query}")
        },
        authorization_scheme: authorization.as_deref().and_then(scheme),
        user_agent: text(&parts.headers, &USER_AGENT),
        content_type: text(&parts.headers, &CONTENT_TYPE),
    });
    let Ok(body) = Limited::new(body, REQUEST_BYTES).collect().await else {
        return Err(io::Error::other("the request body is too large or incomplete"));
    };
    let incoming = Incoming {
        method: parts.method.to_string(),
        path,
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        authorization,
        body: body.to_bytes(),
    };
    match organisation.answer(&incoming) {
        Reaction::Answer(reply) => {
            pause.set(reply.trickle);
            written(reply)
        }
        Reaction::Close => Err(io::Error::other("closed without a response, by a fault")),
        Reaction::Hang => {
            stop(&mut stopped).await;
            Err(io::Error::other("stopped during a request that hangs, by a fault"))
        }
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The first word of an `Authorization` header. `None` if there is only one word, which could be a bare secret.
fn scheme(header: &str) -> Option<String> {
    header.split_once(' ').map(|(scheme, _)| scheme.to_owned())
}

fn written(reply: Reply) -> io::Result<Response<Body>> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let json = "application/json";
    let (content_type, body) = match reply.payload {
        Payload::Empty => (None, full(Bytes::new())),
        Payload::Json(document) => (Some(json), full(document.to_string().into())),
        Payload::Raw { content_type, bytes } => (Some(content_type), full(bytes)),
        Payload::Cut(bytes) => {
            response = response.header(CONTENT_LENGTH, bytes.len());
            (Some(json), cut(&bytes))
        }
        Payload::Huge(padding) => (Some(json), huge(padding)),
        Payload::Slow { bytes, chunk, pause } => (Some(json), slow(bytes, chunk, pause)),
    };
    if let Some(content_type) = content_type {
        response = response.header(CONTENT_TYPE, content_type);
    }
    response.body(body).map_err(io::Error::other)
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

fn cut(bytes: &Bytes) -> Body {
    let half = bytes.slice(..bytes.len() / 2);
    let error = stream::once(async {
        // Yield, so that the head and half of the body are written. An immediate error would discard them.
        tokio::task::yield_now().await;
        Err(io::Error::other("body cut, by a fault"))
    });
    StreamBody::new(stream::iter([Ok(Frame::data(half))]).chain(error)).boxed_unsync()
}

fn huge(padding: u64) -> Body {
    let spaces = Bytes::from(vec![b' '; CHUNK]);
    let middle = stream::unfold(padding, move |left| {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK);
        let chunk = spaces.slice(..length);
        async move { (length > 0).then_some((chunk, left - length as u64)) }
    });
    let start = stream::iter([Bytes::from_static(b"{\"entities\":[")]);
    let end = stream::iter([Bytes::from_static(b"],\"total\":0}")]);
    StreamBody::new(start.chain(middle).chain(end).map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync()
}

fn slow(bytes: Bytes, chunk: usize, pause: Duration) -> Body {
    let frames = stream::unfold(bytes, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let next = left.split_to(chunk.min(left.len()));
        Some((Ok(Frame::data(next)), left))
    });
    StreamBody::new(frames).boxed_unsync()
}

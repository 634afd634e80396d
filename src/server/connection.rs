//! Serves one connection: its deadlines, and its end when it has to give way or the server stops.
//!
//! Requests are answered in `routes`. What the connection is doing, and until when it may, is decided in `peers`.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::answer::Content;
use super::metrics::Closed;
use super::peers::{Observed, Place};
use super::visitor::{Certificate, Visitor, is_own_machine};
use super::web::Transport;
use super::{Limits, Routes};

/// Serves one connection until the peer closes it, a deadline passes, it has to give way, or `stop` is cancelled.
pub(super) async fn serve(
    stream: TcpStream,
    bound: SocketAddr,
    place: Place,
    routes: Arc<Routes>,
    stop: CancellationToken,
) {
    // Each response is written completely, so waiting for more data would only delay its last segment.
    if let Err(cause) = stream.set_nodelay(true) {
        debug!(%cause, "cannot set TCP_NODELAY");
    }
    let place = Arc::new(place);
    let transport = routes.transport();
    let is_own_machine = is_own_machine(&stream, place.peer());
    // Below TLS, so that what is read and written shows what the peer does.
    let stream = Observed::new(stream, Arc::clone(&place));
    let Some(tls) = &transport.tls else {
        let visitor = Visitor { bound, certificate: Certificate::NotNeeded };
        return requests(stream, visitor, place, &transport, routes, stop).await;
    };
    if let Some(stream) = handshake(tls.config(is_own_machine), stream, &place, &stop).await {
        let given = stream.get_ref().1.peer_certificates().is_some_and(|chain| !chain.is_empty());
        let certificate = Certificate::of(given, transport.requires_certificate(), transport.verifies());
        requests(stream, Visitor { bound, certificate }, place, &transport, routes, stop).await;
    }
}

/// Makes the connection secure, within the time for a first request. `None` if it ended.
async fn handshake(
    config: Arc<ServerConfig>,
    stream: Observed<TcpStream>,
    place: &Arc<Place>,
    stop: &CancellationToken,
) -> Option<TlsStream<Observed<TcpStream>>> {
    let mut accepting = pin!(TlsAcceptor::from(config).accept(stream));
    let mut timer = pin!(sleep_until(Instant::now()));
    let progress = poll_fn(|cx| match accepting.as_mut().poll(cx) {
        Poll::Ready(ended) => Poll::Ready(Ok(ended)),
        Poll::Pending => overdue(place, timer.as_mut(), cx).map(Err),
    });
    let closed = tokio::select! {
        biased;
        progress = progress => match progress {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(cause)) => {
                debug!(%cause, "the TLS handshake failed");
                return None;
            }
            Err(why) => why,
        },
        why = place.asked_to_close() => why,
        () = stop.cancelled() => return None,
    };
    place.closed(closed);
    debug!(reason = closed.label(), "the connection was closed during the TLS handshake");
    None
}

/// Serves the requests of a connection.
async fn requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    visitor: Visitor,
    place: Arc<Place>,
    transport: &Transport,
    routes: Arc<Routes>,
    stop: CancellationToken,
) {
    let service = service_fn(|request| {
        let (routes, place) = (Arc::clone(&routes), Arc::clone(&place));
        async move {
            place.answering();
            let mut answer = routes.answer(request, &visitor, &place).await;
            if transport.is_renewed() {
                // The peer connects again, and sees the new certificate.
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            place.sending();
            Ok::<_, Infallible>(answer.map(|content| Sent { content, place }))
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            // `Place::due` has the deadline of a head: hyper's also runs while the connection is idle.
            .header_read_timeout(None)
            .max_headers(Limits::MAX_HEADERS)
            .max_header_size(Limits::MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut timer = pin!(sleep_until(Instant::now()));
    let (mut stopping, mut retired) = (false, false);
    loop {
        let serving = poll_fn(|cx| {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(End::ByPeer(ended));
            }
            if stopping && place.is_waiting() {
                return Poll::Ready(End::Stopped);
            }
            overdue(&place, timer.as_mut(), cx).map(End::Closed)
        });
        let end = tokio::select! {
            // First what the peer has sent: a connection with a request does not give way.
            biased;
            end = serving => Some(end),
            why = place.asked_to_close() => Some(End::Closed(why)),
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                None
            }
            // Other clients are let in now.
            () = transport.retired.cancelled(), if !retired => None,
        };
        match end {
            Some(End::ByPeer(Ok(())) | End::Stopped) => return,
            Some(End::ByPeer(Err(cause))) => return debug!(%cause, "the connection ended with an error"),
            Some(End::Closed(why)) => {
                place.closed(why);
                return debug!(reason = why.label(), "the connection was closed");
            }
            None => {
                retired = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// How a connection ended.
enum End {
    ByPeer(hyper::Result<()>),
    Closed(Closed),
    Stopped,
}

/// Ready when the deadline of what the connection is doing now has passed.
fn overdue(place: &Place, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<Closed> {
    let Some((due, why)) = place.due() else { return Poll::Pending };
    if timer.deadline() != due {
        timer.as_mut().reset(due);
    }
    ready!(timer.poll(cx));
    Poll::Ready(why)
}

/// The body of a response, which reports when all of it was handed to the connection.
struct Sent {
    content: Content,
    place: Arc<Place>,
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.place.complete();
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.content.poll_part(cx).map(|part| part.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

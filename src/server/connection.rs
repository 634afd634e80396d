//! One connection: its deadlines, and its graceful end.
//!
//! Not what is answered: that is `routes`.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{Limits, Routes};

/// Serves one connection until its peer, a deadline or `stop` ends it.
pub(super) async fn serve(stream: TcpStream, routes: Arc<Routes>, limits: Limits, stop: CancellationToken) {
    // Answers are written whole: waiting for more would only delay their last segment.
    if let Err(cause) = stream.set_nodelay(true) {
        debug!(%cause, "no TCP_NODELAY");
    }
    let service = service_fn(|request| {
        let routes = Arc::clone(&routes);
        async move { Ok::<_, Infallible>(routes.answer(request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_read)
            .max_headers(Limits::MAX_HEADERS)
            .max_header_size(Limits::MAX_HEAD)
            .serve_connection(TokioIo::new(stream), service)
    );
    let last_request = Instant::now() + limits.connection;
    let end = last_request + limits.last_answer;
    let mut ending = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(cause) = ended {
                    debug!(%cause, "the connection ended");
                }
                return;
            }
            () = stop.cancelled(), if !ending => ending = true,
            () = sleep_until(last_request), if !ending => ending = true,
            () = sleep_until(end) => {
                debug!("the connection was cut: its peer reads too slowly");
                return;
            }
        }
        // Only the two branches that begin the end come here.
        connection.as_mut().graceful_shutdown();
    }
}

//! Serves one connection: its deadlines and its graceful shutdown.
//!
//! Requests are answered in `routes`.

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

/// Serves one connection until the peer closes it, a deadline passes or `stop` is cancelled.
pub(super) async fn serve(stream: TcpStream, routes: Arc<Routes>, limits: Limits, stop: CancellationToken) {
    // Each response is written completely, so waiting for more data would only delay its last segment.
    if let Err(cause) = stream.set_nodelay(true) {
        debug!(%cause, "cannot set TCP_NODELAY");
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
                    debug!(%cause, "the connection ended with an error");
                }
                return;
            }
            () = stop.cancelled(), if !ending => ending = true,
            () = sleep_until(last_request), if !ending => ending = true,
            () = sleep_until(end) => {
                debug!("the connection was closed because its peer reads too slowly");
                return;
            }
        }
        // Reached only from the two branches that set `ending`.
        connection.as_mut().graceful_shutdown();
    }
}

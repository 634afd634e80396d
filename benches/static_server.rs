//! A server that returns the bytes of two files: the limit for a scrape, with which `scripts/bench-scrape` compares the exporter.
//!
//! Not part of the product, and `cargo bench` does not run it. The page is sent in parts that stay in the caches: a page of 1.6 MB
//! takes 0.5 ms that way, and 0.9 ms in one piece. With parts of 128 KiB, it takes 0.6 ms.

use std::convert::Infallible;
use std::env::args;
use std::fs;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const PART: usize = 32 << 10;

/// The rest of a page.
struct Rest(Bytes);

impl Body for Rest {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = self.0.len().min(PART);
        Poll::Ready((part > 0).then(|| Ok(Frame::data(self.0.split_to(part)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

/// A page, and the same page compressed.
#[derive(Clone)]
struct Page {
    plain: Bytes,
    gzip: Bytes,
    content_type: HeaderValue,
}

impl Page {
    fn response(&self, request: &HeaderMap) -> Response<Rest> {
        let accepted = request.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let gzip = accepted.contains("gzip");
        let mut response = Response::new(Rest(if gzip { &self.gzip } else { &self.plain }.clone()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = args().skip(1).collect();
    let [address, plain, gzip, content_type] = arguments.as_slice() else {
        bail!("usage: static_server ADDRESS PLAIN_FILE GZIP_FILE CONTENT_TYPE");
    };
    let read = |path: &String| fs::read(path).map(Bytes::from).with_context(|| format!("cannot read {path}"));
    let page = Page { plain: read(plain)?, gzip: read(gzip)?, content_type: content_type.parse()? };
    let address: SocketAddr = address.parse().context("the address is not host:port")?;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let page = page.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: hyper::Request<_>| {
                let response = page.response(request.headers());
                async move { Ok::<_, Infallible>(response) }
            });
            // An error means that the peer has left.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

//! A connection that can send one byte at a time, with a pause before each: the head of a response as well as its body.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// The pause before each byte of a connection; `None` sends at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Pause(Arc<Mutex<Option<Duration>>>);

impl Pause {
    pub(super) fn set(&self, pause: Option<Duration>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = pause;
    }

    fn get(&self) -> Option<Duration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection. Its reads are not slowed down.
#[derive(Debug)]
pub(super) struct Trickling {
    stream: TcpStream,
    pause: Pause,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Trickling {
    pub(super) fn new(stream: TcpStream) -> (Self, Pause) {
        let pause = Pause::default();
        (Self { stream, pause: pause.clone(), waiting: None }, pause)
    }
}

impl AsyncRead for Trickling {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Trickling {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(pause) = self.pause.get() else { return Pin::new(&mut self.stream).poll_write(cx, bytes) };
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Pin::new(&mut self.stream).poll_write(cx, &bytes[..bytes.len().min(1)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

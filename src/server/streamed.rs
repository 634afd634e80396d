//! A document that a blocking thread writes while it is sent, with a few chunks in memory.
//!
//! What is written is decided in `report`. If the peer disconnects or is cut off, the next write fails and the thread ends. If the
//! thread ends before the document does, the connection is aborted, so that the document does not look complete.

use std::io::{self, BufWriter, Write};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::mpsc;

use crate::exposition::Encoding;

/// The size of a chunk, in bytes.
const CHUNK: usize = 64 << 10;
/// The chunks that wait to be sent. The thread waits while there are so many.
const CHUNKS: usize = 4;
/// The document is compressed for each request, so it is compressed quickly.
const LEVEL: Compression = Compression::new(2);

/// The receiving end: the document, chunk by chunk.
#[derive(Debug)]
pub(super) struct Streamed {
    chunks: mpsc::Receiver<Message>,
    /// The number of bytes that follow, if it was announced.
    length: Option<u64>,
    ended: bool,
}

#[derive(Debug)]
enum Message {
    Chunk(Bytes),
    /// The document is complete. Without this, the thread has failed.
    End,
}

impl Streamed {
    pub(super) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let message = ready!(self.chunks.poll_recv(cx));
        Poll::Ready(match message {
            Some(Message::Chunk(chunk)) => {
                self.length = self.length.map(|length| length.saturating_sub(chunk.len() as u64));
                Some(Ok(chunk))
            }
            Some(Message::End) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the document could not be written to its end")))
            }
        })
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }
}

/// Starts a thread that writes a document. It runs until everything is received or the receiver is dropped.
pub(super) fn stream(
    encoding: Encoding,
    length: Option<u64>,
    document: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Streamed {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    tokio::task::spawn_blocking(move || {
        let mut chunks = Chunks { sender, chunk: BytesMut::new() };
        // A failure is visible to the receiver, because no end is sent.
        if encode(encoding, &mut chunks, document).and_then(|()| chunks.flush()).is_ok() {
            let _ = chunks.sender.blocking_send(Message::End);
        }
    });
    Streamed { chunks, length, ended: false }
}

/// The number of bytes that [`stream`] sends for this document.
pub(super) fn measure(encoding: Encoding, document: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<u64> {
    let mut counter = Counter(0);
    encode(encoding, &mut counter, document)?;
    Ok(counter.0)
}

fn encode(
    encoding: Encoding,
    target: &mut dyn Write,
    document: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match encoding {
        Encoding::Identity => document(target),
        Encoding::Gzip => {
            // The encoder is slow with the short writes of a serialiser.
            let mut encoder = BufWriter::with_capacity(CHUNK, GzEncoder::new(target, LEVEL));
            document(&mut encoder)?;
            let encoder = encoder.into_inner().map_err(io::IntoInnerError::into_error)?;
            encoder.finish().map(drop)
        }
    }
}

/// Collects what is written into chunks, and waits while the receiver has enough of them.
struct Chunks {
    sender: mpsc::Sender<Message>,
    chunk: BytesMut,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.capacity() == 0 {
            self.chunk.reserve(CHUNK);
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        if self.chunk.len() == CHUNK {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::take(&mut self.chunk).freeze();
        self.sender.blocking_send(Message::Chunk(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Counts what is written.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    async fn next(streamed: &mut Streamed) -> Option<io::Result<Bytes>> {
        poll_fn(|cx| streamed.poll_part(cx)).await
    }

    async fn all(mut streamed: Streamed) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(part) = next(&mut streamed).await {
            bytes.extend_from_slice(&part?);
        }
        Ok(bytes)
    }

    fn lines(target: &mut dyn Write) -> io::Result<()> {
        (0..50_000).try_for_each(|n| writeln!(target, "line {n}"))
    }

    #[tokio::test]
    async fn both_encodings_carry_the_same_document_of_the_measured_length() {
        let mut plain = Vec::new();
        lines(&mut plain).expect("into memory");
        let identity = all(stream(Encoding::Identity, None, lines)).await.expect("complete");
        assert!(identity == plain && plain.len() > CHUNK * (CHUNKS + 1));
        assert_eq!(measure(Encoding::Identity, lines).expect("counted"), plain.len() as u64);
        let gzip = all(stream(Encoding::Gzip, None, lines)).await.expect("complete");
        let mut unpacked = Vec::new();
        GzDecoder::new(&*gzip).read_to_end(&mut unpacked).expect("gzip");
        assert!(unpacked == plain);
        assert_eq!(measure(Encoding::Gzip, lines).expect("counted"), gzip.len() as u64);
        assert_eq!(all(stream(Encoding::Identity, None, |_| Ok(()))).await.expect("complete"), b"");
    }

    #[tokio::test]
    async fn the_writer_ends_when_the_peer_is_gone_and_never_runs_far_ahead() {
        let (report, reported) = std::sync::mpsc::channel();
        let mut streamed = stream(Encoding::Identity, None, move |target| {
            let mut written = 0_usize;
            let failed = loop {
                match target.write_all(&[b'x'; 1000]) {
                    Ok(()) => written += 1000,
                    Err(cause) => break cause,
                }
            };
            report.send(written).expect("the test waits");
            Err(failed)
        });
        next(&mut streamed).await.expect("a chunk").expect("no error");
        // Without a bound, the writer may still have been slow.
        assert_eq!(streamed.chunks.max_capacity(), CHUNKS);
        drop(streamed);
        let written = tokio::task::spawn_blocking(move || reported.recv()).await.expect("no panic");
        assert!(written.expect("the writer ended") <= CHUNK * (CHUNKS + 2));
    }

    #[tokio::test]
    async fn a_document_that_fails_does_not_end_as_a_complete_one_does() {
        for encoding in [Encoding::Identity, Encoding::Gzip] {
            let failing = stream(encoding, None, |target| {
                target.write_all(b"half")?;
                Err(io::Error::other("no more"))
            });
            assert!(all(failing).await.is_err(), "{encoding:?}");
            let panicking = stream(encoding, None, |_| panic!("a defect, on purpose"));
            assert!(all(panicking).await.is_err(), "{encoding:?}");
        }
    }
}

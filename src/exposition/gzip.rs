//! Joins texts that were compressed in advance into one gzip member (RFC 1952), without compressing them again.
//!
//! Which texts they are is decided in `scrape`. Each text is a raw deflate stream that ends with a sync flush: on a byte
//! boundary and without a final block, so that another stream can follow. The checksum is combined from the parts' checksums.

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, CompressError, Compression, FlushCompress, Status};

/// Magic, deflate, no flags, no time, no hint, unknown system. One member only: curl and others stop after the first.
static HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// For text that is compressed once per refresh: within 5 % of the size at level 6, in less than half the time.
const PUBLISHED: Compression = Compression::new(2);

/// For text that is compressed on each scrape: it is short, and the scraper waits for it.
const PER_SCRAPE: Compression = Compression::new(1);

/// A text that is served often, kept both plain and compressed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    plain: Bytes,
    deflated: Bytes,
    checksum: Hasher,
}

impl Part {
    pub(super) fn new(mut text: Vec<u8>) -> Self {
        text.shrink_to_fit();
        let mut deflated = deflate(&text, PUBLISHED, Ending::Open);
        deflated.shrink_to_fit();
        let mut checksum = Hasher::new();
        checksum.update(&text);
        Self { plain: text.into(), deflated: deflated.into(), checksum }
    }

    pub(super) fn plain(&self) -> Bytes {
        self.plain.clone()
    }
}

/// One gzip member with the parts followed by `tail`, as pieces to send in order. Only `tail` is compressed here.
pub(super) fn member(parts: &[&Part], tail: &[u8]) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(parts.len() + 2);
    pieces.push(Bytes::from_static(&HEADER));
    let mut checksum = Hasher::new();
    let mut length = 0;
    for part in parts {
        pieces.push(part.deflated.clone());
        checksum.combine(&part.checksum);
        length += part.plain.len();
    }
    let mut end = Hasher::new();
    end.update(tail);
    checksum.combine(&end);
    let mut last = deflate(tail, PER_SCRAPE, Ending::Last);
    last.extend_from_slice(&checksum.finalize().to_le_bytes());
    last.extend_from_slice(&length_field(length + tail.len()));
    pieces.push(last.into());
    pieces
}

/// The length modulo 2^32, as RFC 1952 defines ISIZE.
fn length_field(length: usize) -> [u8; 4] {
    let [a, b, c, d, ..] = (length as u64).to_le_bytes();
    [a, b, c, d]
}

/// How a deflate stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// On a byte boundary, so that another stream can follow.
    Open,
    /// With the final block.
    Last,
}

#[expect(clippy::expect_used, reason = "compressing fails only on a stream in a wrong state, and this stream is new")]
fn deflate(text: &[u8], level: Compression, ending: Ending) -> Vec<u8> {
    try_deflate(text, level, ending).expect("deflate into memory")
}

/// `write::DeflateEncoder` would be shorter, but its `flush` loses output that exceeds its buffer of 32 KiB: it continues
/// with a different flush value than it started with (flate2 1.1.10), which zlib forbids.
fn try_deflate(text: &[u8], level: Compression, ending: Ending) -> Result<Vec<u8>, CompressError> {
    let mut stream = Compress::new(level, false);
    let mut deflated = Vec::new();
    let mut rest = text;
    loop {
        deflated.reserve(rest.len() / 8 + 1024);
        let before = stream.total_in();
        let status = match ending {
            Ending::Open => stream.compress_vec(rest, &mut deflated, FlushCompress::Sync)?,
            Ending::Last => stream.compress_vec(rest, &mut deflated, FlushCompress::Finish)?,
        };
        let consumed = usize::try_from(stream.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.get(consumed..).unwrap_or_default();
        let complete = match ending {
            // The stream leaves room in the buffer only if it has no more output.
            Ending::Open => rest.is_empty() && deflated.len() < deflated.capacity(),
            Ending::Last => status == Status::StreamEnd,
        };
        if complete {
            return Ok(deflated);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    /// Decompresses exactly one member; also returns the number of bytes after it.
    fn gunzip(pieces: &[Bytes]) -> (Vec<u8>, usize) {
        let bytes = pieces.concat();
        let mut left: &[u8] = &bytes;
        let mut text = Vec::new();
        flate2::bufread::GzDecoder::new(&mut left).read_to_end(&mut text).expect("a valid member");
        let mut again = Vec::new();
        GzDecoder::new(&*bytes).read_to_end(&mut again).expect("a valid member");
        assert_eq!(text, again);
        (text, left.len())
    }

    #[test]
    fn the_length_field_is_modulo_two_to_the_32() {
        assert_eq!(length_field(0xffff_fffe), [0xfe, 0xff, 0xff, 0xff]);
        assert_eq!(length_field(0x1_0000_0002), [2, 0, 0, 0]);
    }

    #[test]
    fn an_empty_response_is_a_valid_member() {
        assert_eq!(gunzip(&member(&[], b"")), (Vec::new(), 0));
        assert_eq!(gunzip(&member(&[&Part::default(), &Part::new(Vec::new())], b"x\n")), (b"x\n".to_vec(), 0));
    }

    #[test]
    fn texts_longer_than_any_buffer_are_not_truncated() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = (0..300_000).map(|_| random.u8(..)).collect();
        let tail = vec![b'a'; 200_000];
        let expected = [noise.as_slice(), &noise, &tail].concat();
        let part = Part::new(noise);
        assert_eq!(gunzip(&member(&[&part, &part], &tail)), (expected, 0));
    }

    #[test]
    fn a_published_part_is_not_compressed_again() {
        let part = Part::new(b"some text\n".repeat(100));
        let pieces = member(&[&part], b"tail\n");
        assert_eq!(pieces[1].as_ptr(), part.deflated.as_ptr());
    }

    proptest! {
        #[test]
        fn any_parts_and_tail_form_one_member_with_exactly_their_content(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..4),
            tail in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let expected = [parts.concat(), tail.clone()].concat();
            let parts: Vec<Part> = parts.into_iter().map(Part::new).collect();
            let pieces = member(&parts.iter().collect::<Vec<_>>(), &tail);
            prop_assert_eq!(gunzip(&pieces), (expected, 0));
        }
    }
}

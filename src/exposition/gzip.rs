//! Texts deflated ahead of time, put together to one gzip member (RFC 1952) without being deflated again.
//!
//! Not which texts: that is decided in `scrape`. Each text is a raw deflate stream that ends in a sync flush, on a byte
//! boundary and without a last block, so that another can follow; the checksum of the whole is combined from theirs.

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, CompressError, Compression, FlushCompress, Status};

/// Magic, deflate, no flags, no time, no hint, unknown system: curl and others stop after the first member.
static HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// For what is deflated once a refresh: within 5 % of the size at level 6 in less than half of the time.
const PUBLISHED: Compression = Compression::new(2);

/// For what is deflated at each scrape: it is short, and the scraper waits.
const PER_SCRAPE: Compression = Compression::new(1);

/// A text that is served often, as it is and deflated. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    plain: Bytes,
    deflated: Bytes,
    checksum: Hasher,
}

impl Part {
    /// Deflates a text.
    pub(super) fn new(mut text: Vec<u8>) -> Self {
        text.shrink_to_fit();
        let mut deflated = deflate(&text, PUBLISHED, Ending::Open);
        deflated.shrink_to_fit();
        let mut checksum = Hasher::new();
        checksum.update(&text);
        Self { plain: text.into(), deflated: deflated.into(), checksum }
    }

    /// The text as it is.
    pub(super) fn plain(&self) -> Bytes {
        self.plain.clone()
    }
}

/// One member that holds the parts and then `tail`, to be sent piece by piece.
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

/// The length modulo 2^32, as the format has it.
fn length_field(length: usize) -> [u8; 4] {
    let [a, b, c, d, ..] = (length as u64).to_le_bytes();
    [a, b, c, d]
}

/// How a deflate stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// On a byte boundary, and another stream follows.
    Open,
    /// With the last block.
    Last,
}

#[expect(clippy::expect_used, reason = "only a stream in a wrong state fails, and this one is fresh")]
fn deflate(text: &[u8], level: Compression, ending: Ending) -> Vec<u8> {
    try_deflate(text, level, ending).expect("deflate into memory")
}

/// `write::DeflateEncoder` would be shorter, but its `flush` loses what does not fit into its buffer of 32 KiB: it asks
/// for the rest with another flush value than it began with (flate2 1.1.10), which zlib forbids.
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
            // Room is left only when there is nothing more to say.
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

    /// Reads exactly one member, and says what is left over.
    fn gunzip(pieces: &[Bytes]) -> (Vec<u8>, usize) {
        let bytes = pieces.concat();
        let mut left: &[u8] = &bytes;
        let mut text = Vec::new();
        flate2::bufread::GzDecoder::new(&mut left).read_to_end(&mut text).expect("a sound member");
        let mut again = Vec::new();
        GzDecoder::new(&*bytes).read_to_end(&mut again).expect("a sound member");
        assert_eq!(text, again);
        (text, left.len())
    }

    #[test]
    fn the_length_is_modulo_two_to_the_32() {
        assert_eq!(length_field(0xffff_fffe), [0xfe, 0xff, 0xff, 0xff]);
        assert_eq!(length_field(0x1_0000_0002), [2, 0, 0, 0]);
    }

    #[test]
    fn an_empty_answer_is_a_sound_member() {
        assert_eq!(gunzip(&member(&[], b"")), (Vec::new(), 0));
        assert_eq!(gunzip(&member(&[&Part::default(), &Part::new(Vec::new())], b"x\n")), (b"x\n".to_vec(), 0));
    }

    #[test]
    fn texts_longer_than_any_buffer_arrive_whole() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = (0..300_000).map(|_| random.u8(..)).collect();
        let tail = vec![b'a'; 200_000];
        let expected = [noise.as_slice(), &noise, &tail].concat();
        let part = Part::new(noise);
        assert_eq!(gunzip(&member(&[&part, &part], &tail)), (expected, 0));
    }

    #[test]
    fn a_published_part_is_not_deflated_again() {
        let part = Part::new(b"some text\n".repeat(100));
        let pieces = member(&[&part], b"tail\n");
        assert_eq!(pieces[1].as_ptr(), part.deflated.as_ptr());
    }

    proptest! {
        #[test]
        fn any_parts_and_any_tail_are_one_member_that_holds_exactly_them(
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

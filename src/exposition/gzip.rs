//! The body of a scrape: texts that were compressed in advance, as one gzip member (RFC 1952) or as plain text.
//!
//! Nothing that was published is compressed again, and only a few kilobytes of it are in memory as plain text at any time. The
//! checksum of the member is combined from the parts' checksums. Which texts they are is decided in `scrape`.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::deflated::Deflated;

/// Magic, deflate, no flags, no time, no hint, unknown system. One member only: curl and others stop after the first.
static HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// For text that is compressed on each scrape: it is short, and the scraper waits for it.
const PER_SCRAPE: Compression = Compression::new(1);

/// Parts up to this size are copied together, so that a response has few pieces.
const SMALL: usize = 16 << 10;

/// The size of a piece of plain text.
const PIECE: usize = 64 << 10;

/// Texts that follow each other, compressed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Joined {
    pieces: Arc<[Bytes]>,
    length: u64,
    checksum: Hasher,
}

impl Joined {
    pub(super) fn new<'a>(parts: impl IntoIterator<Item = &'a Deflated>) -> Self {
        let mut pieces: Vec<Bytes> = Vec::new();
        let mut small: Vec<u8> = Vec::new();
        let (mut length, mut checksum) = (0, Hasher::new());
        for part in parts.into_iter().filter(|part| part.length > 0) {
            if part.bytes.len() > SMALL {
                if !small.is_empty() {
                    pieces.push(std::mem::take(&mut small).into());
                }
                pieces.push(part.bytes.clone());
            } else {
                small.extend_from_slice(&part.bytes);
            }
            length += part.length;
            checksum.combine(&part.checksum);
        }
        if !small.is_empty() {
            pieces.push(small.into());
        }
        Self { pieces: pieces.into(), length, checksum }
    }
}

/// The body of a scrape, piece by piece.
#[derive(Debug)]
pub struct Body {
    pieces: std::vec::IntoIter<Bytes>,
    /// What inflates the pieces; `None` if they are sent unchanged.
    inflating: Option<Inflating>,
    /// Sent last, unchanged.
    tail: Bytes,
    left: u64,
}

#[derive(Debug)]
struct Inflating {
    stream: Decompress,
    /// The rest of the piece that is inflated now.
    input: Bytes,
}

impl Body {
    /// One gzip member with the parts followed by `tail`. Only `tail` is compressed here.
    pub(super) fn member(parts: &[&Joined], tail: &[u8]) -> Self {
        let mut pieces = Vec::with_capacity(parts.iter().map(|part| part.pieces.len()).sum::<usize>() + 1);
        pieces.push(Bytes::from_static(&HEADER));
        let mut checksum = Hasher::new();
        let mut length = 0;
        for part in parts {
            pieces.extend(part.pieces.iter().cloned());
            checksum.combine(&part.checksum);
            length += part.length;
        }
        let mut end = Hasher::new();
        end.update(tail);
        checksum.combine(&end);
        let mut last = last_block(tail);
        last.extend_from_slice(&checksum.finalize().to_le_bytes());
        last.extend_from_slice(&length_field(length + tail.len() as u64));
        let left = pieces.iter().map(Bytes::len).sum::<usize>() + last.len();
        Self { pieces: pieces.into_iter(), inflating: None, tail: last.into(), left: left as u64 }
    }

    /// The parts as plain text, followed by `tail`. They are inflated while they are sent.
    pub(super) fn plain(parts: &[&Joined], tail: Bytes) -> Self {
        let pieces: Vec<Bytes> = parts.iter().flat_map(|part| part.pieces.iter().cloned()).collect();
        let left = parts.iter().map(|part| part.length).sum::<u64>() + tail.len() as u64;
        let inflating = Inflating { stream: Decompress::new(false), input: Bytes::new() };
        Self { pieces: pieces.into_iter(), inflating: Some(inflating), tail, left }
    }

    /// The number of bytes that follow.
    pub const fn left(&self) -> u64 {
        self.left
    }

    fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        let Self { pieces, inflating, tail, .. } = self;
        let piece = match inflating {
            None => pieces.next(),
            Some(inflating) => inflating.next(pieces)?,
        };
        Ok(piece.or_else(|| Some(std::mem::take(tail)).filter(|tail| !tail.is_empty())))
    }
}

impl Iterator for Body {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let piece = self.next_piece().transpose()?;
        if let Ok(piece) = &piece {
            self.left = self.left.saturating_sub(piece.len() as u64);
        }
        Some(piece)
    }
}

impl Inflating {
    /// The next piece of the text; `None` at its end.
    fn next(&mut self, pieces: &mut impl Iterator<Item = Bytes>) -> io::Result<Option<Bytes>> {
        let mut text = Vec::with_capacity(PIECE);
        while text.len() < PIECE {
            if self.input.is_empty() {
                match pieces.next() {
                    Some(piece) => self.input = piece,
                    None => break,
                }
            }
            let (read, written) = (self.stream.total_in(), text.len());
            let status = self.stream.decompress_vec(&self.input, &mut text, FlushDecompress::None);
            let status = status.map_err(io::Error::other)?;
            let read = usize::try_from(self.stream.total_in() - read).unwrap_or(usize::MAX);
            self.input = self.input.get(read..).map(|rest| self.input.slice_ref(rest)).unwrap_or_default();
            if status != Status::Ok || (read == 0 && text.len() == written) {
                break;
            }
        }
        Ok(Some(text).filter(|text| !text.is_empty()).map(Bytes::from))
    }
}

/// The length modulo 2^32, as RFC 1952 defines ISIZE.
fn length_field(length: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = length.to_le_bytes();
    [a, b, c, d]
}

/// A deflate stream that ends with the final block.
#[expect(clippy::expect_used, reason = "compressing fails only on a stream in a wrong state, and this stream is new")]
fn last_block(text: &[u8]) -> Vec<u8> {
    let mut stream = Compress::new(PER_SCRAPE, false);
    let mut deflated = Vec::new();
    let mut rest = text;
    loop {
        deflated.reserve(rest.len() / 8 + 1024);
        let before = stream.total_in();
        let status = stream.compress_vec(rest, &mut deflated, FlushCompress::Finish).expect("deflate into memory");
        let consumed = usize::try_from(stream.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.get(consumed..).unwrap_or_default();
        if status == Status::StreamEnd {
            return deflated;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn all(body: Body) -> Vec<u8> {
        let announced = body.left();
        let pieces: Vec<Bytes> = body.collect::<io::Result<_>>().expect("sound streams");
        let bytes = pieces.concat();
        assert_eq!(bytes.len() as u64, announced);
        bytes
    }

    /// Decompresses exactly one member; also returns the number of bytes after it.
    fn gunzip(body: Body) -> (Vec<u8>, usize) {
        let bytes = all(body);
        let mut left: &[u8] = &bytes;
        let mut text = Vec::new();
        flate2::bufread::GzDecoder::new(&mut left).read_to_end(&mut text).expect("a valid member");
        let mut again = Vec::new();
        GzDecoder::new(&*bytes).read_to_end(&mut again).expect("a valid member");
        assert_eq!(text, again);
        (text, left.len())
    }

    fn part(text: &[u8]) -> Joined {
        Joined::new([&Deflated::new(text)])
    }

    #[test]
    fn the_length_field_is_modulo_two_to_the_32() {
        assert_eq!(length_field(0xffff_fffe), [0xfe, 0xff, 0xff, 0xff]);
        assert_eq!(length_field(0x1_0000_0002), [2, 0, 0, 0]);
    }

    #[test]
    fn an_empty_response_is_a_valid_member() {
        assert_eq!(gunzip(Body::member(&[], b"")), (Vec::new(), 0));
        assert_eq!(gunzip(Body::member(&[&Joined::default(), &part(b"")], b"x\n")), (b"x\n".to_vec(), 0));
        assert_eq!(all(Body::plain(&[&Joined::default(), &part(b"")], Bytes::from_static(b"x\n"))), b"x\n");
        assert_eq!(all(Body::plain(&[], Bytes::new())), b"");
    }

    #[test]
    fn texts_longer_than_any_buffer_are_not_truncated() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = (0..300_000).map(|_| random.u8(..)).collect();
        let tail = vec![b'a'; 200_000];
        let expected = [noise.as_slice(), &tail, &noise, &tail].concat();
        let (noise, letters) = (Deflated::new(&noise), Deflated::new(&tail));
        let part = Joined::new([&noise, &letters, &noise]);
        assert_eq!(gunzip(Body::member(&[&part], &tail)), (expected.clone(), 0));
        assert!(all(Body::plain(&[&part], tail.into())) == expected);
    }

    #[test]
    fn a_long_part_is_not_copied_and_short_ones_are_sent_together() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = (0..2 * SMALL).map(|_| random.u8(..)).collect();
        let (long, short) = (Deflated::new(&noise), Deflated::new(b"short\n"));
        let joined = Joined::new([&short, &short, &long, &short]);
        assert_eq!(joined.pieces.len(), 3);
        assert_eq!(joined.pieces[1].as_ptr(), long.bytes.as_ptr());
    }

    #[test]
    fn plain_text_comes_in_pieces_of_limited_size() {
        let text = b"some text\n".repeat(100_000);
        let body = Body::plain(&[&part(&text)], Bytes::new());
        assert!(body.into_iter().all(|piece| piece.is_ok_and(|piece| piece.len() <= PIECE)));
    }

    proptest! {
        #[test]
        fn any_parts_and_tail_form_one_member_with_exactly_their_content(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..4),
            tail in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let expected = [parts.concat(), tail.clone()].concat();
            let joined: Vec<Joined> = parts.iter().map(|text| part(text)).collect();
            let joined: Vec<&Joined> = joined.iter().collect();
            prop_assert_eq!(gunzip(Body::member(&joined, &tail)), (expected.clone(), 0));
            prop_assert_eq!(all(Body::plain(&joined, tail.into())), expected);
        }

        #[test]
        fn a_text_written_in_bits_is_the_same_as_one_written_at_once(
            bits in prop::collection::vec((any::<u8>(), 0..40_000_usize), 0..6),
        ) {
            let mut writer = super::super::deflated::Text::deflating();
            let mut expected = Vec::new();
            for (byte, number) in bits {
                writer.push(&vec![byte; number]);
                expected.extend(std::iter::repeat_n(byte, number));
                prop_assert_eq!(writer.len(), expected.len() as u64);
            }
            let first = writer.finish();
            writer.push(b"the next");
            let joined = Joined::new([&first, &writer.finish()]);
            expected.extend_from_slice(b"the next");
            prop_assert!(gunzip(Body::member(&[&joined], b"")) == (expected, 0));
        }
    }
}

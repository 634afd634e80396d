//! The body of a scrape: texts that were compressed in advance, as one gzip member (RFC 1952) or as plain text.
//!
//! Nothing that was published is compressed again. A long text is inflated while it is sent, with a few kilobytes of it in memory. A
//! short one is inflated at its first plain scrape and kept as long as it is published, because inflating costs several times as much
//! as sending. The checksum of the member is combined from the parts' checksums. Which texts they are is decided in `scrape`.

use std::io;
use std::iter::Peekable;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use super::deflated::Deflated;

/// Magic, deflate, no flags, no time, no hint, unknown system. One member only: curl and others stop after the first.
static HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The final block of a deflate stream, without content.
static FINAL: [u8; 2] = [3, 0];

/// Parts up to this size are copied together, so that a response has few pieces. Larger ones are in memory only once, for any number of
/// organisations.
const SMALL: usize = 2 << 10;

/// The size of a piece of plain text that is inflated while it is sent.
const PIECE: usize = 64 << 10;

/// The size of a piece of a text that was kept: the fastest size for a socket.
const KEPT_PIECE: usize = 32 << 10;

/// A text is kept up to this length. The audited text of about 1,000 clients has it. All organisations are one text, so this limits
/// the memory of the process, however many there are.
const MAX_KEPT: u64 = 2 << 20;

/// Texts that follow each other, compressed. Cheap to clone; the clones share the text that is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Joined {
    pieces: Arc<[Bytes]>,
    length: u64,
    checksum: Hasher,
    /// The text, if somebody scraped it without compression and it is short; `None` if it could not be inflated.
    text: Arc<OnceLock<Option<Bytes>>>,
}

impl Joined {
    pub(super) fn new<'a>(parts: impl IntoIterator<Item = &'a Deflated>) -> Self {
        let mut pieces: Vec<Bytes> = Vec::new();
        let mut small: Vec<u8> = Vec::new();
        let (mut length, mut checksum) = (0, Hasher::new());
        for part in parts.into_iter().filter(|part| part.length > 0) {
            if part.bytes.len() > SMALL {
                pieces.extend(piece_of(&mut small));
                pieces.push(part.bytes.clone());
            } else {
                small.extend_from_slice(&part.bytes);
            }
            length += part.length;
            checksum.combine(&part.checksum);
        }
        pieces.extend(piece_of(&mut small));
        Self { pieces: pieces.into(), length, checksum, text: Arc::default() }
    }

    /// The text, if it is short enough to be kept. Takes milliseconds at the first call, and no time later.
    fn kept(&self) -> Option<&Bytes> {
        if self.length > MAX_KEPT {
            return None;
        }
        self.text.get_or_init(|| self.inflated()).as_ref()
    }

    fn inflated(&self) -> Option<Bytes> {
        let mut text = Vec::with_capacity(usize::try_from(self.length).ok()?);
        let mut inflating = Inflating::default();
        for piece in &*self.pieces {
            inflating.input = piece.clone();
            inflating.fill(&mut text).ok()?;
        }
        (text.len() as u64 == self.length).then(|| text.into())
    }
}

/// What was copied so far, without spare capacity; `None` if it is nothing.
fn piece_of(small: &mut Vec<u8>) -> Option<Bytes> {
    (!small.is_empty()).then(|| std::mem::take(small).into_boxed_slice().into())
}

/// The body of a scrape, piece by piece.
#[derive(Debug)]
pub struct Body {
    pieces: Peekable<std::vec::IntoIter<Piece>>,
    inflating: Inflating,
    left: u64,
}

#[derive(Debug)]
enum Piece {
    /// Sent unchanged.
    Ready(Bytes),
    /// Sent as the text that it contains.
    Deflated(Bytes),
}

impl Body {
    /// One gzip member with the parts.
    pub(super) fn member(parts: &[&Joined]) -> Self {
        let mut pieces = Vec::with_capacity(parts.iter().map(|part| part.pieces.len()).sum::<usize>() + 2);
        pieces.push(Bytes::from_static(&HEADER));
        let mut checksum = Hasher::new();
        let mut length = 0;
        for part in parts {
            pieces.extend(part.pieces.iter().cloned());
            checksum.combine(&part.checksum);
            length += part.length;
        }
        let end = [&FINAL[..], &checksum.finalize().to_le_bytes(), &length_field(length)].concat();
        pieces.push(end.into());
        let left = pieces.iter().map(Bytes::len).sum::<usize>();
        Self::new(pieces.into_iter().map(Piece::Ready).collect(), left as u64)
    }

    /// The parts as plain text, followed by `tail`. Parts that are too long to be kept are inflated while they are sent.
    pub(super) fn plain(parts: &[&Joined], tail: &Bytes) -> Self {
        let left = parts.iter().map(|part| part.length).sum::<u64>() + tail.len() as u64;
        let mut pieces = Vec::new();
        for part in parts {
            match part.kept() {
                Some(text) => push_ready(&mut pieces, text),
                None => pieces.extend(part.pieces.iter().cloned().map(Piece::Deflated)),
            }
        }
        push_ready(&mut pieces, tail);
        Self::new(pieces, left)
    }

    fn new(pieces: Vec<Piece>, left: u64) -> Self {
        Self { pieces: pieces.into_iter().peekable(), inflating: Inflating::default(), left }
    }

    /// The number of bytes that follow.
    pub const fn left(&self) -> u64 {
        self.left
    }

    fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(text) = self.inflating.next(&mut self.pieces)? {
            return Ok(Some(text));
        }
        Ok(self.pieces.next().map(|(Piece::Ready(bytes) | Piece::Deflated(bytes))| bytes))
    }
}

/// Adds a text in pieces.
fn push_ready(pieces: &mut Vec<Piece>, text: &Bytes) {
    let starts = (0..text.len()).step_by(KEPT_PIECE);
    pieces.extend(starts.map(|start| Piece::Ready(text.slice(start..text.len().min(start + KEPT_PIECE)))));
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

/// The text of deflated pieces.
#[derive(Debug, Default)]
struct Inflating {
    /// Created with the first piece: it takes about 40 kB.
    stream: Option<Decompress>,
    /// The rest of the piece that is inflated now.
    input: Bytes,
}

impl Inflating {
    /// The next text of limited size; `None` before a piece that is not deflated, and at the end.
    fn next(&mut self, pieces: &mut Peekable<impl Iterator<Item = Piece>>) -> io::Result<Option<Bytes>> {
        let mut text = Vec::new();
        loop {
            if self.input.is_empty() {
                match pieces.next_if(|piece| matches!(piece, Piece::Deflated(_))) {
                    Some(Piece::Deflated(piece) | Piece::Ready(piece)) => self.input = piece,
                    None => break,
                }
            }
            text.reserve(PIECE.saturating_sub(text.len()));
            self.fill(&mut text)?;
            if !self.input.is_empty() {
                if text.is_empty() {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "the published page cannot be inflated"));
                }
                break;
            }
        }
        Ok(Some(text).filter(|text| !text.is_empty()).map(Bytes::from))
    }

    /// Inflates until the input is read or the capacity of `text` is used.
    fn fill(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        let stream = self.stream.get_or_insert_with(|| Decompress::new(false));
        while !self.input.is_empty() {
            let (read, written) = (stream.total_in(), text.len());
            let status = stream.decompress_vec(&self.input, text, FlushDecompress::None).map_err(io::Error::other)?;
            let read = usize::try_from(stream.total_in() - read).unwrap_or(usize::MAX);
            let idle = read == 0 && text.len() == written;
            self.input = self.input.get(read..).map(|rest| self.input.slice_ref(rest)).unwrap_or_default();
            if status != Status::Ok || idle {
                break;
            }
        }
        Ok(())
    }
}

/// The length modulo 2^32, as RFC 1952 defines ISIZE.
fn length_field(length: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = length.to_le_bytes();
    [a, b, c, d]
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
        assert_eq!(gunzip(Body::member(&[])), (Vec::new(), 0));
        assert_eq!(gunzip(Body::member(&[&Joined::default(), &part(b""), &part(b"x\n")])), (b"x\n".to_vec(), 0));
        assert_eq!(all(Body::plain(&[&Joined::default(), &part(b"")], &Bytes::from_static(b"x\n"))), b"x\n");
        assert_eq!(all(Body::plain(&[], &Bytes::new())), b"");
    }

    #[test]
    fn texts_longer_than_any_buffer_are_not_truncated() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = (0..300_000).map(|_| random.u8(..)).collect();
        let tail = vec![b'a'; 1_000_000];
        let expected = [noise.as_slice(), &tail, &noise, &tail].concat();
        let (noise, letters) = (Deflated::new(&noise), Deflated::new(&tail));
        let part = Joined::new([&noise, &letters, &noise]);
        assert_eq!(gunzip(Body::member(&[&part, &Joined::new([&letters])])), (expected.clone(), 0));
        assert!(all(Body::plain(&[&part], &tail.into())) == expected);
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
        for lines in [100, 100_000, 300_000] {
            let text = part(&b"some text\n".repeat(lines));
            for _ in 0..2 {
                let body = Body::plain(&[&text], &Bytes::new());
                assert!(body.into_iter().all(|piece| piece.is_ok_and(|piece| piece.len() <= PIECE)));
            }
        }
    }

    /// Where the first piece is in memory.
    fn address(part: &Joined) -> *const u8 {
        let first = Body::plain(&[part], &Bytes::new()).next();
        first.and_then(Result::ok).expect("a text").as_ptr()
    }

    #[test]
    fn a_short_text_is_inflated_once_for_all_plain_scrapes_and_never_for_one_with_gzip() {
        let text = part(&vec![b'a'; usize::try_from(MAX_KEPT).expect("it fits")]);
        gunzip(Body::member(&[&text]));
        assert!(text.text.get().is_none(), "nobody wanted the text");
        let first = address(&text);
        assert_eq!(first, address(&text.clone()), "also after a swap of something else");
        assert!(text.text.get().is_some_and(|kept| kept.as_ref().is_some_and(|kept| kept.len() as u64 == text.length)));
    }

    #[test]
    fn a_long_text_is_never_kept() {
        let text = part(&vec![b'a'; usize::try_from(MAX_KEPT + 1).expect("it fits")]);
        assert_eq!(all(Body::plain(&[&text], &Bytes::new())).len() as u64, text.length);
        assert!(text.text.get().is_none());
    }

    #[test]
    fn texts_that_are_kept_and_texts_that_are_not_follow_each_other_in_their_order() {
        let (short, long) = (b"short\n".to_vec(), vec![b'a'; usize::try_from(MAX_KEPT + 1).expect("it fits")]);
        let (a, b) = (part(&short), part(&long));
        let expected = [&*short, &long, &long, &short, &long, b"tail"].concat();
        for _ in 0..2 {
            assert!(all(Body::plain(&[&a, &b, &b, &a, &b], &Bytes::from_static(b"tail"))) == expected);
        }
    }

    #[test]
    fn a_damaged_text_is_an_error_and_does_not_look_complete() {
        let sound = Deflated::new(b"some text\n");
        let damaged = Deflated { bytes: Bytes::from_static(&[0xff; 20]), ..sound };
        let body = Body::plain(&[&Joined::new([&damaged])], &Bytes::from_static(b"tail"));
        assert!(body.into_iter().take(3).any(|piece| piece.is_err()));
    }

    proptest! {
        #[test]
        fn any_parts_and_tail_form_one_member_with_exactly_their_content(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..4),
            tail in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let joined: Vec<Joined> = parts.iter().map(|text| part(text)).collect();
            let joined: Vec<&Joined> = joined.iter().collect();
            prop_assert_eq!(gunzip(Body::member(&joined)), (parts.concat(), 0));
            for _ in 0..2 {
                prop_assert_eq!(all(Body::plain(&joined, &tail.clone().into())), [parts.concat(), tail.clone()].concat());
            }
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
            prop_assert!(gunzip(Body::member(&[&joined])) == (expected, 0));
        }
    }
}

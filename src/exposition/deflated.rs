//! A text that is compressed while it is written, so that only its compressed form and a few kilobytes of text are in memory.
//!
//! The result is a raw deflate stream that ends with a sync flush: on a byte boundary and without a final block, so that another
//! stream can follow. `gzip` joins such streams into one member. What the text is, is decided in `render`.

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Compress, CompressError, Compression, FlushCompress};

/// For text that is compressed once per refresh: within 5 % of the size at level 6, in less than half the time.
const LEVEL: Compression = Compression::new(2);

/// The text is compressed whenever this much has been written. It fits into the processor's cache.
const CHUNK: usize = 32 << 10;

/// A compressed text. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Deflated {
    pub(super) bytes: Bytes,
    /// The length of the text.
    pub(super) length: u64,
    /// The checksum of the text.
    pub(super) checksum: Hasher,
}

impl Deflated {
    /// Compresses a complete text.
    pub(super) fn new(text: &[u8]) -> Self {
        let mut writer = Text::deflating();
        writer.push(text);
        writer.finish()
    }
}

/// A text that is being written.
#[derive(Debug)]
pub(super) struct Text {
    /// What is not compressed yet.
    pending: Vec<u8>,
    /// `None` if the text stays uncompressed.
    deflating: Option<Deflating>,
}

#[derive(Debug)]
struct Deflating {
    stream: Compress,
    deflated: Vec<u8>,
    length: u64,
    checksum: Hasher,
}

impl Text {
    /// A text that is compressed.
    pub(super) fn deflating() -> Self {
        let deflating =
            Deflating { stream: Compress::new(LEVEL, false), deflated: Vec::new(), length: 0, checksum: Hasher::new() };
        Self { pending: Vec::with_capacity(CHUNK + CHUNK / 8), deflating: Some(deflating) }
    }

    /// A text that stays uncompressed.
    pub(super) const fn plain() -> Self {
        Self { pending: Vec::new(), deflating: None }
    }

    /// The number of bytes written.
    pub(super) fn len(&self) -> u64 {
        self.deflating.as_ref().map_or(0, |deflating| deflating.length) + self.pending.len() as u64
    }

    /// Writes more of the text.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        self.compress_if_long();
    }

    /// The end of the text, to be extended. [`Self::compress_if_long`] follows.
    #[inline]
    pub(super) const fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// Compresses what was written, if that is enough to be worth it.
    #[inline]
    pub(super) fn compress_if_long(&mut self) {
        if self.pending.len() >= CHUNK
            && let Some(deflating) = &mut self.deflating
        {
            deflating.push(&self.pending, FlushCompress::None);
            self.pending.clear();
        }
    }

    /// Removes the last bytes, which must not have been compressed: fewer than a chunk was written since.
    pub(super) fn remove(&mut self, bytes: usize) {
        self.pending.truncate(self.pending.len().saturating_sub(bytes));
    }

    /// The compressed text. The next one can be written then.
    pub(super) fn finish(&mut self) -> Deflated {
        let Some(deflating) = &mut self.deflating else { return Deflated::default() };
        if deflating.length == 0 && self.pending.is_empty() {
            return Deflated::default();
        }
        deflating.push(&self.pending, FlushCompress::Sync);
        self.pending.clear();
        deflating.stream.reset();
        let bytes = Bytes::copy_from_slice(&deflating.deflated);
        deflating.deflated.clear();
        let length = std::mem::take(&mut deflating.length);
        Deflated { bytes, length, checksum: std::mem::take(&mut deflating.checksum) }
    }

    /// The uncompressed text.
    pub(super) fn into_plain(self) -> Vec<u8> {
        self.pending
    }
}

impl Deflating {
    #[expect(
        clippy::expect_used,
        reason = "compressing fails only on a stream in a wrong state, and this one is new or reset"
    )]
    fn push(&mut self, text: &[u8], flush: FlushCompress) {
        self.try_push(text, flush).expect("deflate into memory");
        self.length += text.len() as u64;
        self.checksum.update(text);
    }

    /// `write::DeflateEncoder` would be shorter, but its `flush` loses output that exceeds its buffer of 32 KiB: it continues
    /// with a different flush value than it started with (flate2 1.1.10), which zlib forbids.
    fn try_push(&mut self, text: &[u8], flush: FlushCompress) -> Result<(), CompressError> {
        let mut rest = text;
        loop {
            self.deflated.reserve(rest.len() / 8 + 1024);
            let before = self.stream.total_in();
            self.stream.compress_vec(rest, &mut self.deflated, flush)?;
            let consumed = usize::try_from(self.stream.total_in() - before).unwrap_or(usize::MAX);
            rest = rest.get(consumed..).unwrap_or_default();
            // The stream leaves room in the buffer only if it has no more output.
            if rest.is_empty() && self.deflated.len() < self.deflated.capacity() {
                return Ok(());
            }
        }
    }
}

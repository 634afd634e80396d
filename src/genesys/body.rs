//! The body of an answer, which can contain the secrets of clients: its memory is overwritten before it is freed.
//!
//! The buffers of the HTTP library are out of reach.

use std::ops::Deref;

use zeroize::Zeroizing;

/// The largest piece in which a body is received, in bytes.
const LARGEST_PIECE: usize = 1 << 20;

/// A body that is being received. It is kept in pieces, because a buffer that grows would leave its earlier copies in the heap: a body that
/// is refused for its size would cost twice the limit.
#[derive(Default)]
pub(super) struct Receiving {
    pieces: Vec<Zeroizing<Vec<u8>>>,
    len: usize,
}

impl Receiving {
    /// The number of bytes so far.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Adds a chunk.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        let room = self.pieces.last().map_or(0, |last| last.capacity() - last.len());
        let (fits, more) = chunk.split_at(room.min(chunk.len()));
        if let Some(last) = self.pieces.last_mut() {
            last.extend_from_slice(fits);
        }
        if !more.is_empty() {
            let mut piece = Vec::with_capacity(self.len.min(LARGEST_PIECE).max(more.len()));
            piece.extend_from_slice(more);
            self.pieces.push(Zeroizing::new(piece));
        }
        self.len += chunk.len();
    }

    /// The body, when it is complete.
    pub(super) fn complete(mut self) -> Body {
        if self.pieces.len() == 1
            && let Some(only) = self.pieces.pop()
        {
            return Body(only);
        }
        let mut whole = Zeroizing::new(Vec::with_capacity(self.len));
        for piece in self.pieces {
            whole.extend_from_slice(&piece);
        }
        Body(whole)
    }
}

/// A complete body. Dereferences to its bytes, and is never displayed.
#[derive(Default)]
pub(super) struct Body(Zeroizing<Vec<u8>>);

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::ZeroizeOnDrop;

    use super::*;

    /// Compiles only for a type that overwrites its memory when it is dropped.
    fn overwritten<T: ZeroizeOnDrop>(_: &T) {}

    #[test]
    fn the_memory_of_a_body_is_overwritten_and_its_bytes_are_never_displayed() {
        let mut receiving = Receiving::default();
        for chunk in ["{\"secret\": ", "\"s3cret\"", "}"] {
            receiving.push(chunk.as_bytes());
        }
        receiving.pieces.iter().for_each(overwritten);
        let body = receiving.complete();
        overwritten(&body.0);
        assert_eq!(&*body, b"{\"secret\": \"s3cret\"}");
        assert_eq!(format!("{body:?}"), "20 bytes");
    }

    proptest! {
        #[test]
        fn a_body_is_its_chunks_and_no_piece_is_ever_moved(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40),
        ) {
            let mut receiving = Receiving::default();
            for chunk in &chunks {
                let places = |body: &Receiving| body.pieces.iter().map(|piece| piece.as_ptr()).collect::<Vec<_>>();
                let before = places(&receiving);
                receiving.push(chunk);
                prop_assert!(places(&receiving).starts_with(&before));
            }
            prop_assert_eq!(receiving.len(), chunks.concat().len());
            prop_assert_eq!(&*receiving.complete(), &*chunks.concat());
        }
    }

    #[test]
    fn a_large_body_takes_little_more_than_its_bytes() {
        let mut receiving = Receiving::default();
        for _ in 0..1_000 {
            receiving.push(&[b'x'; 16_384]);
        }
        let reserved: usize = receiving.pieces.iter().map(|piece| piece.capacity()).sum();
        assert!(reserved - receiving.len() <= LARGEST_PIECE, "{reserved}");
    }
}

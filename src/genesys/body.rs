//! The body of an answer, which can contain the secrets of clients: its memory is overwritten before it is freed.
//!
//! The buffers of the HTTP library are out of reach.

use std::ops::Deref;

use zeroize::Zeroizing;

/// A body that is received in chunks. Dereferences to its bytes, and is never displayed.
#[derive(Default)]
pub(super) struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// Adds a chunk. When the buffer grows, the old one is overwritten too; a plain `Vec` would leave a copy in the freed memory.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        let needed = self.0.len() + chunk.len();
        if needed > self.0.capacity() {
            let mut grown = Zeroizing::new(Vec::with_capacity(needed.max(self.0.capacity() * 2)));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
        self.0.extend_from_slice(chunk);
    }
}

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
    use zeroize::ZeroizeOnDrop;

    use super::*;

    /// Compiles only for a type that overwrites its memory when it is dropped.
    fn overwritten<T: ZeroizeOnDrop>(_: &T) {}

    #[test]
    fn the_memory_of_a_body_is_overwritten_and_its_bytes_are_never_displayed() {
        let mut body = Body::default();
        for chunk in ["{\"secret\": ", "\"s3cret\"", "}"] {
            body.push(chunk.as_bytes());
        }
        overwritten(&body.0);
        assert_eq!(&*body, b"{\"secret\": \"s3cret\"}");
        assert_eq!(format!("{body:?}"), "20 bytes");
    }

    #[test]
    fn a_body_that_outgrows_its_buffer_never_reallocates_it() {
        let mut body = Body::default();
        for _ in 0..1_000 {
            let (before, capacity) = (body.0.as_ptr(), body.0.capacity());
            body.push(b"0123456789");
            // Either it fits, or there is a new buffer beside the old one; an allocator that enlarges one often leaves it in place.
            assert_eq!(body.0.as_ptr() == before, body.0.len() <= capacity);
        }
        assert_eq!(body.len(), 10_000);
    }
}

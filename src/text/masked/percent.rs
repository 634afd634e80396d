//! Decodes percent-encoding. Not where a text may be encoded (`masked`).

/// Percent-encoding inside percent-encoding is followed this far; what is encoded more often is masked as a whole.
pub(super) const DEEPEST: usize = 4;

/// The text with percent-encoded bytes decoded once.
pub(super) fn decoded(text: &str) -> String {
    let hex = |digit: Option<&u8>| char::from(*digit?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = text.as_bytes();
    let (mut result, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        match (*byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                result.push(high * 16 + low);
                at += 3;
            }
            (other, ..) => {
                result.push(other);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&result).into_owned()
}

//! Digests as text.

/// Lower-case hexadecimal digits.
pub(crate) fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_are_in_order() {
        assert_eq!(super::encode(&[0x00, 0x1f, 0xa0, 0xff]), "001fa0ff");
    }
}

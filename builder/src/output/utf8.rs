//! Decodes text that arrives in pieces.

/// Decodes UTF-8 whose characters may be cut between two pieces. Invalid bytes become U+FFFD.
#[derive(Debug, Default)]
pub(crate) struct Utf8Decoder {
    rest: Vec<u8>,
}

impl Utf8Decoder {
    /// The text of the next piece. A character that is still incomplete is held back.
    pub fn decode(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let mut text = String::with_capacity(self.rest.len());
        let mut kept = 0;
        let mut chunks = self.rest.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            if chunk.invalid().is_empty() {
                continue;
            }
            if chunks.peek().is_none() && is_start_of_character(chunk.invalid()) {
                kept = chunk.invalid().len();
            } else {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.rest.drain(..self.rest.len() - kept);
        text
    }

    /// Returns what is left at the end: a character that stayed incomplete, as U+FFFD.
    pub fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.rest);
        String::from_utf8_lossy(&rest).into_owned()
    }
}

fn is_start_of_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_may_be_cut_anywhere() {
        let text = "aé日🦀z";
        for cut in 0..=text.len() {
            let mut decoder = Utf8Decoder::default();
            let got =
                decoder.decode(&text.as_bytes()[..cut]) + &decoder.decode(&text.as_bytes()[cut..]) + &decoder.finish();
            assert_eq!(got, text, "cut at {cut}");
        }
    }

    #[test]
    fn invalid_bytes_are_replaced_also_at_the_end() {
        let mut decoder = Utf8Decoder::default();
        assert_eq!(decoder.decode(b"a\xffb\xe6"), "a\u{fffd}b");
        assert_eq!(decoder.decode(b"c"), "\u{fffd}c");
        assert_eq!(decoder.decode(b"\xf0\x9f"), "");
        assert_eq!(decoder.finish(), "\u{fffd}");
    }
}

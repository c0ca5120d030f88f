//! Splits text into pieces that fit an event.

/// How many bytes a character takes in a JSON string as serde_json writes it (RFC 8259, section 7).
fn encoded_len(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

/// Splits text into pieces of at most `room` encoded bytes, at the end of a line where possible.
pub(super) fn split(text: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut used, mut line_end) = (0, 0, None);
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let size = encoded_len(character);
        if used + size > room && at > start {
            let end = line_end.take().unwrap_or(at);
            pieces.push(&text[start..end]);
            (start, at, used) = (end, end, 0);
            continue;
        }
        used += size;
        at += character.len_utf8();
        if character == '\n' {
            line_end = Some(at);
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> usize {
        serde_json::to_string(text).unwrap().len() - 2
    }

    #[test]
    fn the_size_of_every_character_is_that_in_json() {
        for character in (0..0x3000).filter_map(char::from_u32).chain(['🦀', '\u{10ffff}']) {
            assert_eq!(encoded_len(character), encoded(&character.to_string()), "{character:?}");
        }
    }

    #[test]
    fn pieces_fit_and_are_complete() {
        let text = "ab\n\u{1b}[1m日本\"\\\u{0}\n".repeat(300) + &"🦀".repeat(500);
        for room in [12, 13, 100, 1000] {
            let pieces = split(&text, room);
            assert_eq!(pieces.concat(), text);
            assert!(pieces.iter().all(|piece| encoded(piece) <= room && !piece.is_empty()));
        }
    }

    #[test]
    fn lines_stay_whole_where_possible() {
        assert_eq!(split("one\ntwo\nthree\n", 12), ["one\ntwo\n", "three\n"]);
        assert_eq!(split("", 12), [""; 0]);
    }
}

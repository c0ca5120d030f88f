//! Filters escape sequences in the output of a build, which may come from strangers: colours and links pass. Sequences
//! that move the cursor, rename the window or make the terminal type an answer are removed.

/// Splits a stream into text and escape sequences. A sequence may be split between two pieces.
#[derive(Debug, Default)]
pub struct EscapeFilter {
    state: EscapeState,
    /// The sequence read so far.
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum EscapeState {
    #[default]
    Text,
    Escape,
    /// In a control sequence, after `ESC [`.
    Control,
    /// In a command, after `ESC ]`; it ends with BEL or ST.
    Command,
    /// In a command, after ESC.
    CommandEscape,
    /// In a string, after `ESC P`, `ESC X`, `ESC ^` or `ESC _`; it ends with ST and is never shown.
    String,
    StringEscape,
}

/// Longest sequence that passes, in bytes; longer ones are dropped.
const MAX_SEQUENCE: usize = 2048;

impl EscapeFilter {
    /// The part of `piece` that may be shown.
    pub fn pass(&mut self, piece: &str) -> String {
        let mut out = String::with_capacity(piece.len());
        for c in piece.chars() {
            self.step(c, &mut out);
        }
        out
    }

    fn step(&mut self, c: char, out: &mut String) {
        if self.state != EscapeState::Text && self.held.len() < MAX_SEQUENCE {
            self.held.push(c);
        }
        self.state = match (self.state, c) {
            (EscapeState::Text, '\u{1b}') => {
                self.held.clear();
                self.held.push(c);
                EscapeState::Escape
            }
            (EscapeState::Text, _) => {
                if !c.is_control() || matches!(c, '\n' | '\r' | '\t') {
                    out.push(c);
                }
                EscapeState::Text
            }
            (EscapeState::Escape, '[') => EscapeState::Control,
            (EscapeState::Escape, ']') => EscapeState::Command,
            (EscapeState::Escape, 'P' | 'X' | '^' | '_') => EscapeState::String,
            (EscapeState::Escape, '\u{20}'..='\u{2f}') => EscapeState::Escape,
            (EscapeState::Escape, _) => EscapeState::Text,
            // `m` ends a colour. `K` ends the sequence that clears to the end of the line, which compilers use too.
            (EscapeState::Control, 'm' | 'K') => self.release(out),
            (EscapeState::Control, '\u{20}'..='\u{3f}') => EscapeState::Control,
            (EscapeState::Control, _) => EscapeState::Text,
            (EscapeState::Command, '\u{7}') => self.command(out),
            (EscapeState::Command, '\u{1b}') => EscapeState::CommandEscape,
            (EscapeState::Command, _) => EscapeState::Command,
            (EscapeState::CommandEscape, '\\') => self.command(out),
            (EscapeState::CommandEscape, _) => EscapeState::Text,
            (EscapeState::String, '\u{1b}') => EscapeState::StringEscape,
            (EscapeState::String, _) => EscapeState::String,
            (EscapeState::StringEscape, '\\') => EscapeState::Text,
            (EscapeState::StringEscape, _) => EscapeState::String,
        };
    }

    fn release(&mut self, out: &mut String) -> EscapeState {
        if self.held.len() < MAX_SEQUENCE {
            out.push_str(&self.held);
        }
        EscapeState::Text
    }

    /// Ends a command. Only OSC 8, which is a link, is shown.
    fn command(&mut self, out: &mut String) -> EscapeState {
        if self.held.starts_with("\u{1b}]8;") { self.release(out) } else { EscapeState::Text }
    }
}

#[cfg(test)]
mod tests {
    use super::EscapeFilter;

    fn pass(text: &str) -> String {
        EscapeFilter::default().pass(text)
    }

    #[test]
    fn colours_links_and_text_pass() {
        for text in [
            "\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: nö\n\ttab\r\n",
            "\u{1b}]8;;https://x.invalid\u{1b}\\E0308\u{1b}]8;;\u{1b}\\",
            "\u{1b}]8;;https://x.invalid\u{7}x",
            "\u{1b}[K",
        ] {
            assert_eq!(pass(text), text);
        }
    }

    #[test]
    fn sequences_that_control_the_terminal_are_removed() {
        for (text, shown) in [
            ("a\u{1b}[2Jb\u{1b}[1;1Hc", "abc"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]52;c;cm0gLXJm\u{1b}\\b", "ab"),
            ("a\u{1b}P+q544e\u{1b}\\b", "ab"),
            ("a\u{1b}cb\u{8}\u{7}\u{9b}2Jc", "ab2Jc"),
            ("a\u{1b}[6nb", "ab"),
        ] {
            assert_eq!(pass(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_sequence_in_two_pieces_is_one_sequence() {
        let mut filter = EscapeFilter::default();
        assert_eq!(filter.pass("a\u{1b}[3"), "a");
        assert_eq!(filter.pass("1mb\u{1b}"), "\u{1b}[31mb");
        assert_eq!(filter.pass("]0;x"), "");
        assert_eq!(filter.pass("\u{7}c"), "c");
    }
}

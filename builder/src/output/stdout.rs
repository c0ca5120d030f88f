//! Cargo's standard output: its own messages, and the text that programs print between them.

use super::messages::CargoMessage;

/// The longest message that is read, in bytes; a longer line is passed on as text.
const MAX_MESSAGE: usize = 8 * 1024 * 1024;

/// A piece of standard output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StdoutPiece {
    /// A message of cargo's, and the line that contained it.
    Message { message: CargoMessage, line: Vec<u8> },
    /// Everything else, in pieces of any size.
    Text(Vec<u8>),
}

/// Splits standard output into messages and text.
#[derive(Debug, Default)]
pub(crate) struct StdoutSplitter {
    /// The beginning of a line that may be a message.
    held: Vec<u8>,
    /// Whether the rest of the current line is text.
    in_text: bool,
    /// Whether cargo runs what it has built, after a message that ends the build.
    runs: bool,
    /// Whether that message has come. Everything after it is the program's output, even if it looks like a message.
    build_over: bool,
}

impl StdoutSplitter {
    /// For a cargo that runs what it has built.
    pub fn of_running() -> Self {
        Self { runs: true, ..Self::default() }
    }

    /// Takes the next bytes. Returns the pieces that are complete now; text is never held back.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<StdoutPiece> {
        let mut pieces = Vec::new();
        for segment in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.build_over {
                push_text(&mut pieces, segment);
                continue;
            }
            let line_ends = segment.ends_with(b"\n");
            if self.held.is_empty() && !self.in_text {
                self.in_text = segment[0] != b'{';
            }
            if self.in_text {
                push_text(&mut pieces, segment);
                self.in_text = !line_ends;
                continue;
            }
            self.held.extend_from_slice(segment);
            if line_ends {
                let line = std::mem::take(&mut self.held);
                match CargoMessage::parse(&line) {
                    Some(message) => {
                        self.build_over = self.runs && matches!(message, CargoMessage::BuildFinished { .. });
                        pieces.push(StdoutPiece::Message { message, line });
                    }
                    None => push_text(&mut pieces, &line),
                }
            } else if self.held.len() > MAX_MESSAGE {
                push_text(&mut pieces, &std::mem::take(&mut self.held));
                self.in_text = true;
            }
        }
        pieces
    }

    /// Returns what is left at the end of the output: a last line that has no end.
    pub fn finish(&mut self) -> Vec<StdoutPiece> {
        let mut pieces = Vec::new();
        if !self.held.is_empty() {
            push_text(&mut pieces, &std::mem::take(&mut self.held));
        }
        pieces
    }
}

/// Adds text, to the piece before it if that is text too.
fn push_text(pieces: &mut Vec<StdoutPiece>, text: &[u8]) {
    match pieces.last_mut() {
        Some(StdoutPiece::Text(before)) => before.extend_from_slice(text),
        _ => pieces.push(StdoutPiece::Text(text.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTIFACT: &str = r#"{"reason":"compiler-artifact","package_id":"path+file:///t#0.1.0","manifest_path":"/t/Cargo.toml","target":{"kind":["bin"],"crate_types":["bin"],"name":"t","src_path":"/t/src/main.rs","edition":"2024","doc":true,"doctest":false,"test":true},"profile":{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":false},"features":[],"filenames":["/t/target/debug/t"],"executable":"/t/target/debug/t","fresh":true}"#;

    #[test]
    fn messages_are_told_from_text() {
        let input = format!(
            "hello\n{ARTIFACT}\n{{\"mine\":1}}\n{{\"reason\":\"build-finished\",\"success\":true}}\n{ARTIFACT}\nlast"
        );
        for chunk in [1, 5, 1000] {
            let mut splitter = StdoutSplitter::of_running();
            let mut pieces: Vec<StdoutPiece> = input.as_bytes().chunks(chunk).flat_map(|c| splitter.feed(c)).collect();
            pieces.extend(splitter.finish());
            let (mut text, mut messages) = (Vec::new(), Vec::new());
            for piece in pieces {
                match piece {
                    StdoutPiece::Text(bytes) => text.extend(bytes),
                    StdoutPiece::Message { message, line } => messages.push((message, line)),
                }
            }
            // What a program prints after the build is the program's output.
            assert_eq!(String::from_utf8(text).unwrap(), format!("hello\n{{\"mine\":1}}\n{ARTIFACT}\nlast"));
            assert_eq!(messages.len(), 2);
            let (CargoMessage::Artifact(artifact), line) = &messages[0] else { panic!("{messages:?}") };
            assert_eq!(artifact.executable.as_ref().unwrap(), "/t/target/debug/t");
            assert_eq!(line, format!("{ARTIFACT}\n").as_bytes());
        }
    }
}

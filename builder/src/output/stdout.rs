//! Cargo's standard output: its own messages, and what programs it runs print between them.

use super::messages::Message;

/// The longest message that is read; a longer line is text.
const MAX_MESSAGE: usize = 8 * 1024 * 1024;

/// A piece of standard output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OutPiece {
    /// A message of cargo's, and the line it came in.
    Message(Message, Vec<u8>),
    /// Anything else.
    Text(Vec<u8>),
}

/// Takes standard output apart.
#[derive(Debug, Default)]
pub(crate) struct OutSplitter {
    /// A line that may be a message, as far as it is there.
    held: Vec<u8>,
    /// The line goes on, and is text.
    text: bool,
    /// Cargo runs what it has built, after a message that says so.
    runs: bool,
    /// It has said so: all that follows is what cargo runs, whatever it looks like.
    built: bool,
}

impl OutSplitter {
    /// Of a cargo that runs what it has built.
    pub fn of_running() -> Self {
        Self { runs: true, ..Self::default() }
    }

    /// The pieces that are complete now. Text is given out as it comes.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<OutPiece> {
        let mut pieces = Vec::new();
        for segment in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.built {
                give(&mut pieces, segment);
                continue;
            }
            let ends = segment.ends_with(b"\n");
            if self.held.is_empty() && !self.text {
                self.text = segment[0] != b'{';
            }
            if self.text {
                give(&mut pieces, segment);
                self.text = !ends;
                continue;
            }
            self.held.extend_from_slice(segment);
            if ends {
                let line = std::mem::take(&mut self.held);
                match serde_json::from_slice(&line) {
                    Ok(message) => {
                        self.built = self.runs && matches!(message, Message::Finished { .. });
                        pieces.push(OutPiece::Message(message, line));
                    }
                    Err(_) => give(&mut pieces, &line),
                }
            } else if self.held.len() > MAX_MESSAGE {
                give(&mut pieces, &std::mem::take(&mut self.held));
                self.text = true;
            }
        }
        pieces
    }

    /// The end: a last line without its end.
    pub fn finish(&mut self) -> Vec<OutPiece> {
        let mut pieces = Vec::new();
        if !self.held.is_empty() {
            give(&mut pieces, &std::mem::take(&mut self.held));
        }
        pieces
    }
}

/// Adds text, to the text before it if there is some.
fn give(pieces: &mut Vec<OutPiece>, text: &[u8]) {
    match pieces.last_mut() {
        Some(OutPiece::Text(before)) => before.extend_from_slice(text),
        _ => pieces.push(OutPiece::Text(text.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTIFACT: &str = r#"{"reason":"compiler-artifact","package_id":"path+file:///t#0.1.0","manifest_path":"/t/Cargo.toml","target":{"kind":["bin"],"crate_types":["bin"],"name":"t","src_path":"/t/src/main.rs"},"profile":{"opt_level":"0","test":false},"features":[],"filenames":["/t/target/debug/t"],"executable":"/t/target/debug/t","fresh":true}"#;

    #[test]
    fn messages_are_told_from_text() {
        let input = format!(
            "hello\n{ARTIFACT}\n{{\"mine\":1}}\n{{\"reason\":\"build-finished\",\"success\":true}}\n{ARTIFACT}\nlast"
        );
        for chunk in [1, 5, 1000] {
            let mut splitter = OutSplitter::of_running();
            let mut pieces: Vec<OutPiece> = input.as_bytes().chunks(chunk).flat_map(|c| splitter.feed(c)).collect();
            pieces.extend(splitter.finish());
            let text: Vec<u8> = pieces
                .iter()
                .filter_map(|piece| if let OutPiece::Text(text) = piece { Some(text.clone()) } else { None })
                .flatten()
                .collect();
            // What a program prints after the build is the program's.
            assert_eq!(String::from_utf8(text).unwrap(), format!("hello\n{{\"mine\":1}}\n{ARTIFACT}\nlast"));
            let messages: Vec<_> = pieces.iter().filter(|piece| matches!(piece, OutPiece::Message(..))).collect();
            assert_eq!(messages.len(), 2);
            let OutPiece::Message(Message::Artifact(artifact), line) = messages[0] else { panic!("{messages:?}") };
            assert_eq!(artifact.executable.as_deref(), Some("/t/target/debug/t"));
            assert_eq!(line, format!("{ARTIFACT}\n").as_bytes());
        }
    }
}

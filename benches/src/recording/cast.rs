//! A captured session in asciinema's file format, version 2 (docs.asciinema.org/manual/asciicast/v2): a header line,
//! then a line for each event: its time, its kind and its text.

use std::num::NonZero;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// Label of the marker at the start of a command.
const STARTED: &str = "started";
/// Label of the marker at the end of a command.
const ENDED: &str = "ended";

/// A session as it was captured in a terminal.
#[derive(Debug, Clone, PartialEq)]
pub struct Cast {
    /// Size of the terminal it ran in.
    pub size: TerminalSize,
    /// Events in the order of their times.
    pub events: Vec<TimedEvent>,
}

/// Size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TerminalSize {
    /// Number of characters in a row.
    pub columns: u16,
    /// Number of rows on the screen.
    pub rows: u16,
}

/// Something that happened in a session.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedEvent {
    /// Seconds since the session began.
    pub at: f64,
    /// What happened at this time.
    pub event: CastEvent,
}

/// The kinds of events in a session.
#[derive(Debug, Clone, PartialEq)]
pub enum CastEvent {
    /// A piece of output was written to the terminal, escape sequences included.
    Output(String),
    /// A command line has been typed, and the command begins.
    Started,
    /// The command that was started has ended.
    Ended,
}

/// The header, which is the first line of the file.
#[derive(Serialize, Deserialize)]
struct CastHeader {
    version: u8,
    width: u16,
    height: u16,
}

impl TerminalSize {
    /// An empty terminal of this size.
    pub fn terminal(self) -> vt100::Parser {
        let at_least_one = |n| NonZero::new(n).unwrap_or(NonZero::<u16>::MIN);
        vt100::Parser::new(at_least_one(self.rows), at_least_one(self.columns), 0)
    }
}

impl Cast {
    /// Writes the session as the text of a cast file.
    pub fn to_text(&self) -> Result<String> {
        let header = CastHeader { version: 2, width: self.size.columns, height: self.size.rows };
        let mut text = serde_json::to_string(&header)? + "\n";
        for TimedEvent { at, event } in &self.events {
            // "m" is asciinema's marker.
            let (code, content) = match event {
                CastEvent::Output(output) => ("o", output.as_str()),
                CastEvent::Started => ("m", STARTED),
                CastEvent::Ended => ("m", ENDED),
            };
            text += &serde_json::to_string(&(at, code, content))?;
            text.push('\n');
        }
        Ok(text)
    }

    /// Reads a session from the text of a cast file.
    pub fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let header: CastHeader = serde_json::from_str(lines.next().context("the recording is empty")?)?;
        let events = lines.map(|line| {
            let (at, code, content): (f64, String, String) = serde_json::from_str(line)?;
            let event = match (code.as_str(), content.as_str()) {
                ("o", _) => CastEvent::Output(content),
                ("m", STARTED) => CastEvent::Started,
                ("m", ENDED) => CastEvent::Ended,
                _ => bail!("an unknown event of kind {code}"),
            };
            Ok(TimedEvent { at, event })
        });
        let size = TerminalSize { columns: header.width, rows: header.height };
        Ok(Self { size, events: events.collect::<Result<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_reads_back_from_its_file() {
        let output = CastEvent::Output("\u{1b}[1m$\u{1b}[0m \"ä\"\r\n".to_owned());
        let events = [(0.25, output), (1.0, CastEvent::Started), (2.5, CastEvent::Ended)];
        let events = events.into_iter().map(|(at, event)| TimedEvent { at, event }).collect();
        let cast = Cast { size: TerminalSize { columns: 80, rows: 24 }, events };
        let text = cast.to_text().unwrap();
        assert_eq!(text.lines().next(), Some(r#"{"version":2,"width":80,"height":24}"#));
        assert_eq!(Cast::parse(&text).unwrap(), cast);
        for wrong in [String::new(), "{}".to_owned(), text + "[3.0,\"x\",\"\"]\n"] {
            assert!(Cast::parse(&wrong).is_err(), "{wrong}");
        }
    }
}

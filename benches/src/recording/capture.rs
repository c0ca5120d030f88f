//! Runs commands in a pseudo-terminal and keeps what they write to it, with the time of each piece.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::cast::{CastEvent, TerminalSize, TimedEvent};

/// Time between two typed letters, about as fast as a person types.
const KEYSTROKE: Duration = Duration::from_millis(60);
/// Time between a prompt and the first typed letter.
const THINKING: Duration = Duration::from_millis(900);

/// A session that is being captured.
pub struct Capture {
    size: TerminalSize,
    events: Vec<TimedEvent>,
    /// Time that the session has taken so far, typing included.
    now: Duration,
}

impl Capture {
    /// Begins a session in a terminal of this size.
    pub fn new(size: TerminalSize) -> Self {
        Self { size, events: Vec::new(), now: Duration::ZERO }
    }

    /// Shows a prompt and a command line, letter by letter, as if a person typed it.
    pub fn type_line(&mut self, line: &str) {
        self.print("\u{1b}[1;32m$\u{1b}[0m ".to_owned());
        self.now += THINKING;
        for letter in line.chars() {
            self.now += KEYSTROKE;
            self.print(letter.to_string());
        }
        self.now += THINKING / 3;
        self.print("\r\n".to_owned());
    }

    /// Runs a command with the terminal as its input and output. Fails if the command fails.
    pub fn run(&mut self, mut command: Command) -> Result<()> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let terminal = OpenOptions::new().read(true).write(true).open(name.to_str().context("the terminal's name")?)?;
        let size = Winsize { ws_row: self.size.rows, ws_col: self.size.columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size)?;
        let began = Instant::now();
        command.stdin(terminal.try_clone()?).stdout(terminal.try_clone()?).stderr(terminal);
        let mut child = command.spawn().context("a command of the session can't be started")?;
        // The command holds the last handles of the terminal's other end, so reading ends when the program ends.
        drop(command);
        self.push(CastEvent::Started);
        let start = self.now;
        self.read_all(File::from(master), |capture| capture.now = start + began.elapsed())?;
        self.now = start + began.elapsed();
        self.push(CastEvent::Ended);
        ensure!(child.wait()?.success(), "a command of the session failed:\n{}", self.text());
        Ok(())
    }

    /// Ends the session and returns its events.
    pub fn finish(self) -> Vec<TimedEvent> {
        self.events
    }

    fn read_all(&mut self, mut master: File, mut tick: impl FnMut(&mut Self)) -> Result<()> {
        let mut buffer = [0; 16 << 10];
        let mut pending = Vec::new();
        loop {
            let read = match master.read(&mut buffer) {
                Ok(read) => read,
                // Linux answers EIO when the other end is closed.
                Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => 0,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            tick(self);
            if read == 0 {
                return Ok(());
            }
            pending.extend_from_slice(buffer.get(..read).unwrap_or_default());
            let whole = whole_characters(&pending);
            let text = String::from_utf8_lossy(pending.get(..whole).unwrap_or_default()).into_owned();
            pending.drain(..whole);
            self.print(text);
        }
    }

    fn print(&mut self, text: String) {
        if !text.is_empty() {
            self.push(CastEvent::Output(text));
        }
    }

    fn push(&mut self, event: CastEvent) {
        // Milliseconds are enough, and keep the file short.
        let at = (self.now.as_secs_f64() * 1e3).round() / 1e3;
        self.events.push(TimedEvent { at, event });
    }

    fn text(&self) -> String {
        let outputs = self.events.iter().filter_map(|event| match &event.event {
            CastEvent::Output(text) => Some(text.as_str()),
            _ => None,
        });
        outputs.collect()
    }
}

/// Length of the longest prefix that doesn't end in the middle of a UTF-8 character.
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(script: &str) -> Result<String> {
        let mut capture = Capture::new(TerminalSize { columns: 71, rows: 20 });
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        capture.run(command)?;
        Ok(capture.text())
    }

    #[test]
    fn a_command_runs_in_a_terminal_of_the_given_size() {
        assert_eq!(captured("test -t 0 && test -t 1 && test -t 2 && stty size").unwrap(), "20 71\r\n");
        assert!(captured("echo why; exit 3").unwrap_err().to_string().contains("why"));
    }

    #[test]
    fn a_character_is_never_split() {
        let bytes = "a€".as_bytes();
        assert_eq!([1, 2, 3, 4].map(|end| whole_characters(&bytes[..end])), [1, 1, 1, 4]);
        assert_eq!(whole_characters(b"\xff\xffa"), 3);
    }
}

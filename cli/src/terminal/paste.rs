//! Reads a secret that is pasted, without showing it or cutting it off. In line mode a terminal keeps at most 4,096
//! bytes of a line (1,024 on macOS), so it is read byte by byte.

use std::io::{Read, Stdin};

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// How reading a pasted text ended.
pub enum Pasted {
    /// The pasted text, which is complete or was followed by Enter and a pause.
    Text(String),
    /// The user pressed Ctrl-C or Ctrl-D.
    Ended,
}

/// Restores the terminal's settings when it is dropped.
struct Restore<'a>(&'a Stdin, Termios);

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.0, OptionalActions::Now, &self.1);
    }
}

/// Reads from the terminal until the text is `whole`, or until Enter is pressed and nothing follows. Fails if the text
/// is longer than `limit` bytes.
pub fn paste_hidden(stdin: &Stdin, limit: u64, whole: impl Fn(&str) -> bool) -> anyhow::Result<Pasted> {
    let before = tcgetattr(stdin).context("could not read the terminal's settings")?;
    let mut hidden = before.clone();
    // Ctrl-C is read as a byte too, so that the terminal is restored first.
    hidden.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
    // A read ends after 0.2 s without input, while a paste arrives at once.
    hidden.special_codes[SpecialCodeIndex::VMIN] = 0;
    hidden.special_codes[SpecialCodeIndex::VTIME] = 2;
    let _restore = Restore(stdin, before);
    tcsetattr(stdin, OptionalActions::Now, &hidden).context("could not hide the pasted text")?;
    let mut bytes: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        // `Stdin` buffers its input and reports a pause as the end. Both are harmless here.
        let count = stdin.lock().read(&mut buffer).context("could not read from the terminal")?;
        for byte in &buffer[..count] {
            match byte {
                3 | 4 => return Ok(Pasted::Ended),
                8 | 127 => drop(bytes.pop()),
                _ => bytes.push(*byte),
            }
        }
        if bytes.len() as u64 > limit {
            bail!("the pasted text is too long for a configuration line");
        }
        if count == 0 && !bytes.is_empty() {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if whole(&text) || text.ends_with(['\r', '\n']) {
                return Ok(Pasted::Text(text));
            }
        }
    }
}

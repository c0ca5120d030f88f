//! A secret that is pasted: not shown, and not cut off. A terminal that gathers lines keeps 4,096 bytes of one (1,024 on
//! macOS), so it hands over each byte instead.

use std::io::{Read, Stdin};

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// What came of it.
pub enum Pasted {
    /// A text, whole or followed by Enter and a pause.
    Text(String),
    /// Ctrl-C or Ctrl-D.
    Ended,
}

/// Puts the terminal back as it was.
struct Restore<'a>(&'a Stdin, Termios);

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.0, OptionalActions::Now, &self.1);
    }
}

/// Reads from the terminal until what is there is `whole`, or Enter was pressed and nothing came after it.
pub fn paste_hidden(stdin: &Stdin, limit: u64, whole: impl Fn(&str) -> bool) -> anyhow::Result<Pasted> {
    let before = tcgetattr(stdin).context("could not ask the terminal")?;
    let mut hidden = before.clone();
    // Ctrl-C comes as a byte too: the terminal must be put back first.
    hidden.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
    // A read gives up after 0.2 s: a paste arrives in one go.
    hidden.special_codes[SpecialCodeIndex::VMIN] = 0;
    hidden.special_codes[SpecialCodeIndex::VTIME] = 2;
    let _restore = Restore(stdin, before);
    tcsetattr(stdin, OptionalActions::Now, &hidden).context("could not hide what is pasted")?;
    let mut bytes: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        // `Stdin` buffers, and takes a pause for the end; both are harmless here.
        let count = stdin.lock().read(&mut buffer).context("could not read from the terminal")?;
        for byte in &buffer[..count] {
            match byte {
                3 | 4 => return Ok(Pasted::Ended),
                8 | 127 => drop(bytes.pop()),
                _ => bytes.push(*byte),
            }
        }
        if bytes.len() as u64 > limit {
            bail!("what was pasted is far too long for a configuration line");
        }
        if count == 0 && !bytes.is_empty() {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if whole(&text) || text.ends_with(['\r', '\n']) {
                return Ok(Pasted::Text(text));
            }
        }
    }
}

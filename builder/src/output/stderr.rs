//! Cargo's standard error with the progress bar taken out of it: what is left is, byte for byte, what cargo prints on a
//! pipe.

use super::progress::{Progress, building, status, visible};

/// A line that isn't complete is held back up to this size, because it could become a progress bar.
const MAX_HELD: usize = 16 * 1024;

/// What clears a progress bar before something else is printed.
const ERASE: &[u8] = b"\x1b[K";

/// How cargo's lines begin that say what it runs.
const OF_WHAT_RUNS: [&str; 3] = ["     Running", "   Doc-tests", "  Executable"];

/// A piece of standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErrorPiece {
    /// For people.
    Text(Vec<u8>),
    /// The progress bar.
    Progress(Progress),
    /// The build is over; the rest is from what cargo runs.
    Built,
}

/// Takes standard error apart.
#[derive(Debug, Default)]
pub(crate) struct ErrorSplitter {
    /// What came after the last end of a line, less what was given out of it.
    held: Vec<u8>,
    /// Part of this line was given out: it is no progress bar.
    begun: bool,
    /// A progress bar came last: what clears it may follow.
    after_bar: bool,
    /// The line that cargo prints in place of the first bar of a download was printed.
    downloading: bool,
    /// Cargo runs what it has built, after a line that says so.
    runs: bool,
    /// It has said so: all that follows is passed on as it is.
    built: bool,
}

impl ErrorSplitter {
    /// Of a cargo that runs what it has built.
    pub fn of_running() -> Self {
        Self { runs: true, ..Self::default() }
    }

    /// Whether the build is over, and what comes now is from what cargo runs.
    pub fn built(&self) -> bool {
        self.built
    }

    /// The pieces that are complete now.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<ErrorPiece> {
        let mut pieces = Vec::new();
        for segment in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            self.held.extend_from_slice(segment);
            if self.built {
                let ends = segment.ends_with(b"\n");
                if ends || !self.may_name_what_runs() {
                    self.give(&mut pieces);
                }
                self.begun &= !ends;
                continue;
            }
            match segment.last() {
                Some(b'\n') => self.line(&mut pieces),
                Some(b'\r') => self.bar(&mut pieces),
                _ if self.held.len() > MAX_HELD => self.give(&mut pieces),
                _ => {}
            }
        }
        pieces
    }

    /// What was held back for too long to be a progress bar in the making: a prompt, dots.
    pub fn flush(&mut self) -> Vec<ErrorPiece> {
        let mut pieces = Vec::new();
        let seen = visible(&self.held);
        if self.built && !self.begun && OF_WHAT_RUNS.iter().any(|word| seen.starts_with(word)) {
            return pieces;
        }
        let bar = !self.built
            && !self.begun
            && (status(&seen).is_some() || ["[=", "[>", "[ "].iter().any(|bar| seen.starts_with(bar)));
        if !bar && !self.held.is_empty() && !ERASE.starts_with(&self.held) {
            self.give(&mut pieces);
        }
        pieces
    }

    /// The end.
    pub fn finish(&mut self) -> Vec<ErrorPiece> {
        let mut pieces = Vec::new();
        self.give(&mut pieces);
        pieces
    }

    /// Whether cargo may have begun to say what it runs. It writes such a line in pieces, between which what runs may print.
    fn may_name_what_runs(&self) -> bool {
        let seen = visible(&self.held);
        !self.begun
            && self.held.len() <= MAX_HELD
            && OF_WHAT_RUNS.iter().any(|word| seen.starts_with(word) || word.starts_with(&*seen))
    }

    fn line(&mut self, pieces: &mut Vec<ErrorPiece>) {
        self.strip_erase();
        let seen = if self.begun { String::new() } else { visible(&self.held) };
        if is_summary(seen.trim_end()) {
            // Printed only beside a progress bar.
            self.held.clear();
            self.downloading = false;
        } else {
            self.give(pieces);
            if self.runs && matches!(status(&seen), Some(("Finished", _))) {
                pieces.push(ErrorPiece::Built);
                self.built = true;
            }
        }
        self.begun = false;
    }

    fn bar(&mut self, pieces: &mut Vec<ErrorPiece>) {
        self.strip_erase();
        let seen = visible(&self.held[..self.held.len() - 1]);
        // With `--quiet` cargo leaves the word away, and draws the bar all the same.
        let quiet =
            seen.starts_with('[').then_some(("Building", seen.as_str())).filter(|(_, bar)| building(bar).is_some());
        let Some((word, rest)) = status(&seen).or(quiet).filter(|_| !self.begun) else {
            // A carriage return of someone else's, or half of a line's end.
            if self.held.len() > MAX_HELD {
                self.give(pieces);
            }
            return;
        };
        match word {
            "Building" => pieces.extend(building(rest).map(ErrorPiece::Progress)),
            "Downloading" if !self.downloading => {
                self.downloading = true;
                let coloured = self.held.contains(&0x1b);
                let (on, off) = if coloured { ("\x1b[1m\x1b[92m", "\x1b[0m") } else { ("", "") };
                pieces.push(ErrorPiece::Text(format!("{on} Downloading{off} crates ...\n").into_bytes()));
            }
            _ => {}
        }
        self.held.clear();
        self.after_bar = true;
    }

    fn strip_erase(&mut self) {
        if std::mem::take(&mut self.after_bar) && self.held.starts_with(ERASE) {
            self.held.drain(..ERASE.len());
        }
    }

    fn give(&mut self, pieces: &mut Vec<ErrorPiece>) {
        self.strip_erase();
        if !self.held.is_empty() {
            self.begun = true;
            match pieces.last_mut() {
                Some(ErrorPiece::Text(before)) => before.append(&mut self.held),
                _ => pieces.push(ErrorPiece::Text(std::mem::take(&mut self.held))),
            }
        }
    }
}

/// `Downloaded 2 crates (63.3KiB) in 0.01s`, which cargo prints only if it also shows a progress bar.
fn is_summary(line: &str) -> bool {
    let Some(("Downloaded", rest)) = status(line) else { return false };
    let mut words = rest.split_whitespace();
    words.next().is_some_and(|count| count.parse::<u64>().is_ok())
        && words.next().is_some_and(|word| matches!(word, "crate" | "crates"))
        && words.any(|word| word == "in")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo build` of two dependencies, cargo 1.95.
    const PLAIN: &[u8] = b"    Updating crates.io index\n     Locking 2 packages to latest compatible versions\n \
        Downloading 1 crate                                   \r Downloading 2 crates                                  \r  \
        Downloaded itoa v1.0.19\n Downloading 1 crate                                   \r  Downloaded anyhow v1.0.104\n \
        Downloading 0 crates                                  \r  Downloaded 2 crates (63.3KiB) in 0.01s\n   \
        Compiling anyhow v1.0.104\n    Building [                             ] 0/5: anyhow(build.rs)                   \r   \
        Compiling itoa v1.0.19\n    Building [====>                        ] 1/5: anyhow(build.rs), itoa             \r\
        warning: unused variable: `x`\n --> src/main.rs:1:16\n  |\n\n    Finished `dev` profile in 0.69s\n";

    const ON_A_PIPE: &str = "    Updating crates.io index\n     Locking 2 packages to latest compatible versions\n \
        Downloading crates ...\n  Downloaded itoa v1.0.19\n  Downloaded anyhow v1.0.104\n   \
        Compiling anyhow v1.0.104\n   Compiling itoa v1.0.19\n\
        warning: unused variable: `x`\n --> src/main.rs:1:16\n  |\n\n    Finished `dev` profile in 0.69s\n";

    /// Coloured, cargo 1.95.
    const COLOURED: &[u8] = b"\x1b[1m\x1b[92m   Compiling\x1b[0m t v0.1.0 (/t)\n\
        \x1b[1m\x1b[96m    Building\x1b[0m [      ] 0/3: t(build.rs)     \r\x1b[K\
        \x1b[1m\x1b[96m    Building\x1b[0m [==>   ] 1/3: t(build)        \r\
        \x1b[1m\x1b[96m    Building\x1b[0m [====> ] 2/3: t(bin)          \r\x1b[K\x1b[1m\x1b[33mwarning\x1b[0m: t@0.1.0: hey\n\
        \x1b[1m\x1b[92m    Finished\x1b[0m\n";

    fn split(bytes: &[u8], chunk: usize) -> (String, Vec<Progress>) {
        let mut splitter = ErrorSplitter::default();
        let (mut text, mut bars) = (Vec::new(), Vec::new());
        let mut take = |pieces: Vec<ErrorPiece>| {
            for piece in pieces {
                match piece {
                    ErrorPiece::Text(bytes) => text.extend(bytes),
                    ErrorPiece::Progress(bar) => bars.push(bar),
                    ErrorPiece::Built => panic!("nothing runs"),
                }
            }
        };
        for piece in bytes.chunks(chunk) {
            take(splitter.feed(piece));
        }
        take(splitter.finish());
        (String::from_utf8(text).unwrap(), bars)
    }

    #[test]
    fn what_is_left_is_what_cargo_prints_on_a_pipe() {
        for chunk in [1, 2, 7, 64, 10_000] {
            let (text, bars) = split(PLAIN, chunk);
            assert_eq!(text, ON_A_PIPE, "in pieces of {chunk}");
            assert_eq!(bars[1], Progress { done: 1, total: 5, current: "anyhow(build.rs), itoa".to_owned() });
        }
    }

    #[test]
    fn colours_stay_and_erasures_go() {
        for chunk in [1, 3, 10_000] {
            let (text, bars) = split(COLOURED, chunk);
            assert_eq!(
                text,
                "\x1b[1m\x1b[92m   Compiling\x1b[0m t v0.1.0 (/t)\n\x1b[1m\x1b[33mwarning\x1b[0m: t@0.1.0: hey\n\
                 \x1b[1m\x1b[92m    Finished\x1b[0m\n"
            );
            assert_eq!(bars.len(), 3);
            assert_eq!(bars[2].current, "t(bin)");
        }
    }

    #[test]
    fn a_quiet_cargos_bars_are_bars_too() {
        // `cargo build -q`, cargo 1.95.
        const QUIET: &[u8] =
            b"[=====>       ] 1/3: t(bin)      \r\x1b[K[===========> ] 2/3: t(bin)      \r\x1b[Kerror: no\n";
        for chunk in [1, 10_000] {
            let (text, bars) = split(QUIET, chunk);
            assert_eq!((text.as_str(), bars.len()), ("error: no\n", 2));
        }
    }

    #[test]
    fn other_peoples_carriage_returns_and_erasures_stay() {
        for text in [
            "a\r\nb\n",
            "[1/2] step\r[2/2] step\n",
            "10%\r20%\rdone\n",
            "\x1b[Kx\n",
            "   Building castles in the air\n",
            "no end",
        ] {
            for chunk in [1, 100] {
                assert_eq!(split(text.as_bytes(), chunk).0, text);
            }
        }
    }

    #[test]
    fn what_runs_may_print_what_it_likes() {
        let said = b"    Finished `dev` profile in 0.1s\n     Running `x`\n    Building [=> ] 1/2: y\rz\n";
        for chunk in [1, 100] {
            let mut splitter = ErrorSplitter::of_running();
            let pieces: Vec<_> = said.chunks(chunk).flat_map(|piece| splitter.feed(piece)).collect();
            let built = pieces.iter().position(|piece| *piece == ErrorPiece::Built).unwrap();
            let text: Vec<u8> = pieces[built + 1..]
                .iter()
                .flat_map(|piece| if let ErrorPiece::Text(text) = piece { text.clone() } else { panic!("{piece:?}") })
                .collect();
            assert_eq!(text, said[35..], "in pieces of {chunk}");
        }
    }

    #[test]
    fn a_line_that_says_what_runs_stays_whole() {
        let mut splitter = ErrorSplitter::of_running();
        splitter.feed(b"    Finished `dev` profile in 0.1s\n");
        for piece in [&b"   "[..], b"  Run", b"ning", b"\x1b[0m `/w/x"] {
            assert_eq!(splitter.feed(piece), []);
        }
        assert_eq!(splitter.flush(), []);
        assert_eq!(splitter.feed(b"`\nn"), [ErrorPiece::Text(b"     Running\x1b[0m `/w/x`\nn".to_vec())]);
        // What the program itself says is given out as it comes.
        assert_eq!(splitter.feed(b"     Running"), [ErrorPiece::Text(b"     Running".to_vec())]);
        assert_eq!(splitter.feed(b"\n   "), [ErrorPiece::Text(b"\n".to_vec())]);
        assert_eq!(splitter.flush(), [ErrorPiece::Text(b"   ".to_vec())]);
    }

    #[test]
    fn a_prompt_is_given_out_when_it_stays_alone() {
        let mut splitter = ErrorSplitter::default();
        assert!(splitter.feed(b"name? ").is_empty());
        assert_eq!(splitter.flush(), [ErrorPiece::Text(b"name? ".to_vec())]);
        splitter.feed(b"x\n");
        splitter.feed(b"    Building [   ] 1/");
        assert!(splitter.flush().is_empty());
    }
}

//! Takes the progress bar out of cargo's standard error. What is left is, byte for byte, what cargo prints on a pipe.

use super::progress::{Progress, building, status, visible};

/// An incomplete line is held back up to this many bytes, because it could become a progress bar.
const MAX_HELD: usize = 16 * 1024;

/// The control sequence that cargo prints to clear a progress bar.
const ERASE: &[u8] = b"\x1b[K";

/// The beginnings of the lines in which cargo says what it runs.
const RUN_LINES: [&str; 3] = ["     Running", "   Doc-tests", "  Executable"];

/// A piece of standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StderrPiece {
    /// Text for the user, in pieces of any size.
    Text(Vec<u8>),
    /// A new state of the progress bar.
    Progress(Progress),
    /// The build is over. What follows comes from the programs that cargo runs.
    BuildOver,
}

/// Splits standard error into text and progress.
#[derive(Debug, Default)]
pub(crate) struct StderrSplitter {
    /// The current line, without what was already returned of it.
    held: Vec<u8>,
    /// Whether part of the current line was returned: then it is no progress bar.
    line_begun: bool,
    /// Whether the last thing was a progress bar, so that the sequence that clears it may follow.
    after_bar: bool,
    /// Whether the line was printed that cargo prints on a pipe instead of the first download bar.
    downloading: bool,
    /// Whether cargo runs what it has built, after a line that ends the build.
    runs: bool,
    /// Whether that line has come. Everything after it is passed on unchanged.
    build_over: bool,
}

impl StderrSplitter {
    /// For a cargo that runs what it has built.
    pub fn of_running() -> Self {
        Self { runs: true, ..Self::default() }
    }

    /// Whether the build is over, so that what follows comes from the programs that cargo runs.
    pub fn is_build_over(&self) -> bool {
        self.build_over
    }

    /// Takes the next bytes. Returns the pieces that are complete now.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<StderrPiece> {
        let mut pieces = Vec::new();
        for segment in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            self.held.extend_from_slice(segment);
            if self.build_over {
                let ends = segment.ends_with(b"\n");
                if ends || !self.may_be_run_line() {
                    self.push_text(&mut pieces);
                }
                self.line_begun &= !ends;
                continue;
            }
            match segment.last() {
                Some(b'\n') => self.line(&mut pieces),
                Some(b'\r') => self.bar(&mut pieces),
                _ if self.held.len() > MAX_HELD => self.push_text(&mut pieces),
                _ => {}
            }
        }
        pieces
    }

    /// Returns an incomplete line that was held back for too long to become a progress bar: a prompt, or dots.
    pub fn flush(&mut self) -> Vec<StderrPiece> {
        let mut pieces = Vec::new();
        let seen = visible(&self.held);
        if self.build_over && !self.line_begun && RUN_LINES.iter().any(|word| seen.starts_with(word)) {
            return pieces;
        }
        let bar = !self.build_over
            && !self.line_begun
            && (status(&seen).is_some()
                || is_quiet_bar(&seen)
                || ["[=", "[>", "[ "].iter().any(|bar| seen.starts_with(bar)));
        if !bar && !self.held.is_empty() && !ERASE.starts_with(&self.held) {
            self.push_text(&mut pieces);
        }
        pieces
    }

    /// Returns what is left at the end of the output.
    pub fn finish(&mut self) -> Vec<StderrPiece> {
        let mut pieces = Vec::new();
        self.push_text(&mut pieces);
        pieces
    }

    /// Whether the current line may become one that says what cargo runs. Cargo writes such a line in several pieces, and
    /// the program may print between them.
    fn may_be_run_line(&self) -> bool {
        let seen = visible(&self.held);
        !self.line_begun
            && self.held.len() <= MAX_HELD
            && RUN_LINES.iter().any(|word| seen.starts_with(word) || word.starts_with(&*seen))
    }

    fn line(&mut self, pieces: &mut Vec<StderrPiece>) {
        self.strip_erase();
        let seen = if self.line_begun { String::new() } else { visible(&self.held) };
        if is_download_summary(seen.trim_end()) {
            // Cargo prints it only together with a progress bar.
            self.held.clear();
            self.downloading = false;
        } else {
            self.push_text(pieces);
            if self.runs && matches!(status(&seen), Some(("Finished", _))) {
                pieces.push(StderrPiece::BuildOver);
                self.build_over = true;
            }
        }
        self.line_begun = false;
    }

    fn bar(&mut self, pieces: &mut Vec<StderrPiece>) {
        self.strip_erase();
        let seen = visible(&self.held[..self.held.len() - 1]);
        // With `--quiet` cargo omits the word, but still draws the bar.
        let quiet = match is_quiet_bar(&seen) {
            true if building(&seen).is_some() => Some(("Building", seen.as_str())),
            true => Some(("", "")),
            false => None,
        };
        let Some((word, rest)) = status(&seen).or(quiet).filter(|_| !self.line_begun) else {
            // A carriage return that isn't cargo's, or the first half of a line's end.
            if self.held.len() > MAX_HELD {
                self.push_text(pieces);
            }
            return;
        };
        match word {
            "Building" => pieces.extend(building(rest).map(StderrPiece::Progress)),
            "Downloading" if !self.downloading => {
                self.downloading = true;
                let coloured = self.held.contains(&0x1b);
                let (on, off) = if coloured { ("\x1b[1m\x1b[92m", "\x1b[0m") } else { ("", "") };
                pieces.push(StderrPiece::Text(format!("{on} Downloading{off} crates ...\n").into_bytes()));
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

    fn push_text(&mut self, pieces: &mut Vec<StderrPiece>) {
        self.strip_erase();
        if !self.held.is_empty() {
            self.line_begun = true;
            match pieces.last_mut() {
                Some(StderrPiece::Text(before)) => before.append(&mut self.held),
                _ => pieces.push(StderrPiece::Text(std::mem::take(&mut self.held))),
            }
        }
    }
}

/// Whether a line is a progress bar without its word: `[==>   ] 1/3: a`, or `2 crates, remaining bytes: 1.2MiB`, which cargo
/// fills up with spaces to the width of the terminal.
fn is_quiet_bar(line: &str) -> bool {
    if let Some((bar, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return bar.len() > 2 && bar.bytes().all(|byte| matches!(byte, b'=' | b'>' | b' '));
    }
    let Some((count, rest)) = line.split_once(' ') else { return false };
    let downloads = ["crate ", "crates ", "crate, ", "crates, "].iter().any(|word| rest.starts_with(word));
    downloads && line.ends_with(' ') && !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a line reads like `Downloaded 2 crates (63.3KiB) in 0.01s`, which cargo prints only with a progress bar.
fn is_download_summary(line: &str) -> bool {
    let Some(("Downloaded", rest)) = status(line) else { return false };
    let mut words = rest.split_whitespace();
    words.next().is_some_and(|count| count.parse::<u64>().is_ok())
        && words.next().is_some_and(|word| matches!(word, "crate" | "crates"))
        && words.any(|word| word == "in")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo build` of two dependencies, as cargo 1.95 prints it.
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

    /// The same with colours, as cargo 1.95 prints it.
    const COLOURED: &[u8] = b"\x1b[1m\x1b[92m   Compiling\x1b[0m t v0.1.0 (/t)\n\
        \x1b[1m\x1b[96m    Building\x1b[0m [      ] 0/3: t(build.rs)     \r\x1b[K\
        \x1b[1m\x1b[96m    Building\x1b[0m [==>   ] 1/3: t(build)        \r\
        \x1b[1m\x1b[96m    Building\x1b[0m [====> ] 2/3: t(bin)          \r\x1b[K\x1b[1m\x1b[33mwarning\x1b[0m: t@0.1.0: hey\n\
        \x1b[1m\x1b[92m    Finished\x1b[0m\n";

    fn split(bytes: &[u8], chunk: usize) -> (String, Vec<Progress>) {
        let mut splitter = StderrSplitter::default();
        let (mut text, mut bars) = (Vec::new(), Vec::new());
        let mut take = |pieces: Vec<StderrPiece>| {
            for piece in pieces {
                match piece {
                    StderrPiece::Text(bytes) => text.extend(bytes),
                    StderrPiece::Progress(bar) => bars.push(bar),
                    StderrPiece::BuildOver => panic!("cargo runs nothing here"),
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
    fn colours_stay_and_control_sequences_of_the_bar_go() {
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
    fn progress_bars_of_a_quiet_cargo_are_taken_out() {
        // `cargo build -q`, as cargo 1.95 prints it.
        const QUIET: &[u8] =
            b"[=====>       ] 1/3: t(bin)      \r\x1b[K[===========> ] 2/3: t(bin)      \r\x1b[Kerror: no\n";
        for chunk in [1, 10_000] {
            let (text, bars) = split(QUIET, chunk);
            assert_eq!((text.as_str(), bars.len()), ("error: no\n", 2));
        }
    }

    #[test]
    fn download_bars_of_a_quiet_cargo_are_taken_out() {
        // `cargo install -q` on a slow network, as cargo 1.95 prints it, and a repository that is fetched.
        const QUIET: &[u8] = b"1 crate            \r2 crates, remaining bytes: 1.2MiB       \r0 crates           \r\
            [===>       ]  34.00%, 1.20MiB/s      \rerror: no\n";
        for chunk in [1, 10_000] {
            let (text, bars) = split(QUIET, chunk);
            assert_eq!((text.as_str(), bars.len()), ("error: no\n", 0));
        }
    }

    #[test]
    fn carriage_returns_and_control_sequences_of_others_stay() {
        for text in [
            "a\r\nb\n",
            "[1/2] step\r[2/2] step\n",
            "10%\r20%\rdone\n",
            "3 crates\r2 crates of apples \rdone\n",
            "[x]  \r[]  \rdone\n",
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
    fn a_program_that_cargo_runs_may_print_anything() {
        let said = b"    Finished `dev` profile in 0.1s\n     Running `x`\n    Building [=> ] 1/2: y\rz\n";
        for chunk in [1, 100] {
            let mut splitter = StderrSplitter::of_running();
            let pieces: Vec<_> = said.chunks(chunk).flat_map(|piece| splitter.feed(piece)).collect();
            let built = pieces.iter().position(|piece| *piece == StderrPiece::BuildOver).unwrap();
            let text: Vec<u8> = pieces[built + 1..]
                .iter()
                .flat_map(|piece| if let StderrPiece::Text(text) = piece { text.clone() } else { panic!("{piece:?}") })
                .collect();
            assert_eq!(text, said[35..], "in pieces of {chunk}");
        }
    }

    #[test]
    fn a_line_that_says_what_cargo_runs_stays_whole() {
        let mut splitter = StderrSplitter::of_running();
        splitter.feed(b"    Finished `dev` profile in 0.1s\n");
        for piece in [&b"   "[..], b"  Run", b"ning", b"\x1b[0m `/w/x"] {
            assert_eq!(splitter.feed(piece), []);
        }
        assert_eq!(splitter.flush(), []);
        assert_eq!(splitter.feed(b"`\nn"), [StderrPiece::Text(b"     Running\x1b[0m `/w/x`\nn".to_vec())]);
        // The program's own output is returned at once.
        assert_eq!(splitter.feed(b"     Running"), [StderrPiece::Text(b"     Running".to_vec())]);
        assert_eq!(splitter.feed(b"\n   "), [StderrPiece::Text(b"\n".to_vec())]);
        assert_eq!(splitter.flush(), [StderrPiece::Text(b"   ".to_vec())]);
    }

    #[test]
    fn a_prompt_is_passed_on_when_nothing_follows() {
        let mut splitter = StderrSplitter::default();
        assert!(splitter.feed(b"name? ").is_empty());
        assert_eq!(splitter.flush(), [StderrPiece::Text(b"name? ".to_vec())]);
        splitter.feed(b"x\n");
        splitter.feed(b"    Building [   ] 1/");
        assert!(splitter.flush().is_empty());
    }
}

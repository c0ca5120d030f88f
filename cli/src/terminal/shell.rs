//! Writes to the terminal as cargo does, with one progress line at the bottom.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use protocol::Stream;

use super::escapes::EscapeFilter;
use super::live::{Live, LiveLine};
use super::width::{stderr_columns, stdout_columns, wrapped};

/// When output is coloured: the choices of `--color`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorWhen {
    /// Colours on a terminal only, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Colours even in a file or a pipe.
    Always,
    /// No colours, even on a terminal.
    Never,
}

/// The terminal, or the files that output is redirected to. Nothing here fails: a terminal that is closed doesn't end a
/// build.
pub struct Shell {
    quiet: bool,
    color: bool,
    stdout_terminal: bool,
    stderr_terminal: bool,
    /// Whether a progress line may be drawn.
    live: bool,
    line: RefCell<Option<LiveLine>>,
    /// When the progress line was drawn; `None` if it is not on the screen.
    drawn: Cell<Option<Instant>>,
    filters: RefCell<[EscapeFilter; 2]>,
    /// Collects all output instead of printing it.
    kept: Option<RefCell<String>>,
    /// Whether the cursor is after an unfinished line of the build's output.
    mid_line: Cell<bool>,
}

/// The shortest time between two drawings. More than ten per second can't be seen.
const REDRAW: Duration = Duration::from_millis(100);

impl Shell {
    /// A shell on standard output and standard error.
    pub fn new(color: ColorWhen, quiet: bool) -> Self {
        let stderr_terminal = std::io::stderr().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = match color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => stderr_terminal && !dumb && !set("NO_COLOR"),
        };
        Self {
            quiet,
            color,
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal,
            live: stderr_terminal && !quiet && !dumb && !set("CI"),
            line: RefCell::new(None),
            drawn: Cell::new(None),
            filters: RefCell::default(),
            kept: None,
            mid_line: Cell::new(false),
        }
    }

    /// A shell that collects its output instead of printing it.
    pub fn keeping() -> Self {
        let mut shell = Self::new(ColorWhen::Never, false);
        (shell.stdout_terminal, shell.stderr_terminal, shell.live) = (false, false, false);
        shell.kept = Some(RefCell::default());
        shell
    }

    /// The output collected since the last call.
    pub fn take_kept(&self) -> String {
        self.kept.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// Whether standard error is coloured, including cargo's own output.
    pub fn color(&self) -> bool {
        self.color
    }

    /// Prints a line with a green word in front, as cargo does.
    pub fn status(&self, word: &str, message: impl Display) {
        if !self.quiet {
            self.headed(&format!("{word:>12}"), "\u{1b}[1m\u{1b}[92m", "", message);
        }
    }

    /// Prints a note, with its head in blue.
    pub fn note(&self, message: impl Display) {
        if !self.quiet {
            self.headed("note", "\u{1b}[1m\u{1b}[96m", ":", message);
        }
    }

    /// Prints a warning, with its head in yellow; `-q` doesn't silence it, as in cargo.
    pub fn warn(&self, message: impl Display) {
        self.headed("warning", "\u{1b}[1m\u{1b}[33m", ":", message);
    }

    /// Prints an error, with its head in red.
    pub fn error(&self, message: impl Display) {
        self.headed("error", "\u{1b}[1m\u{1b}[91m", ":", message);
    }

    fn headed(&self, head: &str, color: &str, colon: &str, message: impl Display) {
        // A message may contain text from the backend or a file name, so it is filtered.
        let message =
            if self.stderr_terminal { EscapeFilter::default().pass(&message.to_string()) } else { message.to_string() };
        let newline = if self.mid_line.replace(false) { "\n" } else { "" };
        let line = if self.color {
            format!("{newline}{color}{head}\u{1b}[0m{colon} {message}\n")
        } else {
            format!("{newline}{head}{colon} {message}\n")
        };
        self.write(Stream::Stderr, line.as_bytes());
    }

    /// Prints a line to standard output that begins with a word in this colour (an ECMA-48 code such as `92`), and
    /// wraps the text after the word.
    pub fn print_verdict(&self, word: &str, color: u8, text: &str) {
        let text = if self.stdout_terminal { EscapeFilter::default().pass(text) } else { text.to_owned() };
        let text = match stdout_columns() {
            Some(columns) => wrapped(&text, columns, word.len() + 1),
            None => text,
        };
        if self.color && self.stdout_terminal {
            self.print(format_args!("\u{1b}[1m\u{1b}[{color}m{word}\u{1b}[0m {text}"));
        } else {
            self.print(format_args!("{word} {text}"));
        }
    }

    /// Prints a line to standard output.
    pub fn print(&self, line: impl Display) {
        self.write(Stream::Stdout, format!("{line}\n").as_bytes());
    }

    /// Prints output of the build to the stream that the build wrote it to.
    pub fn output(&self, stream: Stream, text: &str) {
        let (terminal, index) = match stream {
            Stream::Stdout => (self.stdout_terminal, 0),
            Stream::Stderr => (self.stderr_terminal, 1),
        };
        if terminal {
            let text = self.filters.borrow_mut()[index].pass(text);
            if !text.is_empty() {
                self.mid_line.set(!text.ends_with('\n'));
                self.write(stream, text.as_bytes());
            }
        } else {
            self.write(stream, text.as_bytes());
        }
    }

    fn write(&self, stream: Stream, bytes: &[u8]) {
        if let Some(kept) = &self.kept {
            kept.borrow_mut().push_str(&String::from_utf8_lossy(bytes));
            return;
        }
        // Replaces the progress line, which is drawn again below.
        let drawn = self.wipe();
        // If nobody reads the output any more, the build goes on.
        let _ = match stream {
            Stream::Stdout => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Stream::Stderr => std::io::stderr().lock().write_all(bytes),
        };
        if drawn {
            self.redraw();
        }
    }

    /// Removes the progress line from the screen; true if it was there.
    fn wipe(&self) -> bool {
        let drawn = self.drawn.take().is_some();
        if drawn {
            let _ = std::io::stderr().lock().write_all(b"\r\x1b[K");
        }
        drawn
    }

    fn redraw(&self) {
        if let Some(line) = self.line.borrow().as_ref().filter(|_| !self.mid_line.get()) {
            let text = format!("\r{}\u{1b}[K", line.render(stderr_columns(), self.color));
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
            self.drawn.set(Some(Instant::now()));
        }
    }

    /// Shows the progress of a transfer: bytes done and in total (0 if unknown), with the rate.
    pub fn transfer(&self, word: &str, done: u64, total: u64) {
        self.draw(word, Live::Transfer { done, total: total.max(done) });
    }

    /// Shows the progress of a build, as cargo does.
    pub fn building(&self, done: u64, total: u64, current: &str) {
        let current = EscapeFilter::default().pass(current).replace(['\n', '\r', '\t'], " ");
        self.draw("Building", Live::Building { done, total: total.max(done), current });
    }

    /// Shows a message while nothing can be counted.
    pub fn waiting(&self, word: &str, message: &str) {
        self.draw(word, Live::Waiting(message.to_owned()));
    }

    fn draw(&self, word: &str, live: Live) {
        if !self.live {
            return;
        }
        let mut slot = self.line.borrow_mut();
        let same = slot
            .as_ref()
            .filter(|old| old.word == word && std::mem::discriminant(&old.live) == std::mem::discriminant(&live));
        // Counts change all the time, and only the latest matters; messages change rarely.
        let fresh = same.is_some()
            && !matches!(live, Live::Waiting(_))
            && self.drawn.get().is_some_and(|drawn| drawn.elapsed() < REDRAW);
        let begun = same.map_or_else(Instant::now, |old| old.begun);
        *slot = Some(LiveLine { word: word.to_owned(), live, begun });
        drop(slot);
        if !fresh {
            self.redraw();
        }
    }

    /// Draws the progress line again if its clock is out of date.
    pub fn tick(&self) {
        if self.drawn.get().is_none_or(|drawn| drawn.elapsed() > Duration::from_millis(500)) {
            self.redraw();
        }
    }

    /// Removes the progress line until the next one.
    pub fn clear(&self) {
        self.line.take();
        self.wipe();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.clear();
    }
}

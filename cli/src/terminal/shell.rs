//! Cargo's way of writing to a terminal, with one live line at its foot.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use protocol::Stream;

use super::escapes::EscapeFilter;
use super::live::{Live, LiveLine};
use super::width::{stderr_columns, stdout_columns, wrapped};

/// `--color`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorWhen {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The terminal, or what stands in its place. Nothing here fails: a terminal that went away doesn't end a build.
pub struct Shell {
    quiet: bool,
    color: bool,
    stdout_terminal: bool,
    stderr_terminal: bool,
    /// Whether a live line may be drawn.
    live: bool,
    line: RefCell<Option<LiveLine>>,
    /// When the live line was drawn; `None`: it is not on the screen.
    drawn: Cell<Option<Instant>>,
    filters: RefCell<[EscapeFilter; 2]>,
    /// Takes everything, in place of the terminal.
    kept: Option<RefCell<String>>,
    /// Whether the cursor is behind an unfinished line of the build's output.
    mid_line: Cell<bool>,
}

/// Ten a second are enough for the eye.
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

    /// A shell that shows nothing and keeps it all.
    pub fn keeping() -> Self {
        let mut shell = Self::new(ColorWhen::Never, false);
        (shell.stdout_terminal, shell.stderr_terminal, shell.live) = (false, false, false);
        shell.kept = Some(RefCell::default());
        shell
    }

    /// What was kept since the last time.
    pub fn take_kept(&self) -> String {
        self.kept.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// Whether what goes to standard error is coloured, cargo's own output included.
    pub fn color(&self) -> bool {
        self.color
    }

    /// A line with cargo's green word in front.
    pub fn status(&self, word: &str, message: impl Display) {
        if !self.quiet {
            self.headed(&format!("{word:>12}"), "\u{1b}[1m\u{1b}[92m", "", message);
        }
    }

    /// A line that explains, in blue.
    pub fn note(&self, message: impl Display) {
        if !self.quiet {
            self.headed("note", "\u{1b}[1m\u{1b}[96m", ":", message);
        }
    }

    /// A line that warns, in yellow; `-q` doesn't silence it, nor does cargo's.
    pub fn warn(&self, message: impl Display) {
        self.headed("warning", "\u{1b}[1m\u{1b}[33m", ":", message);
    }

    /// What went wrong, in red.
    pub fn error(&self, message: impl Display) {
        self.headed("error", "\u{1b}[1m\u{1b}[91m", ":", message);
    }

    fn headed(&self, head: &str, color: &str, colon: &str, message: impl Display) {
        // A message may quote the backend or a file's name.
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

    /// A line on standard output that begins with a word in this colour (of ECMA-48, as `92`), wrapped behind it.
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

    /// A line on standard output.
    pub fn print(&self, line: impl Display) {
        self.write(Stream::Stdout, format!("{line}\n").as_bytes());
    }

    /// What the build printed, to where it printed it.
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
        // Over the live line, which comes back below what is written.
        let drawn = self.wipe();
        // Nobody reads any more: the build goes on all the same.
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

    /// Takes the live line off the screen; true if it was there.
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

    /// The live line of a transfer: bytes done and in all (0 for not known yet), with the rate.
    pub fn transfer(&self, word: &str, done: u64, total: u64) {
        self.draw(word, Live::Transfer { done, total: total.max(done) });
    }

    /// The live line of a build, as cargo draws it.
    pub fn building(&self, done: u64, total: u64, current: &str) {
        let current = EscapeFilter::default().pass(current).replace(['\n', '\r', '\t'], " ");
        self.draw("Building", Live::Building { done, total: total.max(done), current });
    }

    /// The live line while there is nothing to count.
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
        // What counts changes all the time, and only the last of it matters; what waits changes its words rarely.
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

    /// Lets the live line's clock go on.
    pub fn tick(&self) {
        if self.drawn.get().is_none_or(|drawn| drawn.elapsed() > Duration::from_millis(500)) {
            self.redraw();
        }
    }

    /// Takes the live line away.
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

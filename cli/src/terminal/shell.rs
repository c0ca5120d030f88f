//! Cargo's way of writing to a terminal, with one live line at its foot.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use protocol::Stream;

use super::escapes::Filter;
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
    bar: RefCell<Option<ProgressBar>>,
    /// What kind of live line it is, so that it is made once.
    bar_kind: Cell<Bar>,
    drawn: Cell<Option<Instant>>,
    filters: RefCell<[Filter; 2]>,
    /// Takes everything, in place of the terminal.
    kept: Option<RefCell<String>>,
    /// Whether the cursor is behind an unfinished line of the build's output.
    mid_line: Cell<bool>,
}

/// Enough for the eye.
const REDRAWS_PER_SECOND: u8 = 10;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bar {
    Transfer,
    Building,
    Waiting,
}

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
            bar: RefCell::new(None),
            bar_kind: Cell::new(Bar::Waiting),
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
            if self.stderr_terminal { Filter::default().pass(&message.to_string()) } else { message.to_string() };
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
        let text = if self.stdout_terminal { Filter::default().pass(text) } else { text.to_owned() };
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
        let write = || {
            // Nobody reads any more: the build goes on all the same.
            let _ = match stream {
                Stream::Stdout => {
                    let mut out = std::io::stdout().lock();
                    out.write_all(bytes).and_then(|()| out.flush())
                }
                Stream::Stderr => std::io::stderr().lock().write_all(bytes),
            };
        };
        if self.mid_line.get() {
            self.clear();
        }
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// The live line of a transfer: bytes done and in all (0 for not known yet), with the rate.
    pub fn transfer(&self, word: &str, done: u64, total: u64) {
        let known = match stderr_columns() {
            Some(..60) => "{prefix} {binary_bytes}/{binary_total_bytes}".to_owned(),
            columns => {
                format!("{{prefix}} {}{{binary_bytes}}/{{binary_total_bytes}} {{binary_bytes_per_sec}}", bar(columns))
            }
        };
        self.draw(Bar::Transfer, &known, |bar| {
            bar.set_prefix(self.green(word));
            bar.set_length(total.max(done));
            bar.set_position(done);
        });
    }

    /// The live line of a build, as cargo draws it.
    pub fn building(&self, done: u64, total: u64, current: &str) {
        let current = Filter::default().pass(current).replace(['\n', '\r', '\t'], " ");
        let template = format!("{{prefix}} {}{{pos}}/{{len}}: {{wide_msg}}", bar(stderr_columns()));
        self.draw(Bar::Building, &template, |bar| {
            bar.set_prefix(self.green("Building"));
            bar.set_length(total.max(done));
            bar.set_position(done);
            bar.set_message(current);
        });
    }

    /// The live line while there is nothing to count.
    pub fn waiting(&self, word: &str, message: &str) {
        self.draw(Bar::Waiting, "{prefix} {wide_msg} {elapsed}", |bar| {
            bar.set_prefix(self.green(word));
            bar.set_message(message.to_owned());
        });
    }

    fn green(&self, word: &str) -> String {
        if self.color { format!("\u{1b}[1m\u{1b}[92m{word:>12}\u{1b}[0m") } else { format!("{word:>12}") }
    }

    fn draw(&self, kind: Bar, template: &str, set: impl FnOnce(&ProgressBar)) {
        let between = Duration::from_millis(1000 / u64::from(REDRAWS_PER_SECOND));
        // What counts changes all the time, and only the last of it matters; what waits changes its words rarely.
        let fresh = kind != Bar::Waiting
            && self.bar_kind.get() == kind
            && self.drawn.get().is_some_and(|drawn| drawn.elapsed() < between);
        if !self.live || self.mid_line.get() || fresh {
            return;
        }
        let mut slot = self.bar.borrow_mut();
        if self.bar_kind.replace(kind) != kind
            && let Some(old) = slot.take()
        {
            old.finish_and_clear();
        }
        let bar = slot.get_or_insert_with(|| {
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let style = style.progress_chars("=> ");
            ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND))
                .with_style(style)
        });
        set(bar);
        bar.tick();
        self.drawn.set(Some(Instant::now()));
    }

    /// Lets the live line's clock go on.
    pub fn tick(&self) {
        let old = self.drawn.get().is_some_and(|drawn| drawn.elapsed() > Duration::from_millis(500));
        if let Some(bar) = self.bar.borrow().as_ref().filter(|_| old && !self.mid_line.get()) {
            bar.tick();
            self.drawn.set(Some(Instant::now()));
        }
    }

    /// Takes the live line away.
    pub fn clear(&self) {
        self.drawn.set(None);
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

/// The bar of a live line, with a blank behind it. On a narrow terminal the words need the room.
fn bar(columns: Option<usize>) -> String {
    match columns.map_or(MAX_BAR, |columns| columns.saturating_sub(BESIDE_BAR).min(MAX_BAR)) {
        0..MIN_BAR => String::new(),
        width => format!("[{{bar:{width}}}] "),
    }
}

/// As wide as cargo's.
const MAX_BAR: usize = 25;
/// A narrower one tells nothing.
const MIN_BAR: usize = 8;
/// The word, the count and some of what compiles.
const BESIDE_BAR: usize = 50;

impl Drop for Shell {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn bars_give_way_to_words() {
        assert_eq!(bar(None), "[{bar:25}] ");
        assert_eq!(bar(Some(80)), "[{bar:25}] ");
        assert_eq!(bar(Some(60)), "[{bar:10}] ");
        assert_eq!(bar(Some(40)), "");
    }
}

//! The progress line at the bottom of the terminal, as cargo draws it.

use std::time::{Duration, Instant};

use super::size::bytes;

/// What the progress line shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// Bytes transferred, and bytes in total.
    Transfer { done: u64, total: u64 },
    /// Units done, units in total, and the crates that compile now.
    Building { done: u64, total: u64, current: String },
    /// Only a message, because nothing can be counted.
    Waiting(String),
}

/// The progress line, and the time since which it shows the same kind of progress.
pub struct LiveLine {
    /// The word in front, green as in cargo.
    pub word: String,
    /// What is shown after the word.
    pub live: Live,
    /// When this kind of progress began.
    pub begun: Instant,
}

/// Columns of the widest bar, which is cargo's.
const MAX_BAR: usize = 25;
/// Columns of the narrowest bar that shows anything.
const MIN_BAR: usize = 8;
/// Columns for the word, the count and some crate names. A bar is shown only on wider terminals.
const BESIDE_BAR: usize = 50;
/// Columns of the word, which is right-aligned as in cargo.
const WORD: usize = 12;
/// Columns of a terminal whose width is unknown.
const USUAL_COLUMNS: usize = 80;

impl LiveLine {
    /// The line in fewer than `columns` columns, so that no terminal wraps it. With `color` the word is green.
    pub fn render(&self, columns: Option<usize>, color: bool) -> String {
        let columns = columns.unwrap_or(USUAL_COLUMNS);
        let elapsed = self.begun.elapsed();
        let (count, rest) = match &self.live {
            Live::Transfer { done, total } => {
                let amount = format!("{}/{}", bytes(*done), bytes(*total));
                let rate = (columns >= 60 && elapsed >= Duration::from_secs(1))
                    .then(|| format!(" {}/s", bytes((*done as f64 / elapsed.as_secs_f64()) as u64)));
                (Some((*done, *total)), amount + &rate.unwrap_or_default())
            }
            Live::Building { done, total, current } => (Some((*done, *total)), format!("{done}/{total}: {current}")),
            Live::Waiting(message) if elapsed.as_secs() == 0 => (None, message.clone()),
            Live::Waiting(message) => (None, format!("{message} ({})", clock(elapsed.as_secs()))),
        };
        let bar = count.map(|(done, total)| bar(columns, done, total)).unwrap_or_default();
        let rest = fitting(&format!(" {bar}{rest}"), columns.saturating_sub(WORD + 1));
        let word = &self.word;
        if color { format!("\u{1b}[1m\u{1b}[92m{word:>WORD$}\u{1b}[0m{rest}") } else { format!("{word:>WORD$}{rest}") }
    }
}

/// The bar and a space, or nothing if there is no room.
fn bar(columns: usize, done: u64, total: u64) -> String {
    let width = columns.saturating_sub(BESIDE_BAR).min(MAX_BAR);
    if width < MIN_BAR {
        return String::new();
    }
    let share = done.min(total) as f64 / total.max(1) as f64;
    let filled = (share * width as f64) as usize;
    let head = if filled < width { ">" } else { "" };
    let inside = format!("{}{head}", "=".repeat(filled));
    format!("[{inside:width$}] ")
}

/// The start of the text that fits. Characters that are not ASCII count as two columns.
fn fitting(text: &str, columns: usize) -> String {
    let mut left = columns;
    let fits = |c: &char| {
        let width = if c.is_ascii() { 1 } else { 2 };
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    };
    text.chars().take_while(fits).collect()
}

fn clock(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(live: Live, ago: u64) -> LiveLine {
        let begun = Instant::now() - Duration::from_secs(ago);
        LiveLine { word: "Building".to_owned(), live, begun }
    }

    #[test]
    fn narrow_terminals_show_words_without_a_bar() {
        let building = Live::Building { done: 1, total: 2, current: "serde, syn".to_owned() };
        let line = line(building, 0);
        let wide = format!("    Building [{}>{}] 1/2: serde, syn", "=".repeat(12), " ".repeat(12));
        assert_eq!(line.render(None, false), wide);
        assert_eq!(line.render(Some(60), false), "    Building [=====>    ] 1/2: serde, syn");
        assert_eq!(line.render(Some(40), false), "    Building 1/2: serde, syn");
        assert_eq!(line.render(Some(24), false), "    Building 1/2: serde");
        assert_eq!(line.render(Some(3), true), "\u{1b}[1m\u{1b}[92m    Building\u{1b}[0m");
    }

    #[test]
    fn amounts_rates_and_times_are_shown() {
        let full = line(Live::Transfer { done: 4096, total: 4096 }, 2).render(Some(80), false);
        assert!(full.contains("[=========================] 4.0 KiB/4.0 KiB 2.0 KiB/s"), "{full}");
        assert!(line(Live::Transfer { done: 0, total: 0 }, 0).render(Some(40), false).ends_with(" 0 B/0 B"));
        let waiting = |ago| line(Live::Waiting("for it".to_owned()), ago).render(Some(40), false);
        assert_eq!([waiting(0), waiting(65)], ["    Building for it", "    Building for it (1 min 5 s)"]);
    }

    #[test]
    fn wide_characters_do_not_wrap_the_line() {
        assert_eq!(fitting("ab日本", 5), "ab日");
    }
}

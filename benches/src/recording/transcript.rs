//! The text that a session printed, without the parts that differ from run to run: times, sizes, versions, and the
//! order in which crates are compiled.

use crate::cast::{Cast, CastEvent, TerminalSize};

/// Rows of the virtual terminal: more lines than any session prints.
const ROWS: u16 = 2000;

/// The normalised lines of a session, as they are on a terminal that has room for all of them.
pub fn normalized(cast: &Cast) -> String {
    let mut terminal = TerminalSize { rows: ROWS, ..cast.size }.terminal();
    for event in &cast.events {
        if let CastEvent::Output(text) = &event.event {
            terminal.process(text.as_bytes());
        }
    }
    let text = terminal.screen().contents();
    let mut lines: Vec<String> = Vec::new();
    // Consecutive lines of crates that are compiled; cargo compiles several at a time.
    let mut crates: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !fetches(line)) {
        let line = normalized_line(line);
        if line.trim_start().starts_with("Compiling ") {
            crates.push(line);
            continue;
        }
        crates.sort();
        lines.append(&mut crates);
        lines.push(line);
    }
    lines.join("\n") + "\n"
}

/// Whether cargo reports in this line that it fetches crates. That depends on what this machine has fetched before.
fn fetches(line: &str) -> bool {
    let mut words = line.split_whitespace();
    match words.next() {
        Some("Updating" | "Downloading" | "Locking") => true,
        // The client's own line gives a size in this place: `Downloaded 1.1 MiB`.
        Some("Downloaded") => words.next().is_some_and(|word| !word.starts_with(|c: char| c.is_ascii_digit())),
        _ => false,
    }
}

/// A line with `0` for each number, however many digits and parts it has, and one space for several.
fn normalized_line(line: &str) -> String {
    let words = line.split(' ').filter(|word| !word.is_empty()).map(|word| {
        let mut out = String::new();
        for c in word.chars() {
            match c {
                '0'..='9' if out.ends_with('0') => {}
                '.' | ',' if out.ends_with('0') => {}
                '0'..='9' => out.push('0'),
                _ => out.push(c),
            }
        }
        out
    });
    let line = words.collect::<Vec<_>>().join(" ");
    // Times of a minute or more have two numbers, and large sizes have another unit.
    line.replace("0m 0s", "0s").replace(" MiB", " KiB").replace(" kB", " B")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cast::TimedEvent;

    fn normalized_text(text: &str) -> String {
        let size = TerminalSize { columns: 60, rows: 24 };
        let event = CastEvent::Output(text.replace('\n', "\r\n"));
        normalized(&Cast { size, events: vec![TimedEvent { at: 0.0, event }] })
    }

    #[test]
    fn times_sizes_versions_and_order_make_no_difference() {
        let one = "   Compiling a v1.2.3\n   Compiling b v2.0.0\nBuilding [==>]\r\u{1b}[K    Finished in 41.03s\n Downloaded 1.1 MiB\n";
        let two = " Downloaded c v1.0.0\n   Compiling b v2.1.0\n   Compiling a v1.2.14\n    Finished in 2m 07s\n Downloaded 839 KiB\n";
        assert_eq!(normalized_text(one), normalized_text(two));
        assert_eq!(normalized_text(one), "Compiling a v0\nCompiling b v0\nFinished in 0s\nDownloaded 0 KiB\n");
    }

    #[test]
    fn other_words_make_a_difference() {
        let base = "   Compiling a v1.0.0\n    Finished\n";
        for other in
            ["   Compiling b v1.0.0\n    Finished\n", "    Finished\n", "   Compiling a v1.0.0\n       Ended\n"]
        {
            assert_ne!(normalized_text(base), normalized_text(other));
        }
    }
}

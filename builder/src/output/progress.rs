//! Reads cargo's progress bar, in the form it has with `CARGO_TERM_PROGRESS_WHEN=always` (tried with cargo 1.95).

/// The column in which cargo's status words end.
const STATUS_WIDTH: usize = 12;

/// How far cargo has got, as its progress bar shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Number of units that are finished.
    pub done: u64,
    /// Number of all units of the build.
    pub total: u64,
    /// The crates that are being compiled, separated by commas.
    pub current: String,
}

/// The text that a terminal would show: without colours and other control sequences (ECMA-48).
pub(super) fn visible(text: &[u8]) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == 0x1b && bytes.peek() == Some(&b'[') {
            bytes.next();
            for byte in bytes.by_ref() {
                if (0x40..=0x7e).contains(&byte) {
                    break;
                }
            }
        } else {
            plain.push(byte);
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Cargo's status word at the beginning of a line, and the rest of the line. `None` if there is no such word.
pub(super) fn status(visible: &str) -> Option<(&str, &str)> {
    let word = visible.trim_start_matches(' ');
    let end = word.find(' ').unwrap_or(word.len());
    let indent = visible.len() - word.len();
    let (word, rest) = word.split_at(end);
    let capital = word.starts_with(|c: char| c.is_ascii_uppercase()) && word.bytes().all(|b| b.is_ascii_alphabetic());
    (capital && indent + word.len() == STATUS_WIDTH).then_some((word, rest))
}

/// Reads what follows the word `Building`, such as `[==>  ] 3/10: a, b`.
pub(super) fn building(rest: &str) -> Option<Progress> {
    let (_, counts) = rest.split_once("] ")?;
    let (done, rest) = counts.split_once('/')?;
    let (total, current) = rest.split_once(':').unwrap_or((rest, ""));
    Some(Progress {
        done: done.trim().parse().ok()?,
        total: total.trim().parse().ok()?,
        current: current.trim().to_owned(),
    })
}

//! Cargo's progress bar, as it looks with `CARGO_TERM_PROGRESS_WHEN=always` (tried with cargo 1.95).

/// Cargo's status words end in this column.
const STATUS_WIDTH: usize = 12;

/// How far cargo is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Units finished.
    pub done: u64,
    /// Units in all.
    pub total: u64,
    /// What compiles now.
    pub current: String,
}

/// Text without colours and other escape sequences (ECMA-48, control sequences).
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

/// Cargo's status word, if the line begins with one, and what follows it.
pub(super) fn status(visible: &str) -> Option<(&str, &str)> {
    let word = visible.trim_start_matches(' ');
    let end = word.find(' ').unwrap_or(word.len());
    let indent = visible.len() - word.len();
    let (word, rest) = word.split_at(end);
    let capital = word.starts_with(|c: char| c.is_ascii_uppercase()) && word.bytes().all(|b| b.is_ascii_alphabetic());
    (capital && indent + word.len() == STATUS_WIDTH).then_some((word, rest))
}

/// Reads what follows `Building`: `[==>  ] 3/10: a, b`.
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

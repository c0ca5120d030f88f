//! Finds the width of the terminal and wraps text.

use rustix::termios::tcgetwinsize;

/// Columns of the terminal on standard output; `None` if that is no terminal.
pub fn stdout_columns() -> Option<usize> {
    columns(tcgetwinsize(rustix::stdio::stdout()))
}

/// Columns of the terminal on standard error; `None` if that is no terminal.
pub fn stderr_columns() -> Option<usize> {
    columns(tcgetwinsize(rustix::stdio::stderr()))
}

fn columns(size: rustix::io::Result<rustix::termios::Winsize>) -> Option<usize> {
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Wraps the text into lines of at most `columns`; all but the first are indented by `indent`. A longer word is not
/// split, so that it can be copied.
pub fn wrapped(text: &str, columns: usize, indent: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if !out.is_empty() {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
        }
        let mut used = indent;
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if used > indent && used + 1 + length > columns {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                used = indent;
            } else if used > indent {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += length;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_are_filled_and_words_are_not_split() {
        assert_eq!(wrapped("one two three four", 13, 4), "one two\n    three\n    four");
        assert_eq!(wrapped("a https://long.example/path b", 10, 2), "a\n  https://long.example/path\n  b");
        assert_eq!(wrapped("a\nb", 40, 2), "a\n  b");
        assert_eq!(wrapped("", 40, 2), "");
    }
}

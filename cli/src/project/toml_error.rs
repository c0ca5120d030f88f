//! Errors in TOML files, shown as cargo shows them.

use std::fmt::Display;
use std::path::Path;

use toml::de::Error;

use super::path::relative;

/// The error of a manifest: what is wrong, and where, relative to the current folder.
pub fn manifest(error: &Error, text: &str, path: &Path) -> anyhow::Error {
    let here = std::env::current_dir().map_or_else(|_| path.to_owned(), |cwd| relative(&cwd, path));
    anyhow::anyhow!("{}{}", error.message(), error.span().map_or_else(String::new, |span| pointed(text, &span, &here)))
}

/// The line ` --> Cargo.toml:1:9`, and below it the source line with carets under the error.
fn pointed(text: &str, span: &std::ops::Range<usize>, path: &Path) -> String {
    let before = text.get(..span.start).unwrap_or(text);
    let begin = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text[begin..].lines().next().unwrap_or_default();
    let (number, column) = (before.matches('\n').count() + 1, before[begin..].chars().count());
    let meant = text.get(span.clone()).and_then(|meant| meant.lines().next()).unwrap_or_default().chars().count();
    let carets = "^".repeat(meant.max(1));
    let gutter = " ".repeat(number.to_string().len());
    format!(
        "\n{gutter}--> {}:{number}:{}\n{gutter} |\n{number} | {line}\n{gutter} | {:column$}{carets}",
        path.display(),
        column + 1,
        ""
    )
}

/// An error with its chain of causes, one below the other as cargo prints them.
pub fn caused(what: impl Display, causes: &[&dyn Display]) -> anyhow::Error {
    let mut said = what.to_string();
    for cause in causes {
        said += "\n\nCaused by:";
        for line in cause.to_string().trim_end().lines() {
            said += if line.is_empty() { "\n" } else { "\n  " };
            said += line;
        }
    }
    anyhow::anyhow!(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_is_shown_as_in_cargo() {
        let shown = |text: &str| {
            let error = text.parse::<toml::Table>().unwrap_err();
            error.span().map(|span| pointed(text, &span, Path::new("../Cargo.toml"))).unwrap_or_default()
        };
        assert_eq!(shown("[package\nname"), "\n --> ../Cargo.toml:1:9\n  |\n1 | [package\n  |         ^");
        assert_eq!(shown("'é' = 1\nab = 1\nab = 2\n"), "\n --> ../Cargo.toml:3:1\n  |\n3 | ab = 2\n  | ^^");
        let late = format!("{}x", "\n".repeat(9));
        assert_eq!(shown(&late), "\n  --> ../Cargo.toml:10:2\n   |\n10 | x\n   |  ^");
        assert_eq!(caused("a", &[&"b\n\nc\n", &1]).to_string(), "a\n\nCaused by:\n  b\n\n  c\n\nCaused by:\n  1");
    }
}

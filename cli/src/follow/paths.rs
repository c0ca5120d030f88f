//! Paths in what the build prints: the builder's folder of the source becomes the device's.

use std::path::Path;

/// From one folder to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMapping {
    from: String,
    to: String,
    /// The same inside a JSON string.
    to_json: String,
}

impl PathMapping {
    /// `from` is the builder's folder; one that is no absolute path below the root maps nothing.
    pub fn new(from: &str, to: &Path) -> Option<Self> {
        let from = from.trim_end_matches('/');
        if !from.starts_with('/') {
            return None;
        }
        let to = to.to_str()?.trim_end_matches('/').to_owned();
        let json = serde_json::to_string(&to).ok()?;
        let to_json = json.get(1..json.len() - 1)?.to_owned();
        Some(Self { from: from.to_owned(), to, to_json })
    }

    /// The text with the device's paths; `json`: it is one of cargo's messages.
    pub fn apply(&self, text: &str, json: bool) -> String {
        let to = if json { &self.to_json } else { &self.to };
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(&self.from) {
            let end = at + self.from.len();
            out.push_str(&rest[..at]);
            // `/w/source` is no part of `/w/source-2` nor of `/x/w/source`.
            let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
            let begins =
                !rest[..at].chars().next_back().is_some_and(|c| inner(c) || c == '/' && !text_is_url(&rest[..at]));
            let ends = !rest[end..].chars().next().is_some_and(|c| inner(c) && !ends_sentence(&rest[end..]));
            out.push_str(if begins && ends { if to.is_empty() { "" } else { to } } else { &self.from });
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }
}

/// `file:///w/source`: the path of a URL begins after two slashes.
fn text_is_url(before: &str) -> bool {
    before.ends_with("://")
}

/// A full stop behind a path is no part of it.
fn ends_sentence(after: &str) -> bool {
    let mut chars = after.chars();
    chars.next() == Some('.') && chars.next().is_none_or(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builders_folder_becomes_the_devices() {
        let mapping = PathMapping::new("/w/k/source/", Path::new("/home/me/my \"x\"")).unwrap();
        let apply = |text| mapping.apply(text, false);
        assert_eq!(apply("Compiling a v1 (/w/k/source/a)\n"), "Compiling a v1 (/home/me/my \"x\"/a)\n");
        assert_eq!(apply("(/w/k/source)"), "(/home/me/my \"x\")");
        assert_eq!(apply("file:///w/k/source/a."), "file:///home/me/my \"x\"/a.");
        assert_eq!(apply("in /w/k/source."), "in /home/me/my \"x\".");
        for text in ["/w/k/source-2/a", "/x/w/k/source/a", "/w/k/sources", "/w/k/source.old/x", ""] {
            assert_eq!(apply(text), text);
        }
        assert_eq!(mapping.apply(r#"{"p":"/w/k/source/a"}"#, true), r#"{"p":"/home/me/my \"x\"/a"}"#);
        assert_eq!(PathMapping::new("/", Path::new("/a")), None);
        assert_eq!(PathMapping::new("w", Path::new("/a")), None);
    }
}

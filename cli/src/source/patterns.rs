//! Patterns as in `.gitignore`, with the folder that they apply to.

use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice};
use gix_glob::Pattern;
use gix_glob::pattern::Case;
use gix_glob::wildmatch::Mode;

/// The patterns of one file or list.
#[derive(Debug, Clone)]
pub struct Patterns {
    base: PathBuf,
    list: Vec<Pattern>,
}

/// A path with `/` between its parts, as bytes.
fn slashed(path: &Path) -> BString {
    BString::from(path.as_os_str().as_encoded_bytes())
}

impl Patterns {
    /// Parses the text of an ignore file that applies below `base`.
    pub fn parse(base: &Path, text: &[u8]) -> Self {
        Self { base: base.to_path_buf(), list: gix_ignore::parse(text, false).map(|(pattern, _, _)| pattern).collect() }
    }

    /// Reads an ignore file; `None` if it doesn't exist or has no patterns.
    pub fn read(base: &Path, file: &Path) -> Option<Self> {
        let patterns = Self::parse(base, &std::fs::read(file).ok()?);
        (!patterns.list.is_empty()).then_some(patterns)
    }

    /// Whether the last pattern that matches ignores `path` (true) or keeps it (false). `None` if no pattern matches.
    pub fn verdict(&self, path: &Path, is_dir: bool) -> Option<bool> {
        let relative = slashed(path.strip_prefix(&self.base).ok()?);
        let basename = relative.rfind_byte(b'/').map(|at| at + 1);
        let matching = self.list.iter().rev().find(|pattern| {
            let mode = Mode::NO_MATCH_SLASH_LITERAL;
            pattern.matches_repo_relative_path(relative.as_bstr(), basename, Some(is_dir), Case::Sensitive, mode)
        })?;
        Some(!matching.is_negative())
    }

    /// Whether a pattern that is anchored to the base could match something below the folder `path`.
    pub fn may_match_below(&self, path: &Path) -> bool {
        let Ok(relative) = path.strip_prefix(&self.base) else { return self.base.starts_with(path) };
        let relative = slashed(relative);
        self.list.iter().filter(|pattern| !pattern.is_negative() && pattern.text.contains(&b'/')).any(|pattern| {
            let mut wanted = pattern.text.split_str("/");
            for part in relative.split_str("/") {
                match wanted.next() {
                    Some(b"**") => return true,
                    Some(glob) if gix_glob::wildmatch(glob.as_bstr(), part.as_bstr(), Mode::empty()) => {}
                    _ => return false,
                }
            }
            wanted.next().is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_match_decides() {
        let patterns = Patterns::parse(Path::new("/p"), b"*.log\n!keep.log\n/build/\ndocs/*.md\n");
        let verdict = |path: &str, is_dir| patterns.verdict(Path::new(path), is_dir);
        assert_eq!(verdict("/p/a/x.log", false), Some(true));
        assert_eq!(verdict("/p/a/keep.log", false), Some(false));
        assert_eq!(verdict("/p/build", true), Some(true));
        assert_eq!(verdict("/p/build", false), None);
        assert_eq!(verdict("/p/a/build", true), None);
        assert_eq!(verdict("/p/docs/a.md", false), Some(true));
        assert_eq!(verdict("/q/x.log", false), None);
    }

    #[test]
    fn folders_above_an_included_path_are_entered() {
        let patterns = Patterns::parse(Path::new("/p"), b"gen/*/out/**\n*.bin\n/top.txt\n");
        let below = |path: &str| patterns.may_match_below(Path::new(path));
        assert!(below("/p/gen") && below("/p/gen/x") && below("/p/gen/x/out/y"));
        assert!(!below("/p/other") && !below("/p/gen/x/in"));
    }
}

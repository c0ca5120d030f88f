//! Packages as cargo's records name them.

use std::cmp::Ordering;
use std::fmt;

use percent_encoding::percent_decode_str;
use semver::Version;

/// The registry whose packages cargo shows without a source.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// How much of a commit's hash cargo shows.
const SHORT_HASH: usize = 8;

/// `name version (source)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageId {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The source's URL, with its kind in front.
    pub source: String,
}

impl PackageId {
    /// Reads a record's text; `None` if it is none of cargo's.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (name, version, source) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let source = source.strip_prefix('(')?.strip_suffix(')')?;
        source.split_once('+')?;
        Some(Self { name: name.to_owned(), version, source: source.to_owned() })
    }

    /// As it is recorded.
    pub fn to_record(&self) -> String {
        format!("{} {} ({})", self.name, self.version, self.source)
    }

    /// The source's kind, and its URL without branch, commit and the like.
    pub fn kind_and_url(&self) -> (&str, &str) {
        let (kind, url) = self.source.split_once('+').unwrap_or(("", &self.source));
        (kind, if kind == "git" { url.split(['?', '#']).next().unwrap_or(url) } else { url })
    }

    /// Kinds in cargo's order.
    fn rank(&self) -> u8 {
        match self.kind_and_url().0 {
            "path" => 0,
            "registry" => 1,
            "sparse" => 2,
            _ => 3,
        }
    }
}

impl Ord for PackageId {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |id: &Self| (id.rank(), id.source.clone());
        self.name
            .cmp(&other.name)
            .then_with(|| self.version.cmp(&other.version))
            .then_with(|| key(self).cmp(&key(other)))
    }
}

impl PartialOrd for PackageId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for PackageId {
    /// As cargo shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)?;
        if self.source == CRATES_IO {
            return Ok(());
        }
        match self.source.split_once('+') {
            Some(("path", url)) => {
                let path = url.strip_prefix("file://").unwrap_or(url);
                write!(f, " ({})", percent_decode_str(path).decode_utf8_lossy())
            }
            Some(("git", url)) => match url.rsplit_once('#') {
                Some((url, hash)) => write!(f, " ({url}#{})", hash.get(..SHORT_HASH).unwrap_or(hash)),
                None => write!(f, " ({url})"),
            },
            Some(("registry", url)) => write!(f, " (registry `{url}`)"),
            _ => write!(f, " (registry `{}`)", self.source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        PackageId::parse(text).unwrap().to_string()
    }

    #[test]
    fn they_are_shown_as_cargo_shows_them() {
        assert_eq!(shown(&format!("a 1.0.0 ({CRATES_IO})")), "a v1.0.0");
        assert_eq!(shown("a 1.0.0 (path+file:///home/me/my%20tool)"), "a v1.0.0 (/home/me/my tool)");
        assert_eq!(
            shown("a 1.0.0 (git+https://example.com/a?branch=x#0123456789abcdef)"),
            "a v1.0.0 (https://example.com/a?branch=x#01234567)"
        );
        assert_eq!(shown("a 1.0.0 (registry+https://example.com/)"), "a v1.0.0 (registry `https://example.com/`)");
        assert_eq!(shown("a 1.0.0 (sparse+http://h/)"), "a v1.0.0 (registry `sparse+http://h/`)");
        for text in ["", "a", "a 1 (x+y)", "a 1.0.0", "a 1.0.0 x+y", "a 1.0.0 (x)"] {
            assert_eq!(PackageId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_order_is_by_name_version_and_kind() {
        let sorted = [
            "a 0.9.0 (path+file:///b)",
            "a 0.10.0 (path+file:///a)",
            "a 0.10.0 (git+https://h/a)",
            "a-b 0.1.0 (path+file:///a)",
        ];
        let mut ids: Vec<_> = sorted.iter().rev().map(|text| PackageId::parse(text).unwrap()).collect();
        ids.sort();
        assert_eq!(ids.iter().map(PackageId::to_record).collect::<Vec<_>>(), sorted);
    }
}

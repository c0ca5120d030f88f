//! Package IDs, as cargo's records of installed programs have them.

use std::cmp::Ordering;
use std::fmt;

use anyhow::Context;
use percent_encoding::percent_decode_str;
use protocol::file_url;
use semver::Version;

/// The registry whose packages cargo prints without a source.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// How many characters of a commit's hash cargo prints.
const SHORT_HASH: usize = 8;

/// A package ID, recorded as `name version (source)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageId {
    /// The package's name in its manifest.
    pub name: String,
    /// The package's version in its manifest.
    pub version: Version,
    /// URL of the source with its kind in front, such as `registry+https://…`.
    pub source: String,
}

impl PackageId {
    /// The ID of a package in a folder of a device.
    ///
    /// # Errors
    /// If `version` is not a version.
    pub fn in_folder(name: &str, version: &str, folder: &str) -> anyhow::Result<Self> {
        let version = version.parse().with_context(|| format!("`{version}` is not a version"))?;
        Ok(Self { name: name.to_owned(), version, source: file_url(folder) })
    }

    /// Reads the text of a record; `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (name, version, source) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let source = source.strip_prefix('(')?.strip_suffix(')')?;
        source.split_once('+')?;
        Some(Self { name: name.to_owned(), version, source: source.to_owned() })
    }

    /// The text that cargo's records have.
    pub fn to_record(&self) -> String {
        format!("{} {} ({})", self.name, self.version, self.source)
    }

    /// The kind of the source, and its URL without branch, tag or commit.
    pub fn kind_and_url(&self) -> (&str, &str) {
        let (kind, url) = self.source.split_once('+').unwrap_or(("", &self.source));
        (kind, if kind == "git" { url.split(['?', '#']).next().unwrap_or(url) } else { url })
    }

    /// The place of the source's kind in cargo's sort order.
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
    /// Formats the ID as cargo prints it.
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

    fn printed(text: &str) -> String {
        PackageId::parse(text).unwrap().to_string()
    }

    #[test]
    fn ids_are_printed_as_cargo_prints_them() {
        assert_eq!(printed(&format!("a 1.0.0 ({CRATES_IO})")), "a v1.0.0");
        assert_eq!(printed("a 1.0.0 (path+file:///home/me/my%20tool)"), "a v1.0.0 (/home/me/my tool)");
        assert_eq!(
            printed("a 1.0.0 (git+https://example.com/a?branch=x#0123456789abcdef)"),
            "a v1.0.0 (https://example.com/a?branch=x#01234567)"
        );
        assert_eq!(printed("a 1.0.0 (registry+https://example.com/)"), "a v1.0.0 (registry `https://example.com/`)");
        assert_eq!(printed("a 1.0.0 (sparse+http://h/)"), "a v1.0.0 (registry `sparse+http://h/`)");
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

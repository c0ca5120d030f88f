//! Names of buckets and object keys. A valid key can't lead out of its bucket's folder.

use std::fmt;
use std::str::FromStr;

/// Suffix of the file that holds an object's metadata.
pub(super) const SIDECAR: &str = ".meta";

/// The most parts of a key. No key of this product has more than four.
const MAX_PARTS: usize = 8;

/// One of the two buckets of this backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BucketKind {
    /// The input bucket, which holds source archives.
    Input,
    /// The output bucket, which holds results, artifacts and logs.
    Output,
}

impl BucketKind {
    /// The name of the bucket in requests.
    pub fn name(self) -> &'static str {
        match self {
            BucketKind::Input => "input",
            BucketKind::Output => "output",
        }
    }

    /// Returns the bucket with this name.
    pub fn named(name: &str) -> Option<Self> {
        [BucketKind::Input, BucketKind::Output].into_iter().find(|bucket| bucket.name() == name)
    }
}

/// An object key: parts of at most 100 characters, separated by `/`. A part has ASCII letters, digits, `-`, `_` and
/// `.`, and begins with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectKey(String);

impl ObjectKey {
    /// The key as text, as in requests.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no valid object key, so nothing can be stored under it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidObjectKey;

impl FromStr for ObjectKey {
    type Err = InvalidObjectKey;

    fn from_str(text: &str) -> Result<Self, InvalidObjectKey> {
        let named = |part: &str| {
            part.len() <= 100
                && part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        let ours = text.split('/').count() <= MAX_PARTS && text.split('/').all(named) && !text.ends_with(SIDECAR);
        if ours { Ok(Self(text.to_owned())) } else { Err(InvalidObjectKey) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_lead_out_of_its_bucket() {
        for key in ["", "/", "a//b", "/a", "a/", "..", "a/../b", "a/.b", "a\\b", "a\0", "ä", "a b", "x.zip.meta"] {
            assert_eq!(key.parse::<ObjectKey>(), Err(InvalidObjectKey), "{key:?}");
        }
        assert!("a/".repeat(9).trim_end_matches('/').parse::<ObjectKey>().is_err());
        for key in ["me/x.zip", "a-b_c/1/log.jsonl", "me/x/artifact.zip"] {
            assert!(key.parse::<ObjectKey>().is_ok(), "{key}");
        }
    }
}

//! Names that travel: build ids, owners and project keys. Each is checked by everyone who receives it, because
//! each becomes part of an object key or a path.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is not the name it claims to be.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidName {
    /// The text is not a lower-case, hyphenated UUID of version 7.
    #[error("`{0}` is not a build id (a UUID of version 7 in lower case)")]
    BuildId(String),
    /// The text is not a valid owner.
    #[error("`{0}` is not an owner: 1 to 32 characters out of a-z, 0-9, `-` and `_`, the first a letter or digit")]
    Owner(String),
    /// The text is not a valid project key.
    #[error("`{0}` is not a project key: 1 to 96 characters out of a-z, 0-9, `-` and `_`, the first a letter or digit")]
    ProjectKey(String),
}

/// Shortens what is quoted in an error: a hostile name can be megabytes long.
fn quoted(text: &str) -> String {
    text.chars().take(80).collect()
}

fn is_slug(text: &str, max: usize) -> bool {
    text.len() <= max
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

macro_rules! text_name {
    ($name:ident) => {
        impl $name {
            /// The checked name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

/// A build: made by the client, sortable by time (UUIDv7, RFC 9562).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BuildId(String);

text_name!(BuildId);

impl BuildId {
    /// The id of a build that begins at `unix_ms` (milliseconds since 1970, 48 bits of it are used).
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid().to_string())
    }

    /// When the build began by the client's clock, in milliseconds since 1970.
    pub fn unix_ms(&self) -> u64 {
        let hex: String = self.0.chars().filter(|c| *c != '-').take(12).collect();
        u64::from_str_radix(&hex, 16).unwrap_or_default()
    }
}

impl FromStr for BuildId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let shape = text.len() == 36
            && text.bytes().enumerate().all(|(i, b)| match i {
                8 | 13 | 18 | 23 => b == b'-',
                14 => b == b'7',
                19 => matches!(b, b'8' | b'9' | b'a' | b'b'),
                _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
            });
        if shape { Ok(Self(text.to_owned())) } else { Err(InvalidName::BuildId(quoted(text))) }
    }
}

/// A person. Everything of theirs lies under `<owner>/`; their devices see only that prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Owner(String);

text_name!(Owner);

impl FromStr for Owner {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if is_slug(text, 32) { Ok(Self(text.to_owned())) } else { Err(InvalidName::Owner(quoted(text))) }
    }
}

impl Default for Owner {
    /// `me`, who owns what nobody else was named for.
    fn default() -> Self {
        Self("me".to_owned())
    }
}

/// Whom a cache and a folder of the builder belong to: one project on one device, or one crate of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectKey(String);

text_name!(ProjectKey);

impl ProjectKey {
    /// A key out of a readable name and the hexadecimal identity that sets it apart: what a key can't hold is replaced.
    pub fn new(name: &str, identity: &str) -> Result<Self, InvalidName> {
        let name: String = name
            .chars()
            .map(|c| c.to_ascii_lowercase())
            .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
            .take(40)
            .collect();
        let name = name.trim_matches('-');
        format!("{}-{identity}", if name.is_empty() { "project" } else { name }).parse()
    }
}

impl FromStr for ProjectKey {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if is_slug(text, 96) { Ok(Self(text.to_owned())) } else { Err(InvalidName::ProjectKey(quoted(text))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_id_is_a_uuid_of_version_7_that_tells_its_time() {
        let id = BuildId::new(0x0192_3456_789a, [0xff; 10]);
        assert_eq!(id.as_str(), "01923456-789a-7fff-bfff-ffffffffffff");
        assert_eq!(id.unix_ms(), 0x0192_3456_789a);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert!(BuildId::new(1, [0xff; 10]) < BuildId::new(2, [0; 10]));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "01923456-789a-4fff-bfff-ffffffffffff",
            "01923456-789a-7fff-cfff-ffffffffffff",
            "01923456-789A-7fff-bfff-ffffffffffff",
            "01923456-789a-7fff-bfff-fffffffffff/",
            "../../../../../../../../etc/passwd..",
            "01923456-789a-7fff-bfff-ffffffffffff\n",
        ] {
            assert!(text.parse::<BuildId>().is_err(), "{text}");
        }
    }

    #[test]
    fn owners_and_keys_can_be_a_path_component() {
        for text in ["me", "a-b_c", "0x"] {
            assert!(text.parse::<Owner>().is_ok(), "{text}");
        }
        for text in ["", "..", "-me", "Me", "a/b", "a b", "ä", &"x".repeat(33)] {
            assert!(text.parse::<Owner>().is_err(), "{text}");
        }
        assert_eq!(ProjectKey::new("My Crate ünï", "00ff").unwrap().as_str(), "my-crate--n-00ff");
        assert_eq!(ProjectKey::new("日本", "00ff").unwrap().as_str(), "project-00ff");
    }
}

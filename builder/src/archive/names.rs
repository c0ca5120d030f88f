//! Checks the names of an archive's entries.

use protocol::SOURCE_PREFIX;

use super::ArchiveError;

/// The longest path below the source folder, in bytes: Linux's limit of 4,096 (PATH_MAX), less room for the folders above.
const MAX_PATH_BYTES: usize = 3072;

/// The longest part of a path, in bytes (NAME_MAX).
const MAX_PART_BYTES: usize = 255;

/// The path below the source folder that an entry's name means, without a final `/`. Empty for the source folder itself.
pub(super) fn source_path(name: &[u8]) -> Result<String, ArchiveError> {
    let name = std::str::from_utf8(name).map_err(|_| refuse(&String::from_utf8_lossy(name), "is not UTF-8"))?;
    let path = name.strip_prefix(SOURCE_PREFIX).ok_or_else(|| refuse(name, "is outside the source folder"))?;
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(String::new());
    }
    if path.len() > MAX_PATH_BYTES {
        return Err(refuse(name, "is too long"));
    }
    if path.contains(['\\', '\0']) {
        return Err(refuse(name, "contains a backslash or a NUL character"));
    }
    for part in path.split('/') {
        match part {
            "" => return Err(refuse(name, "is an absolute path, or has an empty part")),
            "." | ".." => return Err(refuse(name, "leads out of its folder")),
            part if part.len() > MAX_PART_BYTES => return Err(refuse(name, "is too long")),
            _ => {}
        }
    }
    Ok(path.to_owned())
}

/// A refusal that names the entry. The name is shortened, because a hostile one can be long.
pub(super) fn refuse(name: &str, why: &str) -> ArchiveError {
    let name: String = name.chars().take(120).collect();
    ArchiveError::bad(format!(
        "the source archive contains `{}`, which {why}; nothing was unpacked",
        name.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_of_the_source_are_refused() {
        for name in [
            "/etc/passwd",
            "source//etc/passwd",
            "source/../x",
            "source/a/../../x",
            "source/./a",
            "source/a//b",
            "../source/a",
            "source/a\\b",
            "source/a\0b",
            "target/x",
            "C:\\x",
            "source/..",
            "sourcex/a",
        ] {
            assert!(source_path(name.as_bytes()).is_err(), "{name}");
        }
        assert!(source_path(b"source/\xff").is_err());
        assert!(source_path(format!("source/{}", "x".repeat(256)).as_bytes()).is_err());
        assert!(source_path(format!("source/{}", "x/".repeat(2000)).as_bytes()).is_err());
    }

    #[test]
    fn unusual_but_harmless_names_are_accepted() {
        for (name, path) in [
            ("source/src/main.rs", "src/main.rs"),
            ("source/ä b/日本.rs", "ä b/日本.rs"),
            ("source/...", "..."),
            ("source/d/", "d"),
            ("source/", ""),
            ("source/-x", "-x"),
            ("source/a\nb", "a\nb"),
        ] {
            assert_eq!(source_path(name.as_bytes()).unwrap(), path);
        }
    }
}

//! Which names an archive may hold.

use protocol::SOURCE_PREFIX;

use super::ArchiveError;

/// Longest path below the source: what Linux takes in one call (PATH_MAX, 4,096) less room for the folders above.
const MAX_PATH_BYTES: usize = 3072;

/// Longest part of a path (NAME_MAX).
const MAX_PART_BYTES: usize = 255;

/// The path below the source that an entry's name stands for, without a closing `/`; empty for the source itself.
pub(super) fn source_path(name: &[u8]) -> Result<String, ArchiveError> {
    let name = std::str::from_utf8(name).map_err(|_| refuse(&String::from_utf8_lossy(name), "is not UTF-8"))?;
    let path = name.strip_prefix(SOURCE_PREFIX).ok_or_else(|| refuse(name, "lies outside of the source"))?;
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(String::new());
    }
    if path.len() > MAX_PATH_BYTES {
        return Err(refuse(name, "is too long"));
    }
    if path.contains(['\\', '\0']) {
        return Err(refuse(name, "holds a backslash or a NUL character"));
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

/// A refusal that names the entry, shortened: a hostile name can be long.
pub(super) fn refuse(name: &str, why: &str) -> ArchiveError {
    let name: String = name.chars().take(120).collect();
    ArchiveError::bad(format!("the source archive holds `{}`, which {why}; nothing was unpacked", name.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
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
    fn odd_but_honest_names_pass() {
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

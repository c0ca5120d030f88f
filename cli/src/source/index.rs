//! Which files git tracks: those are sent even where an ignore rule names them, as git itself keeps them.
//! The format is git-scm.com/docs/index-format, versions 2 to 4, of which only the paths are read.

use std::collections::BTreeSet;
use std::path::Path;

/// The tracked paths of an index file, relative to the work tree; empty if there is none or it can't be read.
pub fn tracked(index: &Path, hash_bytes: usize) -> BTreeSet<Vec<u8>> {
    std::fs::read(index).ok().and_then(|bytes| parse(&bytes, hash_bytes)).unwrap_or_default()
}

fn parse(bytes: &[u8], hash_bytes: usize) -> Option<BTreeSet<Vec<u8>>> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.get(..4)? != b"DIRC" {
        return None;
    }
    let version = number(4).filter(|version| (2..=4).contains(version))?;
    let count = number(8)?;
    let mut paths = BTreeSet::new();
    let mut previous: Vec<u8> = Vec::new();
    let mut at = 12;
    for _ in 0..count {
        let start = at;
        // Ten numbers of four bytes, the object's id, flags.
        at += 40 + hash_bytes;
        let flags = u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
        at += 2;
        if version >= 3 && flags & 0x4000 != 0 {
            at += 2;
        }
        let path = if version == 4 {
            let (strip, used) = varint(bytes.get(at..)?)?;
            at += used;
            let kept = previous.len().checked_sub(strip)?;
            let rest = until_nul(bytes.get(at..)?)?;
            at += rest.len() + 1;
            [&previous[..kept], rest].concat()
        } else {
            let path = until_nul(bytes.get(at..)?)?;
            at += path.len();
            // Padded with 1 to 8 NULs to a multiple of eight.
            at += 8 - (at - start) % 8;
            path.to_vec()
        };
        previous.clone_from(&path);
        paths.insert(path);
    }
    Some(paths)
}

fn until_nul(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..bytes.iter().position(|byte| *byte == 0)?)
}

/// git's offset encoding: seven bits a byte, each continuation adds one.
fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for (index, byte) in bytes.iter().enumerate().take(8) {
        if index > 0 {
            value = value.checked_add(1)?;
        }
        value = (value << 7) | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_index_tracks_nothing() {
        for bytes in [&b""[..], b"DIRC", b"DIRC\0\0\0\x02\0\0\0\x09short", b"DIRC\0\0\0\x07\0\0\0\0", &[0xff; 200]] {
            assert_eq!(parse(bytes, 20), None, "{bytes:?}");
        }
    }

    #[test]
    fn offsets_are_gits() {
        assert_eq!(varint(&[0x00]), Some((0, 1)));
        assert_eq!(varint(&[0x7f]), Some((127, 1)));
        assert_eq!(varint(&[0x80, 0x00]), Some((128, 2)));
        assert_eq!(varint(&[0x80]), None);
    }
}

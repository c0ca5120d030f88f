//! The files that git tracks. They are sent even where an ignore rule matches them, as git itself keeps them.
//!
//! The format is git-scm.com/docs/index-format, versions 2 to 4, with and without a shared index (`git update-index
//! --split-index`). Only the paths are read. Flags don't matter: git also tracks files that are assumed unchanged, left
//! out of the work tree, or only intended to be added. Of these, only files on the disk can be sent.

mod ewah;

use std::collections::BTreeSet;
use std::path::Path;

use data_encoding::HEXLOWER;

/// The tracked paths of an index file, relative to the work tree, with `/` between their parts. The folders of a sparse
/// index, whose files are not in the work tree, end in `/`. Empty if there is no index or it can't be read.
///
/// `hash_bytes` is the length of the repository's object ids: 20 for SHA-1, 32 for SHA-256.
pub fn tracked_paths(index: &Path, hash_bytes: usize) -> BTreeSet<Vec<u8>> {
    read(index, hash_bytes).unwrap_or_default()
}

fn read(index: &Path, hash_bytes: usize) -> Option<BTreeSet<Vec<u8>>> {
    let GitIndex { paths, shared } = GitIndex::parse(&std::fs::read(index).ok()?, hash_bytes)?;
    let mut tracked = match shared {
        None => BTreeSet::new(),
        Some(shared) => {
            let file = index.with_file_name(format!("sharedindex.{}", shared.id));
            let base = GitIndex::parse(&std::fs::read(file).ok()?, hash_bytes)?.paths;
            let deleted = ewah::positions(&shared.deleted, base.len())?;
            let kept = base.into_iter().enumerate().filter(|(at, _)| !deleted.contains(at));
            kept.map(|(_, path)| path).collect()
        }
    };
    // An entry that replaces one of the shared index has no path of its own.
    tracked.extend(paths.into_iter().filter(|path| !path.is_empty()));
    Some(tracked)
}

/// The parts of an index file that tell what is tracked.
#[derive(Debug, PartialEq, Eq)]
struct GitIndex {
    /// The paths of all entries, in the file's order.
    paths: Vec<Vec<u8>>,
    /// The index that this one is based on.
    shared: Option<SharedIndex>,
}

/// The shared index, as described by the extension `link`.
#[derive(Debug, PartialEq, Eq)]
struct SharedIndex {
    /// The shared index's hash in hex, which is part of its file's name.
    id: String,
    /// A bitmap of the shared entries that are no longer tracked, still compressed.
    deleted: Vec<u8>,
}

/// Reads bytes from the front of a slice.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn until_nul(&mut self) -> Option<&'a [u8]> {
        let text = self.take(self.0.iter().position(|byte| *byte == 0)?)?;
        self.take(1)?;
        Some(text)
    }

    /// Git's offset encoding: seven bits in each byte, and each continuation adds one.
    fn offset(&mut self) -> Option<usize> {
        let mut value = 0usize;
        for index in 0..8 {
            let byte = self.take(1)?[0];
            if index > 0 {
                value = value.checked_add(1)?;
            }
            value = (value << 7) | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

impl GitIndex {
    fn parse(file: &[u8], hash_bytes: usize) -> Option<Self> {
        let mut bytes = Bytes(file);
        if bytes.take(4)? != b"DIRC" {
            return None;
        }
        let version = bytes.u32().filter(|version| (2..=4).contains(version))?;
        let count = bytes.u32()?;
        let mut paths: Vec<Vec<u8>> = Vec::new();
        for _ in 0..count {
            let path = entry_path(&mut bytes, version, hash_bytes, paths.last().map_or(&[], Vec::as_slice))?;
            paths.push(path);
        }
        let mut shared = None;
        // The file ends with its own hash.
        while bytes.0.len() > hash_bytes {
            let (name, size) = (bytes.take(4)?, bytes.u32()?);
            let mut content = Bytes(bytes.take(usize::try_from(size).ok()?)?);
            match name {
                b"link" => {
                    let id = content.take(hash_bytes)?;
                    let deleted = content.0.to_vec();
                    shared = id.iter().any(|byte| *byte != 0).then(|| SharedIndex { id: HEXLOWER.encode(id), deleted });
                }
                // Marks a sparse index, which needs nothing else.
                b"sdir" => {}
                // Like git, give up on an unknown extension that is not optional.
                _ if !name[0].is_ascii_uppercase() => return None,
                _ => {}
            }
        }
        Some(Self { paths, shared })
    }
}

/// Reads one entry, and returns its path. `previous` is the path before it.
fn entry_path(bytes: &mut Bytes, version: u32, hash_bytes: usize, previous: &[u8]) -> Option<Vec<u8>> {
    let before = bytes.0.len();
    // Ten numbers of four bytes, and the object's id.
    bytes.take(40 + hash_bytes)?;
    let flags = bytes.u16()?;
    if version >= 3 && flags & 0x4000 != 0 {
        bytes.take(2)?;
    }
    if version == 4 {
        let strip = bytes.offset()?;
        let kept = previous.get(..previous.len().checked_sub(strip)?)?;
        return Some([kept, bytes.until_nul()?].concat());
    }
    let path = bytes.until_nul()?.to_vec();
    // Padded with 1 to 8 NULs to a multiple of eight, the first of which is read.
    let used = before - bytes.0.len();
    bytes.take(used.next_multiple_of(8) - used)?;
    Some(path)
}

#[cfg(test)]
mod tests;

//! Packs a project's folder as tar, because every tool reads it, compressed with zstd, because it is fast.

use std::fs::File;
use std::io::{self, Read, Take, Write};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread::available_parallelism;

use nix::libc::O_NOFOLLOW;
use serde::{Deserialize, Serialize};
use tar::{Builder, EntryType, Header};

use super::cargo_home;
use super::walk::{FolderItem, FolderTree, ItemKind};

/// Name of the archive's first entry, which describes the rest.
pub(super) const HEAD: &str = "head.json";

/// The extended (PAX) attribute with an entry's time in nanoseconds since 1970; tar's own field holds whole seconds.
pub(super) const MTIME: &str = "CARGOCLOUD.mtime";

/// Version of the archive format written here.
pub(super) const VERSION: u32 = 1;

/// Compression level of zstd: the fastest one that still shrinks a target directory to a third.
const LEVEL: i32 = 1;

/// Content of the archive's first entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// Version of the archive format.
    pub v: u32,
    /// Total size of all files in the archive, in bytes.
    pub bytes: u64,
}

/// Packs the items of `tree`, and the files of cargo's `home` that the project's lock files name. Returns the number of
/// bytes written.
pub(super) fn pack(folder: &Path, tree: &FolderTree, home: &Path, writer: impl Write) -> io::Result<u64> {
    let counted = CountingWriter { writer, bytes: 0 };
    let mut zstd = zstd::Encoder::new(counted, LEVEL)?;
    zstd.include_checksum(true)?;
    zstd.multithread(u32::try_from(available_parallelism().map_or(1, NonZero::get)).unwrap_or(1))?;
    let mut tar = Builder::new(zstd);
    let of_home = cargo_home::needed(home, folder, tree);
    let bytes = tree.bytes + of_home.iter().map(|file| file.size).sum::<u64>();
    let head = serde_json::to_vec(&Head { v: VERSION, bytes })?;
    tar.append_data(&mut header(EntryType::Regular, 0o644, 0, head.len() as u64), HEAD, head.as_slice())?;
    for item in &tree.items {
        append(&mut tar, folder, item)?;
    }
    for file in of_home {
        let mut content = open(&home.join(&file.path), file.size)?;
        let mut header = header(EntryType::Regular, 0o644, 0, file.size);
        tar.append_data(&mut header, Path::new(super::CARGO_HOME).join(&file.path), &mut content)?;
    }
    let mut counted = tar.into_inner()?.finish()?;
    counted.flush()?;
    Ok(counted.bytes)
}

fn append(tar: &mut Builder<impl Write>, folder: &Path, item: &FolderItem) -> io::Result<()> {
    let mtime = item.mtime.to_string();
    tar.append_pax_extensions([(MTIME, mtime.as_bytes())])?;
    let header = |kind, size| header(kind, item.mode, item.mtime, size);
    match &item.kind {
        ItemKind::Folder => tar.append_data(&mut header(EntryType::Directory, 0), &item.path, io::empty()),
        ItemKind::File { size } => {
            let mut content = open(&folder.join(&item.path), *size)?;
            tar.append_data(&mut header(EntryType::Regular, *size), &item.path, &mut content)
        }
        ItemKind::Same { file } => tar.append_link(&mut header(EntryType::Link, 0), &item.path, file),
        ItemKind::Link { target } => tar.append_link(&mut header(EntryType::Symlink, 0), &item.path, target),
    }
}

fn header(kind: EntryType, mode: u32, mtime: i64, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(u64::try_from(mtime / 1_000_000_000).unwrap_or_default());
    header.set_size(size);
    header
}

/// Opens a file and checks that it has exactly `size` bytes. It is an error if the file changed since the walk.
fn open(path: &Path, size: u64) -> io::Result<Take<File>> {
    let file = File::options().read(true).custom_flags(O_NOFOLLOW).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() != size {
        return Err(io::Error::other(format!("{} changed while it was saved", path.display())));
    }
    Ok(file.take(size))
}

struct CountingWriter<W> {
    writer: W,
    bytes: u64,
}

impl<W: Write> Write for CountingWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

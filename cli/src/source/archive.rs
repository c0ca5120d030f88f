//! Writes the archive of a source as a stream. It is never on the device's disk and uses little memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::{REQUEST_ENTRY, RequestFile, SOURCE_PREFIX};
use thiserror::Error;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::entry::{SourceContent, SourceEntry, file_content};

/// The reason why an archive was not finished.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourcePackError {
    /// A file of the source can't be read.
    #[error(
        "could not read `{path}`: {source}; make it readable or leave it out with `exclude` under [workspace.metadata.cloud]"
    )]
    Unreadable {
        /// Path of the file on the device.
        path: String,
        /// What the system reported about it.
        source: io::Error,
    },
    /// A file has changed since the source was listed. Holds its path.
    #[error("`{0}` changed while it was packed")]
    Changed(String),
    /// The receiver of the archive no longer accepts data.
    #[error("the archive could not be passed on")]
    Output(#[source] io::Error),
}

/// Files smaller than this, in bytes, are not compressed: it would cost more than it saves.
const MIN_COMPRESSED: u64 = 128;

/// Extensions of formats that are already compressed.
const COMPRESSED: [&str; 22] = [
    "png", "jpg", "jpeg", "gif", "webp", "avif", "mp3", "mp4", "ogg", "flac", "webm", "zip", "gz", "tgz", "bz2", "xz",
    "zst", "br", "7z", "jar", "woff2", "crate",
];

/// Writes the request and the entries to `out`, and counts the bytes of content in `read`.
pub fn pack<W: Write>(
    request: &RequestFile,
    entries: &[SourceEntry],
    out: W,
    read: &AtomicU64,
) -> Result<W, SourcePackError> {
    let mut zip = ZipWriter::new_stream(out);
    let json = serde_json::to_vec(request).map_err(|error| SourcePackError::Output(error.into()))?;
    zip.start_file(REQUEST_ENTRY, options(json.len() as u64, 0o644, "json")).map_err(output)?;
    zip.write_all(&json).map_err(SourcePackError::Output)?;
    let mut buffer = vec![0; 64 * 1024];
    for entry in entries {
        let name = format!("{SOURCE_PREFIX}{}", entry.name);
        match &entry.content {
            SourceContent::Link { target } => zip.add_symlink(name, target, options(0, 0o777, "")).map_err(output)?,
            SourceContent::Folder => zip.add_directory(name, options(0, 0o755, "")).map_err(output)?,
            SourceContent::File { size, mode, .. } => {
                let extension = entry.path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
                zip.start_file(name, options(*size, *mode, &extension.unwrap_or_default())).map_err(output)?;
                copy(entry, &mut zip, &mut buffer, read)?;
            }
        }
    }
    Ok(zip.finish().map_err(output)?.into_inner())
}

fn options(size: u64, mode: u32, extension: &str) -> SimpleFileOptions {
    let store = size < MIN_COMPRESSED || COMPRESSED.contains(&extension);
    let method = if store { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    // On sources, level 4 is within a few percent of level 6 at twice the speed, and a tablet's core is the slowest
    // part.
    let level = (!store).then_some(4);
    SimpleFileOptions::default().compression_method(method).compression_level(level).unix_permissions(mode)
}

fn copy<W: Write>(
    entry: &SourceEntry,
    out: &mut W,
    buffer: &mut [u8],
    read: &AtomicU64,
) -> Result<(), SourcePackError> {
    let unreadable = |source| SourcePackError::Unreadable { path: entry.path.display().to_string(), source };
    let mut file = File::open(&entry.path).map_err(unreadable)?;
    unchanged(entry, &file).map_err(unreadable)?.then_some(()).ok_or_else(|| changed(entry))?;
    let mut left = entry.size();
    loop {
        let count = file.read(buffer).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        left = left.checked_sub(count as u64).ok_or_else(|| changed(entry))?;
        out.write_all(&buffer[..count]).map_err(SourcePackError::Output)?;
        read.fetch_add(count as u64, Ordering::Relaxed);
    }
    let same = left == 0 && unchanged(entry, &file).map_err(unreadable)?;
    if same { Ok(()) } else { Err(changed(entry)) }
}

fn changed(entry: &SourceEntry) -> SourcePackError {
    SourcePackError::Changed(entry.path.display().to_string())
}

fn unchanged(entry: &SourceEntry, file: &File) -> io::Result<bool> {
    Ok(file_content(&file.metadata()?)? == entry.content)
}

fn output(error: zip::result::ZipError) -> SourcePackError {
    SourcePackError::Output(error.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use std::io::Cursor;
    use std::path::Path;

    fn file(path: &Path) -> SourceEntry {
        let metadata = path.metadata().unwrap();
        let content = SourceContent::File {
            size: metadata.len(),
            modified: metadata.modified().unwrap(),
            mode: metadata.permissions().mode() & 0o777,
        };
        SourceEntry { path: path.to_path_buf(), name: path.file_name().unwrap().to_str().unwrap().to_owned(), content }
    }

    fn request() -> RequestFile {
        RequestFile { v: 1, options: Default::default(), details: Default::default() }
    }

    #[test]
    fn an_archive_keeps_modes_and_links() {
        let temp = tempfile::tempdir().unwrap();
        let script = temp.path().join("bü ild.sh");
        std::fs::write(&script, "x".repeat(5000)).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let link = SourceEntry {
            path: temp.path().join("l"),
            name: "l".to_owned(),
            content: SourceContent::Link { target: "bü ild.sh".to_owned() },
        };
        let read = AtomicU64::new(0);
        let bytes = pack(&request(), &[file(&script), link], Vec::new(), &read).unwrap();
        assert_eq!(read.into_inner(), 5000);
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let names: Vec<_> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, ["request.json", "source/bü ild.sh", "source/l"]);
        assert_eq!(zip.by_index(1).unwrap().unix_mode(), Some(0o100_755));
        let mut target = String::new();
        let mut entry = zip.by_index(2).unwrap();
        assert_eq!(entry.unix_mode(), Some(0o120_777));
        entry.read_to_string(&mut target).unwrap();
        assert_eq!(target, "bü ild.sh");
    }

    #[test]
    fn a_file_that_changes_is_not_packed() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a.rs");
        std::fs::write(&path, "one").unwrap();
        let entry = file(&path);
        std::fs::write(&path, "longer").unwrap();
        let error = pack(&request(), &[entry], Vec::new(), &AtomicU64::new(0)).unwrap_err();
        assert!(matches!(error, SourcePackError::Changed(_)), "{error}");
        let gone = file(&path);
        std::fs::remove_file(&path).unwrap();
        let error = pack(&request(), &[gone], Vec::new(), &AtomicU64::new(0)).unwrap_err();
        assert!(error.to_string().contains("a.rs") && error.to_string().contains("exclude"), "{error}");
    }
}

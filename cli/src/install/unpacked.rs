//! Remembers which artifact was last unpacked into a target directory, so that the same one isn't downloaded again: a
//! program of a development build can have a hundred megabytes.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Name of the record in the target directory.
const RECORD: &str = ".cargo-cloud-unpacked";

/// The files that `artifact` was unpacked to below `folder`, if the artifact is the last one and no file has changed
/// since. `artifact` is any text that identifies it.
pub fn unchanged_files(folder: &Path, artifact: &str) -> Option<Vec<PathBuf>> {
    let record = fs::read_to_string(folder.join(RECORD)).ok()?;
    let mut lines = record.lines();
    if lines.next() != Some(artifact) {
        return None;
    }
    let mut files = Vec::new();
    for line in lines {
        let (state, path) = line.split_once(' ')?;
        let file = folder.join(path);
        if file_state(&file).ok()? != state {
            return None;
        }
        files.push(file);
    }
    (!files.is_empty()).then_some(files)
}

/// Records that `artifact` was unpacked to `files`, all below `folder`.
///
/// # Errors
/// If a file or the record can't be accessed; the artifact is then downloaded again next time.
pub fn record(folder: &Path, artifact: &str, files: &[PathBuf]) -> io::Result<()> {
    let mut text = format!("{artifact}\n");
    for file in files {
        match file.strip_prefix(folder).ok().and_then(Path::to_str).filter(|path| !path.contains('\n')) {
            Some(path) => text.push_str(&format!("{} {path}\n", file_state(file)?)),
            // A path that the record can't hold: the artifact is downloaded again.
            None => return Ok(()),
        }
    }
    fs::write(folder.join(RECORD), text)
}

/// Size, time and inode of a file: what differs once somebody has changed or replaced it.
fn file_state(file: &Path) -> io::Result<String> {
    let metadata = fs::symlink_metadata(file)?;
    Ok(format!("{}:{}.{:09}:{}", metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_unchanged_until_a_file_differs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("debug tool");
        fs::write(&file, "one").unwrap();
        assert_eq!(unchanged_files(folder.path(), "a"), None);
        record(folder.path(), "a", std::slice::from_ref(&file)).unwrap();
        assert_eq!(unchanged_files(folder.path(), "a"), Some(vec![file.clone()]));
        assert_eq!(unchanged_files(folder.path(), "b"), None);
        fs::write(&file, "three").unwrap();
        assert_eq!(unchanged_files(folder.path(), "a"), None);
        fs::remove_file(&file).unwrap();
        assert_eq!(unchanged_files(folder.path(), "a"), None);
    }
}

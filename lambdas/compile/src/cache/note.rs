//! Notes about a project's folder in this sandbox: which state in the bucket it comes from. The modification time of a
//! note's file says when the project was last built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{Owner, ProjectKey};
use serde::{Deserialize, Serialize};

/// Name of the folder of notes in the work folder.
const FOLDER: &str = "notes";

/// What this sandbox knows about a project in the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CacheNote {
    /// ETag of the state in the bucket that the folder was saved as or restored from.
    pub etag: Option<String>,
    /// Digest of the folder's content at that moment, as `walk` computes it.
    pub digest: Option<String>,
    /// The marks of cleaning that existed when the folder was begun. Only set if the bucket had no state of the project
    /// then.
    pub cleaned: Option<Marks>,
}

/// ETags of the marks that `clean` left for a project and for its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Marks {
    /// ETag of the mark below the project's prefix, if there is one.
    pub project: Option<String>,
    /// ETag of the owner's mark, which stands for all projects, if there is one.
    pub owner: Option<String>,
}

/// Path of a project's note. The dot separates owner and key: neither of them contains one.
pub(super) fn path(work: &Path, owner: &Owner, key: &ProjectKey) -> PathBuf {
    work.join(FOLDER).join(format!("{owner}.{key}"))
}

/// Path of the note of the project in this folder.
pub(super) fn path_of(work: &Path, folder: &Path) -> Option<PathBuf> {
    let key = folder.file_name()?.to_str()?;
    let owner = folder.parent()?.file_name()?.to_str()?;
    Some(work.join(FOLDER).join(format!("{owner}.{key}")))
}

impl CacheNote {
    /// Reads a note. A note that is missing or can't be read counts as empty.
    pub fn read(path: &Path) -> Self {
        fs::read(path).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    /// Writes the note to a new file and renames it, so that no reader sees half of it.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let Some(folder) = path.parent() else { return Ok(()) };
        fs::create_dir_all(folder)?;
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec(self)?)?;
        fs::rename(new, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back_and_an_unreadable_one_counts_as_empty() {
        let work = tempfile::tempdir().unwrap();
        let path = path(work.path(), &Owner::default(), &"demo-00".parse().unwrap());
        assert_eq!(path_of(work.path(), Path::new("/w/projects/me/demo-00")).as_ref(), Some(&path));
        assert_eq!(CacheNote::read(&path), CacheNote::default());
        let note = CacheNote { etag: Some("\"a\"".to_owned()), ..CacheNote::default() };
        note.write(&path).unwrap();
        assert_eq!(CacheNote::read(&path), note);
        fs::write(&path, "{").unwrap();
        assert_eq!(CacheNote::read(&path), CacheNote::default());
    }
}

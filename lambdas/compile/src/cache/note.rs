//! What is known of a project's folder in this sandbox: which state in the bucket it comes from. Its file's time tells
//! when the project was built last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{Owner, ProjectKey};
use serde::{Deserialize, Serialize};

/// The folder of notes in the work folder.
const FOLDER: &str = "notes";

/// What this sandbox knows of a project in the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CacheNote {
    /// The ETag of the state in the bucket that the folder was saved as, or restored from.
    pub etag: Option<String>,
    /// What the folder's content came to at that moment.
    pub digest: Option<String>,
    /// The marks of cleaning that the folder was begun after, where the bucket had no state then.
    pub cleaned: Option<Marks>,
}

/// The marks that `clean` left of a project and of its owner, by their ETags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Marks {
    /// ETag of the mark below the project's prefix, if there is one.
    pub project: Option<String>,
    /// The owner's: of all projects.
    pub owner: Option<String>,
}

/// Where a project's note is. Neither name holds a dot.
pub(super) fn path(work: &Path, owner: &Owner, key: &ProjectKey) -> PathBuf {
    work.join(FOLDER).join(format!("{owner}.{key}"))
}

/// The note of the project whose folder this is.
pub(super) fn path_of(work: &Path, folder: &Path) -> Option<PathBuf> {
    let key = folder.file_name()?.to_str()?;
    let owner = folder.parent()?.file_name()?.to_str()?;
    Some(work.join(FOLDER).join(format!("{owner}.{key}")))
}

impl CacheNote {
    /// Reads it; one that isn't there, or can't be read, knows nothing.
    pub fn read(path: &Path) -> Self {
        fs::read(path).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    /// Writes it, in one step.
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
    fn a_note_reads_back_and_nonsense_knows_nothing() {
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

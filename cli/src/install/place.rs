//! Files put in their place: written beside it, then renamed, so that there is never half a program, and a running one
//! can be replaced.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

/// Whether a path of the archive, with `/`, stays below where it is unpacked.
pub fn is_below(path: &str) -> bool {
    !path.contains(['\\', '\0']) && path.split('/').all(single_name)
}

/// Whether a text is the name of one file.
pub fn single_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\']) && !name.chars().any(char::is_control)
}

/// Where a path of the archive goes below `folder`.
pub fn below(folder: &Path, path: &str) -> PathBuf {
    path.split('/').fold(folder.to_path_buf(), |folder, part| folder.join(part))
}

/// A file beside its place.
pub struct Staged {
    temporary: NamedTempFile,
    /// Its place.
    pub place: PathBuf,
}

impl Staged {
    /// An empty file beside `place`, whose folder is made where it is missing.
    pub fn new(place: PathBuf) -> anyhow::Result<Self> {
        let folder = place.parent().context("a file lies in a folder")?;
        let temporary = std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::Builder::new().prefix(".cargo-cloud-").tempfile_in(folder))
            .with_context(|| format!("could not write into `{}`", folder.display()))?;
        Ok(Self { temporary, place })
    }

    /// To write into.
    pub fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Puts it in its place, with these permissions, on the disk for certain.
    pub fn commit(self, mode: u32) -> anyhow::Result<()> {
        let synced = self.temporary.as_file().sync_all();
        synced.with_context(|| format!("could not write `{}`", self.place.display()))?;
        self.put(mode)
    }

    /// The same, and the system writes it to the disk when it likes: for many small files.
    pub fn put(self, mode: u32) -> anyhow::Result<()> {
        let place = self.place;
        let permitted = self.temporary.as_file().set_permissions(Permissions::from_mode(mode));
        permitted
            .and_then(|()| self.temporary.persist(&place).map_err(|error| error.error))
            .with_context(|| format!("could not write `{}`", place.display()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let temp = tempfile::tempdir().unwrap();
        let place = temp.path().join("bin/tool");
        let mut staged = Staged::new(place.clone()).unwrap();
        staged.file().write_all(b"new").unwrap();
        drop(Staged::new(place.clone()).unwrap());
        assert!(!place.exists());
        staged.commit(0o755).unwrap();
        assert_eq!(std::fs::read(&place).unwrap(), b"new");
        assert_eq!(place.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(std::fs::read_dir(temp.path().join("bin")).unwrap().count(), 1);
    }
}

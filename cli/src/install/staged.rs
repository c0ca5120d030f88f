//! Files that appear whole or not at all: each is written next to its destination and then renamed over it. So nobody
//! ever sees half a program, and a program that runs can be replaced.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

/// Whether a path in an archive (with `/`) stays inside the folder where it is unpacked.
pub fn is_below(path: &str) -> bool {
    !path.contains(['\\', '\0']) && path.split('/').all(is_file_name)
}

/// Whether a text is the name of one file: no path, nothing special, no control characters.
pub fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\']) && !name.chars().any(char::is_control)
}

/// The path below `folder` that belongs to a path in an archive.
pub fn below(folder: &Path, path: &str) -> PathBuf {
    path.split('/').fold(folder.to_path_buf(), |folder, part| folder.join(part))
}

/// A temporary file that is renamed to its destination when it is complete.
pub struct StagedFile {
    temporary: NamedTempFile,
    /// The path that the file gets in the end.
    pub destination: PathBuf,
}

/// A program that is ready to be installed.
pub struct StagedProgram {
    /// The name of its file in `bin`.
    pub name: String,
    /// Name of the package that it belongs to.
    pub package: String,
    /// Its content, next to its destination.
    pub file: StagedFile,
}

impl StagedFile {
    /// Makes an empty temporary file next to `destination`, and the folder if it is missing.
    ///
    /// # Errors
    /// If the folder can't be written to.
    pub fn new(destination: PathBuf) -> anyhow::Result<Self> {
        let folder = destination.parent().context("a destination without a folder")?;
        let temporary = std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::Builder::new().prefix(".cargo-cloud-").tempfile_in(folder))
            .with_context(|| format!("could not write into `{}`", folder.display()))?;
        Ok(Self { temporary, destination })
    }

    /// The temporary file, to write the content into.
    pub fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Renames the file to its destination with the permissions `mode`, after the disk has stored the content.
    ///
    /// # Errors
    /// If the content can't be stored or the file can't be renamed.
    pub fn commit(self, mode: u32) -> anyhow::Result<()> {
        let synced = self.temporary.as_file().sync_all();
        synced.with_context(|| format!("could not write `{}`", self.destination.display()))?;
        self.rename(mode)
    }

    /// Like [`StagedFile::commit`], but doesn't wait for the disk: faster for many small files that can be built again.
    ///
    /// # Errors
    /// If the file can't be renamed.
    pub fn rename(self, mode: u32) -> anyhow::Result<()> {
        let destination = self.destination;
        let permitted = self.temporary.as_file().set_permissions(Permissions::from_mode(mode));
        permitted
            .and_then(|()| self.temporary.persist(&destination).map_err(|error| error.error))
            .with_context(|| format!("could not write `{}`", destination.display()))?;
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
        let destination = temp.path().join("bin/tool");
        let mut staged = StagedFile::new(destination.clone()).unwrap();
        staged.file().write_all(b"new").unwrap();
        drop(StagedFile::new(destination.clone()).unwrap());
        assert!(!destination.exists());
        staged.commit(0o755).unwrap();
        assert_eq!(std::fs::read(&destination).unwrap(), b"new");
        assert_eq!(destination.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(std::fs::read_dir(temp.path().join("bin")).unwrap().count(), 1);
    }
}

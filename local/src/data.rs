//! The data folder: its layout, and the lock that one backend holds on it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::files;

/// The reason why a data folder can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// Another process has locked the folder.
    #[error("another backend{} uses {folder}; stop it, or give this one its own folder with --data",
        .pid.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Taken {
        /// Path of the data folder.
        folder: PathBuf,
        /// Process id of the other backend, if it is known.
        pid: Option<String>,
    },
    /// The folder can't be created, read or written.
    #[error("the data folder {folder} can't be used; name another folder with --data")]
    Unusable {
        /// Path of the data folder.
        folder: PathBuf,
        /// The error that the system reported.
        source: io::Error,
    },
    /// The folder holds other files. Making it private would lock out the users of those files.
    #[error("{0} holds files that are not a backend's data; name an empty or a new folder with --data")]
    Foreign(PathBuf),
    /// The user has no home folder.
    #[error("there is no home folder for the data; name a folder with --data")]
    Homeless,
}

/// A data folder that this process has locked. Dropping the value releases the lock.
#[derive(Debug)]
pub struct DataFolder {
    root: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Name of the lock file. A folder that contains it is a data folder.
    pub(crate) const LOCK: &str = "lock";

    /// The default path: `cargo-cloud` in the platform's data folder.
    pub fn default_path() -> Result<PathBuf, DataError> {
        let dirs = directories::BaseDirs::new().ok_or(DataError::Homeless)?;
        Ok(dirs.data_dir().join("cargo-cloud"))
    }

    /// Opens or creates a data folder and locks it. Removes what interrupted uploads and attempts left in it.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let unusable = |source| DataError::Unusable { folder: path.to_owned(), source };
        let root = Self::prepare(path)?;
        let lock = lock(&root, path)?;
        let data = Self { root, _lock: lock };
        files::remove_folder_if_there(&data.staging()).map_err(unusable)?;
        files::remove_folder_if_there(&data.attempts()).map_err(unusable)?;
        for folder in [
            data.staging(),
            data.attempts(),
            data.objects(),
            data.uploads(),
            data.builds(),
            data.projects(),
            data.work(),
        ] {
            files::make_private_folder(&folder).map_err(unusable)?;
        }
        Ok(data)
    }

    /// Creates a data folder, or checks that the folder is one. Doesn't lock it, so a backend may be running in it.
    /// Returns its path without symbolic links.
    pub(crate) fn prepare(path: &Path) -> Result<PathBuf, DataError> {
        let unusable = |source| DataError::Unusable { folder: path.to_owned(), source };
        files::make_private_folder(path).map_err(unusable)?;
        if !path.join(Self::LOCK).exists() && !is_empty(path).map_err(unusable)? {
            return Err(DataError::Foreign(path.to_owned()));
        }
        // An existing folder is made private too, because it holds the keys.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(unusable)?;
        lock_file(path).map_err(unusable)?;
        path.canonicalize().map_err(unusable)
    }

    /// Path of the data folder, without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file that holds the access keys.
    pub(crate) fn keys(&self) -> PathBuf {
        self.root.join("keys.json")
    }

    /// The folder that holds the objects of both buckets.
    pub(crate) fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    /// The folder for multipart uploads that are not complete.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    /// The folder for request bodies while they arrive.
    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// The folder that holds each build's record and event log.
    pub(crate) fn builds(&self) -> PathBuf {
        self.root.join("builds")
    }

    /// The folder for the outputs of attempts.
    pub(crate) fn attempts(&self) -> PathBuf {
        self.root.join("attempts")
    }

    /// The folder for the notes that record when each project was last built.
    pub(crate) fn projects(&self) -> PathBuf {
        self.root.join("projects")
    }

    /// The folder in which the engine builds.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.join("work")
    }
}

/// Whether the folder is empty. `lost+found` is ignored, because a new file system contains it.
fn is_empty(folder: &Path) -> io::Result<bool> {
    for entry in folder.read_dir()? {
        if entry?.file_name() != "lost+found" {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Opens the lock file and creates it if it is missing.
fn lock_file(root: &Path) -> io::Result<File> {
    let path = root.join(DataFolder::LOCK);
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Locks the folder and writes this process's id into the lock file. `shown` is the path that errors name.
fn lock(root: &Path, shown: &Path) -> Result<File, DataError> {
    let unusable = |source| DataError::Unusable { folder: shown.to_owned(), source };
    let mut file = lock_file(root).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.take(20).read_to_string(&mut pid).map_err(unusable)?;
            let pid = pid.trim().to_owned();
            let is_number = !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
            return Err(DataError::Taken { folder: shown.to_owned(), pid: is_number.then_some(pid) });
        }
    }
    note_process(&mut file).map_err(unusable)?;
    Ok(file)
}

fn note_process(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_refused_and_the_error_names_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = DataFolder::open(&path).unwrap();
        let error = DataFolder::open(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        assert!(DataFolder::open(&path).is_ok());
    }

    #[test]
    fn an_existing_folder_is_made_private() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        DataFolder::open(folder.path()).unwrap();
        assert_eq!(std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_with_other_files_is_refused_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.txt"), "x").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(DataFolder::open(folder.path()), Err(DataError::Foreign(_))));
        assert_eq!(std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_reported() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = DataFolder::open(file.path()).unwrap_err().to_string();
        assert!(error.contains("--data"), "{error}");
    }
}

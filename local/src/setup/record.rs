//! Records what `setup android` has installed, so that `--remove` removes only that. Also holds the lock that keeps two
//! set-ups from running at the same time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::files;

const FILE: &str = "installed.json";
const LOCK: &str = "lock";

/// The record of what `setup android` has installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SetupRecord {
    /// Standard libraries that the set-up added with rustup. Those that were already installed are not listed.
    pub added: Vec<AddedTarget>,
    /// SHA-1 of the archive that the NDK was unpacked from.
    pub ndk_sha1: Option<String>,
    /// Version of the installed cargo-ndk.
    pub cargo_ndk: Option<String>,
}

/// A standard library that rustup was asked to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AddedTarget {
    /// Name of the toolchain in rustup.
    pub toolchain: String,
    /// Target triple that the standard library is for.
    pub target: String,
}

impl SetupRecord {
    /// Reads the record from the set-up's folder. Empty if there is no record yet.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        match std::fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json).with_context(|| format!("{} can't be read", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("{} can't be read", path.display())),
        }
    }

    /// Writes the record into the set-up's folder.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let written = serde_json::to_vec_pretty(self).map_err(io::Error::other);
        written
            .and_then(|json| files::write_atomically(&path, &json))
            .with_context(|| format!("{} can't be written", path.display()))
    }

    /// Reads the record, changes it, and writes it back.
    pub fn change(folder: &Path, change: impl FnOnce(&mut Self)) -> Result<()> {
        let mut record = Self::load(folder)?;
        change(&mut record);
        record.save(folder)
    }
}

/// The lock on the set-up's folder, held while the folder is changed.
pub(super) struct SetupLock(#[expect(dead_code, reason = "closing the file releases the lock")] File);

impl SetupLock {
    /// Takes the lock and creates the folder if it is missing. Fails if another set-up holds the lock.
    pub fn take(folder: &Path) -> Result<Self> {
        let unusable = || format!("the folder {} can't be used", folder.display());
        files::make_private_folder(folder).with_context(unusable)?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(LOCK))
            .with_context(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => bail!("another `setup android` works in {}", folder.display()),
            Err(TryLockError::Error(error)) => Err(error).with_context(unusable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_reads_back_and_the_lock_admits_one_set_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("android");
        assert_eq!(SetupRecord::load(&path).unwrap(), SetupRecord::default());
        let lock = SetupLock::take(&path).unwrap();
        assert!(SetupLock::take(&path).is_err());
        SetupRecord::change(&path, |record| record.cargo_ndk = Some("1".to_owned())).unwrap();
        SetupRecord::change(&path, |record| record.ndk_sha1 = Some("2".to_owned())).unwrap();
        let record = SetupRecord::load(&path).unwrap();
        assert_eq!((record.cargo_ndk.as_deref(), record.ndk_sha1.as_deref()), (Some("1"), Some("2")));
        drop(lock);
        assert!(SetupLock::take(&path).is_ok());
    }
}

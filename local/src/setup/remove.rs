//! Removes what `setup android` has installed.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result};

use super::record::{SetupLock, SetupRecord};
use super::standard_libraries::Rustup;
use super::{FOLDER, progress};
use crate::data::DataFolder;
use crate::files;

/// Removes the set-up. Standard libraries that were there before and tools that were installed elsewhere stay.
pub(super) fn run(data: &Path, dry_run: bool) -> Result<()> {
    let folder = data.join(FOLDER);
    if !folder.is_dir() {
        println!("nothing to remove: there is no {}", folder.display());
        return Ok(());
    }
    let lock = if dry_run { None } else { Some(SetupLock::take(&folder)?) };
    let added = SetupRecord::load(&folder)?.added;
    for added in &added {
        println!("standard library for {}: {} ({})", added.target, verb(dry_run), added.toolchain);
    }
    println!("{} ({}): {}", folder.display(), progress::megabytes(size(&folder)), verb(dry_run));
    if dry_run {
        println!("dry run: nothing was changed");
        return Ok(());
    }
    if !added.is_empty() {
        let rustup = Rustup::find()?;
        added.iter().try_for_each(|added| rustup.remove(added))?;
    }
    files::remove_folder_if_there(&folder).with_context(|| format!("{} can't be removed", folder.display()))?;
    drop(lock);
    remove_if_never_used(data);
    Ok(())
}

fn verb(dry_run: bool) -> &'static str {
    if dry_run { "would be removed" } else { "removed" }
}

/// Removes the data folder too, if it holds nothing but an unused lock file: then only the set-up has used it.
fn remove_if_never_used(data: &Path) {
    let lock = data.join(DataFolder::LOCK);
    let entries = data.read_dir().map_or(0, Iterator::count);
    let Ok(file) = File::open(&lock) else { return };
    if entries == 1 && !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        let _ = files::remove_if_there(&lock).and_then(|()| std::fs::remove_dir(data));
    }
}

/// Size in bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

//! Moves a staged upload into the source folder. No file is written through a symbolic link: every folder on the way is
//! checked.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::UploadChanges;
use super::manifest::{ManifestEntry, SourceState, UploadManifest, is_absent};
use super::stage::StagedChanges;
use crate::project::{ProjectFolder, remove};

/// Makes the staged changes in the source folder and writes the new manifest.
pub(super) fn commit(
    project: &ProjectFolder,
    before: &SourceState,
    staged: StagedChanges,
) -> io::Result<UploadChanges> {
    let StagedChanges { mut files, writes, changed, modes, folders } = staged;
    let mut tree = SourceTree { root: &project.source, checked: HashSet::new() };
    let links = tree.differing_links(&files);
    let removed: Vec<String> = before
        .manifest
        .iter()
        .chain(&before.announced)
        .flat_map(|manifest| manifest.files.keys())
        .filter(|path| !files.contains_key(*path))
        .cloned()
        .collect();
    let touched = touch_link_targets(&links, &mut files, before, &writes);
    let changes = UploadChanges { files: changed + links.len() as u64 + removed.len() as u64 };
    let manifest = UploadManifest::new(files);
    let known = before.announced.is_none() && before.manifest.as_ref() == Some(&manifest);
    if known && writes.is_empty() && modes.is_empty() && removed.is_empty() && links.is_empty() {
        for folder in folders {
            tree.make_folder(Path::new(&folder))?;
        }
        return Ok(changes);
    }
    manifest.announce(project)?;
    for path in &removed {
        tree.delete(Path::new(path))?;
    }
    for folder in folders {
        tree.make_folder(Path::new(&folder))?;
    }
    for (staging, path) in &writes {
        let place = tree.path_for(Path::new(path))?;
        if fs::symlink_metadata(&place).is_ok_and(|there| there.is_dir()) {
            remove(&place)?;
        }
        fs::rename(staging, place)?;
    }
    for (path, target) in &links {
        let place = tree.path_for(Path::new(path))?;
        remove(&place)?;
        symlink(target, place)?;
    }
    for (path, executable) in &modes {
        let place = tree.path_for(Path::new(path))?;
        fs::set_permissions(place, fs::Permissions::from_mode(if *executable { 0o755 } else { 0o644 }))?;
    }
    for (path, mtime) in &touched {
        let place = tree.path_for(Path::new(path))?;
        fs::File::options().write(true).open(place)?.set_modified(super::from_ns(*mtime))?;
    }
    UploadManifest::settle(project)?;
    Ok(changes)
}

/// Gives a new time to the files that changed links point to, because cargo looks at the file behind a link. Returns
/// these files with their new times in nanoseconds since 1970.
fn touch_link_targets(
    links: &[(String, String)],
    files: &mut BTreeMap<String, ManifestEntry>,
    before: &SourceState,
    writes: &[(PathBuf, String)],
) -> Vec<(String, i64)> {
    let known = |path: &str| before.manifest.as_ref().is_some_and(|manifest| manifest.files.contains_key(path));
    let stamp = before.stamp_after(super::now_ns());
    let written: HashSet<&str> = writes.iter().map(|(_, path)| path.as_str()).collect();
    let mut touched = Vec::new();
    for (path, target) in links.iter().filter(|(path, _)| known(path)) {
        let behind = link_destination(path, target);
        let below = format!("{behind}/");
        for (path, record) in files.iter_mut() {
            let ManifestEntry::File { mtime, .. } = record else { continue };
            if (*path == behind || path.starts_with(&below)) && !written.contains(path.as_str()) {
                *mtime = stamp;
                touched.push((path.clone(), stamp));
            }
        }
    }
    touched
}

/// The path that a link at `path` points to, by its text alone.
fn link_destination(path: &str, target: &str) -> String {
    let mut at: Vec<&str> = path.split('/').collect();
    at.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                at.pop();
            }
            part => at.push(part),
        }
    }
    at.join("/")
}

/// The source folder on disk, in which a build script may have put symbolic links anywhere.
struct SourceTree<'a> {
    root: &'a Path,
    /// Paths that are known to be folders and no links.
    checked: HashSet<PathBuf>,
}

impl SourceTree<'_> {
    /// The links of the upload that are missing or different on disk, with their targets.
    fn differing_links(&self, files: &BTreeMap<String, ManifestEntry>) -> Vec<(String, String)> {
        let wanted = files.iter().filter_map(|(path, record)| match record {
            ManifestEntry::Link { target } => Some((path.clone(), target.clone())),
            ManifestEntry::File { .. } | ManifestEntry::Folder => None,
        });
        wanted
            .filter(|(path, target)| fs::read_link(self.root.join(path)).ok().as_deref() != Some(Path::new(target)))
            .collect()
    }

    /// Creates a folder and those above it. A file or link in the way is removed.
    fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        let mut at = self.root.to_owned();
        for part in path.components() {
            at.push(part);
            if self.checked.contains(&at) {
                continue;
            }
            match fs::symlink_metadata(&at) {
                Ok(there) if there.is_dir() => {}
                Ok(_) => {
                    fs::remove_file(&at)?;
                    fs::create_dir(&at)?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&at)?,
                Err(error) => return Err(error),
            }
            self.checked.insert(at.clone());
        }
        Ok(())
    }

    /// The path on disk for a file of the upload. Its folder is created.
    fn path_for(&mut self, path: &Path) -> io::Result<PathBuf> {
        if let Some(folder) = path.parent() {
            self.make_folder(folder)?;
        }
        Ok(self.root.join(path))
    }

    /// Removes a file or link of an earlier upload, and folders that are then empty. A path that leads through a link
    /// is not part of the upload, so it stays.
    fn delete(&mut self, path: &Path) -> io::Result<()> {
        let mut at = self.root.to_owned();
        for part in path.parent().into_iter().flat_map(Path::components) {
            at.push(part);
            if !fs::symlink_metadata(&at).is_ok_and(|there| there.is_dir()) {
                return Ok(());
            }
        }
        match fs::remove_file(self.root.join(path)) {
            // A build has put a folder in place of the file.
            Err(error) if is_absent(&error) || error.kind() == io::ErrorKind::IsADirectory => {
                // A folder of the upload is removed when it is empty.
                let _ = fs::remove_dir(self.root.join(path));
            }
            other => other?,
        }
        let mut folder = path.parent();
        while let Some(above) = folder.filter(|above| !above.as_os_str().is_empty()) {
            if fs::remove_dir(self.root.join(above)).is_err() {
                break;
            }
            self.checked.remove(&self.root.join(above));
            folder = above.parent();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_followed_by_its_text() {
        assert_eq!(link_destination("a/b", "../c/./d"), "c/d");
        assert_eq!(link_destination("l", "src"), "src");
    }
}

//! Makes an unpacked upload the source. Nothing goes over a link: every folder on the way is looked at.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::Changes;
use super::manifest::{Known, Manifest, Record, is_absent};
use super::stage::Staged;
use crate::project::{Project, remove};

/// Carries out what was staged, and makes the manifest say so.
pub(super) fn commit(project: &Project, before: &Known, staged: Staged) -> io::Result<Changes> {
    let Staged { mut files, writes, changed, modes, folders } = staged;
    let mut tree = Tree { root: &project.source, real: HashSet::new() };
    let links = tree.differing_links(&files);
    let gone: Vec<String> = before
        .manifest
        .iter()
        .chain(&before.announced)
        .flat_map(|manifest| manifest.files.keys())
        .filter(|path| !files.contains_key(*path))
        .cloned()
        .collect();
    let touched = touch_behind(&links, &mut files, before, &writes);
    let changes = Changes { files: changed + links.len() as u64 + gone.len() as u64 };
    let manifest = Manifest::new(files);
    let settled = before.announced.is_none() && before.manifest.as_ref() == Some(&manifest);
    if settled && writes.is_empty() && modes.is_empty() && gone.is_empty() && links.is_empty() {
        for folder in folders {
            tree.folder(Path::new(&folder))?;
        }
        return Ok(changes);
    }
    manifest.announce(project)?;
    for path in &gone {
        tree.delete(Path::new(path))?;
    }
    for folder in folders {
        tree.folder(Path::new(&folder))?;
    }
    for (staging, path) in &writes {
        let place = tree.place(Path::new(path))?;
        if fs::symlink_metadata(&place).is_ok_and(|there| there.is_dir()) {
            remove(&place)?;
        }
        fs::rename(staging, place)?;
    }
    for (path, target) in &links {
        let place = tree.place(Path::new(path))?;
        remove(&place)?;
        symlink(target, place)?;
    }
    for (path, executable) in &modes {
        let place = tree.place(Path::new(path))?;
        fs::set_permissions(place, fs::Permissions::from_mode(if *executable { 0o755 } else { 0o644 }))?;
    }
    for (path, mtime) in &touched {
        let place = tree.place(Path::new(path))?;
        fs::File::options().write(true).open(place)?.set_modified(super::from_ns(*mtime))?;
    }
    Manifest::settle(project)?;
    Ok(changes)
}

/// Cargo looks at the file behind a link: when a link comes to point elsewhere, what is behind it counts as changed.
fn touch_behind(
    links: &[(String, String)],
    files: &mut BTreeMap<String, Record>,
    before: &Known,
    writes: &[(PathBuf, String)],
) -> Vec<(String, i64)> {
    let known = |path: &str| before.manifest.as_ref().is_some_and(|manifest| manifest.files.contains_key(path));
    let stamp = before.stamp_after(super::now_ns());
    let written: HashSet<&str> = writes.iter().map(|(_, path)| path.as_str()).collect();
    let mut touched = Vec::new();
    for (path, target) in links.iter().filter(|(path, _)| known(path)) {
        let behind = lexical(path, target);
        let below = format!("{behind}/");
        for (path, record) in files.iter_mut() {
            let Record::File { mtime, .. } = record else { continue };
            if (*path == behind || path.starts_with(&below)) && !written.contains(path.as_str()) {
                *mtime = stamp;
                touched.push((path.clone(), stamp));
            }
        }
    }
    touched
}

/// Where a link at `path` points, as text.
fn lexical(path: &str, target: &str) -> String {
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

/// The source on disk, in which a build script may have put links anywhere.
struct Tree<'a> {
    root: &'a Path,
    /// Folders seen to be folders.
    real: HashSet<PathBuf>,
}

impl Tree<'_> {
    /// Links that aren't on disk as they should be.
    fn differing_links(&self, files: &BTreeMap<String, Record>) -> Vec<(String, String)> {
        let wanted = files.iter().filter_map(|(path, record)| match record {
            Record::Link { target } => Some((path.clone(), target.clone())),
            Record::File { .. } | Record::Folder => None,
        });
        wanted
            .filter(|(path, target)| fs::read_link(self.root.join(path)).ok().as_deref() != Some(Path::new(target)))
            .collect()
    }

    /// Makes a folder, and those above it; what is in the way and no folder goes.
    fn folder(&mut self, path: &Path) -> io::Result<()> {
        let mut at = self.root.to_owned();
        for part in path.components() {
            at.push(part);
            if self.real.contains(&at) {
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
            self.real.insert(at.clone());
        }
        Ok(())
    }

    /// Where a file goes; its folder is made.
    fn place(&mut self, path: &Path) -> io::Result<PathBuf> {
        if let Some(folder) = path.parent() {
            self.folder(folder)?;
        }
        Ok(self.root.join(path))
    }

    /// Removes a file or link of an earlier upload, and the folders that are empty then. What isn't reached over real
    /// folders is not of the upload, and stays.
    fn delete(&mut self, path: &Path) -> io::Result<()> {
        let mut at = self.root.to_owned();
        for part in path.parent().into_iter().flat_map(Path::components) {
            at.push(part);
            if !fs::symlink_metadata(&at).is_ok_and(|there| there.is_dir()) {
                return Ok(());
            }
        }
        match fs::remove_file(self.root.join(path)) {
            // A folder has taken its place: a build's.
            Err(error) if is_absent(&error) || error.kind() == io::ErrorKind::IsADirectory => {
                // One that was sent goes when it is empty.
                let _ = fs::remove_dir(self.root.join(path));
            }
            other => other?,
        }
        let mut folder = path.parent();
        while let Some(above) = folder.filter(|above| !above.as_os_str().is_empty()) {
            if fs::remove_dir(self.root.join(above)).is_err() {
                break;
            }
            self.real.remove(&self.root.join(above));
            folder = above.parent();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_points_where_its_text_says() {
        assert_eq!(lexical("a/b", "../c/./d"), "c/d");
        assert_eq!(lexical("l", "src"), "src");
    }
}

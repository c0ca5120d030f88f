//! Removing what is kept of projects between builds.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use protocol::{Outcome, ProjectKey, Request, Status, Stream};

use super::fault::disk;
use super::{Build, Done, Fault};
use crate::Freed;
use crate::project::{Project, remove};

impl Build<'_> {
    /// Removes what is kept of the request's project, or of all the owner's, here and in the cache, and says how much.
    pub(super) async fn clean(&self, request: &Request) -> Result<Done, Fault> {
        let (owner, work) = (&self.attempt.owner, &self.engine.config.work);
        let all = request.details.all_projects;
        let keys = if all {
            keys_in(&work.join("projects").join(owner.as_str()))
                .map_err(|error| disk("look for the projects", &error))?
        } else {
            vec![request.project.clone()]
        };
        let mut freed = Freed::default();
        for key in keys {
            let project = Project::new(work, owner, &key);
            let waiting = self.reporter.clone();
            let lock = project.lock(async move || waiting.status(Status::Waiting).await);
            let lock = self.guarded("waiting for another build of the project", lock).await?;
            let lock = lock.map_err(|error| disk("lock the project's folder", &error))?;
            let removed = self.blocking("removing the project", move |_| {
                clear(&project).map_err(|error| disk("remove the project's folder", &error))
            });
            freed += removed.await?;
            if !all {
                // Under the lock: what a build keeps from now on is not forgotten.
                freed += self.forget(Some(&key)).await?;
            }
            drop(lock);
        }
        if all {
            freed += self.forget(None).await?;
        }
        self.reporter.text(Stream::Stderr, said(freed, request.options.color)).await;
        Ok(Done { outcome: Outcome::Succeeded, exit_code: Some(0), message: None, artifact: None })
    }

    async fn forget(&self, key: Option<&ProjectKey>) -> Result<Freed, Fault> {
        let forgotten = self.guarded("removing the cache", self.attempt.cache.forget(&self.attempt.owner, key)).await?;
        forgotten.map_err(|error| Fault::Crashed(format!("what the cache keeps could not be removed: {error}")))
    }
}

/// The projects whose folders lie here.
fn keys_in(folder: &Path) -> io::Result<Vec<ProjectKey>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    Ok(names.into_iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// Removes a project's folder. Its manifest first: without it the rest, if it should stay, is taken for nobody's.
fn clear(project: &Project) -> io::Result<Freed> {
    let freed = measure(&project.folder)?;
    remove(&project.manifest)?;
    if let Err(error) = remove(&project.folder) {
        if error.kind() != io::ErrorKind::PermissionDenied {
            return Err(error);
        }
        make_removable(&project.folder)?;
        remove(&project.folder)?;
    }
    Ok(freed)
}

/// Files below a folder, each once however many names it has.
fn measure(folder: &Path) -> io::Result<Freed> {
    let mut freed = Freed::default();
    let mut seen = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            // A build script may have closed it; it goes all the same.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let there = entry.metadata()?;
            if there.is_dir() {
                folders.push(entry.path());
            } else if there.nlink() == 1 || seen.insert((there.dev(), there.ino())) {
                freed.files += 1;
                freed.bytes += there.len();
            }
        }
    }
    Ok(freed)
}

/// A build script can make folders that nobody may write to.
fn make_removable(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_removable(&entry.path())?;
        }
    }
    Ok(())
}

/// What `cargo clean` says.
fn said(freed: Freed, color: bool) -> String {
    let (bold, plain) = if color { ("\u{1b}[1m\u{1b}[92m", "\u{1b}[0m") } else { ("", "") };
    let files = if freed.files == 1 { "file" } else { "files" };
    let total = if freed.bytes == 0 { String::new() } else { format!(", {} total", size(freed.bytes)) };
    format!("{bold}     Removed{plain} {} {files}{total}\n", freed.files)
}

/// `1.5MiB`, as cargo writes it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes}B") } else { format!("{value:.1}{}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use protocol::Owner;

    use super::*;

    #[test]
    fn a_project_goes_whole_and_is_counted_once() {
        let work = tempfile::tempdir().unwrap();
        let owner = Owner::default();
        let folder = work.path().join("projects/me/demo-00");
        fs::create_dir_all(folder.join("target/closed/deep")).unwrap();
        fs::write(folder.join("target/a"), [0; 3000]).unwrap();
        fs::hard_link(folder.join("target/a"), folder.join("target/b")).unwrap();
        fs::write(folder.join("manifest.json"), "{}").unwrap();
        fs::set_permissions(folder.join("target/closed"), fs::Permissions::from_mode(0o500)).unwrap();
        fs::create_dir(work.path().join("projects/me/no.key")).unwrap();
        let keys = keys_in(&work.path().join("projects/me")).unwrap();
        assert_eq!(keys.iter().map(ProjectKey::as_str).collect::<Vec<_>>(), ["demo-00"]);
        let project = Project::new(work.path(), &owner, &keys[0]);
        assert_eq!(clear(&project).unwrap(), Freed { files: 2, bytes: 3002 });
        assert!(!folder.exists());
        assert_eq!(clear(&project).unwrap(), Freed::default());
        assert!(keys_in(&work.path().join("projects/nobody")).unwrap().is_empty());
    }

    #[test]
    fn it_is_said_in_cargos_words() {
        assert_eq!(said(Freed { files: 1, bytes: 5 }, false), "     Removed 1 file, 5B total\n");
        assert_eq!(said(Freed { files: 20, bytes: 3 << 20 }, false), "     Removed 20 files, 3.0MiB total\n");
        assert_eq!(said(Freed::default(), false), "     Removed 0 files\n");
        assert!(said(Freed::default(), true).starts_with("\u{1b}[1m\u{1b}[92m     Removed\u{1b}[0m 0"));
    }
}

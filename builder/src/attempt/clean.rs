//! `cargo cloud clean`: removes what is kept of projects between builds.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use protocol::{Outcome, ProjectKey, Request, Status, Stream};

use super::error::disk_error;
use super::{AttemptError, AttemptRun, CargoOutcome, FinishedBuild};
use crate::Freed;
use crate::project::{ProjectFolder, remove};

impl AttemptRun<'_> {
    /// Removes everything that is kept of the request's project, or of all the owner's projects, on this machine and in
    /// the cache, and prints how much that was.
    pub(super) async fn clean(&self, request: &Request) -> Result<FinishedBuild, AttemptError> {
        let (owner, work) = (&self.attempt.owner, &self.engine.config.work);
        let all = request.details.all_projects;
        let keys = if all {
            projects_in(&work.join("projects").join(owner.as_str()))
                .map_err(|error| disk_error("list the projects", &error))?
        } else {
            vec![request.project.clone()]
        };
        let mut freed = Freed::default();
        for key in keys {
            let project = ProjectFolder::new(work, owner, &key);
            let waiting = self.reporter.clone();
            let lock = project.lock(async move || waiting.status(Status::Waiting).await);
            let lock = self.guarded("waiting for another build of the project", lock).await?;
            let lock = lock.map_err(|error| disk_error("lock the project's folder", &error))?;
            let removed = self.blocking("removing the project", move |_| {
                remove_project(&project).map_err(|error| disk_error("remove the project's folder", &error))
            });
            freed += removed.await?;
            if !all {
                // Still locked, so that nothing a later build saves is removed.
                freed += self.clear_cache(Some(&key)).await?;
            }
            drop(lock);
        }
        if all {
            freed += self.clear_cache(None).await?;
        }
        self.reporter.text(Stream::Stderr, summary(freed, request.options.color)).await;
        let outcome = CargoOutcome { outcome: Outcome::Succeeded, exit_code: Some(0), message: None };
        Ok(FinishedBuild { outcome, artifact: None })
    }

    async fn clear_cache(&self, key: Option<&ProjectKey>) -> Result<Freed, AttemptError> {
        let forgotten = self.guarded("removing the cache", self.attempt.cache.forget(&self.attempt.owner, key)).await?;
        forgotten.map_err(|error| AttemptError::Crashed(format!("the backend could not remove the cache: {error}")))
    }
}

/// The keys of the projects that have a folder in `folder`.
fn projects_in(folder: &Path) -> io::Result<Vec<ProjectKey>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    Ok(names.into_iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// Removes a project's folder. The manifest goes first: if the rest can't be removed, no later build trusts it.
fn remove_project(project: &ProjectFolder) -> io::Result<Freed> {
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

/// Counts the files below a folder; one with several hard links counts once.
fn measure(folder: &Path) -> io::Result<Freed> {
    let mut freed = Freed::default();
    let mut seen = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            // A build script may have made it unreadable; it is removed all the same.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.nlink() == 1 || seen.insert((metadata.dev(), metadata.ino())) {
                freed.files += 1;
                freed.bytes += metadata.len();
            }
        }
    }
    Ok(freed)
}

/// Makes every folder writable, because a build script can leave some that aren't.
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

/// The line that `cargo clean` prints at its end.
fn summary(freed: Freed, color: bool) -> String {
    let (bold, plain) = if color { ("\u{1b}[1m\u{1b}[92m", "\u{1b}[0m") } else { ("", "") };
    let files = if freed.files == 1 { "file" } else { "files" };
    let total = if freed.bytes == 0 { String::new() } else { format!(", {} total", human_size(freed.bytes)) };
    format!("{bold}     Removed{plain} {} {files}{total}\n", freed.files)
}

/// A size in bytes in cargo's notation, such as `1.5MiB`.
fn human_size(bytes: u64) -> String {
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
    fn a_project_is_removed_whole_and_each_file_counts_once() {
        let work = tempfile::tempdir().unwrap();
        let owner = Owner::default();
        let folder = work.path().join("projects/me/demo-00");
        fs::create_dir_all(folder.join("target/closed/deep")).unwrap();
        fs::write(folder.join("target/a"), [0; 3000]).unwrap();
        fs::hard_link(folder.join("target/a"), folder.join("target/b")).unwrap();
        fs::write(folder.join("manifest.json"), "{}").unwrap();
        fs::set_permissions(folder.join("target/closed"), fs::Permissions::from_mode(0o500)).unwrap();
        fs::create_dir(work.path().join("projects/me/no.key")).unwrap();
        let keys = projects_in(&work.path().join("projects/me")).unwrap();
        assert_eq!(keys.iter().map(ProjectKey::as_str).collect::<Vec<_>>(), ["demo-00"]);
        let project = ProjectFolder::new(work.path(), &owner, &keys[0]);
        assert_eq!(remove_project(&project).unwrap(), Freed { files: 2, bytes: 3002 });
        assert!(!folder.exists());
        assert_eq!(remove_project(&project).unwrap(), Freed::default());
        assert!(projects_in(&work.path().join("projects/nobody")).unwrap().is_empty());
    }

    #[test]
    fn the_summary_reads_like_cargos() {
        assert_eq!(summary(Freed { files: 1, bytes: 5 }, false), "     Removed 1 file, 5B total\n");
        assert_eq!(summary(Freed { files: 20, bytes: 3 << 20 }, false), "     Removed 20 files, 3.0MiB total\n");
        assert_eq!(summary(Freed::default(), false), "     Removed 0 files\n");
        assert!(summary(Freed::default(), true).starts_with("\u{1b}[1m\u{1b}[92m     Removed\u{1b}[0m 0"));
    }
}

//! Records when each project was last built, so that the folders of unused projects can be removed.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use builder::{Cache, CachedProject, Freed};
use protocol::{Owner, ProjectKey};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::files;
use crate::objects::blocking;

/// The engine's cache of projects on this machine. Project folders stay where they are; only the time of each use is
/// recorded.
#[derive(Debug)]
pub(super) struct Projects {
    notes: PathBuf,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct LastBuilt {
    owner: String,
    project: String,
    folder: PathBuf,
}

/// A project that was not built for a long time, so its folder can be removed.
#[derive(Debug)]
pub(super) struct UnusedProject {
    note: LastBuilt,
    path: PathBuf,
}

impl fmt::Display for UnusedProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.note.owner, self.note.project)
    }
}

impl Projects {
    /// Creates a cache that keeps its notes in this folder.
    pub fn new(notes: PathBuf) -> Self {
        Self { notes }
    }

    async fn note(&self, project: &CachedProject) -> io::Result<()> {
        let note = LastBuilt {
            owner: project.owner.to_string(),
            project: project.key.to_string(),
            folder: project.folder.clone(),
        };
        let path = self.notes.join(name_of(&note.owner, &note.project));
        blocking(move || files::write_atomically(&path, &serde_json::to_vec(&note)?)).await
    }

    /// Projects that were last built before `since`.
    pub async fn unused(&self, since: SystemTime) -> io::Result<Vec<UnusedProject>> {
        let notes = self.notes.clone();
        blocking(move || {
            let mut unused = Vec::new();
            for entry in notes.read_dir()? {
                let entry = entry?;
                if entry.metadata()?.modified()? < since
                    && let Ok(note) = serde_json::from_slice(&std::fs::read(entry.path())?)
                {
                    unused.push(UnusedProject { note, path: entry.path() });
                }
            }
            Ok(unused)
        })
        .await
    }
}

#[async_trait::async_trait]
impl Cache for Projects {
    /// The engine calls this at the start of every build, so the use is recorded here. There is never more to restore.
    async fn has_more(&self, project: &CachedProject) -> bool {
        if let Err(error) = self.note(project).await {
            warn!(project = %project.key, %error, "the time of the project's build can't be noted");
        }
        false
    }

    async fn restore(&self, _: &CachedProject) -> io::Result<()> {
        Ok(())
    }

    async fn save(&self, project: &CachedProject) -> io::Result<()> {
        self.note(project).await
    }

    async fn time_to_save(&self, _: &CachedProject) -> Duration {
        Duration::ZERO
    }

    /// Removes only notes, whose size is not counted, so it always reports that nothing was freed.
    async fn forget(&self, owner: &Owner, project: Option<&ProjectKey>) -> io::Result<Freed> {
        let (notes, beginning) = (self.notes.clone(), name_of(owner.as_str(), project.map_or("", ProjectKey::as_str)));
        let whole = project.is_some();
        blocking(move || {
            for entry in notes.read_dir()? {
                let entry = entry?;
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if if whole { *name == *beginning } else { name.starts_with(&beginning) } {
                    files::remove_if_there(&entry.path())?;
                }
            }
            Ok(Freed::default())
        })
        .await
    }
}

/// File name of a project's note. It is unambiguous, because neither an owner nor a project key contains a dot.
fn name_of(owner: &str, project: &str) -> String {
    format!("{owner}.{project}")
}

impl UnusedProject {
    /// Whether a build with this owner and metadata belongs to this project.
    pub fn is_of(&self, owner: &Owner, metadata: &BTreeMap<String, String>) -> bool {
        owner.as_str() == self.note.owner && metadata.get("project") == Some(&self.note.project)
    }

    /// Moves the project's folder into `folder`, where the caller removes it, and returns its new path.
    pub async fn set_aside(&self, folder: &Path) -> io::Result<PathBuf> {
        let (from, note) = (self.note.folder.clone(), self.path.clone());
        let aside = folder.join(format!("unused.{}.{}", self.note.owner, self.note.project));
        blocking(move || {
            files::remove_folder_if_there(&aside)?;
            match std::fs::rename(from, &aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => files::remove_if_there(&note)?,
            }
            Ok(aside)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_project_that_was_not_built_for_a_long_time_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let (notes, aside) = (folder.path().join("notes"), folder.path().join("aside"));
        std::fs::create_dir(&notes).unwrap();
        std::fs::create_dir(&aside).unwrap();
        let project = CachedProject {
            owner: Owner::default(),
            key: "demo-00".parse().unwrap(),
            folder: folder.path().join("project"),
        };
        std::fs::create_dir_all(project.folder.join("target")).unwrap();
        let projects = Projects::new(notes);
        assert!(!projects.has_more(&project).await);

        let hour = Duration::from_secs(3600);
        assert!(projects.unused(SystemTime::now() - hour).await.unwrap().is_empty());
        let unused = projects.unused(SystemTime::now() + hour).await.unwrap();
        let metadata = |key: &str| BTreeMap::from([("project".to_owned(), key.to_owned())]);
        assert!(unused[0].is_of(&Owner::default(), &metadata("demo-00")));
        assert!(!unused[0].is_of(&Owner::default(), &metadata("demo-01")));
        assert!(!unused[0].is_of(&"other".parse().unwrap(), &metadata("demo-00")));
        let moved = unused[0].set_aside(&aside).await.unwrap();
        assert!(moved.join("target").exists() && !project.folder.exists());
        assert!(projects.unused(SystemTime::now() + hour).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn forgetting_removes_only_the_notes_of_one_owner() {
        let folder = tempfile::tempdir().unwrap();
        let projects = Projects::new(folder.path().to_owned());
        for (owner, key) in [("me", "a-00"), ("me", "b-00"), ("me2", "a-00")] {
            let (owner, key) = (owner.parse().unwrap(), key.parse().unwrap());
            projects.save(&CachedProject { owner, key, folder: folder.path().to_owned() }).await.unwrap();
        }
        let left = || folder.path().read_dir().unwrap().count();
        projects.forget(&Owner::default(), Some(&"a-00".parse().unwrap())).await.unwrap();
        assert_eq!(left(), 2);
        projects.forget(&Owner::default(), None).await.unwrap();
        assert_eq!(left(), 1);
    }
}

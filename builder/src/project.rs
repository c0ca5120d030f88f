//! A project's folder: where its parts lie, its lock, and keeping strangers' files out of what cargo reads.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::{Owner, ProjectKey};

/// How often a held lock is tried again.
const LOCK_POLL: Duration = Duration::from_millis(25);

/// Names that cargo and rustup obey in every folder above a project.
const OBEYED: [&str; 4] = ["Cargo.toml", ".cargo", "rust-toolchain", "rust-toolchain.toml"];

/// Where the parts of a project lie. Its path is the same for every build of the project, because cargo rebuilds what
/// moved.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// The folder of all of it.
    pub folder: PathBuf,
    /// The unpacked source.
    pub source: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
    /// What the last upload was.
    pub manifest: PathBuf,
    /// Files of an upload before they go to `source`.
    pub staging: PathBuf,
    /// What was last built, packed.
    pub artifact: PathBuf,
    /// What `artifact` was packed from.
    pub artifact_origin: PathBuf,
    /// What `--artifact-dir` names, empty at the beginning of a build.
    pub artifact_dir: PathBuf,
    /// Where `cargo install` installs to: the device's install root, as far as cargo needs to know it.
    pub root: PathBuf,
    /// `HOME` of builds.
    pub home: PathBuf,
    /// `TMPDIR` of a build, gone when it ends.
    pub tmp: PathBuf,
    lock: PathBuf,
    above: Vec<PathBuf>,
}

/// The right to use a project's folder, among all threads and processes of the machine.
#[derive(Debug)]
pub(crate) struct ProjectLock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

impl Project {
    /// The project `key` of `owner` below `work`.
    pub fn new(work: &Path, owner: &Owner, key: &ProjectKey) -> Self {
        let projects = work.join("projects");
        let of_owner = projects.join(owner.as_str());
        let folder = of_owner.join(key.as_str());
        Self {
            source: folder.join("source"),
            target: folder.join("target"),
            manifest: folder.join("manifest.json"),
            staging: folder.join("staging"),
            artifact: folder.join("artifact.zip"),
            artifact_origin: folder.join("artifact.json"),
            artifact_dir: folder.join("artifact-dir"),
            root: folder.join("root"),
            home: folder.join("home"),
            tmp: folder.join("tmp"),
            lock: work.join("locks").join(format!("{owner}.{key}.lock")),
            above: vec![projects, of_owner, folder.clone()],
            folder,
        }
    }

    /// Waits for the project's lock; `on_wait` is called once if it is held by another.
    pub async fn lock(&self, on_wait: impl AsyncFnOnce()) -> io::Result<ProjectLock> {
        if let Some(folder) = self.lock.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options().create(true).truncate(false).write(true).open(&self.lock)?;
        let mut on_wait = Some(on_wait);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(ProjectLock(file)),
                Err(TryLockError::WouldBlock) => {
                    if let Some(on_wait) = on_wait.take() {
                        on_wait().await;
                    }
                    tokio::time::sleep(LOCK_POLL).await;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Makes the folders of a build, empties the temporary one, and removes whatever an earlier build script may have
    /// planted above the source for cargo or rustup to obey. Only in folders that are the engine's for certain; further up
    /// the environment keeps cargo from looking ([`crate::environment`]).
    pub fn prepare(&self) -> io::Result<()> {
        for folder in [&self.folder, &self.source, &self.home] {
            real_folder(folder)?;
        }
        // Cargo makes it, with the marks it gives to one of its own; a link in its place would lead elsewhere.
        if fs::symlink_metadata(&self.target).is_ok_and(|there| !there.is_dir()) {
            fs::remove_file(&self.target)?;
        }
        remove(&self.tmp)?;
        remove(&self.staging)?;
        remove(&self.artifact_dir)?;
        remove(&self.root)?;
        fs::create_dir(&self.tmp)?;
        for folder in &self.above {
            for name in OBEYED {
                remove(&folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Removes what was built. On a disk that is full this makes the room without which no further build could begin.
    pub fn discard_built(&self) -> io::Result<()> {
        remove(&self.target)?;
        remove(&self.artifact)?;
        remove(&self.artifact_origin)
    }

    /// Removes what a build needs no longer than it runs.
    pub fn tidy(&self) -> io::Result<()> {
        remove(&self.tmp)?;
        remove(&self.staging)
    }
}

/// Makes `folder` a folder, and not a link to one.
fn real_folder(folder: &Path) -> io::Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => {
            fs::remove_file(folder)?;
            fs::create_dir(folder)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(folder),
        Err(error) => Err(error),
    }
}

/// Removes a file, a link or a whole folder; nothing there is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes from the builds' common `CARGO_HOME` whatever cargo would obey, but for what the backend wants there.
pub(crate) fn clean_cargo_home(home: &Path, config: Option<&Path>) -> io::Result<()> {
    // `cargo install` reads its configuration as from a folder in here.
    for name in ["config", "credentials", "credentials.toml", ".cargo"] {
        remove(&home.join(name))?;
    }
    let ours = home.join("config.toml");
    match config.map(std::fs::read).transpose()? {
        Some(wanted) if std::fs::read(&ours).ok().as_deref() == Some(&wanted) => Ok(()),
        Some(wanted) => {
            remove(&ours)?;
            std::fs::write(ours, wanted)
        }
        None => remove(&ours),
    }
}

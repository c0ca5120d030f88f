//! A project's folder on the builder: its parts, its lock, and the removal of files that an earlier build left for cargo to
//! obey.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::{Owner, ProjectKey};

/// How often a lock that is held is tried again.
const LOCK_POLL: Duration = Duration::from_millis(25);

/// Names of the files and folders above a project that cargo and rustup obey.
const OBEYED: [&str; 4] = ["Cargo.toml", ".cargo", "rust-toolchain", "rust-toolchain.toml"];

/// The paths of a project's parts. They are the same for every build of the project, because cargo rebuilds what has
/// moved.
#[derive(Debug, Clone)]
pub(crate) struct ProjectFolder {
    /// The folder that contains all the others.
    pub folder: PathBuf,
    /// Folder of the unpacked source.
    pub source: PathBuf,
    /// The target directory of all builds.
    pub target: PathBuf,
    /// File that records the last upload.
    pub manifest: PathBuf,
    /// Folder for the files of an upload before they are moved to `source`.
    pub staging: PathBuf,
    /// The last build's artifact, kept for reuse.
    pub artifact: PathBuf,
    /// File that records what `artifact` was packed from.
    pub artifact_inputs: PathBuf,
    /// Folder that cargo gets as `--artifact-dir`, empty when a build begins.
    pub artifact_dir: PathBuf,
    /// Install root of `cargo install`: a stand-in for the device's own.
    pub root: PathBuf,
    /// Folder that builds get as `HOME`.
    pub home: PathBuf,
    /// Folder that a build gets as `TMPDIR`; removed when the build ends.
    pub tmp: PathBuf,
    lock: PathBuf,
    above: Vec<PathBuf>,
}

/// Exclusive use of a project's folder, among all threads and processes of the machine. Dropping it unlocks the folder.
#[derive(Debug)]
pub(crate) struct ProjectLock(#[expect(dead_code, reason = "closing the file unlocks it")] File);

impl ProjectFolder {
    /// The paths of the owner's project `key` below `work`, the engine's folder. Creates nothing.
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
            artifact_inputs: folder.join("artifact.json"),
            artifact_dir: folder.join("artifact-dir"),
            root: folder.join("root"),
            home: folder.join("home"),
            tmp: folder.join("tmp"),
            lock: work.join("locks").join(format!("{owner}.{key}.lock")),
            above: vec![projects, of_owner, folder.clone()],
            folder,
        }
    }

    /// Waits for the project's lock. `on_wait` is called once if another build holds it.
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

    /// Creates the folders of a build, empties the temporary ones, and removes files above the source that an earlier build
    /// script may have planted for cargo or rustup to obey. It does so only in folders of the engine; the environment
    /// keeps cargo from looking any higher ([`crate::environment`]).
    pub fn prepare(&self) -> io::Result<()> {
        for folder in [&self.folder, &self.source, &self.home] {
            real_folder(folder)?;
        }
        // Cargo creates the folder, with the files that mark it as a target directory. A link would lead elsewhere.
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

    /// Removes everything that was built. On a full disk this frees the space that the next build needs to begin.
    pub fn discard_built(&self) -> io::Result<()> {
        remove(&self.target)?;
        remove(&self.artifact)?;
        remove(&self.artifact_inputs)
    }

    /// Removes what only a running build needs.
    pub fn tidy(&self) -> io::Result<()> {
        remove(&self.tmp)?;
        remove(&self.staging)
    }
}

/// Creates a folder. Replaces a symbolic link or a file of that name.
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

/// Removes a file, a symbolic link or a whole folder, if it exists.
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

/// Removes from `CARGO_HOME`, which all builds share, every file that cargo would obey. `config` is the backend's own
/// configuration file, which becomes the `config.toml`.
pub(crate) fn clean_cargo_home(home: &Path, config: Option<&Path>) -> io::Result<()> {
    // `cargo install` also obeys a `.cargo` folder in its home.
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

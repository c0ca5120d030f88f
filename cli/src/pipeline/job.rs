//! A job: one build that this device asks for, of a project here or of crates from elsewhere.

use std::ffi::OsString;
use std::path::PathBuf;

use protocol::{BuildId, Command, Request, SOURCE_URL, file_url, move_source};

use super::pack::ProjectSource;
use super::plan::Workspace;
use super::session::Session;
use crate::builds::BuildRecord;
use crate::follow::{DevicePaths, FollowedBuild};
use crate::install::{InstallRoot, Installation, InstalledSnapshot};

/// One build that this device asks for.
pub struct BuildJob {
    /// What the builder is asked to do.
    pub request: Request,
    /// The folder in which the command was typed.
    pub cwd: PathBuf,
    /// What the user should know before anything is sent, a line each.
    pub notes: Vec<String>,
    /// The project whose source is sent; none if only the request is sent.
    pub workspace: Option<Workspace>,
    /// Where the files of the artifact go.
    pub placement: Placement,
    /// What was installed when an installation was requested; none for other commands.
    pub snapshot: Option<InstalledSnapshot>,
    /// Whether the repository's last commit is sent with the source.
    pub with_git: bool,
    /// Whether the documentation is opened in a browser in the end.
    pub open_documentation: bool,
}

/// Where the files of an artifact go on this device.
pub struct Placement {
    /// Cargo's target directory, for what isn't installed.
    pub target_dir: PathBuf,
    /// The folder of `--artifact-dir`, for copies of what was built.
    pub artifact_dir: Option<PathBuf>,
    /// Where programs are installed; none if they go into the target directory.
    pub install: Option<InstallPlacement>,
}

/// Where the programs of a job are installed.
pub struct InstallPlacement {
    /// The install root, with `bin` and cargo's records.
    pub root: InstallRoot,
    /// Whether programs of other packages, or of none, are overwritten.
    pub force: bool,
}

impl BuildJob {
    /// Whether `cargo install` runs on the builder. Its programs come with cargo's own records.
    pub fn is_installation(&self) -> bool {
        self.request.command == Command::Install
    }

    /// Checks what can be checked before anything is sent, prints the notes, and adds to the request what is installed.
    ///
    /// # Errors
    /// If the backend doesn't build for a target, or the programs could not be installed in the end.
    pub fn prepare(&mut self, session: &Session) -> anyhow::Result<()> {
        if let Some(install) = &self.placement.install {
            install.root.check_writable()?;
        }
        self.notes.iter().for_each(|note| session.shell.note(note));
        if self.is_installation()
            && let Some(install) = &self.placement.install
        {
            let snapshot = InstalledSnapshot::read(&Installation::open(session.shell, &install.root)?);
            self.request_with(snapshot)?;
        }
        Ok(())
    }

    /// Adds to the request what is installed: cargo, on the builder, decides by it what is up to date.
    fn request_with(&mut self, snapshot: InstalledSnapshot) -> anyhow::Result<()> {
        let Some(install) = &mut self.request.details.install else { return Ok(()) };
        let mut installed = snapshot.to_request();
        if let Some(workspace) = &self.workspace {
            let top = file_url(&workspace.project.top.to_string_lossy());
            for text in [&mut installed.crates_toml, &mut installed.crates2_json] {
                *text = move_source(text, &top, SOURCE_URL);
            }
        }
        install.installed = installed;
        install.check()?;
        self.snapshot = Some(snapshot);
        Ok(())
    }

    /// Installs the programs into `root`, whatever the command would have done.
    pub fn install_into(&mut self, root: InstallRoot) {
        let force = self.placement.install.as_ref().is_some_and(|install| install.force);
        self.placement.install = Some(InstallPlacement { root, force });
    }

    /// The source to send; `None` if only the request is sent.
    ///
    /// # Errors
    /// If the repository's commit can't be read.
    pub fn source(&self) -> anyhow::Result<Option<ProjectSource<'_>>> {
        let source = self.workspace.as_ref().map(|workspace| ProjectSource::of_workspace(workspace, self.with_git));
        source.transpose()
    }

    /// The build to follow, with the device's folders for its output.
    pub fn followed_build(&self, session: &Session, build: &BuildId) -> FollowedBuild {
        FollowedBuild {
            paths: self.device_paths(),
            json: self.request.options.message_format.iter().any(|format| format.starts_with("json")),
            ..session.followed_build(build)
        }
    }

    fn device_paths(&self) -> DevicePaths {
        let paths = self.workspace.as_ref().map(Workspace::device_paths).unwrap_or_default();
        let Some(install) = self.placement.install.as_ref().filter(|_| self.is_installation()) else { return paths };
        DevicePaths {
            // An installation from elsewhere has a target directory here only for its timing report.
            target: paths
                .target
                .or_else(|| Some(self.placement.target_dir.clone()).filter(|_| self.request.options.timings)),
            root: Some(install.root.folder().to_path_buf()),
            cwd: None,
            source: paths.source,
        }
    }

    /// What another process of this device needs to end the build as its own command would have. `words` are the command
    /// line.
    pub fn record(&self, build: &BuildId, backend: &str, words: &[OsString]) -> BuildRecord {
        let project_root = self.workspace.as_ref().map(|workspace| workspace.project.root.clone());
        BuildRecord {
            cwd: self.cwd.clone(),
            root: project_root.unwrap_or_default(),
            target_dir: self.placement.target_dir.clone(),
            install_root: self.placement.install.as_ref().map(|install| install.root.folder().to_owned()),
            targets: self.request.options.target.clone(),
            device: self.request.details.device.clone(),
            lock_sha256: self.request.details.lock_sha256.clone(),
            installed: self.snapshot.as_ref().map(InstalledSnapshot::to_request),
            ..BuildRecord::new(build.clone(), backend, words)
        }
    }
}

//! Delivers what a build made: downloads the artifact, checks it, and puts its files where they belong.

mod download;
mod install;
mod program;
mod target_dir;

use std::path::{Path, PathBuf};

use anyhow::bail;
use protocol::{ArtifactFile, ArtifactInfo, BuildResult, BuildSettings, Command, FileKind, Outcome, keys};

pub use download::download;
pub use install::{Installer, RecordSource};
pub use program::{ArtifactProgram, PlacedProgram, check_targets};

use super::job::{BuildJob, InstallPlacement};
use super::session::Session;
use crate::install::{Artifact, unpacked, write_back};
use crate::terminal::Shell;

/// More files than this are counted instead of listed.
const LISTED_FILES: usize = 20;

/// The programs that were put into the target directory.
#[derive(Debug, Default)]
pub struct DeliveredPrograms {
    /// Whether this device runs them: the builder could not.
    pub run_on_device: bool,
    /// The programs, in the order of the artifact.
    pub programs: Vec<PlacedProgram>,
}

/// Delivers the artifact of a build, if it made one. A build that failed may still have made a `Cargo.lock`, and an
/// installation of several crates some of the programs.
///
/// # Errors
/// If the artifact can't be downloaded or is damaged, or a file can't be put in its place.
pub fn deliver(session: &Session, job: &BuildJob, result: &BuildResult) -> anyhow::Result<DeliveredPrograms> {
    let delivery = ArtifactDelivery { session, job };
    let succeeded = result.outcome == Outcome::Succeeded;
    match &result.artifact {
        Some(info) => delivery.run(&keys::artifact(&session.backend.owner, &result.id), info, succeeded),
        None => {
            if succeeded && job.placement.install.is_some() && !job.is_installation() {
                note_nothing_to_install(session.shell);
            }
            Ok(DeliveredPrograms::default())
        }
    }
}

/// The artifact of a job on its way to this device.
struct ArtifactDelivery<'a> {
    session: &'a Session<'a>,
    job: &'a BuildJob,
}

impl ArtifactDelivery<'_> {
    fn run(&self, key: &str, info: &ArtifactInfo, succeeded: bool) -> anyhow::Result<DeliveredPrograms> {
        if succeeded
            && self.may_be_unchanged()
            && let Some(files) = unpacked::unchanged_files(&self.job.placement.target_dir, &self.layout_of(info))
        {
            self.report("Unchanged", &files);
            return Ok(DeliveredPrograms::default());
        }
        let mut artifact = download(self.session, key, info, &self.download_folder()?)?;
        let manifest = artifact.manifest().clone();
        self.write_lock_file(&mut artifact, &manifest.files)?;
        if !succeeded && !self.job.is_installation() {
            return Ok(DeliveredPrograms::default());
        }
        let programs = ArtifactProgram::all(&manifest);
        let targets: Vec<String> = self.job.request.targets().map(str::to_owned).collect();
        check_targets(&programs, &targets)?;
        self.copy_to_artifact_dir(&mut artifact, &manifest.files)?;
        let mut files = self.place_files(&mut artifact, &manifest.files)?;
        if self.job.request.command == Command::Build {
            self.report("Created", &files);
        }
        if let Some(install) = &self.job.placement.install {
            self.install(&mut artifact, &programs, install)?;
            return Ok(DeliveredPrograms { run_on_device: manifest.run_on_device, programs: Vec::new() });
        }
        let programs = self.place_programs(&mut artifact, programs)?;
        let mut placed: Vec<PathBuf> = programs.iter().map(|program| program.path.clone()).collect();
        // A program that runs, or is listed, is named then.
        if !self.job.request.command.executes() {
            self.report("Created", &placed);
        }
        placed.append(&mut files);
        self.remember(info, &manifest.files, &placed);
        Ok(DeliveredPrograms { run_on_device: manifest.run_on_device, programs })
    }

    /// Installs the programs that the command is for.
    fn install(
        &self,
        artifact: &mut Artifact,
        programs: &[ArtifactProgram],
        install: &InstallPlacement,
    ) -> anyhow::Result<()> {
        let (job, request) = (self.job, &self.job.request);
        let track = !request.details.install.as_ref().is_some_and(|install| install.no_track);
        let chosen = if job.is_installation() { programs.to_vec() } else { self.chosen_programs(programs)? };
        if chosen.is_empty() {
            if !job.is_installation() {
                note_nothing_to_install(self.session.shell);
            }
            return Ok(());
        }
        Installer {
            session: self.session,
            root: &install.root,
            force: install.force,
            records: match (job.is_installation(), track) {
                (true, true) => RecordSource::CargoInstall,
                (true, false) => RecordSource::None,
                (false, _) => RecordSource::Manifest,
            },
            snapshot: job.snapshot.as_ref(),
            source: job.workspace.as_ref().map(|workspace| workspace.project.top.to_string_lossy().into_owned()),
            settings: BuildSettings::of(request),
        }
        .install(artifact, &chosen)
    }

    /// The programs of a build that are installed: binaries, and examples if they were asked for, of one package.
    fn chosen_programs(&self, programs: &[ArtifactProgram]) -> anyhow::Result<Vec<ArtifactProgram>> {
        let options = &self.job.request.options;
        let examples = options.examples || !options.example.is_empty();
        let is_chosen = |program: &&ArtifactProgram| program.kind == "bin" || (examples && program.kind == "example");
        let chosen: Vec<ArtifactProgram> = programs.iter().filter(is_chosen).cloned().collect();
        let named = !options.package.is_empty() || !options.bin.is_empty() || !options.example.is_empty();
        if !named && chosen.windows(2).any(|pair| pair[0].package != pair[1].package) {
            let list: Vec<_> =
                chosen.iter().map(|program| format!("  {} of {}", program.name, program.package.name)).collect();
            bail!(
                "several packages have binaries; choose one with -p PACKAGE or --bin NAME:\n{}\n\
                 (everything is built already, so that is quick)",
                list.join("\n")
            );
        }
        if chosen.windows(2).any(|pair| pair[0].triple != pair[1].triple) {
            bail!("programs for several targets can't be installed into one folder; use one --target, or --no-install");
        }
        Ok(chosen)
    }

    fn write_lock_file(&self, artifact: &mut Artifact, files: &[ArtifactFile]) -> anyhow::Result<()> {
        let Some(workspace) = &self.job.workspace else { return Ok(()) };
        let Some(file) = files.iter().find(|file| file.kind == FileKind::Lock) else { return Ok(()) };
        let root = &workspace.project.root;
        if !write_back(artifact, file, root, self.job.request.details.lock_sha256.as_deref())? {
            self.session.shell.warn(format!(
                "`{}` changed while the build ran, so it isn't replaced by the builder's",
                root.join("Cargo.lock").display()
            ));
        }
        Ok(())
    }

    /// Whether the artifact may be in the target directory already. Programs that this device runs are named only by the
    /// artifact itself.
    fn may_be_unchanged(&self) -> bool {
        let placement = &self.job.placement;
        let only_target_dir = placement.install.is_none() && placement.artifact_dir.is_none();
        only_target_dir && !self.job.request.command.executes()
    }

    /// Remembers that the artifact is in the target directory now.
    fn remember(&self, info: &ArtifactInfo, files: &[ArtifactFile], placed: &[PathBuf]) {
        // A lock file may have to be written again, though the artifact is the same.
        if !self.may_be_unchanged() || files.iter().any(|file| file.kind == FileKind::Lock) {
            return;
        }
        let folder = &self.job.placement.target_dir;
        if let Err(error) = unpacked::record(folder, &self.layout_of(info), placed) {
            let folder = folder.display();
            self.session.shell.warn(format!("could not record in `{folder}` which artifact it holds: {error}"));
        }
    }

    /// Identifies the artifact and the layout in which it is unpacked: with or without a folder for the target.
    fn layout_of(&self, info: &ArtifactInfo) -> String {
        let layout = if self.job.request.options.target.is_empty() { "host" } else { "target" };
        format!("{} {layout}", info.sha256)
    }

    /// Prints what became of some files.
    fn report(&self, word: &str, files: &[PathBuf]) {
        let shell = self.session.shell;
        if files.len() > LISTED_FILES {
            let folder = self.relative(&self.job.placement.target_dir);
            shell.status(word, format!("{} files in {folder}", files.len()));
        } else {
            files.iter().for_each(|file| shell.status(word, self.relative(file)));
        }
    }

    /// A path as the user sees it from where the command was typed.
    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.job.cwd).unwrap_or(path).display().to_string()
    }
}

fn note_nothing_to_install(shell: &Shell) {
    shell.note("there is nothing to install: the build made no binaries; `--no-install` puts libraries into the target directory");
}

//! Puts files and programs where cargo would have left them: into the target directory and the folder of `--artifact-dir`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use protocol::{ArtifactFile, Command, FileKind};

use super::ArtifactDelivery;
use super::program::{ArtifactProgram, PlacedProgram, file_name};
use crate::install::{Artifact, StagedFile, below};
use crate::storage::StorageError;

/// The tag by which cargo marks a target directory, for backup programs and for our own packing.
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by cargo.
# For information about cache directory tags see https://bford.info/cachedir/
";

impl ArtifactDelivery<'_> {
    /// The folder into which the artifact is downloaded: where most of it goes, so that unpacking needs no other disk.
    pub(super) fn download_folder(&self) -> anyhow::Result<PathBuf> {
        if let Some(install) = &self.job.placement.install {
            return Ok(install.root.bin());
        }
        match &self.job.workspace {
            // Commands that only look leave no target directory behind.
            Some(workspace) if self.makes_no_files() => Ok(workspace.project.root.clone()),
            _ => {
                let folder = &self.job.placement.target_dir;
                make_target_dir(folder)?;
                Ok(folder.clone())
            }
        }
    }

    /// Whether nothing but a lock file can come back.
    fn makes_no_files(&self) -> bool {
        let only_checks = matches!(self.job.request.command, Command::Check | Command::Clippy | Command::Fmt);
        only_checks && !self.job.request.options.timings
    }

    /// The path of an artifact's file on this device: as cargo here would have it, with a folder for the triple only if a
    /// target was chosen.
    fn path_of(&self, path: &str) -> PathBuf {
        let request = &self.job.request;
        let device = request.details.device.as_deref().filter(|_| request.options.target.is_empty());
        let path = device.and_then(|triple| path.strip_prefix(triple)?.strip_prefix('/')).unwrap_or(path);
        below(&self.job.placement.target_dir, path)
    }

    /// Puts programs into the target directory, all or none of them.
    pub(super) fn place_programs(
        &self,
        artifact: &mut Artifact,
        programs: Vec<ArtifactProgram>,
    ) -> anyhow::Result<Vec<PlacedProgram>> {
        let mut staged = Vec::new();
        for program in programs {
            let path = self.path_of(&program.file.path);
            staged.push((program.stage(self.session, artifact, path)?, program.file));
        }
        let mut placed = Vec::new();
        for (staged, file) in staged {
            let path = staged.destination.clone();
            staged.commit(0o755)?;
            placed.push(PlacedProgram { path, file });
        }
        Ok(placed)
    }

    /// Puts libraries, documentation and timing reports into the target directory. Returns their paths.
    pub(super) fn place_files(&self, artifact: &mut Artifact, files: &[ArtifactFile]) -> anyhow::Result<Vec<PathBuf>> {
        let files: Vec<_> = files.iter().filter(|file| file.kind == FileKind::File).collect();
        if !files.is_empty() {
            make_target_dir(&self.job.placement.target_dir)?;
        }
        let paths = files.iter().map(|file| (*file, self.path_of(&file.path)));
        self.unpack(artifact, paths.collect())
    }

    /// Copies what was built into the folder of `--artifact-dir`, if there is one.
    pub(super) fn copy_to_artifact_dir(&self, artifact: &mut Artifact, files: &[ArtifactFile]) -> anyhow::Result<()> {
        let Some(folder) = &self.job.placement.artifact_dir else { return Ok(()) };
        let files = files.iter().filter(|file| file.kind == FileKind::ArtifactDir);
        let paths = files.map(|file| Ok((file, folder.join(file_name(&file.path)?))));
        let placed = self.unpack(artifact, paths.collect::<anyhow::Result<_>>()?)?;
        self.report("Created", &placed);
        Ok(())
    }

    fn unpack(&self, artifact: &mut Artifact, files: Vec<(&ArtifactFile, PathBuf)>) -> anyhow::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for (file, path) in files {
            if self.session.interrupt.requested() {
                return Err(StorageError::Interrupted.into());
            }
            let mut staged = StagedFile::new(path.clone())?;
            artifact.unpack(file, staged.file())?;
            let executable = file.kind == FileKind::ArtifactDir;
            staged.rename(if executable { 0o755 } else { 0o644 })?;
            paths.push(path);
        }
        Ok(paths)
    }
}

/// Makes a target directory with the tag that cargo gives it.
fn make_target_dir(folder: &Path) -> anyhow::Result<()> {
    let tag = folder.join("CACHEDIR.TAG");
    let tagged = || if tag.exists() { Ok(()) } else { std::fs::write(&tag, CACHE_TAG) };
    std::fs::create_dir_all(folder)
        .and_then(|()| tagged())
        .with_context(|| format!("could not write into `{}`", folder.display()))
}

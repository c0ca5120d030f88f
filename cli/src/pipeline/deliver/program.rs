//! The programs of an artifact.

use std::path::PathBuf;

use anyhow::bail;
use protocol::{ArtifactFile, ArtifactManifest, FileKind, PackageRef};

use super::super::session::Session;
use crate::install::{Artifact, StagedFile, check_executable, is_file_name};
use crate::storage::StorageError;

/// A program of an artifact.
#[derive(Debug, Clone)]
pub struct ArtifactProgram {
    /// Its file in the artifact.
    pub file: ArtifactFile,
    /// The name of cargo's target.
    pub name: String,
    /// The kind of cargo's target: `bin`, `example`, `test` or `bench`.
    pub kind: String,
    /// The package that it belongs to.
    pub package: PackageRef,
    /// The triple that it is for.
    pub triple: String,
}

/// A program in the target directory.
#[derive(Debug)]
pub struct PlacedProgram {
    /// The path of its file on this device.
    pub path: PathBuf,
    /// What the artifact's manifest says of it.
    pub file: ArtifactFile,
}

impl ArtifactProgram {
    /// All programs of an artifact, in its order.
    pub fn all(manifest: &ArtifactManifest) -> Vec<Self> {
        let mut programs = Vec::new();
        for file in &manifest.files {
            let FileKind::Executable { name, target_kind, package, target, .. } = &file.kind else { continue };
            programs.push(Self {
                file: file.clone(),
                name: name.clone(),
                kind: target_kind.clone(),
                package: package.clone(),
                triple: target.as_ref().unwrap_or(&manifest.host).clone(),
            });
        }
        programs
    }

    /// The name that its file gets in `bin`; for some systems it has an ending (`.exe`).
    ///
    /// # Errors
    /// If the name could be a path or a hidden file.
    pub fn file_name(&self) -> anyhow::Result<&str> {
        file_name(&self.file.path)
    }

    /// Unpacks the program next to its destination and checks that it is for its target.
    ///
    /// # Errors
    /// If it can't be written, is damaged or is for another machine, or the user pressed Ctrl-C.
    pub fn stage(
        &self,
        session: &Session,
        artifact: &mut Artifact,
        destination: PathBuf,
    ) -> anyhow::Result<StagedFile> {
        let mut staged = StagedFile::new(destination)?;
        artifact.unpack(&self.file, staged.file())?;
        if let Err(why) = check_executable(staged.file(), &self.triple) {
            let Self { name, triple, .. } = self;
            bail!("the builder sent `{name}` for {triple}, but {why}; nothing was installed");
        }
        if session.interrupt.requested() {
            return Err(StorageError::Interrupted.into());
        }
        Ok(staged)
    }
}

/// Checks that all programs are for the targets that were requested.
///
/// # Errors
/// With the first one that isn't.
pub fn check_targets(programs: &[ArtifactProgram], targets: &[String]) -> anyhow::Result<()> {
    match programs.iter().find(|program| !targets.contains(&program.triple)) {
        None => Ok(()),
        Some(ArtifactProgram { name, triple, .. }) => {
            let targets = targets.join(", ");
            bail!("the builder made `{name}` for {triple}, but it is wanted for {targets}; nothing was installed")
        }
    }
}

/// The last part of a path in an artifact.
///
/// # Errors
/// If it could be a path or a hidden file.
pub(super) fn file_name(path: &str) -> anyhow::Result<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if !is_file_name(name) || name.starts_with('.') {
        bail!("the artifact has a program with the invalid name `{}`", name.escape_debug());
    }
    Ok(name)
}

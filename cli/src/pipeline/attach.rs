//! Delivers a build that another device began: its programs are installed, and nothing else is touched.

use protocol::{ArtifactInfo, BuildResult, BuildSettings, FileKind, keys};

use super::deliver::{ArtifactProgram, Installer, RecordSource, check_targets, download};
use super::session::Session;
use crate::device;
use crate::install::InstallRoot;

/// Stands in cargo's records for the folder on the other device.
const OTHER_DEVICE: &str = "/cargo-cloud";

/// Installs all programs of a build's artifact into `root`; `force` overwrites programs of other packages.
///
/// # Errors
/// If they are for another kind of machine, or would overwrite something else. Nothing is changed then.
pub fn deliver_elsewhere(
    session: &Session,
    result: &BuildResult,
    info: &ArtifactInfo,
    root: &InstallRoot,
    force: bool,
) -> anyhow::Result<()> {
    let key = keys::artifact(&session.backend.owner, &result.id);
    let mut artifact = download(session, &key, info, &root.bin())?;
    let manifest = artifact.manifest();
    let summary = result.summary.clone().unwrap_or_default();
    let installed_by_cargo = manifest.files.iter().any(|file| file.kind == FileKind::Installed);
    let mut programs = ArtifactProgram::all(manifest);
    programs.retain(|program| program.kind == "bin" || installed_by_cargo);
    let targets: Vec<String> = summary.targets.into_iter().chain(device::triple()).collect();
    check_targets(&programs, &targets)?;
    if programs.is_empty() {
        session.shell.note("there is nothing to install: the build made no programs");
        return Ok(());
    }
    let untracked = programs.iter().any(|program| program.package.version.is_empty());
    Installer {
        session,
        root,
        force,
        records: match installed_by_cargo {
            true => RecordSource::CargoInstall,
            false if untracked => RecordSource::None,
            false => RecordSource::Manifest,
        },
        snapshot: None,
        source: Some(format!("{OTHER_DEVICE}/{}", summary.project)),
        // An older backend's manifest doesn't say how the programs were built. `cargo install` builds them so.
        settings: BuildSettings { profile: "release".to_owned(), ..BuildSettings::default() },
    }
    .install(&mut artifact, &programs)
}

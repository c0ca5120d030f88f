//! Programs of a build that another device began, installed here.

use std::collections::BTreeMap;

use anyhow::bail;
use protocol::{ArtifactFile, ArtifactInfo, BuildResult, FileKind, PackageRef, keys};

use super::Unpacking;
use super::fetch;
use crate::device;
use crate::install::{Detail, InstallRoot, Installation, InstalledSnapshot, Provenance, Staged, check_executable};
use crate::pipeline::Session;
use crate::pipeline::deliver::completion::file_name;

/// What stands in cargo's bookkeeping for a folder on another device.
const ELSEWHERE: &str = "/cargo-cloud";

/// Installs all programs of the build's artifact.
///
/// # Errors
/// When they are for another kind of machine, or something else of this name is installed; nothing is changed then.
pub fn install(
    session: &Session,
    result: &BuildResult,
    info: &ArtifactInfo,
    root: &InstallRoot,
    force: bool,
) -> anyhow::Result<()> {
    let key = keys::artifact(&session.backend.owner, &result.id);
    let mut artifact = fetch(session, &key, info, &root.bin())?;
    let manifest = artifact.manifest().clone();
    let asked = result.summary.clone().unwrap_or_default();
    let here = device::triple();
    let home = format!("{ELSEWHERE}/{}", asked.project);
    if manifest.files.iter().any(|file| file.kind == FileKind::Installed) {
        let seed = InstalledSnapshot::read(&Installation::begin(session.shell, root)?);
        let wanted = asked.targets.into_iter().chain(here).collect();
        let delivery =
            Unpacking { session, wanted, no_track: false, force, root, seed: &seed, target_dir: None, top: Some(home) };
        return delivery.take(&mut artifact);
    }
    let mut staged: BTreeMap<Provenance, BTreeMap<String, Staged>> = BTreeMap::new();
    let mut triple = manifest.host.clone();
    for (file, package, target) in manifest.files.iter().filter_map(program) {
        triple = target.unwrap_or(&manifest.host).to_owned();
        let wanted = asked.targets.contains(&triple) || here.as_deref() == Some(&triple);
        let name = file_name(&file.path)?;
        if !wanted {
            let here = here.as_deref().unwrap_or("of an unknown kind");
            bail!("the build made `{name}` for {triple}, and this device is {here}; nothing was installed");
        }
        let mut program = Staged::new(root.bin().join(name))?;
        artifact.unpack(file, program.file())?;
        if let Err(why) = check_executable(program.file(), &triple) {
            bail!("the backend sent `{name}`, which can't be for {triple}: {why}; nothing was installed");
        }
        let package = Provenance {
            name: package.name.clone(),
            version: package.version.clone(),
            folder: format!("{home}/{}", package.directory).trim_end_matches('/').to_owned(),
        };
        if staged.entry(package).or_default().insert(name.to_owned(), program).is_some() {
            bail!("the artifact holds `{name}` twice");
        }
    }
    if staged.is_empty() {
        session.shell.note("there is nothing to install: the build made no programs");
        return Ok(());
    }
    let mut installation = Installation::begin(session.shell, root)?;
    for (package, files) in &staged {
        installation.check(&package.name, &files.keys().cloned().collect::<Vec<_>>(), force)?;
    }
    let detail = Detail {
        features: Vec::new(),
        all_features: false,
        no_default_features: false,
        profile: "release".to_owned(),
        target: Some(triple),
        rustc: Some(manifest.rustc),
    };
    for (package, files) in staged {
        installation.install(&package, files, &detail)?;
    }
    if let Some(warning) = root.path_warning(std::env::var_os("PATH").as_deref()) {
        session.shell.warn(warning);
    }
    Ok(())
}

fn program(file: &ArtifactFile) -> Option<(&ArtifactFile, &PackageRef, Option<&str>)> {
    match &file.kind {
        FileKind::Executable { target_kind, package, target, .. } if target_kind == "bin" => {
            Some((file, package, target.as_deref()))
        }
        _ => None,
    }
}

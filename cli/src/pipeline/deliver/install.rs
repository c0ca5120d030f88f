//! Installs the programs of an artifact, whoever built them, and records in cargo's own records how they were built.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use protocol::{ArtifactManifest, BuildSettings, FileKind, SOURCE_URL, file_url, move_source};

use super::super::session::Session;
use super::program::ArtifactProgram;
use crate::install::{
    Artifact, InstallDetail, InstallPolicy, InstallRecords, InstallRoot, Installation, InstalledSnapshot, PackageId,
    StagedProgram,
};
use crate::project::normalize;

/// Largest record in bytes that is read; the one of a hundred packages has 50 KB.
const MAX_RECORD_BYTES: u64 = 16 * 1024 * 1024;

/// Where the records of installed programs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordSource {
    /// `cargo install` on the builder wrote them, and they are in the artifact.
    CargoInstall,
    /// They are made from the manifest of the artifact: `cargo build` writes none.
    Manifest,
    /// Nothing is recorded, because of `--no-track`.
    None,
}

/// Installs programs of an artifact.
pub struct Installer<'a> {
    /// The session, for its terminal and Ctrl-C.
    pub session: &'a Session<'a>,
    /// The install root that gets the programs.
    pub root: &'a InstallRoot,
    /// Whether programs of other packages, or of none, are overwritten.
    pub force: bool,
    /// Where the records of the programs come from.
    pub records: RecordSource,
    /// What was installed when the installation was requested.
    pub snapshot: Option<&'a InstalledSnapshot>,
    /// The folder that stands in the records for the source's top folder; none if no source was sent.
    pub source: Option<String>,
    /// How the programs were built, if the manifest of an older backend doesn't say so.
    pub settings: BuildSettings,
}

impl Installer<'_> {
    /// Installs these programs, all or none of them.
    ///
    /// # Errors
    /// If one is damaged, is for another machine, or would overwrite something else. Nothing is changed then.
    pub fn install(&self, artifact: &mut Artifact, programs: &[ArtifactProgram]) -> anyhow::Result<()> {
        if programs.is_empty() {
            return Ok(());
        }
        let staged = self.stage(artifact, programs)?;
        let by_cargo = self.records == RecordSource::CargoInstall;
        let cargos_records = if by_cargo { Some(self.cargos_records(artifact)?) } else { None };
        let mut installation = Installation::open(self.session.shell, self.root)?;
        let after = match self.records {
            RecordSource::Manifest => Some(self.new_records(&installation.records, artifact.manifest(), programs)?),
            RecordSource::CargoInstall | RecordSource::None => cargos_records,
        };
        let announce = self.records == RecordSource::Manifest;
        let policy = InstallPolicy { force: self.force, snapshot: self.snapshot, announce };
        installation.install(staged, after.as_ref(), &policy)?;
        // `cargo install` has warned on the builder, if that is where the programs come from.
        let warning = self.root.path_warning(std::env::var_os("PATH").as_deref()).filter(|_| announce);
        warning.iter().for_each(|warning| self.session.shell.warn(warning));
        Ok(())
    }

    fn stage(&self, artifact: &mut Artifact, programs: &[ArtifactProgram]) -> anyhow::Result<Vec<StagedProgram>> {
        let mut staged: Vec<StagedProgram> = Vec::new();
        for program in programs {
            let name = program.file_name()?;
            if staged.iter().any(|other| other.name == name) {
                bail!("the artifact has two programs with the name `{name}`");
            }
            let file = program.stage(self.session, artifact, self.root.bin().join(name))?;
            staged.push(StagedProgram { name: name.to_owned(), package: program.package.name.clone(), file });
        }
        Ok(staged)
    }

    /// The records that `cargo install` left on the builder, with this device's folder.
    fn cargos_records(&self, artifact: &mut Artifact) -> anyhow::Result<InstallRecords> {
        let file = artifact.manifest().files.iter().find(|file| file.kind == FileKind::Installed).cloned();
        let file = file.context("the builder sent programs without a record of them; nothing was installed")?;
        if file.size > MAX_RECORD_BYTES {
            bail!("the builder's record of what is installed has {} bytes, which is too large", file.size);
        }
        let mut text = Vec::new();
        artifact.unpack(&file, &mut text)?;
        let text = String::from_utf8(text).context("the builder's record of what is installed is not UTF-8")?;
        InstallRecords::parse_details(&match &self.source {
            Some(folder) => move_source(&text, SOURCE_URL, &file_url(folder)),
            None => text,
        })
    }

    /// The records after the installation of programs that `cargo build` made: as `cargo install` would write them.
    fn new_records(
        &self,
        before: &InstallRecords,
        manifest: &ArtifactManifest,
        programs: &[ArtifactProgram],
    ) -> anyhow::Result<InstallRecords> {
        let mut installed: BTreeMap<PackageId, (String, Vec<String>)> = BTreeMap::new();
        for program in programs {
            let package = &program.package;
            let folder =
                normalize(&std::path::Path::new(self.source.as_deref().unwrap_or("/")).join(&package.directory));
            let id = PackageId::in_folder(&package.name, &package.version, &folder.to_string_lossy())?;
            let (_, names) = installed.entry(id).or_insert_with(|| (program.triple.clone(), Vec::new()));
            names.push(program.file_name()?.to_owned());
        }
        let mut records = before.clone();
        for (package, (triple, names)) in installed {
            let detail = InstallDetail {
                settings: manifest.settings.clone().unwrap_or_else(|| self.settings.clone()),
                target: Some(triple),
                rustc: Some(manifest.rustc.clone()),
            };
            records.add(&package, &names, detail.fields());
        }
        Ok(records)
    }
}

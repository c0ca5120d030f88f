//! What an installation's artifact holds: programs, cargo's record of them, and reports.

use std::path::Path;

use anyhow::{Context, bail};
use protocol::{FileKind, SOURCE_URL, file_url, move_source};

use crate::install::{
    Arrived, Artifact, InstallRoot, Installation, InstalledSnapshot, Records, Staged, below, check_executable,
    single_name, take_over,
};
use crate::pipeline::Session;
use crate::storage::StorageError;

/// Larger than any record: a hundred packages have 50 KB.
const MAX_RECORD_BYTES: u64 = 16 * 1024 * 1024;

/// The last part of an installation.
pub struct Unpacking<'a> {
    /// The backend.
    pub session: &'a Session<'a>,
    /// Triples that programs may be for.
    pub wanted: Vec<String>,
    /// `--no-track`.
    pub no_track: bool,
    /// `--force`.
    pub force: bool,
    /// Where to.
    pub root: &'a InstallRoot,
    /// What was installed there as far as the builder knew.
    pub seed: &'a InstalledSnapshot,
    /// Where reports go; none: nowhere.
    pub target_dir: Option<&'a Path>,
    /// The folder of what was sent.
    pub top: Option<String>,
}

impl Unpacking<'_> {
    /// Takes what is in the artifact.
    pub fn take(&self, artifact: &mut Artifact) -> anyhow::Result<()> {
        self.leave_reports(artifact)?;
        let arrived = self.programs(artifact)?;
        if arrived.is_empty() {
            return Ok(());
        }
        let record = self.record(artifact)?;
        if record.is_none() && !self.no_track {
            bail!("the builder sent programs without a record of them; nothing was installed");
        }
        let installation = Installation::begin(self.session.shell, self.root)?;
        take_over(installation, self.seed, arrived, record.as_ref(), self.force)
    }

    fn leave_reports(&self, artifact: &mut Artifact) -> anyhow::Result<()> {
        let Some(target_dir) = self.target_dir else { return Ok(()) };
        for file in artifact.manifest().files.clone() {
            if file.kind == FileKind::File {
                let mut staged = Staged::new(below(target_dir, &file.path))?;
                artifact.unpack(&file, staged.file())?;
                staged.put(0o644)?;
            }
        }
        Ok(())
    }

    fn programs(&self, artifact: &mut Artifact) -> anyhow::Result<Vec<Arrived>> {
        let manifest = artifact.manifest().clone();
        let mut arrived: Vec<Arrived> = Vec::new();
        for file in &manifest.files {
            let FileKind::Executable { name, package, target, .. } = &file.kind else { continue };
            let triple = target.as_deref().unwrap_or(&manifest.host);
            if !self.wanted.iter().any(|wanted| wanted == triple) {
                bail!(
                    "the backend built `{name}` for {triple}; asked for was {}; nothing was installed",
                    self.wanted.join(", ")
                );
            }
            if !single_name(name) || name.starts_with('.') || arrived.iter().any(|known| known.name == *name) {
                bail!("the artifact holds a program with the name `{}`", name.escape_debug());
            }
            let mut staged = Staged::new(self.root.bin().join(name))?;
            artifact.unpack(file, staged.file())?;
            if let Err(why) = check_executable(staged.file(), triple) {
                bail!("the backend sent `{name}`, which can't be for {triple}: {why}; nothing was installed");
            }
            if self.session.interrupt.requested() {
                return Err(StorageError::Interrupted.into());
            }
            arrived.push(Arrived { name: name.clone(), package: package.name.clone(), file: staged });
        }
        Ok(arrived)
    }

    /// Cargo's record, with the device's folders.
    fn record(&self, artifact: &mut Artifact) -> anyhow::Result<Option<Records>> {
        let file = artifact.manifest().files.iter().find(|file| file.kind == FileKind::Installed).cloned();
        let Some(file) = file else { return Ok(None) };
        if file.size > MAX_RECORD_BYTES {
            bail!("the builder's record of what is installed has {} bytes, which none has", file.size);
        }
        let mut text = Vec::new();
        artifact.unpack(&file, &mut text)?;
        let text = String::from_utf8(text).context("the builder's record of what is installed is not UTF-8")?;
        let text = match &self.top {
            Some(top) => move_source(&text, SOURCE_URL, &file_url(top)),
            None => text,
        };
        Ok(Some(Records::parse_details(&text)?))
    }
}

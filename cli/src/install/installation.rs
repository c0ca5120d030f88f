//! An install root with its records, under cargo's own lock.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, bail};

use super::file_lock::open_exclusive;
use super::records::InstallRecords;
use super::root::InstallRoot;
use super::staged::StagedProgram;
use crate::terminal::Shell;

/// An install root whose records are locked until this is dropped.
pub struct Installation<'a> {
    pub(super) shell: &'a Shell,
    root: &'a InstallRoot,
    crates_toml: File,
    crates2_json: File,
    /// The content of the records; [`Installation::save`] writes it.
    pub records: InstallRecords,
}

impl<'a> Installation<'a> {
    /// Locks and reads the records, in cargo's order. Missing ones are made, as cargo does.
    ///
    /// # Errors
    /// If a record can't be opened, locked or understood.
    pub fn open(shell: &'a Shell, root: &'a InstallRoot) -> anyhow::Result<Self> {
        let folder = root.folder();
        std::fs::create_dir_all(folder).with_context(|| format!("could not create `{}`", folder.display()))?;
        let open = |name: &str| -> anyhow::Result<(File, String)> {
            let path = folder.join(name);
            let blocking = || shell.status("Blocking", "waiting for file lock on crate metadata");
            let mut file = open_exclusive(&path, blocking)?;
            let mut text = String::new();
            file.read_to_string(&mut text).with_context(|| format!("could not read `{}`", path.display()))?;
            Ok((file, text))
        };
        let (crates_toml, bins) = open(".crates.toml")?;
        let (crates2_json, details) = open(".crates2.json")?;
        let records = InstallRecords::parse(&bins, &details)
            .with_context(|| format!("failed to parse crate metadata at `{}`", folder.display()))?;
        Ok(Self { shell, root, crates_toml, crates2_json, records })
    }

    /// The folder of programs and records.
    pub fn root(&self) -> &InstallRoot {
        self.root
    }

    /// Checks that installing these programs overwrites nothing that belongs to another package, or to none.
    ///
    /// # Errors
    /// With the names of all such programs, in cargo's words.
    pub(super) fn check_conflicts<'p>(&self, programs: impl Iterator<Item = &'p StagedProgram>) -> anyhow::Result<()> {
        let mut conflicts = Vec::new();
        for program in programs.filter(|program| program.file.destination.symlink_metadata().is_ok()) {
            let name = &program.name;
            match self.records.owner(name) {
                Some(owner) if owner.name == program.package => {}
                Some(owner) => {
                    conflicts.push(format!("binary `{name}` already exists in destination as part of `{owner}`"));
                }
                None => conflicts.push(format!("binary `{name}` already exists in destination")),
            }
        }
        if !conflicts.is_empty() {
            bail!("{}\nAdd --force to overwrite", conflicts.join("\n"));
        }
        Ok(())
    }

    /// Writes the records.
    ///
    /// # Errors
    /// If one can't be written.
    pub fn save(&mut self) -> anyhow::Result<()> {
        let folder = self.root.folder();
        rewrite(&mut self.crates_toml, &self.records.crates_toml(), &folder.join(".crates.toml"))?;
        rewrite(&mut self.crates2_json, &self.records.crates2_json(), &folder.join(".crates2.json"))
    }
}

/// Overwrites the open file: a new one in its place would not have the lock.
fn rewrite(file: &mut File, text: &str, path: &Path) -> anyhow::Result<()> {
    file.rewind()
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.set_len(text.len() as u64))
        .and_then(|()| file.sync_all())
        .with_context(|| format!("could not write `{}`", path.display()))
}

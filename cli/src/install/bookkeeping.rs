//! An installation: whose binary is whose, under cargo's own lock.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, bail};
use protocol::file_url;
use semver::Version;

use super::ledger::{Detail, Records, detail};
use super::lock::open_exclusive;
use super::package_id::PackageId;
use super::place::Staged;
use super::root::InstallRoot;
use crate::terminal::Shell;

/// Where programs come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provenance {
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder on the device.
    pub folder: String,
}

impl Provenance {
    /// As cargo records it.
    fn id(&self) -> anyhow::Result<PackageId> {
        let version: Version = self.version.parse().with_context(|| format!("`{}` is no version", self.version))?;
        Ok(PackageId { name: self.name.clone(), version, source: file_url(&self.folder) })
    }
}

/// The device's records, locked until this is dropped.
pub struct Installation<'a> {
    shell: &'a Shell,
    root: &'a InstallRoot,
    crates_toml: File,
    crates2_json: File,
    /// What they say; [`Installation::save`] writes it down.
    pub records: Records,
}

impl<'a> Installation<'a> {
    /// Locks and reads the records, in cargo's order; makes empty ones, as cargo does.
    pub fn begin(shell: &'a Shell, root: &'a InstallRoot) -> anyhow::Result<Self> {
        let folder = root.folder();
        std::fs::create_dir_all(folder).with_context(|| format!("could not make `{}`", folder.display()))?;
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
        let records = Records::parse(&bins, &details)
            .with_context(|| format!("failed to parse crate metadata at `{}`", folder.display()))?;
        Ok(Self { shell, root, crates_toml, crates2_json, records })
    }

    /// Where programs are.
    pub fn root(&self) -> &InstallRoot {
        self.root
    }

    /// Says what went less than well.
    pub fn warn(&self, message: impl std::fmt::Display) {
        self.shell.warn(message);
    }

    /// Fails if a binary is there that belongs to another package, or to none, unless `force`.
    pub fn check(&self, package: &str, names: &[String], force: bool) -> anyhow::Result<()> {
        let mut taken = Vec::new();
        for name in names.iter().filter(|name| self.root.bin().join(name).symlink_metadata().is_ok()) {
            match self.records.owner(name) {
                Some(owner) if owner.name == package => {}
                Some(owner) => {
                    taken.push(format!("binary `{name}` already exists in destination as part of `{owner}`"))
                }
                None => taken.push(format!("binary `{name}` already exists in destination")),
            }
        }
        if !force && !taken.is_empty() {
            bail!("{}\nAdd --force to overwrite", taken.join("\n"));
        }
        Ok(())
    }

    /// Puts the programs in their places and records them.
    pub fn install(
        &mut self,
        package: &Provenance,
        programs: BTreeMap<String, Staged>,
        details: &Detail,
    ) -> anyhow::Result<()> {
        let package = package.id()?;
        let names: Vec<String> = programs.keys().cloned().collect();
        let mut replaced = Vec::new();
        for (name, staged) in programs {
            let place = staged.place.clone();
            let before = place.symlink_metadata().is_ok();
            if before {
                replaced.extend(self.records.owner(&name).cloned());
            }
            staged.commit(0o755)?;
            self.shell.status(if before { "Replacing" } else { "Installing" }, place.display());
        }
        self.records.note(&package, &names, detail(details));
        self.save()?;
        let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let noun = if names.len() == 1 { "executable" } else { "executables" };
        match replaced.iter().filter(|id| **id != package).min() {
            Some(id) => self.shell.status("Replaced", format!("package `{id}` with `{package}` ({noun} {list})")),
            None => self.shell.status("Installed", format!("package `{package}` ({noun} {list})")),
        }
        Ok(())
    }

    /// Writes the records down.
    pub fn save(&mut self) -> anyhow::Result<()> {
        let folder = self.root.folder();
        rewrite(&mut self.crates_toml, &self.records.crates_toml(), &folder.join(".crates.toml"))?;
        rewrite(&mut self.crates2_json, &self.records.crates2_json(), &folder.join(".crates2.json"))
    }
}

/// Over itself: the lock is on this very file.
fn rewrite(file: &mut File, text: &str, path: &Path) -> anyhow::Result<()> {
    file.rewind()
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.set_len(text.len() as u64))
        .and_then(|()| file.sync_all())
        .with_context(|| format!("could not write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::ColorWhen;

    fn package(name: &str) -> Provenance {
        Provenance { name: name.to_owned(), version: "0.1.0".to_owned(), folder: "/home/me/my tool".to_owned() }
    }

    fn root(folder: &Path) -> InstallRoot {
        InstallRoot::choose(Some(folder), Path::new("/"), |_| None, None, None).unwrap()
    }

    fn install(root: &InstallRoot, package: &Provenance, name: &str, force: bool) -> anyhow::Result<()> {
        let shell = Shell::new(ColorWhen::Never, true);
        let mut installation = Installation::begin(&shell, root)?;
        installation.check(&package.name, &[name.to_owned()], force)?;
        let mut staged = Staged::new(root.bin().join(name))?;
        staged.file().write_all(package.name.as_bytes())?;
        installation.install(package, BTreeMap::from([(name.to_owned(), staged)]), &Detail::default())
    }

    #[test]
    fn what_belongs_to_others_or_to_nobody_needs_force() {
        let temp = tempfile::tempdir().unwrap();
        let root = root(temp.path());
        install(&root, &package("one"), "tool", false).unwrap();
        install(&root, &package("one"), "tool", false).unwrap();
        let error = install(&root, &package("two"), "tool", false).unwrap_err().to_string();
        assert!(error.contains("as part of `one v0.1.0 (/home/me/my tool)`"), "{error}");
        assert_eq!(std::fs::read(root.bin().join("tool")).unwrap(), b"one");
        install(&root, &package("two"), "tool", true).unwrap();
        assert_eq!(std::fs::read(root.bin().join("tool")).unwrap(), b"two");
        std::fs::write(root.bin().join("stray"), "").unwrap();
        let error = install(&root, &package("two"), "stray", false).unwrap_err().to_string();
        assert!(error.contains("binary `stray` already exists in destination\nAdd --force"), "{error}");
        let record = std::fs::read_to_string(temp.path().join(".crates.toml")).unwrap();
        assert_eq!(record, "[v1]\n\"two 0.1.0 (path+file:///home/me/my%20tool)\" = [\"tool\"]\n");
    }

    #[test]
    fn two_at_once_lose_nothing() {
        let temp = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let root = root(temp.path());
                scope.spawn(move || install(&root, &package(&format!("p{n}")), &format!("b{n}"), false).unwrap());
            }
        });
        let record = std::fs::read_to_string(temp.path().join(".crates.toml")).unwrap();
        assert_eq!(record.lines().count(), 9, "{record}");
    }
}

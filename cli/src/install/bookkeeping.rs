//! An installation: whose binary is whose, under cargo's own lock.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, bail};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::ledger::{Binaries, Detail, Details, package_name};
use super::lock::open_exclusive;
use super::place::Staged;
use super::root::InstallRoot;
use crate::terminal::Shell;

/// What a URL's path can't hold (url.spec.whatwg.org, path percent-encode set).
const URL_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'^')
    .add(b'%');

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
    fn id(&self) -> String {
        format!("{} {} (path+file://{})", self.name, self.version, utf8_percent_encode(&self.folder, URL_PATH))
    }
}

impl std::fmt::Display for Provenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} v{} ({})", self.name, self.version, self.folder)
    }
}

/// Both records, locked until this is dropped.
pub struct Installation<'a> {
    shell: &'a Shell,
    root: &'a InstallRoot,
    binaries_file: File,
    details_file: File,
    binaries: Binaries,
    details: Details,
}

impl<'a> Installation<'a> {
    /// Locks and reads the records, in cargo's order.
    pub fn begin(shell: &'a Shell, root: &'a InstallRoot) -> anyhow::Result<Self> {
        let open = |name: &str| -> anyhow::Result<(File, String)> {
            let path = root.folder().join(name);
            let blocking = || shell.status("Blocking", "waiting for file lock on crate metadata");
            let mut file = open_exclusive(&path, blocking)?;
            let mut text = String::new();
            file.read_to_string(&mut text).with_context(|| format!("could not read `{}`", path.display()))?;
            Ok((file, text))
        };
        let (binaries_file, text) = open(".crates.toml")?;
        let path = |name: &str| root.folder().join(name).display().to_string();
        let binaries = Binaries::parse(&text).with_context(|| format!("could not read `{}`", path(".crates.toml")))?;
        let (details_file, text) = open(".crates2.json")?;
        let details = Details::parse(&text).with_context(|| format!("could not read `{}`", path(".crates2.json")))?;
        Ok(Self { shell, root, binaries_file, details_file, binaries, details })
    }

    /// Fails if a binary is there that belongs to another package, or to none, unless `force`.
    pub fn check(&self, package: &Provenance, names: &[String], force: bool) -> anyhow::Result<()> {
        let mut taken = Vec::new();
        for name in names.iter().filter(|name| self.root.bin().join(name).symlink_metadata().is_ok()) {
            match self.binaries.owner(name) {
                Some(owner) if package_name(owner) == package.name => {}
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
        detail: &Detail,
    ) -> anyhow::Result<()> {
        let names: Vec<String> = programs.keys().cloned().collect();
        let mut replaced = Vec::new();
        for (name, staged) in programs {
            let place = staged.place.clone();
            let before = place.symlink_metadata().is_ok();
            if before {
                replaced.extend(self.binaries.owner(&name).map(str::to_owned));
            }
            staged.commit(0o755)?;
            self.shell.status(if before { "Replacing" } else { "Installing" }, place.display());
        }
        self.binaries.note(&package.id(), &names);
        self.details.note(&package.id(), &names, detail);
        rewrite(&mut self.binaries_file, &self.binaries.to_text(), &self.root.folder().join(".crates.toml"))?;
        rewrite(&mut self.details_file, &self.details.to_text(), &self.root.folder().join(".crates2.json"))?;
        let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let noun = if names.len() == 1 { "executable" } else { "executables" };
        match replaced.iter().filter(|id| **id != package.id()).min() {
            Some(id) => self.shell.status("Replaced", format!("package `{id}` with `{package}` ({noun} {list})")),
            None => self.shell.status("Installed", format!("package `{package}` ({noun} {list})")),
        }
        Ok(())
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
        installation.check(package, &[name.to_owned()], force)?;
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
        assert!(error.contains("as part of `one 0.1.0 (path+file:///home/me/my%20tool)`"), "{error}");
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

//! What `cargo install` did on the builder, done on the device: by the difference between what was sent and what came
//! back, so that what others installed here in the meantime stays.

use std::collections::BTreeSet;

use anyhow::bail;
use protocol::Installed;

use super::bookkeeping::Installation;
use super::ledger::Records;
use super::package_id::PackageId;
use super::place::Staged;

/// The install root as the builder was told of it.
pub struct InstalledSnapshot {
    /// The records.
    pub records: Records,
    /// The names in `bin`.
    pub bin: Vec<String>,
    /// Whether the shell finds programs there.
    pub in_path: bool,
}

/// A program that came back.
pub struct Arrived {
    /// Its name in `bin`.
    pub name: String,
    /// The package it belongs to.
    pub package: String,
    /// The program.
    pub file: Staged,
}

impl InstalledSnapshot {
    /// Reads the device's records and names.
    pub fn read(installation: &Installation) -> Self {
        let entries = std::fs::read_dir(installation.root().bin()).into_iter().flatten().flatten();
        // As cargo looks: a link that leads nowhere is not there.
        let names =
            entries.filter(|entry| entry.path().exists()).filter_map(|entry| entry.file_name().into_string().ok());
        let mut bin: Vec<String> = names.collect();
        bin.sort_unstable();
        let in_path = installation.root().path_warning(std::env::var_os("PATH").as_deref()).is_none();
        Self { records: installation.records.clone(), bin, in_path }
    }

    /// As the builder was told.
    ///
    /// # Errors
    /// When it makes no records.
    pub fn from_request(installed: &Installed) -> anyhow::Result<Self> {
        let records = Records::parse(&installed.crates_toml, &installed.crates2_json)?;
        Ok(Self { records, bin: installed.bin.clone(), in_path: installed.in_path })
    }

    /// As it is sent.
    pub fn to_request(&self) -> Installed {
        let known = self.records.packages().next().is_some();
        let text = |text: String| if known { text } else { String::new() };
        Installed {
            crates_toml: text(self.records.crates_toml()),
            crates2_json: text(self.records.crates2_json()),
            bin: self.bin.clone(),
            in_path: self.in_path,
        }
    }
}

/// Puts the programs in their places. `after` is the builder's record, none where nothing is recorded.
///
/// # Errors
/// When a program's place was taken in the meantime; then nothing was changed.
pub fn take_over(
    mut installation: Installation,
    seed: &InstalledSnapshot,
    arrived: Vec<Arrived>,
    after: Option<&Records>,
    force: bool,
) -> anyhow::Result<()> {
    for program in &arrived {
        // What was there before, cargo has seen, and decided about.
        let owner = installation.records.owner(&program.name);
        let seen = seed.bin.contains(&program.name) && owner == seed.records.owner(&program.name);
        if !seen {
            installation.check(&program.package, std::slice::from_ref(&program.name), force)?;
        }
    }
    let Some(after) = after else {
        return arrived.into_iter().try_for_each(|program| program.file.commit(0o755));
    };
    let names: BTreeSet<String> = arrived.iter().map(|program| program.name.clone()).collect();
    let mut installed: Vec<(&PackageId, Vec<String>)> = Vec::new();
    for (package, bins) in after.packages() {
        let new: Vec<String> = bins.intersection(&names).cloned().collect();
        if !new.is_empty() {
            installed.push((package, new));
        }
    }
    if let Some(name) = names.iter().find(|name| !installed.iter().any(|(_, bins)| bins.contains(name))) {
        bail!("the builder sent `{name}`, of which its record says nothing; nothing was installed");
    }
    let mut outcome = Ok(());
    let mut placed = BTreeSet::new();
    for program in arrived {
        if outcome.is_ok() {
            outcome = program.file.commit(0o755);
            placed.extend(outcome.is_ok().then_some(program.name));
        }
    }
    for (package, bins) in &installed {
        let bins: Vec<String> = bins.iter().filter(|name| placed.contains(*name)).cloned().collect();
        if !bins.is_empty() {
            installation.records.note(package, &bins, after.detail(package));
        }
    }
    for (package, bin) in orphans(seed, after, &installed) {
        if outcome.is_ok() && installation.records.owner(bin) == Some(package) {
            installation.records.forget(package, bin);
            let place = installation.root().bin().join(bin);
            if let Err(error) = std::fs::remove_file(&place) {
                installation.warn(format!("could not remove `{}`: {error}", place.display()));
            }
        }
    }
    installation.save()?;
    outcome
}

/// Programs of earlier versions that cargo removed: those of the same package that belong to nobody any more.
fn orphans<'a>(
    seed: &'a InstalledSnapshot,
    after: &Records,
    installed: &[(&PackageId, Vec<String>)],
) -> Vec<(&'a PackageId, &'a String)> {
    let upgraded = |package: &PackageId| installed.iter().any(|(new, _)| new.name == package.name);
    let packages = seed.records.packages().filter(|(package, _)| upgraded(package));
    let bins = packages.flat_map(|(package, bins)| bins.iter().map(move |bin| (package, bin)));
    bins.filter(|(_, bin)| after.owner(bin).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use super::*;
    use crate::install::InstallRoot;
    use crate::terminal::{ColorWhen, Shell};

    fn id(name: &str, version: &str) -> String {
        format!("{name} {version} (registry+https://example.com/index)")
    }

    fn record(installs: &[(String, &[&str])]) -> String {
        let list: Vec<String> =
            installs.iter().map(|(id, bins)| format!("\"{id}\":{{\"bins\":{}}}", serde_json::json!(bins))).collect();
        format!("{{\"installs\":{{{}}}}}", list.join(","))
    }

    struct Device {
        _folder: tempfile::TempDir,
        root: InstallRoot,
        shell: Shell,
    }

    impl Device {
        fn new() -> Self {
            let temp = tempfile::tempdir().unwrap();
            let root = InstallRoot::choose(Some(temp.path()), Path::new("/"), |_| None, None, None).unwrap();
            std::fs::create_dir(root.bin()).unwrap();
            Self { _folder: temp, root, shell: Shell::new(ColorWhen::Never, true) }
        }

        fn begin(&self) -> Installation<'_> {
            Installation::begin(&self.shell, &self.root).unwrap()
        }

        fn take(
            &self,
            seed: &InstalledSnapshot,
            package: &str,
            names: &[&str],
            after: &str,
            force: bool,
        ) -> anyhow::Result<()> {
            let arrived = names.iter().map(|name| {
                let mut file = Staged::new(self.root.bin().join(name)).unwrap();
                file.file().write_all(package.as_bytes()).unwrap();
                Arrived { name: (*name).to_owned(), package: package.to_owned(), file }
            });
            take_over(self.begin(), seed, arrived.collect(), Some(&Records::parse_details(after).unwrap()), force)
        }

        fn bins(&self) -> Vec<(String, Vec<String>)> {
            let installation = self.begin();
            let list = installation.records.packages();
            list.map(|(id, bins)| (id.to_record(), bins.iter().cloned().collect())).collect()
        }

        fn content(&self, name: &str) -> Option<String> {
            std::fs::read_to_string(self.root.bin().join(name)).ok()
        }
    }

    #[test]
    fn an_upgrade_takes_what_the_new_version_lacks_and_leaves_what_others_did_meanwhile() {
        let device = Device::new();
        let empty = InstalledSnapshot::read(&device.begin());
        let (one, two, other) = (id("tool", "1.0.0"), id("tool", "2.0.0"), id("other", "1.0.0"));
        device.take(&empty, "tool", &["a", "old"], &record(&[(one, &["a", "old"])]), false).unwrap();
        let seed = InstalledSnapshot::read(&device.begin());
        assert_eq!(seed.to_request().bin, ["a", "old"]);
        device.take(&empty, "other", &["x"], &record(&[(other.clone(), &["x"])]), false).unwrap();
        device.take(&seed, "tool", &["a"], &record(&[(two.clone(), &["a"])]), false).unwrap();
        assert_eq!(device.bins(), [(other, vec!["x".to_owned()]), (two, vec!["a".to_owned()])]);
        assert_eq!((device.content("old"), device.content("x")), (None, Some("other".to_owned())));
    }

    #[test]
    fn a_place_that_was_taken_meanwhile_stays_taken() {
        let device = Device::new();
        let empty = InstalledSnapshot::read(&device.begin());
        let (one, other) = (id("tool", "1.0.0"), id("other", "1.0.0"));
        device.take(&empty, "other", &["a"], &record(&[(other, &["a"])]), false).unwrap();
        let after = record(&[(one, &["a"])]);
        let error = device.take(&empty, "tool", &["a"], &after, false).unwrap_err().to_string();
        assert!(error.contains("as part of `other v1.0.0"), "{error}");
        assert_eq!(device.content("a").as_deref(), Some("other"));
        device.take(&empty, "tool", &["a"], &after, true).unwrap();
        assert_eq!(device.content("a").as_deref(), Some("tool"));
        assert!(device.take(&empty, "tool", &["b"], &record(&[]), false).is_err());
        assert_eq!(device.content("b"), None);
    }
}

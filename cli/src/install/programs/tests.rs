use std::io::Write;
use std::path::Path;

use super::*;
use crate::install::StagedFile;
use crate::install::{InstallDetail, InstallRoot};
use crate::terminal::{ColorWhen, Shell};

fn id(name: &str, version: &str) -> String {
    format!("{name} {version} (registry+https://example.com/index)")
}

fn record(installs: &[(String, &[&str])]) -> String {
    let list: Vec<String> =
        installs.iter().map(|(id, bins)| format!("\"{id}\":{{\"bins\":{}}}", serde_json::json!(bins))).collect();
    format!("{{\"installs\":{{{}}}}}", list.join(","))
}

struct TestDevice {
    folder: tempfile::TempDir,
    root: InstallRoot,
    shell: Shell,
}

impl TestDevice {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = InstallRoot::choose(Some(folder.path()), Path::new("/"), |_| None, None, None).unwrap();
        std::fs::create_dir(root.bin()).unwrap();
        Self { folder, root, shell: Shell::new(ColorWhen::Never, true) }
    }

    fn open(&self) -> Installation<'_> {
        Installation::open(&self.shell, &self.root).unwrap()
    }

    fn snapshot(&self) -> InstalledSnapshot {
        InstalledSnapshot::read(&self.open())
    }

    fn staged(&self, package: &str, name: &str) -> StagedProgram {
        let mut file = StagedFile::new(self.root.bin().join(name)).unwrap();
        file.file().write_all(package.as_bytes()).unwrap();
        StagedProgram { name: name.to_owned(), package: package.to_owned(), file }
    }

    /// As after `cargo install` on the builder, which left the record `after`.
    fn take(
        &self,
        snapshot: &InstalledSnapshot,
        package: &str,
        names: &[&str],
        after: &str,
        force: bool,
    ) -> anyhow::Result<()> {
        let programs = names.iter().map(|name| self.staged(package, name)).collect();
        let policy = InstallPolicy { force, snapshot: Some(snapshot), announce: false };
        self.open().install(programs, Some(&InstallRecords::parse_details(after).unwrap()), &policy)
    }

    /// As after a build of a package in a folder.
    fn install(&self, package: &str, name: &str, force: bool) -> anyhow::Result<()> {
        let id = PackageId::in_folder(package, "0.1.0", "/home/me/my tool")?;
        let mut installation = self.open();
        let mut after = installation.records.clone();
        after.add(&id, &[name.to_owned()], InstallDetail::default().fields());
        let policy = InstallPolicy { force, snapshot: None, announce: true };
        installation.install(vec![self.staged(package, name)], Some(&after), &policy)
    }

    fn bins(&self) -> Vec<(String, Vec<String>)> {
        let installation = self.open();
        let list = installation.records.packages();
        list.map(|(id, bins)| (id.to_record(), bins.iter().cloned().collect())).collect()
    }

    fn content(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.root.bin().join(name)).ok()
    }

    fn crates_toml(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(".crates.toml")).unwrap()
    }
}

#[test]
fn an_upgrade_removes_what_the_new_version_lacks_and_keeps_what_others_installed_meanwhile() {
    let device = TestDevice::new();
    let empty = device.snapshot();
    let (one, two, other) = (id("tool", "1.0.0"), id("tool", "2.0.0"), id("other", "1.0.0"));
    device.take(&empty, "tool", &["a", "old"], &record(&[(one, &["a", "old"])]), false).unwrap();
    let snapshot = device.snapshot();
    assert_eq!(snapshot.to_request().bin, ["a", "old"]);
    device.take(&empty, "other", &["x"], &record(&[(other.clone(), &["x"])]), false).unwrap();
    device.take(&snapshot, "tool", &["a"], &record(&[(two.clone(), &["a"])]), false).unwrap();
    assert_eq!(device.bins(), [(other, vec!["x".to_owned()]), (two, vec!["a".to_owned()])]);
    assert_eq!((device.content("old"), device.content("x")), (None, Some("other".to_owned())));
}

#[test]
fn a_program_that_was_installed_meanwhile_is_not_overwritten() {
    let device = TestDevice::new();
    let empty = device.snapshot();
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

#[test]
fn programs_of_other_packages_or_of_none_are_overwritten_only_with_force() {
    let device = TestDevice::new();
    device.install("one", "tool", false).unwrap();
    device.install("one", "tool", false).unwrap();
    let error = device.install("two", "tool", false).unwrap_err().to_string();
    assert!(error.contains("as part of `one v0.1.0 (/home/me/my tool)`"), "{error}");
    assert_eq!(device.content("tool").as_deref(), Some("one"));
    device.install("two", "tool", true).unwrap();
    assert_eq!(device.content("tool").as_deref(), Some("two"));
    std::fs::write(device.root.bin().join("stray"), "").unwrap();
    let error = device.install("two", "stray", false).unwrap_err().to_string();
    assert!(error.contains("binary `stray` already exists in destination\nAdd --force"), "{error}");
    assert_eq!(device.crates_toml(), "[v1]\n\"two 0.1.0 (path+file:///home/me/my%20tool)\" = [\"tool\"]\n");
}

#[test]
fn installations_at_the_same_time_lose_nothing() {
    let device = TestDevice::new();
    std::thread::scope(|scope| {
        for n in 0..8 {
            // A root of its own for each, as in a process of its own: the lock is on the file.
            let root = device.root.clone();
            let folder = device.folder.path();
            scope.spawn(move || {
                let shell = Shell::new(ColorWhen::Never, true);
                let id = PackageId::in_folder(&format!("p{n}"), "0.1.0", "/home/me").unwrap();
                let mut installation = Installation::open(&shell, &root).unwrap();
                let mut after = installation.records.clone();
                let name = format!("b{n}");
                after.add(&id, std::slice::from_ref(&name), InstallDetail::default().fields());
                let file = StagedFile::new(folder.join("bin").join(&name)).unwrap();
                let program = StagedProgram { name, package: id.name.clone(), file };
                let policy = InstallPolicy { force: false, snapshot: None, announce: false };
                installation.install(vec![program], Some(&after), &policy).unwrap();
            });
        }
    });
    assert_eq!(device.crates_toml().lines().count(), 9, "{}", device.crates_toml());
}

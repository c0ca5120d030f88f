//! The install root of `cargo install`: a stand-in for the device's own, and the new files in it afterwards.
//!
//! Cargo decides what is up to date, what is in the way and what is no longer needed. For that it finds the device's
//! records in the install root, and an empty file for each program that the device has.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cargo_metadata::TargetKind;
use protocol::{FileKind, Installed, PackageRef, Request, SOURCE_URL, file_url, move_source};
use serde::Deserialize;

use crate::artifact::BuiltFile;
use crate::cargo::StdoutSummary;
use crate::environment::Environment;
use crate::project::ProjectFolder;

/// Cargo's record of installed programs, and its older form.
const RECORDS: [&str; 2] = [".crates2.json", ".crates.toml"];

/// The largest record that is sent to the device, in bytes; one of a hundred packages has 50 KB.
const MAX_RECORD_BYTES: u64 = 16 * 1024 * 1024;

/// The part of `.crates2.json` that the builder reads.
#[derive(Debug, Default, Deserialize)]
struct CargoRecord {
    #[serde(default)]
    installs: BTreeMap<String, InstalledPackage>,
}

#[derive(Debug, Deserialize)]
struct InstalledPackage {
    #[serde(default)]
    bins: Vec<String>,
}

/// Creates the install root with the device's records and an empty file for each of its programs.
pub(crate) fn create(project: &ProjectFolder, installed: &Installed) -> io::Result<()> {
    let bin = project.root.join("bin");
    fs::create_dir_all(&bin)?;
    for name in &installed.bin {
        fs::File::create(bin.join(name))?;
    }
    let source = file_url(&project.source.to_string_lossy());
    for (name, text) in RECORDS.into_iter().zip([&installed.crates2_json, &installed.crates_toml]) {
        fs::write(project.root.join(name), move_source(text, SOURCE_URL, &source))?;
    }
    Ok(())
}

/// Changes a build's environment to that of an installation. The install root is in `PATH` if it is on the device, because
/// cargo warns otherwise. Without a source, cargo reads the configuration in its home instead of a project's.
pub(crate) fn extend_environment(env: &mut Environment, request: &Request, project: &ProjectFolder, cargo_home: &Path) {
    let in_path = request.details.install.as_ref().is_some_and(|install| install.installed.in_path);
    let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(in_path.then(|| project.root.join("bin")));
    if let Ok(path) = std::env::join_paths(folders) {
        env.insert("PATH".into(), path);
    }
    if !request.has_source() {
        env.insert("__CARGO_TEST_ROOT".into(), cargo_home.into());
    }
}

/// Creates an empty package for cargo-ndk, which needs one even to print its variables. Returns its folder.
pub(crate) fn stand_in_package(project: &ProjectFolder) -> io::Result<PathBuf> {
    let folder = project.tmp.join("package");
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    fs::write(folder.join("Cargo.toml"), "[package]\nname = \"installed\"\n[workspace]\n")?;
    Ok(folder)
}

/// The new programs in the install root, and cargo's record of them. Other processes of the build can write there too, so a
/// program counts only if the record lists it under a package that was asked for, and cargo reported that it built it.
pub(crate) fn new_files(request: &Request, project: &ProjectFolder, messages: &StdoutSummary) -> Vec<BuiltFile> {
    let Some(install) = &request.details.install else { return Vec::new() };
    let bin = project.root.join("bin");
    let record = read_record(project);
    let wanted: Vec<&str> =
        install.crates.iter().map(|name| name.split_once('@').map_or(name.as_str(), |(name, _)| name)).collect();
    let built_kind = |name: &str| {
        messages.artifacts.iter().find_map(|artifact| {
            let named = artifact.executable.as_ref()?.file_name() == Some(name);
            let programs = artifact.target.kind.iter();
            programs
                .filter(|_| named)
                .find(|kind| matches!(kind, TargetKind::Bin | TargetKind::Example))
                .map(ToString::to_string)
        })
    };
    let program = |name: &str, package: PackageRef| {
        let file = bin.join(name);
        let kind = FileKind::Executable {
            name: name.to_owned(),
            target_kind: built_kind(name)?,
            package,
            target: request.options.target.first().cloned(),
            tested: None,
        };
        is_new(&file).then(|| BuiltFile { file, path: format!("bin/{name}"), kind })
    };
    if install.no_track {
        // Cargo wrote no record; only the names of the files are known.
        let names = fs::read_dir(&bin).into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let package = |name: &str| wanted.first().map_or(name, |wanted| wanted).to_owned();
        let mut files: Vec<BuiltFile> =
            names.filter_map(|name| program(&name, PackageRef { name: package(&name), ..unknown_package() })).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        return files;
    }
    let mut files = Vec::new();
    for (id, installed) in &record.installs {
        let mut parts = id.splitn(3, ' ');
        let (Some(name), Some(version)) = (parts.next(), parts.next()) else { continue };
        if wanted.is_empty() || wanted.contains(&name) {
            let package = PackageRef { name: name.to_owned(), version: version.to_owned(), ..unknown_package() };
            files.extend(installed.bins.iter().filter_map(|bin| program(bin, package.clone())));
        }
    }
    let copy = project.root.join("record.json");
    if !files.is_empty() && write_record(project, &copy).is_ok() {
        files.push(BuiltFile { file: copy, path: RECORDS[0].to_owned(), kind: FileKind::Installed });
    }
    files
}

fn unknown_package() -> PackageRef {
    PackageRef { name: String::new(), version: String::new(), directory: String::new() }
}

/// Whether a file is a program that cargo installed just now, and not the empty file that stands for the device's.
fn is_new(file: &Path) -> bool {
    file.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
        && file.canonicalize().is_ok_and(|canonical| canonical == file)
}

fn read_record(project: &ProjectFolder) -> CargoRecord {
    let text = read_text(project).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn read_text(project: &ProjectFolder) -> io::Result<String> {
    let file = project.root.join(RECORDS[0]);
    let there = file.symlink_metadata()?;
    if !there.is_file() || there.len() > MAX_RECORD_BYTES || file.canonicalize()? != file {
        return Err(io::Error::other("this is no record of cargo's"));
    }
    fs::read_to_string(file)
}

/// Writes the record to `to`, with the device's paths in the place of the builder's.
fn write_record(project: &ProjectFolder, to: &Path) -> io::Result<()> {
    let source = file_url(&project.source.to_string_lossy());
    crate::project::remove(to)?;
    fs::write(to, move_source(&read_text(project)?, &source, SOURCE_URL))
}

#[cfg(test)]
mod tests {
    use protocol::{CargoOptions, Command, Details, InstallRequest, Owner};

    use super::*;

    fn request(install: InstallRequest) -> Request {
        Request {
            protocol: 1,
            client: String::new(),
            command: Command::Install,
            project: "k-1".parse().unwrap(),
            options: CargoOptions::default(),
            details: Details { install: Some(install), ..Details::default() },
        }
    }

    fn messages(names: &[&str]) -> StdoutSummary {
        let message = |name: &&str| {
            let json = serde_json::json!({
                "package_id": "", "features": [], "filenames": [], "fresh": false, "executable": format!("/t/{name}"),
                "target": {"kind": ["bin"], "name": name, "src_path": ""},
                "profile": {"opt_level": "3", "debug_assertions": false, "overflow_checks": false, "test": false},
            });
            serde_json::from_value(json).unwrap()
        };
        StdoutSummary { artifacts: names.iter().map(message).collect(), ..StdoutSummary::default() }
    }

    #[test]
    fn only_programs_that_were_asked_for_and_installed_by_cargo_count() {
        let work = tempfile::tempdir().unwrap();
        let project =
            ProjectFolder::new(&work.path().canonicalize().unwrap(), &Owner::default(), &"k-1".parse().unwrap());
        project.prepare().unwrap();
        let installed = Installed {
            crates_toml: format!("[v1]\n\"mine 1.0.0 ({SOURCE_URL}/a)\" = [\"old\"]\n"),
            crates2_json: String::new(),
            bin: vec!["old".to_owned(), "stray".to_owned()],
            in_path: true,
        };
        let install = InstallRequest { crates: vec!["tool@1.0.0".to_owned()], installed, ..InstallRequest::default() };
        create(&project, &install.installed).unwrap();
        let text = fs::read_to_string(project.root.join(".crates.toml")).unwrap();
        let source = file_url(project.source.to_str().unwrap());
        assert!(text.contains(&format!("({source}/a)")), "{text}");

        let record = serde_json::json!({"installs": {
            format!("mine 1.0.0 ({source}/a)"): {"bins": ["old"]},
            "tool 1.0.0 (registry+https://example.com/index)": {"bins": ["forged", "link", "tool"]},
            "evil 1.0.0 (registry+https://example.com/index)": {"bins": ["ls"]},
        }});
        fs::write(project.root.join(".crates2.json"), record.to_string()).unwrap();
        for name in ["tool", "ls", "forged", "unlisted"] {
            fs::write(project.root.join("bin").join(name), "program").unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", project.root.join("bin/link")).unwrap();
        let messages = messages(&["tool", "ls", "old", "link", "unlisted"]);
        let paths = |request: &Request| {
            new_files(request, &project, &messages).into_iter().map(|file| file.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(&request(install.clone())), ["bin/tool", ".crates2.json"]);
        let returned = fs::read_to_string(project.root.join("record.json")).unwrap();
        assert!(returned.contains(&format!("({SOURCE_URL}/a)")), "{returned}");
        let untracked = InstallRequest { no_track: true, ..install };
        assert_eq!(paths(&request(untracked)), ["bin/ls", "bin/tool", "bin/unlisted"]);
    }
}

//! `cargo install`: the device's install root as cargo is to find it, and what is new in it afterwards.
//!
//! Cargo itself decides what is up to date, what is in the way and what is no longer needed: it finds the device's own
//! records, and an empty file in the place of each program the device has.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{FileKind, Installed, PackageRef, Request, SOURCE_URL, file_url, move_source};
use serde::Deserialize;

use crate::cargo::StdoutSummary;
use crate::environment::Environment;
use crate::products::Product;
use crate::project::Project;

/// Cargo's record of what is installed, and its older form.
const RECORDS: [&str; 2] = [".crates2.json", ".crates.toml"];

/// The largest record that is sent back: a hundred packages have 50 KB.
const MAX_RECORD_BYTES: u64 = 16 * 1024 * 1024;

/// The part of `.crates2.json` that matters here.
#[derive(Debug, Default, Deserialize)]
struct Record {
    #[serde(default)]
    installs: BTreeMap<String, Install>,
}

#[derive(Debug, Deserialize)]
struct Install {
    #[serde(default)]
    bins: Vec<String>,
}

/// Makes the install root what the device's is.
pub(crate) fn seed(project: &Project, installed: &Installed) -> io::Result<()> {
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

/// What an installation has other than a build: programs go where it finds them if the device does, because cargo warns
/// otherwise; and configuration counts that lies in cargo's home, not that of a folder.
pub(crate) fn environment(env: &mut Environment, request: &Request, project: &Project, cargo_home: &Path) {
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

/// A package for cargo-ndk, which wants one even to be asked for variables.
pub(crate) fn stand_in_package(project: &Project) -> io::Result<PathBuf> {
    let folder = project.tmp.join("package");
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    fs::write(folder.join("Cargo.toml"), "[package]\nname = \"installed\"\n[workspace]\n")?;
    Ok(folder)
}

/// The programs that are new in the install root, and cargo's record of them. Other processes of the build can write there
/// too: a program counts only if the record has it, under a package that was asked for, and cargo told of having built it.
pub(crate) fn products(request: &Request, project: &Project, made: &StdoutSummary) -> Vec<Product> {
    let Some(install) = &request.details.install else { return Vec::new() };
    let bin = project.root.join("bin");
    let record = read_record(project);
    let wanted: Vec<&str> =
        install.crates.iter().map(|name| name.split_once('@').map_or(name.as_str(), |(name, _)| name)).collect();
    let built = |name: &str| {
        made.artifacts.iter().find_map(|artifact| {
            let named = Path::new(artifact.executable.as_deref()?).file_name() == Some(OsStr::new(name));
            artifact.target.kind.iter().find(|kind| named && matches!(kind.as_str(), "bin" | "example")).cloned()
        })
    };
    let product = |name: &str, package: PackageRef| {
        let file = bin.join(name);
        let kind = FileKind::Executable {
            name: name.to_owned(),
            target_kind: built(name)?,
            package,
            target: request.options.target.first().cloned(),
            tested: None,
        };
        is_new(&file).then(|| Product { file, path: format!("bin/{name}"), kind })
    };
    if install.no_track {
        // There is no record; the names are all there is.
        let names = fs::read_dir(&bin).into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let package = |name: &str| wanted.first().map_or(name, |wanted| wanted).to_owned();
        let mut products: Vec<Product> =
            names.filter_map(|name| product(&name, PackageRef { name: package(&name), ..unknown() })).collect();
        products.sort_by(|a, b| a.path.cmp(&b.path));
        return products;
    }
    let mut products = Vec::new();
    for (id, installed) in &record.installs {
        let mut parts = id.splitn(3, ' ');
        let (Some(name), Some(version)) = (parts.next(), parts.next()) else { continue };
        if wanted.is_empty() || wanted.contains(&name) {
            let package = PackageRef { name: name.to_owned(), version: version.to_owned(), ..unknown() };
            products.extend(installed.bins.iter().filter_map(|bin| product(bin, package.clone())));
        }
    }
    let copy = project.root.join("record.json");
    if !products.is_empty() && write_record(project, &copy).is_ok() {
        products.push(Product { file: copy, path: RECORDS[0].to_owned(), kind: FileKind::Installed });
    }
    products
}

fn unknown() -> PackageRef {
    PackageRef { name: String::new(), version: String::new(), directory: String::new() }
}

/// Whether it is a program that cargo put there, and not the empty file in its place.
fn is_new(file: &Path) -> bool {
    file.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
        && file.canonicalize().is_ok_and(|canonical| canonical == file)
}

fn read_record(project: &Project) -> Record {
    let text = read_text(project).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn read_text(project: &Project) -> io::Result<String> {
    let file = project.root.join(RECORDS[0]);
    let there = file.symlink_metadata()?;
    if !there.is_file() || there.len() > MAX_RECORD_BYTES || file.canonicalize()? != file {
        return Err(io::Error::other("no record of cargo's"));
    }
    fs::read_to_string(file)
}

/// The record as it holds on the device.
fn write_record(project: &Project, to: &Path) -> io::Result<()> {
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

    fn made(names: &[&str]) -> StdoutSummary {
        let message = |name: &&str| {
            let json =
                serde_json::json!({"target": {"kind": ["bin"], "name": name}, "executable": format!("/t/{name}")});
            serde_json::from_value(json).unwrap()
        };
        StdoutSummary { artifacts: names.iter().map(message).collect(), ..StdoutSummary::default() }
    }

    #[test]
    fn only_what_cargo_installed_of_what_was_asked_for_comes_back() {
        let work = tempfile::tempdir().unwrap();
        let project = Project::new(&work.path().canonicalize().unwrap(), &Owner::default(), &"k-1".parse().unwrap());
        project.prepare().unwrap();
        let installed = Installed {
            crates_toml: format!("[v1]\n\"mine 1.0.0 ({SOURCE_URL}/a)\" = [\"old\"]\n"),
            crates2_json: String::new(),
            bin: vec!["old".to_owned(), "stray".to_owned()],
            in_path: true,
        };
        let install = InstallRequest { crates: vec!["tool@1.0.0".to_owned()], installed, ..InstallRequest::default() };
        seed(&project, &install.installed).unwrap();
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
        let made = made(&["tool", "ls", "old", "link", "unlisted"]);
        let paths = |request: &Request| {
            products(request, &project, &made).into_iter().map(|product| product.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(&request(install.clone())), ["bin/tool", ".crates2.json"]);
        let returned = fs::read_to_string(project.root.join("record.json")).unwrap();
        assert!(returned.contains(&format!("({SOURCE_URL}/a)")), "{returned}");
        let untracked = InstallRequest { no_track: true, ..install };
        assert_eq!(paths(&request(untracked)), ["bin/ls", "bin/tool", "bin/unlisted"]);
    }
}

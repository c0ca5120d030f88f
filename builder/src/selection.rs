//! Which programs were asked for. What a build prints can't be believed: macros and build scripts print beside cargo.
//! So a program counts only if the project has it, the request asks for it, and it lies where cargo puts it.

use std::path::{Path, PathBuf};

use glob::Pattern;
use protocol::{CargoOptions, FileKind, PackageRef};
use serde::Deserialize;

use crate::output::ArtifactMessage;
use crate::plan::profile_folder;

/// The parts of `cargo metadata` that matter here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    #[serde(default)]
    workspace_default_members: Vec<String>,
    workspace_root: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// A program that was asked for and made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// Where it lies, canonical.
    pub file: PathBuf,
    /// Its path below the target directory, `/` between parts.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
}

/// What decides.
pub(crate) struct Selection<'a> {
    /// The project, as cargo sees it.
    pub metadata: &'a Metadata,
    /// The request.
    pub options: &'a CargoOptions,
    /// Where cargo ran.
    pub directory: &'a Path,
    /// The source's top.
    pub source: &'a Path,
    /// The target directory.
    pub target: &'a Path,
}

impl Selection<'_> {
    /// The programs among these messages that were asked for, each once, in the order in which they were made.
    pub fn programs(&self, artifacts: &[ArtifactMessage]) -> Vec<Program> {
        let mut programs: Vec<Program> = Vec::new();
        for program in artifacts.iter().filter_map(|artifact| self.program(artifact)) {
            if !programs.iter().any(|known| known.path == program.path) {
                programs.push(program);
            }
        }
        programs
    }

    fn program(&self, artifact: &ArtifactMessage) -> Option<Program> {
        let executable = Path::new(artifact.executable.as_deref()?);
        let package = self
            .metadata
            .packages
            .iter()
            .find(|package| package.manifest_path == Path::new(&artifact.manifest_path))?;
        let known = |target: &&Target| target.name == artifact.target.name && target.kind == artifact.target.kind;
        let target = package.targets.iter().find(known)?;
        if !self.wants_package(package) {
            return None;
        }
        let target_kind = self.wanted_kind(target, artifact.profile.test)?;
        let relative = executable.strip_prefix(self.target).ok()?.to_str()?.to_owned();
        let triple = self.place(&relative, &target.name, target_kind)?;
        let file = executable.canonicalize().ok().filter(|file| file == executable)?;
        // A link, or a folder, is nothing cargo makes.
        if !file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            return None;
        }
        let directory = package.manifest_path.parent()?.strip_prefix(self.source).ok()?.to_str()?.to_owned();
        let kind = FileKind::Executable {
            name: target.name.clone(),
            target_kind: target_kind.to_owned(),
            package: PackageRef { name: package.name.clone(), version: package.version.clone(), directory },
            target: triple,
            source: None,
        };
        Some(Program { file, path: relative, kind })
    }

    fn wants_package(&self, package: &Package) -> bool {
        let member = self.metadata.workspace_members.contains(&package.id);
        if !self.options.package.is_empty() {
            return member && self.options.package.iter().any(|spec| names(spec, package));
        }
        if self.options.workspace {
            return member && !self.options.exclude.iter().any(|spec| names(spec, package));
        }
        // In a package's folder it is the one meant; at the workspace's root its default members are.
        let here = self.metadata.packages.iter().find(|other| other.manifest_path.parent() == Some(self.directory));
        let defaults = &self.metadata.workspace_default_members;
        match here {
            Some(here) if defaults.is_empty() || self.metadata.workspace_root != self.directory => {
                package.id == here.id
            }
            _ if defaults.is_empty() => member,
            _ => defaults.contains(&package.id),
        }
    }

    /// What the program counts as, if it was asked for; `harness`: it was compiled with the test harness.
    fn wanted_kind(&self, target: &Target, harness: bool) -> Option<&'static str> {
        let options = self.options;
        let (tests, benches) = (options.tests || options.all_targets, options.benches || options.all_targets);
        let is = |kind: &str| target.kind.iter().any(|known| known == kind);
        let named = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, &target.name));
        if is("test") {
            return (tests || named(&options.test)).then_some("test");
        }
        if is("bench") {
            return (benches || named(&options.bench)).then_some("bench");
        }
        if harness {
            let unit = tests || benches;
            return unit.then_some(if tests { "test" } else { "bench" });
        }
        if is("example") {
            return (options.examples || options.all_targets || named(&options.example)).then_some("example");
        }
        let any = options.lib
            || options.examples
            || tests
            || benches
            || !(options.example.is_empty() && options.test.is_empty() && options.bench.is_empty());
        let bins = options.bins || options.all_targets || named(&options.bin) || (options.bin.is_empty() && !any);
        (is("bin") && bins).then_some("bin")
    }

    /// Checks that a path below the target directory is where cargo puts such a program, and reads its triple from it.
    fn place(&self, relative: &str, name: &str, target_kind: &str) -> Option<Option<String>> {
        let parts: Vec<&str> = relative.split('/').collect();
        let (triple, rest) = match parts.first() {
            Some(first) if self.options.target.iter().any(|target| target == first) => {
                (Some((*first).to_owned()), &parts[1..])
            }
            _ => (None, &parts[..]),
        };
        let [profile, rest @ ..] = rest else { return None };
        let place = *profile == profile_folder(self.options)
            && match (target_kind, rest) {
                ("bin", [file]) => stem(file) == name,
                ("example", ["examples", file]) => stem(file) == name,
                ("test" | "bench", ["deps", file]) => {
                    stem(file).rsplit_once('-').is_some_and(|(stem, _)| stem == name.replace('-', "_"))
                }
                _ => false,
            };
        place.then_some(triple)
    }
}

/// A program's file name without the ending some targets give it.
fn stem(file: &str) -> &str {
    file.strip_suffix(".exe").or_else(|| file.strip_suffix(".wasm")).unwrap_or(file)
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name))
}

/// Whether a package id specification (doc.rust-lang.org/cargo, package id specifications) means this package.
fn names(spec: &str, package: &Package) -> bool {
    let (url, fragment) = match spec.rsplit_once('#') {
        Some((url, fragment)) => (Some(url), fragment),
        None if spec.contains("://") => (Some(spec), ""),
        None => (None, spec),
    };
    if let Some(path) =
        url.map(|url| url.strip_prefix("path+").unwrap_or(url)).and_then(|url| url.strip_prefix("file://"))
    {
        if package.manifest_path.parent() != Some(Path::new(path)) {
            return false;
        }
    } else if url.is_some() {
        return false;
    }
    if fragment.is_empty() {
        return url.is_some();
    }
    let (name, version) = match fragment.split_once(['@', ':']) {
        Some((name, version)) => (name, Some(version)),
        None if fragment.starts_with(|c: char| c.is_ascii_digit()) => (package.name.as_str(), Some(fragment)),
        None => (fragment, None),
    };
    // `1.2` means every 1.2.x.
    let of_version = |version: &str| {
        package.version == version || package.version.strip_prefix(version).is_some_and(|rest| rest.starts_with('.'))
    };
    matches(name, &package.name) && version.is_none_or(of_version)
}

#[cfg(test)]
mod tests;
